// SELECT … INTO: the rows of a query as points, written durably before the statement is answered.
//
//   TRY(select_into(*statement.target, std::move(planned), catalog, engine, options, sink));
//
// Each series of rows goes into the target's measurement, or (:MEASUREMENT) one of its own name: what the rows are grouped by as tags, their columns as
// fields; nulls are left out, and rows of nothing else. Answers how many points were written, in InfluxDB's shape.
// Threads: a worker; it waits for the disk. Errors: of the query and of the store; what was written before stays. A store without room is tried again until
// the query is cancelled.
#pragma once

#include "query/languages/influxql/catalog.h"
#include "query/languages/influxql/influxql.h"
#include "query/languages/influxql/planner.h"

namespace campanile::query::influxql {

Result<void> select_into(const Source& target, SelectResult planned, Catalog& catalog, tsdb::Engine& engine, const RunOptions& options, ResultSink& sink);

}  // namespace campanile::query::influxql
