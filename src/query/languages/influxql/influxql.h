// InfluxQL: executes parsed statements against the store, one after the other, as /query does. README.md names the parts of this folder.
//
//   Query query = TRY(parse(text));
//   RunOptions options{.database = "campus", .now_ns = clock.now_ns()};
//   TRY(run(query, engine, options, sink));
//
// A statement that fails ends the query: its error is its result, and the next statement's result is "not executed".
// Threads: any, many at a time; not on an event loop, since it reads the disk.
// Errors: only those of the sink; a statement's error is a result.
#pragma once

#include <functional>
#include <string>

#include "audit/audit_log.h"
#include "base/result.h"
#include "query/languages/influxql/ast.h"
#include "query/languages/influxql/result_sink.h"
#include "query/plan.h"
#include "query/running_queries.h"
#include "query/tiers.h"
#include "tsdb/engine.h"

namespace campanile::query::influxql {

struct RunOptions {
  std::string database;          // where a statement names none; may be empty
  std::string retention_policy;  // of `database`, likewise; empty: its default
  int64_t now_ns = 0;
  bool is_read_only = false;     // a GET: writing statements are executed, with a warning
  std::string version;           // for SHOW DIAGNOSTICS
  Context context;
  const Tiers* tiers = nullptr;              // what is known of tiers; may be null
  bool reads_tiers = true;                   // false: answers come from the points alone
  RunningQueries* running = nullptr;         // what SHOW QUERIES lists and KILL QUERY ends; may be null
  std::function<int64_t()> steady_ns;        // a clock for EXPLAIN ANALYZE; may be empty
  // What changes or erases stored points is recorded there, in the name of `user` and with `reason`; null: it is not.
  audit::AuditLog* audit = nullptr;
  std::string user;
  std::string reason;
};

// An entry of that kind for a statement, to be filled in.
audit::AuditEntry audit_entry(std::string_view kind, std::string_view text, const RunOptions& options);

Result<void> run(const Query& query, tsdb::Engine& engine, const RunOptions& options, ResultSink& sink);

}  // namespace campanile::query::influxql
