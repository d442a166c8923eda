#include "query/executor.h"

#include "query/group_query.h"
#include "query/row_writer.h"
#include "query/stage.h"

namespace campanile::query {
namespace {

// Reads the groups and hands their rows, passed through the plan's stages, to the sink.
Result<void> read_groups(const SelectPlan& plan, const Context& context, std::span<const Group> groups, GroupSink& sink) {
  const auto stages = make_stages(plan, context, sink);
  GroupSink& first = stages.empty() ? sink : *stages.back();
  if (!plan.aggregates.empty()) return write_aggregates(plan, context, groups, first);
  for (const Group& group : groups) {
    TRY(check_cancelled(context));
    first.begin(group);
    TRY(write_points(plan, context, group, first));
    TRY(first.end());
  }
  return {};
}

Result<void> read_parts(const SelectPlan& plan, const Context& context, RowWriter& writer) {
  // Parts differ in what they read of the series, not in the series, so that their groups are the same.
  std::vector<std::vector<Group>> groups;
  for (const SelectPlan& part : plan.parts) groups.push_back(TRY(find_groups(part, context)));
  for (size_t i = 0; i < groups[0].size(); ++i) {
    std::vector<std::unique_ptr<KeptRows>> kept;
    for (size_t part = 0; part < plan.parts.size(); ++part) {
      kept.push_back(std::make_unique<KeptRows>(plan.parts[part], context));
      TRY(read_groups(plan.parts[part], context, std::span(groups[part]).subspan(i, 1), *kept.back()));
    }
    writer.begin(groups[0][i]);
    TRY(join_rows(kept, plan.ascending, writer));
    TRY(writer.end());
  }
  return {};
}

}  // namespace

Result<void> execute(const SelectPlan& plan, const Context& context, RowSink& sink) {
  RowWriter writer(plan, context, sink);
  if (!plan.parts.empty()) return read_parts(plan, context, writer);
  const std::vector<Group> groups = TRY(find_groups(plan, context));
  return read_groups(plan, context, groups, writer);
}

}  // namespace campanile::query
