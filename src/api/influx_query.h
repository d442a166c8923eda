// Influx query: GET and POST /query of InfluxDB 1.x: InfluxQL in, JSON or CSV out, with its statuses, headers and error texts.
//
//   InfluxQueryResource query(engine, clock, {.version = "0.1.0"}, background);
//   router.add("POST", "/query", [&](auto request, auto responder) { query.handle(std::move(request), std::move(responder)); });
//
// Parameters, of the query string or a form body: q, db, rp, epoch, pretty, chunked, chunk_size, params; reason, which the audit log keeps beside
// what a statement erased; and tiers=off for answers from the points alone. docs/influxql.md has the language.
// Who may ask is found out before the request comes here; u and p are left alone.
// Threads: handle() on any loop; queries are parsed and run in the background, where they stop when the client goes or the time is up.
// Limits: options; where no worker can take a query it gets 503.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "api/background.h"
#include "audit/audit_log.h"
#include "base/clock.h"
#include "net/http_server.h"
#include "query/plan.h"
#include "query/running_queries.h"
#include "query/tiers.h"
#include "tsdb/engine.h"

namespace campanile::api {

struct InfluxQueryOptions {
  query::Limits limits;
  std::chrono::seconds timeout{30};              // of all statements of a request together; 0: none
  uint64_t response_bytes_max = 256ull << 20;    // of an answer in one piece, and of each chunk
  std::string version;                           // that SHOW DIAGNOSTICS tells
  const query::Tiers* tiers = nullptr;           // that answers may come from
  audit::AuditLog* audit = nullptr;              // that what erases points is recorded in
  // As query::Context has them.
  std::function<bool(std::move_only_function<void()>)> help;
  size_t helpers_max = 0;
};

class InfluxQueryResource {
 public:
  // The references must outlive the resource, and the resource what it has put in the background.
  InfluxQueryResource(tsdb::Engine& engine, const Clock& clock, InfluxQueryOptions options, Background run_in_background);

  void handle(net::HttpRequest request, net::HttpResponder responder);

 private:
  struct Asked;
  void answer(const Asked& asked, net::HttpResponder& responder) const;

  tsdb::Engine& engine_;
  const Clock& clock_;
  const InfluxQueryOptions options_;
  const Background run_in_background_;
  mutable query::RunningQueries running_;
};

}  // namespace campanile::api
