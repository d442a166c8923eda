#include "query/languages/influxql/call_plans.h"

#include <algorithm>

#include "query/aggregator.h"
#include "query/convert_number.h"
#include "query/languages/influxql/functions.h"
#include "query/languages/influxql/series_predicate.h"
#include "query/stage.h"
#include "query/transformation.h"

namespace campanile::query::influxql {
namespace {

std::unexpected<Error> wrong_type(const Expr& call, FieldType type) {
  return fail(ErrorCode::kInvalidArgument, "unsupported {} iterator type: *query.{}InterruptIterator", call.text, campanile::to_string(type));
}

// One window more is read before the first, so that it too has something before it.
void begin_one_window_earlier(SelectPlan& plan) {
  const int64_t every_ns = plan.window->every_ns;
  if (plan.ascending && plan.has_lower_bound && plan.range.from_ns >= INT64_MIN + every_ns) plan.range.from_ns -= every_ns;
  if (!plan.ascending && plan.range.to_ns <= INT64_MAX - every_ns) plan.range.to_ns += every_ns;
}

}  // namespace

// A number that fills gaps stands in rows that other columns have, too.
Value CallPlans::missing_value(FieldType type) const {
  if (!base_.window || base_.fill.kind != Fill::Kind::kNumber) return null_value();
  const double number = base_.fill.number.as_number();
  if (type == FieldType::kInteger) return FieldValue::of_integer(convert_number<int64_t>(number));
  return type == FieldType::kFloat ? Value(FieldValue::of_float(number)) : null_value();
}

Result<void> CallPlans::add(const Expr& column) {
  if (!is_reading_call(column)) {
    for (const Expr& child : column.children) TRY(add(child));
    return {};
  }
  std::string text = to_string(column);
  if (slots_.by_text.contains(text)) return {};
  if (aggregate_named(column.text)) return add_aggregate(column);
  const bool known = std::ranges::any_of(staged_, [&](const Staged& each) { return each.text == text; });
  if (known) return {};
  std::optional<Read> read = TRY(read_of(column));
  any_unknown_ = any_unknown_ || !read;
  if (read) staged_.push_back({std::move(text), std::move(*read)});
  return {};
}

Result<void> CallPlans::add_aggregate(const Expr& call) {
  const std::optional<Aggregate> made = TRY(aggregate(call, plain_));
  any_unknown_ = any_unknown_ || !made;
  if (!made) return {};
  const auto same = [&](const Aggregate& each) { return each.function == made->function && each.input == made->input && each.argument == made->argument; };
  const auto found = std::ranges::find_if(plain_.aggregates, same);
  slots_.by_text[to_string(call)] = static_cast<size_t>(found - plain_.aggregates.begin());
  if (found == plain_.aggregates.end()) plain_.aggregates.push_back(*made);
  return {};
}

Result<std::optional<Aggregate>> CallPlans::aggregate(const Expr& call, SelectPlan& plan) const {
  Aggregate made;
  made.function = *aggregate_named(call.text);
  const Expr* argument = &call.children[0];
  if (argument->is_call("distinct")) {
    made.function = Function::kCountDistinct;
    argument = &argument->children[0];
  }
  const auto type = field_type(schema_, *argument);
  if (!type) return std::nullopt;
  if (!accepts(made.function, *type)) return wrong_type(call, *type);
  made.input = add_input(plan, {Input::Kind::kField, argument->text, *type, true});
  if (made.function == Function::kPercentile) {
    made.argument = call.children[1].kind == Expr::Kind::kInteger ? static_cast<double>(call.children[1].integer) : call.children[1].number;
  }
  return made;
}

Result<std::optional<CallPlans::Read>> CallPlans::read_of(const Expr& call) const {
  if (aggregate_named(call.text)) return read_aggregate(call);
  if (pick_named(call.text)) return read_pick(call);
  if (transform_named(call.text)) return read_transform(call);
  std::optional<Read> read = TRY(read_field(call, true));
  if (!read) return std::nullopt;
  if (read->type > FieldType::kUnsigned) return wrong_type(call, read->type);
  constexpr int64_t kSecondNs = 1'000'000'000;
  read->plan.stages.emplace_back(Integral{read->slot, call.children.size() > 1 ? call.children[1].integer : kSecondNs});
  return Read{std::move(read->plan), 0, FieldType::kFloat};
}

Result<std::optional<CallPlans::Read>> CallPlans::read_aggregate(const Expr& call) const {
  Read read{base_, 0, FieldType::kFloat};
  const std::optional<Aggregate> made = TRY(aggregate(call, read.plan));
  if (!made) return std::nullopt;
  read.plan.aggregates.push_back(*made);
  read.type = make_aggregator(made->function, read.plan.inputs[made->input].type, made->argument, false)->result_type();
  return read;
}

// The points of the field that the call is over.
Result<std::optional<CallPlans::Read>> CallPlans::read_field(const Expr& call, bool accepted) const {
  const Expr& argument = call.children[0];
  const auto type = field_type(schema_, argument);
  if (!type) return std::nullopt;
  if (!accepted) return wrong_type(call, *type);
  Read read{base_, 0, *type};
  read.slot = add_input(read.plan, {Input::Kind::kField, argument.text, *type, true});
  return read;
}

Result<std::optional<CallPlans::Read>> CallPlans::read_pick(const Expr& call) const {
  std::optional<Read> read = TRY(read_field(call, true));
  if (!read) return std::nullopt;
  Pick pick;
  pick.kind = *pick_named(call.text);
  if (pick.kind != Pick::Kind::kSample && read->type > FieldType::kUnsigned) return wrong_type(call, read->type);
  pick.input = read->slot;
  pick.count = static_cast<uint64_t>(call.children.back().integer);
  for (size_t i = 1; i + 1 < call.children.size(); ++i) {
    pick.distinct = true;
    const std::string& name = call.children[i].text;
    if (schema_.is_tag(name)) pick.tags.push_back(add_input(read->plan, {Input::Kind::kTag, name, FieldType::kString, false}));
  }
  read->plan.stages.emplace_back(std::move(pick));
  return read;
}

Result<std::optional<CallPlans::Read>> CallPlans::read_transform(const Expr& call) const {
  const bool of_windows = call.children[0].kind == Expr::Kind::kCall;
  std::optional<Read> read = of_windows ? TRY(read_of(call.children[0])) : TRY(read_field(call, true));
  if (!read) return std::nullopt;
  const Transform::Kind kind = *transform_named(call.text);
  if (!accepts(kind, read->type)) return wrong_type(call, read->type);
  Transform transform = to_transform(call, read->type, base_.window);
  transform.slot = read->slot;
  read->plan.stages.emplace_back(transform);
  if (of_windows && base_.window && wants_window_before(kind)) begin_one_window_earlier(read->plan);
  return Read{std::move(read->plan), 0, result_type(kind, transform.type)};
}

Result<void> CallPlans::add_filter(SelectPlan& plan, const std::optional<Expr>& condition) const {
  if (condition) plan.filter = TRY(ExpressionBuilder(schema_, plan).filter(*condition));
  plan.series = to_predicate(plan.filter, plan.inputs);
  return {};
}

Result<SelectPlan> CallPlans::finish(const std::optional<Expr>& condition) {
  const bool has_plain = !plain_.aggregates.empty();
  // Empty windows have no distinct values, and InfluxDB makes none up.
  if (has_plain && plain_.aggregates[0].function == Function::kDistinct) plain_.fill = {};
  if (has_plain && staged_.empty()) {
    plain_.selector = plain_.aggregates.size() == 1 && !any_unknown_ && is_selector(plain_.aggregates[0].function);
    slots_.inputs_from = plain_.aggregates.size();
    return std::move(plain_);
  }
  if (!has_plain && staged_.size() == 1) {
    slots_.by_text[staged_[0].text] = staged_[0].read.slot;
    return std::move(staged_[0].read.plan);
  }
  SelectPlan plan = base_;
  size_t width = 0;
  const auto add_part = [&](SelectPlan part) -> Result<void> {
    TRY(add_filter(part, condition));
    width += slots_of(part);
    plan.parts.push_back(std::move(part));
    return {};
  };
  if (has_plain) TRY(add_part(std::move(plain_)));
  for (Staged& each : staged_) {
    slots_.by_text[each.text] = width + each.read.slot;
    each.read.plan.missing = missing_value(each.read.type);
    TRY(add_part(std::move(each.read.plan)));
  }
  return plan;
}

}  // namespace campanile::query::influxql
