// DELETE: erases points by measurement, tags and time, in every retention policy of the database.
//
//   TRY(run_delete(statement, engine, catalog, options));
//
// Threads: a worker; it takes as long as the erasing (tsdb/engine.h). Errors: in InfluxDB's words where it has any.
#pragma once

#include "query/languages/influxql/catalog.h"
#include "query/languages/influxql/influxql.h"

namespace campanile::query::influxql {

Result<void> run_delete(const DeleteStatement& statement, tsdb::Engine& engine, Catalog& catalog, const RunOptions& options);

}  // namespace campanile::query::influxql
