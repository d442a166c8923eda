#include "app/config/derived.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/text.h"

namespace campanile::app {
namespace {

constexpr uint64_t kDayS = 86'400;
constexpr std::array<std::string_view, 9> kAggregates{"mean", "min", "max", "sum", "count", "stddev", "median", "first", "last"};

std::vector<LevelConfig> sorted(std::vector<LevelConfig> levels, std::initializer_list<uint64_t> otherwise) {
  if (levels.empty()) {
    for (const uint64_t every_s : otherwise) levels.push_back({.every_s = every_s, .keep_s = 0});
  }
  std::ranges::sort(levels, {}, &LevelConfig::every_s);
  return levels;
}

Result<void> check_levels(const std::vector<LevelConfig>& levels) {
  std::set<uint64_t> seen;
  for (const LevelConfig& level : levels) {
    if (kDayS % level.every_s != 0) return fail(ErrorCode::kInvalidArgument, "every_s: found {}, wanted a length of which a day is a multiple, such as 30s, 1m, 10m, 1h or 1d", level_name(level.every_s));
    if (!seen.insert(level.every_s).second) return fail(ErrorCode::kInvalidArgument, "the level {} stands twice", level_name(level.every_s));
    if (level.keep_s != 0 && level.keep_s < std::max<uint64_t>(3600, 2 * level.every_s)) {
      return fail(ErrorCode::kInvalidArgument, "the level {} is kept for {} s; wanted is at least an hour and two of its windows", level_name(level.every_s), level.keep_s);
    }
  }
  return {};
}

Result<void> check_form(std::string_view setting, std::string_view form, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (form.find(name) == std::string_view::npos) return fail(ErrorCode::kInvalidArgument, "{}: found '{}', wanted a name that holds {}", setting, excerpt(form), name);
  }
  return {};
}

Result<void> check(const TierConfig& tier) {
  if (tier.measurements.empty()) return fail(ErrorCode::kInvalidArgument, "measurements: at least one is wanted; \"*\" is all");
  for (const std::string& each : tier.aggregates) {
    if (std::ranges::find(kAggregates, each) == kAggregates.end()) {
      const std::vector<std::string_view> known(kAggregates.begin(), kAggregates.end());
      const auto closest = closest_match(each, known);
      return fail(ErrorCode::kInvalidArgument, "aggregates: found '{}', allowed are {}{}", excerpt(each), fmt::join(kAggregates, ", "), closest ? fmt::format("; did you mean {}?", *closest) : "");
    }
  }
  TRY(check_levels(tier.levels));
  const bool is_one = tier.measurements.size() == 1 && tier.measurements[0].find('*') == std::string::npos;
  if (is_one) TRY(check_form("target", tier.target, {"{level}"}));
  if (!is_one) TRY(check_form("target", tier.target, {"{measurement}", "{level}"}));
  if (tier.fields.size() == 1) return check_form("column", tier.column, {"{aggregate}"});
  return check_form("column", tier.column, {"{aggregate}", "{field}"});
}

// Answers what of the nodes below is wrong. `path`: the nodes above it.
Result<void> check_below(const std::map<std::string, const TreeNodeConfig*, std::less<>>& nodes, const std::string& id, std::vector<std::string>& path, std::set<std::string>& done) {
  if (std::ranges::find(path, id) != path.end()) return fail(ErrorCode::kInvalidArgument, "node '{}' is its own descendant: {} -> {}", id, fmt::join(path, " -> "), id);
  if (done.contains(id)) return {};
  path.push_back(id);
  for (const std::string& child : nodes.at(id)->children) {
    if (!nodes.contains(child)) return fail(ErrorCode::kInvalidArgument, "node '{}' has a child '{}', which is not there", id, excerpt(child));
    TRY(check_below(nodes, child, path, done));
  }
  path.pop_back();
  done.insert(id);
  return {};
}

Result<void> check(const TreeConfig& tree) {
  std::map<std::string, const TreeNodeConfig*, std::less<>> nodes;
  for (const TreeNodeConfig& node : tree.nodes) {
    if (!nodes.emplace(node.id, &node).second) return fail(ErrorCode::kInvalidArgument, "node '{}' stands twice", excerpt(node.id));
    if (node.children.empty() == node.target.empty()) {
      return fail(ErrorCode::kInvalidArgument, "node '{}' has {}; wanted is one of them", excerpt(node.id), node.target.empty() ? "neither children nor a target" : "children and a target");
    }
  }
  if (nodes.empty()) return fail(ErrorCode::kInvalidArgument, "nodes: at least one is wanted");
  std::set<std::string> done;
  for (const auto& [id, node] : nodes) {
    std::vector<std::string> path;
    TRY(check_below(nodes, id, path, done));
  }
  std::set<std::string> ids;
  for (const RatioConfig& ratio : tree.ratios) {
    if (nodes.contains(ratio.id) || !ids.insert(ratio.id).second) return fail(ErrorCode::kInvalidArgument, "ratio '{}': another one or a node is called so", excerpt(ratio.id));
    for (const std::string* const node : {&ratio.of, &ratio.to}) {
      if (!nodes.contains(*node)) return fail(ErrorCode::kInvalidArgument, "ratio '{}': there is no node '{}'", excerpt(ratio.id), excerpt(*node));
    }
  }
  TRY(check_levels(tree.levels));
  const auto levels = levels_of(tree);
  for (const LevelConfig& level : levels) {
    if (level.every_s % levels[0].every_s != 0) return fail(ErrorCode::kInvalidArgument, "the level {} is not made of whole ones of {}", level_name(level.every_s), level_name(levels[0].every_s));
  }
  return check_form("target", tree.target, {"{node}", "{level}"});
}

template <typename Set>
Result<void> check_last_of(const std::vector<Set>& sets) {
  const Set& last = sets.back();
  if (std::ranges::count(sets, last.name, &Set::name) > 1) return fail(ErrorCode::kInvalidArgument, "'{}' stands twice", excerpt(last.name));
  if (auto checked = check(last); !checked) return with_context(std::move(checked).error(), fmt::format("'{}'", excerpt(last.name)));
  return {};
}

void add_targets(const TreeConfig& tree, const std::string& id, std::set<std::string>& targets) {
  const auto node = std::ranges::find(tree.nodes, id, &TreeNodeConfig::id);
  if (!node->target.empty()) targets.insert(node->target);
  for (const std::string& child : node->children) add_targets(tree, child, targets);
}

}  // namespace

std::string level_name(uint64_t every_s) {
  if (every_s % kDayS == 0) return fmt::format("{}d", every_s / kDayS);
  if (every_s % 3600 == 0) return fmt::format("{}h", every_s / 3600);
  if (every_s % 60 == 0) return fmt::format("{}m", every_s / 60);
  return fmt::format("{}s", every_s);
}

std::vector<LevelConfig> levels_of(const TierConfig& tier) { return sorted(tier.levels, {60, 3600, kDayS}); }
std::vector<LevelConfig> levels_of(const TreeConfig& tree) { return sorted(tree.levels, {30, 60, 3600, kDayS}); }

std::vector<std::string> targets_below(const TreeConfig& tree, const std::string& node) {
  std::set<std::string> targets;
  add_targets(tree, node, targets);
  return {targets.begin(), targets.end()};
}

Result<void> check_last(const std::vector<TierConfig>& tiers) { return check_last_of(tiers); }
Result<void> check_last(const std::vector<TreeConfig>& trees) { return check_last_of(trees); }

}  // namespace campanile::app
