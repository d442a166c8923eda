// The planner: a SELECT over known measurements to a plan that the executor runs.
//
//   PreparedSelect prepared = TRY(prepare_select(statement, now_ns));          // what needs no data
//   SelectResult made = TRY(plan_select(statement, prepared, sources));        // with the measurements that FROM names
//   if (made.plan) TRY(execute(*made.plan, context, sink));
//
// Pure but for the schema that it asks the readers for. Errors: kInvalidArgument in InfluxDB's words; kUnsupported.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "query/languages/influxql/ast.h"
#include "query/languages/influxql/columns.h"
#include "query/languages/influxql/condition.h"
#include "query/plan.h"

namespace campanile::query::influxql {

struct PreparedSelect {
  std::shared_ptr<const TimeZone> zone;  // null: UTC
  Condition condition;
  Grouping grouping;
  int64_t now_ns = 0;
};

Result<PreparedSelect> prepare_select(const SelectStatement& statement, int64_t now_ns);

struct SelectResult {
  std::vector<std::string> columns;  // the time's first
  std::optional<SelectPlan> plan;    // none where nothing can come of it
};

Result<SelectResult> plan_select(const SelectStatement& statement, const PreparedSelect& prepared, std::vector<query::Source> sources);

}  // namespace campanile::query::influxql
