#include "query/group.h"

#include <algorithm>
#include <map>
#include <set>

namespace campanile::query {
namespace {

// What InfluxDB orders groups by before it counts them off for SLIMIT: the keys of the tags that are there, then their values.
std::string limit_key(const SeriesTags& tags) {
  std::string keys;
  std::string values;
  for (const auto& [key, value] : tags) {
    if (value.empty()) continue;
    keys += key + '|';
    values += value + '|';
  }
  return keys + values;
}

// Leaves of each measurement's groups those that series_limit and series_offset want.
void limit_groups(const SelectPlan& plan, std::vector<Group>& groups) {
  if (plan.series_limit == 0 && plan.series_offset == 0) return;
  std::map<std::string_view, std::vector<std::pair<std::string, const Group*>>> by_name;
  for (const Group& group : groups) by_name[group.name].emplace_back(limit_key(group.tags), &group);
  std::set<const Group*> wanted;
  for (auto& [name, ranked] : by_name) {
    std::sort(ranked.begin(), ranked.end());
    const size_t from = std::min<uint64_t>(plan.series_offset, ranked.size());
    const size_t count = plan.series_limit == 0 ? ranked.size() - from : std::min<uint64_t>(plan.series_limit, ranked.size() - from);
    for (size_t i = from; i < from + count; ++i) wanted.insert(ranked[i].second);
  }
  std::vector<Group> kept;
  for (Group& group : groups) {
    if (wanted.contains(&group)) kept.push_back(std::move(group));
  }
  groups = std::move(kept);
}

}  // namespace

Result<void> check_cancelled(const Context& context) {
  if (context.cancelled && context.cancelled()) {
    return fail(ErrorCode::kCancelled, "{}", context.killed && context.killed() ? "query killed" : context.cancelled_message);
  }
  return {};
}

Expression bind_filter(const SelectPlan& plan, const GroupMember& member) {
  return bind_inputs(plan.filter, [&](size_t input) -> std::optional<std::string_view> {
    if (plan.inputs[input].kind != Input::Kind::kTag) return std::nullopt;
    return member.series.name->tag(plan.inputs[input].name);
  });
}

Result<std::vector<Group>> find_groups(const SelectPlan& plan, const Context& context) {
  std::map<std::pair<std::string, std::vector<std::string_view>>, std::vector<GroupMember>> found;
  uint64_t series_count = 0;
  for (const Source& source : plan.sources) {
    TRY(check_cancelled(context));
    const std::vector<tsdb::Series> matching = TRY(source.reader->series(source.measurement, plan.series));
    series_count += matching.size();
    if (series_count > context.limits.series_max) {
      return fail(ErrorCode::kTooLarge, "max-select-series limit exceeded: ({}/{})", series_count, context.limits.series_max);
    }
    for (const tsdb::Series& series : matching) {
      std::vector<std::string_view> values;
      for (const std::string& key : plan.group_by) values.push_back(series.name->tag(key));
      const GroupMember member{source.reader.get(), series, source.range.value_or(plan.range)};
      // A series that its tags alone rule out makes no group, so that it does not count for series_limit either.
      if (constant_truth(bind_filter(plan, member)) == false) continue;
      found[{source.name, std::move(values)}].push_back(member);
    }
  }
  std::vector<Group> groups;
  for (auto& [key, members] : found) {
    Group group{key.first, {}, std::move(members)};
    for (size_t i = 0; i < plan.group_by.size(); ++i) group.tags.emplace_back(plan.group_by[i], key.second[i]);
    groups.push_back(std::move(group));
  }
  limit_groups(plan, groups);
  if (!plan.ascending) std::reverse(groups.begin(), groups.end());
  return groups;
}

}  // namespace campanile::query
