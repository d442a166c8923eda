#include "app/derived/derivation.h"

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/text.h"
#include "query/languages/influxql/ast.h"

namespace campanile::app {
namespace {

using query::Function;
using query::influxql::quote_name;
using query::influxql::quote_string;

constexpr std::array kFunctions{Function::kMean,   Function::kMin,    Function::kMax,   Function::kSum, Function::kCount,
                                Function::kStddev, Function::kMedian, Function::kFirst, Function::kLast};

std::string filled(std::string_view form, std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
  std::string out(form);
  size_t from = 0;
  // From left to right, so that what a value holds is left as it is.
  for (;;) {
    size_t first = std::string::npos;
    const std::pair<std::string_view, std::string_view>* what = nullptr;
    for (const auto& each : values) {
      const size_t at = out.find(each.first, from);
      if (at < first) {
        first = at;
        what = &each;
      }
    }
    if (!what) return out;
    out.replace(first, what->first.size(), what->second);
    from = first + what->second.size();
  }
}

// A name with its retention policy.
std::string path(const std::string& policy, const std::string& measurement) {
  return policy.empty() ? quote_name(measurement) : quote_name(policy) + "." + quote_name(measurement);
}

std::string statement_of(const Derivation& derivation, const std::string& select, const std::string& from, const std::string& group_by) {
  return fmt::format("CREATE CONTINUOUS QUERY derived ON {} BEGIN SELECT {} INTO {} FROM {} GROUP BY time({}){} END", quote_name(derivation.database), select,
                     path(derivation.target_policy, derivation.name), from, derivation.level, group_by);
}

std::vector<Function> functions_of(const TierConfig& tier) {
  std::vector<Function> out;
  for (const Function each : kFunctions) {
    const bool is_wanted = tier.aggregates.empty() || std::ranges::find(tier.aggregates, query::tier_aggregate(each)) != tier.aggregates.end();
    if (is_wanted) out.push_back(each);
  }
  return out;
}

bool suits(Function function, FieldType type) {
  return type <= FieldType::kUnsigned || function == Function::kCount || function == Function::kFirst || function == Function::kLast;
}

std::string columns_of(const TierConfig& tier, const std::vector<Function>& functions, const std::vector<tsdb::FieldInfo>& fields) {
  std::vector<std::string> columns;
  for (const tsdb::FieldInfo& field : fields) {
    if (!tier.fields.empty() && std::ranges::find(tier.fields, field.name) == tier.fields.end()) continue;
    for (const Function function : functions) {
      if (!suits(function, field.type)) continue;
      const std::string_view aggregate = query::tier_aggregate(function);
      columns.push_back(fmt::format("{}({}) AS {}", aggregate, quote_name(field.name), quote_name(query::tier_column(tier.column, aggregate, field.name))));
    }
  }
  return fmt::format("{}", fmt::join(columns, ", "));
}

std::vector<std::string> with_commas(const std::vector<std::string>& tags) {
  std::vector<std::string> out;
  for (const std::string& tag : tags) out.push_back(", " + quote_name(tag));
  return out;
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view name) {
  size_t at = 0;
  size_t star = std::string_view::npos;  // the last one, which stands for what is before `resumed`
  size_t resumed = 0;
  for (size_t i = 0; i < name.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      resumed = i;
    } else if (at < pattern.size() && pattern[at] == name[i]) {
      ++at;
      ++i;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      i = ++resumed;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

std::string policy_for(uint64_t keep_s) { return keep_s == 0 ? "" : "keep_" + level_name(keep_s); }

std::vector<Derivation> derivations_of(const TierConfig& tier, const std::string& database, const std::string& measurement, const std::vector<tsdb::FieldInfo>& fields) {
  std::vector<Derivation> out;
  const std::vector<Function> functions = functions_of(tier);
  const std::string columns = columns_of(tier, functions, fields);
  for (const LevelConfig& level : levels_of(tier)) {
    Derivation each{.set = tier.name, .name = filled(tier.target, {{"{measurement}", measurement}, {"{level}", level_name(level.every_s)}}), .level = level_name(level.every_s)};
    each.every_ns = static_cast<int64_t>(level.every_s) * kNanosPerSecond;
    each.database = database;
    each.policy = tier.retention_policy;
    each.target_policy = policy_for(level.keep_s);
    each.keep_ns = static_cast<int64_t>(level.keep_s) * kNanosPerSecond;
    each.sources = {measurement};
    each.column = tier.column;
    each.functions = functions;
    each.fields = tier.fields;
    each.is_by_series = tier.by.empty();
    if (!columns.empty()) each.statement = statement_of(each, columns, path(tier.retention_policy, measurement), tier.by.empty() ? ", *" : fmt::format("{}", fmt::join(with_commas(tier.by), "")));
    std::vector<std::string_view> names;
    for (const Function function : functions) names.push_back(query::tier_aggregate(function));
    each.meaning = fmt::format("tier of {} in {} by {}: {} of {} as {}", measurement, tier.retention_policy, fmt::join(tier.by, ","), fmt::join(names, ","), fmt::join(tier.fields, ","), tier.column);
    out.push_back(std::move(each));
  }
  return out;
}

namespace {

// What all levels of a node or ratio have in common.
Derivation level_of(const TreeConfig& tree, const std::string& database, const std::string& node, const LevelConfig& level) {
  Derivation each{.set = tree.name, .name = filled(tree.target, {{"{node}", node}, {"{level}", level_name(level.every_s)}}), .level = level_name(level.every_s)};
  each.every_ns = static_cast<int64_t>(level.every_s) * kNanosPerSecond;
  each.database = database;
  each.target_policy = policy_for(level.keep_s);
  each.keep_ns = static_cast<int64_t>(level.keep_s) * kNanosPerSecond;
  each.column = tree.column;
  return each;
}

Derivation sum_of_sensors(const TreeConfig& tree, const std::string& database, const TreeNodeConfig& node, const LevelConfig& level) {
  Derivation each = level_of(tree, database, node.id, level);
  each.policy = tree.retention_policy;
  each.sources = {tree.measurement};
  each.tag = tree.tag;
  each.members = targets_below(tree, node.id);
  std::vector<std::string> conditions;
  for (const std::string& member : each.members) conditions.push_back(fmt::format("{} = {}", quote_name(tree.tag), quote_string(member)));
  const std::string means = fmt::format("(SELECT mean({}) AS mean FROM {} WHERE {} GROUP BY time({}), {})", quote_name(tree.field), path(tree.retention_policy, tree.measurement),
                                        fmt::join(conditions, " OR "), each.level, quote_name(tree.tag));
  each.statement = statement_of(each, fmt::format("sum(mean) AS {}", quote_name(tree.column)), means, "");
  each.meaning = "tree: " + each.statement;
  return each;
}

}  // namespace

std::vector<Derivation> derivations_of(const TreeConfig& tree, const std::string& database) {
  std::vector<Derivation> out;
  const std::vector<LevelConfig> levels = levels_of(tree);
  for (const LevelConfig& level : levels) {
    for (const TreeNodeConfig& node : tree.nodes) {
      if (level.every_s == levels[0].every_s) {
        out.push_back(sum_of_sensors(tree, database, node, level));
        continue;
      }
      const Derivation lowest = level_of(tree, database, node.id, levels[0]);
      Derivation each = level_of(tree, database, node.id, level);
      each.policy = lowest.target_policy;
      each.sources = {lowest.name};
      each.statement = statement_of(each, fmt::format("mean({0}) AS {0}", quote_name(tree.column)), path(lowest.target_policy, lowest.name), "");
      each.meaning = "tree: " + each.statement;
      out.push_back(std::move(each));
    }
    for (const RatioConfig& ratio : tree.ratios) {
      Derivation each = level_of(tree, database, ratio.id, level);
      each.policy = each.target_policy;
      each.ratio = Ratio{.of = level_of(tree, database, ratio.of, level).name, .to = level_of(tree, database, ratio.to, level).name, .column = tree.column};
      each.sources = {each.ratio->of, each.ratio->to};
      each.meaning = fmt::format("ratio: {} to {}, {}", each.ratio->of, each.ratio->to, tree.column);
      out.push_back(std::move(each));
    }
  }
  return out;
}

}  // namespace campanile::app
