#include "query/languages/influxql/planner.h"

#include <algorithm>

#include <re2/re2.h>

#include "query/languages/influxql/call_plans.h"
#include "query/languages/influxql/expression_builder.h"
#include "query/languages/influxql/field_checks.h"
#include "query/languages/influxql/functions.h"
#include "query/languages/influxql/series_predicate.h"
#include "query/languages/influxql/time_text.h"

namespace campanile::query::influxql {
namespace {

Fill to_fill(const SelectStatement& statement) {
  switch (statement.fill) {
    case FillKind::kNone: return {Fill::Kind::kNone, {}};
    case FillKind::kNull: return {Fill::Kind::kNull, {}};
    case FillKind::kPrevious: return {Fill::Kind::kPrevious, {}};
    case FillKind::kLinear: return {Fill::Kind::kLinear, {}};
    case FillKind::kNumber: break;
  }
  const Expr& number = statement.fill_number;
  const bool whole = number.kind == Expr::Kind::kInteger;
  return {Fill::Kind::kNumber, whole ? FieldValue::of_integer(number.integer) : FieldValue::of_float(number.number)};
}

// The tag keys to group by, sorted, each once.
std::vector<std::string> grouping_keys(const Grouping& grouping, const Schema& schema) {
  std::vector<std::string> keys = grouping.tags;
  for (const std::string& key : schema.tags()) {
    const bool by_pattern = std::any_of(grouping.patterns.begin(), grouping.patterns.end(), [&](const auto& regex) {
      return re2::RE2::PartialMatch(re2::StringPiece(key.data(), key.size()), *regex->pattern);
    });
    if (grouping.all_tags || by_pattern) keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

bool is_empty_range(const Condition& condition) { return condition.from_ns && condition.to_ns && *condition.from_ns > *condition.to_ns; }

// A query of nothing but tags has no rows, except over subqueries, where each of theirs makes one.
void add_rows_of_subqueries(SelectPlan& plan) {
  const bool over_subqueries = std::ranges::all_of(plan.sources, [](const query::Source& each) { return each.range.has_value(); });
  const bool only_tags = plan.aggregates.empty() && plan.stages.empty() && plan.parts.empty() &&
                         std::ranges::none_of(plan.inputs, [](const Input& each) { return each.makes_rows; }) &&
                         std::ranges::any_of(plan.outputs, [&](const Expression& each) { return is_tag_input(each, plan.inputs); });
  if (!over_subqueries || !only_tags) return;
  const Schema schema(plan.sources);
  for (const auto& [name, type] : schema.fields()) add_input(plan, {Input::Kind::kField, name, type, true});
}

}  // namespace

Result<PreparedSelect> prepare_select(const SelectStatement& statement, int64_t now_ns) {
  PreparedSelect prepared;
  prepared.now_ns = now_ns;
  if (!statement.time_zone.empty()) prepared.zone = TRY(TimeZone::find(statement.time_zone));
  if (statement.condition) prepared.condition = TRY(split_condition(*statement.condition, now_ns, prepared.zone.get()));
  prepared.grouping = TRY(read_dimensions(statement, now_ns, prepared.zone));
  TRY(check_fields(statement, prepared.grouping));
  return prepared;
}

Result<SelectResult> plan_select(const SelectStatement& statement, const PreparedSelect& prepared, std::vector<query::Source> sources) {
  const Schema schema(sources);
  const Columns columns = expand_columns(statement, schema, prepared.grouping);
  SelectResult result{columns.names, std::nullopt};
  SelectPlan plan;
  plan.sources = std::move(sources);
  plan.has_lower_bound = prepared.condition.from_ns.has_value();
  plan.range.from_ns = prepared.condition.from_ns.value_or(kMinTime);
  plan.range.to_ns = prepared.condition.to_ns.value_or(prepared.grouping.window ? prepared.now_ns : kMaxTime);
  plan.ascending = statement.ascending;
  plan.group_by = grouping_keys(prepared.grouping, schema);
  plan.window = prepared.grouping.window;
  if (plan.window) plan.fill = to_fill(statement);
  plan.limit = statement.limit;
  plan.offset = statement.offset;
  plan.series_limit = statement.series_limit;
  plan.series_offset = statement.series_offset;

  CallPlans calls(schema, plan);
  for (const Expr& expr : columns.exprs) TRY(calls.add(expr));
  const bool has_calls = std::ranges::any_of(statement.fields, [](const FieldExpr& field) { return has_reading_call(field.expr); });
  if (has_calls && calls.empty()) return result;
  if (has_calls) plan = TRY(calls.finish(prepared.condition.rest));
  ExpressionBuilder builder(schema, plan, has_calls ? &calls.slots() : nullptr);
  std::vector<Expression> outputs;
  for (const Expr& expr : columns.exprs) outputs.push_back(TRY(builder.output(expr)));
  plan.outputs = std::move(outputs);
  if (prepared.condition.rest && plan.parts.empty()) plan.filter = TRY(builder.filter(*prepared.condition.rest));
  plan.series = to_predicate(plan.filter, plan.inputs);
  add_rows_of_subqueries(plan);
  const bool makes_rows = !plan.parts.empty() || std::ranges::any_of(plan.inputs, [](const Input& each) { return each.makes_rows; });
  if (!makes_rows || is_empty_range(prepared.condition)) return result;
  result.plan = std::move(plan);
  return result;
}

}  // namespace campanile::query::influxql
