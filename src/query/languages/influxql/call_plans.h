// What the calls of a SELECT read: plans for the executor, one for all plain aggregates, one for each call that has stages of its own.
//
//   CallPlans calls(schema, base);
//   for (const Expr& column : columns) TRY(calls.add(column));
//   SelectPlan plan = TRY(calls.finish(condition));        // the only one, or one of parts
//   ExpressionBuilder builder(schema, plan, &calls.slots());
//
// Pure. Errors: kInvalidArgument in InfluxDB's words.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "query/languages/influxql/ast.h"
#include "query/languages/influxql/expression_builder.h"
#include "query/languages/influxql/schema.h"
#include "query/plan.h"

namespace campanile::query::influxql {

class CallPlans {
 public:
  // `base`: the sources, range, grouping, window and fill of the query.
  CallPlans(const Schema& schema, const SelectPlan& base) : schema_(schema), base_(base), plain_(base) {}

  // Takes the calls of a column.
  Result<void> add(const Expr& column);
  bool empty() const { return plain_.aggregates.empty() && staged_.empty(); }
  // REQUIRES: not empty; nothing is added any more.
  Result<SelectPlan> finish(const std::optional<Expr>& condition);
  const CallSlots& slots() const { return slots_; }

 private:
  // A plan that reads for one call, and where in its rows the result stands.
  struct Read {
    SelectPlan plan;
    size_t slot = 0;
    FieldType type = FieldType::kFloat;
  };
  struct Staged {
    std::string text;
    Read read;
  };
  Result<void> add_aggregate(const Expr& call);
  // Nothing where the call is over something that is no field, as here and below.
  Result<std::optional<Aggregate>> aggregate(const Expr& call, SelectPlan& plan) const;
  Result<std::optional<Read>> read_of(const Expr& call) const;
  Result<std::optional<Read>> read_aggregate(const Expr& call) const;
  Result<std::optional<Read>> read_field(const Expr& call, bool accepted) const;
  Result<std::optional<Read>> read_pick(const Expr& call) const;
  Result<std::optional<Read>> read_transform(const Expr& call) const;
  Value missing_value(FieldType type) const;
  Result<void> add_filter(SelectPlan& plan, const std::optional<Expr>& condition) const;

  const Schema& schema_;
  const SelectPlan& base_;
  SelectPlan plain_;
  std::vector<Staged> staged_;
  CallSlots slots_;
  bool any_unknown_ = false;
};

}  // namespace campanile::query::influxql
