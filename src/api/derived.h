// Derived: GET /api/v1/derived: the tiers and trees of the configuration, and how far each of their measurements has come (docs/api.md).
//
// Threads: handle() on any loop; the work is done by `background`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "api/background.h"
#include "net/http_server.h"

namespace campanile::api {

// One measurement that is derived, as it is shown.
struct DerivedView {
  std::string set;
  std::string database;
  std::string measurement;
  std::string level;
  std::vector<std::string> sources;
  int64_t keep_ns = 0;                     // 0: as the database
  int64_t complete_to_ns = INT64_MIN;      // INT64_MIN: nothing yet
  uint64_t stale_windows = 0;
  uint64_t stale_series = 0;
  uint64_t missing_windows = 0;
  uint64_t rows = 0;
  std::string error;
};

class DerivedResource {
 public:
  DerivedResource(std::function<std::vector<DerivedView>()> list, Background background) : list_(std::move(list)), background_(std::move(background)) {}
  void handle(net::HttpRequest request, net::HttpResponder responder);

 private:
  const std::function<std::vector<DerivedView>()> list_;
  const Background background_;
};

}  // namespace campanile::api
