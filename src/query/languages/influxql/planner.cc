#include "query/languages/influxql/planner.h"

#include <algorithm>

#include <re2/re2.h>

#include "query/aggregator.h"
#include "query/languages/influxql/expression_builder.h"
#include "query/languages/influxql/time_text.h"

namespace campanile::query::influxql {
namespace {

using Op = Expression::Op;
using tsdb::TagPredicate;

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

TagPredicate of_children(TagPredicate::Kind kind, TagPredicate left, TagPredicate right) {
  TagPredicate made;
  made.kind = kind;
  made.children.push_back(std::move(left));
  made.children.push_back(std::move(right));
  return made;
}

bool is_tag_input(const Expression& expression, const std::vector<Input>& inputs) {
  return expression.kind == Expression::Kind::kInput && inputs[expression.input].kind == Input::Kind::kTag;
}

bool is_text(const Expression& expression) {
  return expression.kind == Expression::Kind::kConstant && expression.constant && expression.constant->type() == FieldType::kString;
}

TagPredicate leaf_predicate(const Expression& filter, const std::vector<Input>& inputs) {
  const Expression* tag = &filter.children[0];
  const Expression* other = &filter.children[1];
  if (!is_tag_input(*tag, inputs)) std::swap(tag, other);
  TagPredicate made;
  if (!is_tag_input(*tag, inputs)) return made;
  const bool by_pattern = other->kind == Expression::Kind::kPattern;
  const bool by_value = is_text(*other) && (filter.op == Op::kEqual || filter.op == Op::kNotEqual);
  if (!by_pattern && !by_value) return made;
  made.key = inputs[tag->input].name;
  if (by_pattern) {
    made.kind = filter.op == Op::kMatches ? TagPredicate::Kind::kMatches : TagPredicate::Kind::kNotMatches;
    made.pattern = other->pattern;
  } else {
    made.kind = filter.op == Op::kEqual ? TagPredicate::Kind::kEqual : TagPredicate::Kind::kNotEqual;
    made.value = other->text;
  }
  return made;
}

bool is_empty_range(const Condition& condition) { return condition.from_ns && condition.to_ns && *condition.from_ns > *condition.to_ns; }

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

TagPredicate to_predicate(const Expression& filter, const std::vector<Input>& inputs) {
  if (const auto truth = constant_truth(filter)) {
    TagPredicate made;
    made.kind = *truth ? TagPredicate::Kind::kTrue : TagPredicate::Kind::kFalse;
    return made;
  }
  if (filter.kind != Expression::Kind::kBinary) return {};
  if (filter.op != Op::kAnd && filter.op != Op::kOr) return leaf_predicate(filter, inputs);
  TagPredicate left = to_predicate(filter.children[0], inputs);
  TagPredicate right = to_predicate(filter.children[1], inputs);
  const bool is_and = filter.op == Op::kAnd;
  if (left.kind == TagPredicate::Kind::kTrue) return is_and ? right : left;
  if (right.kind == TagPredicate::Kind::kTrue) return is_and ? left : right;
  return of_children(is_and ? TagPredicate::Kind::kAnd : TagPredicate::Kind::kOr, std::move(left), std::move(right));
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

  ExpressionBuilder builder(schema, plan);
  const bool has_calls = std::ranges::any_of(statement.fields, [](const FieldExpr& field) { return has_call(field.expr); });
  for (const Expr& expr : columns.exprs) TRY(builder.collect_aggregates(expr));
  if (has_calls && plan.aggregates.empty()) return result;
  // Empty windows have no distinct values, and InfluxDB makes none up.
  if (!plan.aggregates.empty() && plan.aggregates[0].function == Function::kDistinct) plan.fill = {};
  plan.selector = plan.aggregates.size() == 1 && !builder.calls_unknown() && is_selector(plan.aggregates[0].function);
  for (const Expr& expr : columns.exprs) plan.outputs.push_back(TRY(builder.output(expr)));
  if (prepared.condition.rest) plan.filter = TRY(builder.filter(*prepared.condition.rest));
  plan.series = to_predicate(plan.filter, plan.inputs);
  const bool percentile_with_others = plan.selector && plan.aggregates[0].function == Function::kPercentile &&
                                      std::any_of(plan.outputs.begin(), plan.outputs.end(), [](const Expression& each) {
                                        return each.kind == Expression::Kind::kInput && each.input > 0;
                                      });
  if (percentile_with_others) return fail(ErrorCode::kUnsupported, "percentile() together with other fields or tags is not supported yet");
  const bool makes_rows = std::any_of(plan.inputs.begin(), plan.inputs.end(), [](const Input& each) { return each.makes_rows; });
  if (!makes_rows || is_empty_range(prepared.condition)) return result;
  result.plan = std::move(plan);
  return result;
}

}  // namespace campanile::query::influxql
