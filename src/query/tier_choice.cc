#include "query/tier_choice.h"

#include <algorithm>

#include "query/aggregation.h"
#include "query/tiered_reader.h"

namespace campanile::query {
namespace {

// A range of fewer windows is read as it is.
constexpr int64_t kWindowsMin = 4;
// Windows of a time zone's calendar that are looked at; a range of more does without tiers.
constexpr size_t kZonedWindowsMax = 20'000;

bool looks_into_points(const Expression& expression, const std::vector<Input>& inputs) {
  if (expression.kind == Expression::Kind::kInput) return inputs[expression.input].kind == Input::Kind::kField;
  return std::ranges::any_of(expression.children, [&](const Expression& child) { return looks_into_points(child, inputs); });
}

// Whether the windows of the plan are made of whole ones of that length.
bool is_made_of(const SelectPlan& plan, int64_t every_ns) {
  if (!plan.window) return true;
  if (!plan.window->zone) return plan.window->every_ns % every_ns == 0 && plan.window->offset_ns % every_ns == 0;
  if (plan.range.from_ns == INT64_MIN || plan.range.to_ns == INT64_MAX) return false;
  size_t looked_at = 0;
  for (Window::Span span = plan.window->around(plan.range.from_ns);; span = plan.window->around(span.end_ns)) {
    if (span.start_ns % every_ns != 0 || ++looked_at > kZonedWindowsMax) return false;
    if (span.end_ns > plan.range.to_ns || span.end_ns == INT64_MAX) return span.end_ns == INT64_MAX || span.end_ns % every_ns == 0;
  }
}

bool is_long_enough(tsdb::TimeRange range, int64_t every_ns) {
  const uint64_t length = static_cast<uint64_t>(range.to_ns) - static_cast<uint64_t>(range.from_ns);
  return length / kWindowsMin >= static_cast<uint64_t>(every_ns);
}

class Choice {
 public:
  Choice(const SelectPlan& plan, const Source& source) : plan_(plan), source_(source), fields_(source.reader->fields(source.measurement)) {
    const size_t same_name = static_cast<size_t>(std::ranges::count(plan.sources, source.name, &Source::name));
    const auto keys = source.reader->tag_keys(source.measurement);
    is_one_series_ = same_name == 1 && std::ranges::all_of(keys, [&](const std::string& key) { return std::ranges::find(plan.group_by, key) != plan.group_by.end(); });
  }

  // The columns that the tier can stand in for, with what of them is read.
  std::map<std::string, TieredReader::Column, std::less<>> columns(const Tier& tier) const {
    std::map<std::string, TieredReader::Column, std::less<>> out;
    for (size_t i = 0; i < plan_.inputs.size(); ++i) {
      if (auto column = column_of(tier, i)) out.emplace(plan_.inputs[i].name, std::move(*column));
    }
    return out;
  }

 private:
  std::optional<TieredReader::Column> column_of(const Tier& tier, size_t input) const {
    const Input& wanted = plan_.inputs[input];
    const auto field = std::ranges::find(fields_, wanted.name, &tsdb::FieldInfo::name);
    // What is read as another type, or twice, is read from the points.
    const bool stands_once = std::ranges::count(plan_.inputs, wanted.name, &Input::name) == 1;
    if (wanted.kind != Input::Kind::kField || field == fields_.end() || field->type != wanted.type || !stands_once) return std::nullopt;
    TieredReader::Column column{.type = wanted.type, .functions = {Function::kCount}};
    bool is_used = false;
    for (const Aggregate& each : plan_.aggregates) {
      if (each.input != input) continue;
      is_used = true;
      if (!add_needs(tier, each.function, column)) return std::nullopt;
    }
    const bool is_kept = std::ranges::all_of(column.functions, [&](Function function) { return tier.keeps(wanted.name, function); });
    return is_used && is_kept ? std::optional(std::move(column)) : std::nullopt;
  }

  bool add_needs(const Tier& tier, Function function, TieredReader::Column& column) const {
    const auto need = [&](Function each) {
      if (std::ranges::find(column.functions, each) == column.functions.end()) column.functions.push_back(each);
    };
    const bool is_own_window = plan_.window && !plan_.window->zone && plan_.window->every_ns == tier.every_ns;
    switch (function) {
      case Function::kCount: return true;
      case Function::kSum:
      case Function::kMean:
        need(Function::kSum);
        // Whether a sum of whole numbers is exact shows in how great they are.
        if (column.type == FieldType::kFloat) return true;
        need(Function::kMin);
        need(Function::kMax);
        return true;
      case Function::kMin:
      case Function::kMax:
      case Function::kSpread:
        if (column.type > FieldType::kUnsigned) return false;
        need(Function::kMin);
        need(Function::kMax);
        return true;
      case Function::kFirst:
      case Function::kLast:
        need(function);
        return is_one_series_ && (plan_.window || !plan_.selector);
      case Function::kStddev:
      case Function::kMedian:
        need(function);
        return is_one_series_ && is_own_window;
      default: return false;
    }
  }

  const SelectPlan& plan_;
  const Source& source_;
  const std::vector<tsdb::FieldInfo> fields_;
  bool is_one_series_ = false;
};

Result<void> use_tiers_of(const SelectPlan& plan, Source& source, const Tiers& tiers, const tsdb::Engine& engine) {
  const Choice choice(plan, source);
  const auto raw = source.reader;
  size_t depth = 0;
  for (Tier& tier : tiers.of(*source.bucket, source.measurement)) {
    if (!is_made_of(plan, tier.every_ns) || !is_long_enough(plan.range, tier.every_ns)) continue;
    auto columns = choice.columns(tier);
    if (columns.empty()) continue;
    source.tiers.insert(source.tiers.begin(), fmt::format("{} of {}", tier.level, tier.measurement));
    const auto rows = TRY(engine.reader(tier.bucket));
    source.reader = TRY(TieredReader::make({.below = source.reader, .raw = raw, .rows = rows, .tier = std::move(tier), .measurement = source.measurement,
                                            .predicate = plan.series, .columns = std::move(columns), .depth = depth++}));
  }
  return {};
}

}  // namespace

Result<void> use_tiers(SelectPlan& plan, const Tiers& tiers, const tsdb::Engine& engine) {
  for (SelectPlan& part : plan.parts) TRY(use_tiers(part, tiers, engine));
  if (plan.aggregates.empty() || !Aggregation::can_be_split(plan) || looks_into_points(plan.filter, plan.inputs)) return {};
  for (Source& source : plan.sources) {
    if (source.bucket && !source.range) TRY(use_tiers_of(plan, source, tiers, engine));
  }
  return {};
}

}  // namespace campanile::query
