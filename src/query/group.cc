#include "query/group.h"

#include <algorithm>
#include <map>

namespace campanile::query {

Result<void> check_cancelled(const Context& context) {
  if (context.cancelled && context.cancelled()) return fail(ErrorCode::kCancelled, "query interrupted");
  return {};
}

Expression bind_filter(const SelectPlan& plan, const GroupMember& member) {
  return bind(plan.filter, [&](size_t input) -> std::optional<std::string_view> {
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
      const GroupMember member{source.reader.get(), series};
      // A series that its tags alone rule out makes no group, so that it does not count for series_limit either.
      if (constant_truth(bind_filter(plan, member)) == false) continue;
      found[{source.name, std::move(values)}].push_back(member);
    }
  }
  std::vector<Group> groups;
  std::string_view name;
  uint64_t index_in_name = 0;
  for (auto& [key, members] : found) {
    if (name != key.first) index_in_name = 0;
    name = key.first;
    const uint64_t index = index_in_name++;
    if (index < plan.series_offset) continue;
    if (plan.series_limit > 0 && index - plan.series_offset >= plan.series_limit) continue;
    Group group{key.first, {}, std::move(members)};
    for (size_t i = 0; i < plan.group_by.size(); ++i) group.tags.emplace_back(plan.group_by[i], key.second[i]);
    groups.push_back(std::move(group));
  }
  if (!plan.ascending) std::reverse(groups.begin(), groups.end());
  return groups;
}

}  // namespace campanile::query
