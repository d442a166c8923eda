// EXPLAIN: what a SELECT would read, and how; EXPLAIN ANALYZE: what it did, and how long it took.
#pragma once

#include "query/languages/influxql/catalog.h"
#include "query/languages/influxql/influxql.h"

namespace campanile::query::influxql {

Result<void> explain(const Explain& statement, Catalog& catalog, const RunOptions& options, ResultSink& sink);

}  // namespace campanile::query::influxql
