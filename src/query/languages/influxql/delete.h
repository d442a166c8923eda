// DELETE, DROP SERIES and DROP MEASUREMENT: erase points by measurement, tags and time, in every retention policy of the database.
//
//   TRY(run_delete(statement, text, engine, catalog, options));
//
// It asks between slices of series whether it is to go on, and tells how far it came where it is not.
// Threads: a worker; it takes as long as the erasing (tsdb/engine.h). Errors: in InfluxDB's words where it has any.
#pragma once

#include <string_view>

#include "query/languages/influxql/catalog.h"
#include "query/languages/influxql/influxql.h"

namespace campanile::query::influxql {

// `text` is what the audit log keeps of it.
Result<void> run_delete(const DeleteStatement& statement, std::string_view text, tsdb::Engine& engine, Catalog& catalog, const RunOptions& options);

// Whole series, and all of a measurement. Its fields keep their types.
Result<void> run_drop_series(const DropSeries& statement, std::string_view text, tsdb::Engine& engine, Catalog& catalog, const RunOptions& options);
Result<void> run_drop_measurement(const DropMeasurement& statement, std::string_view text, tsdb::Engine& engine, Catalog& catalog, const RunOptions& options);

}  // namespace campanile::query::influxql
