// InfluxDB 2's resources beside writing, as its clients use them: buckets, and deleting points.
//
//   GET /api/v2/buckets?name=campus/autogen     POST /api/v2/buckets {"name": "campus/month", "retentionRules": [{"everySeconds": 2592000}]}
//   DELETE /api/v2/buckets/0000000000000007     POST /api/v2/delete?bucket=campus {"start": "…", "stop": "…", "predicate": "_measurement=\"data\" AND room=\"302\""}
//
// A bucket is a retention policy of a database, named database/policy; a database alone means its default one. There is one organisation.
// Threads: handle…() on any loop; the work is done by `background`. What is erased is recorded in the audit log in the requester's name.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "api/background.h"
#include "audit/audit_log.h"
#include "base/clock.h"
#include "net/http_server.h"
#include "tsdb/engine.h"

namespace campanile::api {

// A predicate of /api/v2/delete: name="value", any number of them with AND between. Names may be quoted; \" and \\ stand for themselves in quotes.
// The measurement is _measurement. Errors: kInvalidArgument telling what was found and what is wanted. Pure.
Result<tsdb::PointSelection> parse_delete_predicate(std::string_view text);

class InfluxV2Resource {
 public:
  InfluxV2Resource(tsdb::Engine& engine, audit::AuditLog& log, const Clock& clock, std::chrono::seconds timeout, Background background);
  void handle_buckets(net::HttpRequest request, net::HttpResponder responder);
  void handle_delete(net::HttpRequest request, net::HttpResponder responder);

 private:
  net::HttpResponse list_buckets(const net::HttpRequest& request) const;
  net::HttpResponse create_bucket(const net::HttpRequest& request) const;
  net::HttpResponse drop_bucket(const net::HttpRequest& request, const std::string& who) const;
  net::HttpResponse erase(const net::HttpRequest& request, const std::string& who) const;
  // Runs `answer` in the background.
  void answer_later(net::HttpResponder responder, std::function<net::HttpResponse()> answer) const;

  tsdb::Engine& engine_;
  audit::AuditLog& log_;
  const Clock& clock_;
  const std::chrono::seconds timeout_;
  Background background_;
};

}  // namespace campanile::api
