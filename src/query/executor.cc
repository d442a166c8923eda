#include "query/executor.h"

#include "query/group_query.h"

namespace campanile::query {

Result<void> execute(const SelectPlan& plan, const Context& context, RowSink& sink) {
  const std::vector<Group> groups = TRY(find_groups(plan, context));
  RowWriter writer(plan, context, sink);
  if (!plan.aggregates.empty()) return write_aggregates(plan, context, groups, writer);
  for (const Group& group : groups) {
    TRY(check_cancelled(context));
    writer.begin(group);
    TRY(write_points(plan, context, group, writer));
    TRY(writer.end());
  }
  return {};
}

}  // namespace campanile::query
