// SHOW: what databases, measurements, tags, fields and series there are.
//
// Threads: as influxql.h. A time in WHERE is not looked at: InfluxDB's answer leaves out what lies in other shards, this
// store knows no shards and answers for all time.
#pragma once

#include <string>

#include "base/result.h"
#include "query/languages/influxql/ast.h"
#include "query/languages/influxql/catalog.h"
#include "query/languages/influxql/result_sink.h"
#include "query/languages/influxql/influxql.h"

namespace campanile::query::influxql {

Result<void> show_measurements(const ShowMeasurements& statement, Catalog& catalog, const RunOptions& options, ResultSink& sink);
Result<void> show_tag_keys(const ShowTagKeys& statement, Catalog& catalog, const RunOptions& options, ResultSink& sink);
Result<void> show_tag_values(const ShowTagValues& statement, Catalog& catalog, const RunOptions& options, ResultSink& sink);
Result<void> show_field_keys(const ShowFieldKeys& statement, Catalog& catalog, const RunOptions& options, ResultSink& sink);
Result<void> show_series(const ShowSeries& statement, Catalog& catalog, const RunOptions& options, ResultSink& sink);
Result<void> show_cardinality(const ShowCardinality& statement, Catalog& catalog, const RunOptions& options, ResultSink& sink);
Result<void> show_queries(const RunOptions& options, ResultSink& sink);
Result<void> show_continuous_queries(const tsdb::Engine& engine, ResultSink& sink);
Result<void> show_databases(const tsdb::Engine& engine, ResultSink& sink);
Result<void> show_retention_policies(const std::string& database, const tsdb::Engine& engine, ResultSink& sink);
Result<void> show_diagnostics(const ShowDiagnostics& statement, const RunOptions& options, ResultSink& sink);

}  // namespace campanile::query::influxql
