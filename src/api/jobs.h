// Jobs: GET and POST /api/v1/jobs, POST /api/v1/jobs/{id}: recomputing continuous queries over times that have passed (docs/api.md).
//
// Threads: handle…() on any loop; the work is done by `background`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "api/background.h"
#include "base/result.h"
#include "net/http_server.h"

namespace campanile::api {

// A job as it is shown.
struct JobView {
  uint64_t id = 0;
  std::string database;
  std::string query;
  std::string who;
  std::string state;
  std::string error;
  int64_t from_ns = 0;
  int64_t to_ns = 0;
  int64_t priority = 0;
  uint64_t points = 0;
  double progress = 0;
  int64_t spent_ns = 0;
  int64_t created_ns = 0;
  int64_t changed_ns = 0;
};

struct JobWish {
  std::string database;
  std::string query;
  int64_t from_ns = 0;
  int64_t to_ns = 0;
  int64_t priority = 0;
  std::string who;
};

// Who does the jobs.
struct JobPort {
  std::function<std::vector<JobView>()> list;
  std::function<Result<JobView>(const JobWish&)> add;
  // `action`: pause, resume or cancel.
  std::function<Result<JobView>(uint64_t id, const std::string& action)> change;
};

class JobsResource {
 public:
  JobsResource(JobPort jobs, Background background) : jobs_(std::move(jobs)), background_(std::move(background)) {}
  void list(net::HttpRequest request, net::HttpResponder responder);
  void add(net::HttpRequest request, net::HttpResponder responder);
  void change(net::HttpRequest request, net::HttpResponder responder);

 private:
  const JobPort jobs_;
  const Background background_;
};

}  // namespace campanile::api
