// Subqueries: what FROM says, as sources of the plan: measurements as they are, SELECTs in parentheses as the rows that they have.
//
//   std::vector<query::Source> sources = TRY(resolve_sources(statement, prepared, catalog, context));
//
// A subquery takes over from the query around it what InfluxDB lets it: the range of time, the order, the tags of GROUP BY, and its interval where it has none
// of its own and calls functions. Its rows are held in memory (query/result_reader.h).
// Threads: runs subqueries on the caller's. Errors: those of planning and executing them.
#pragma once

#include <vector>

#include "query/languages/influxql/catalog.h"
#include "query/languages/influxql/planner.h"

namespace campanile::query::influxql {

// The whole way from a SELECT to its plan, over tiers where the catalogue has some that answer it.
Result<SelectResult> plan_over(const SelectStatement& statement, const PreparedSelect& prepared, Catalog& catalog, const Context& context);

Result<std::vector<query::Source>> resolve_sources(const SelectStatement& statement, const PreparedSelect& prepared, Catalog& catalog, const Context& context);

}  // namespace campanile::query::influxql
