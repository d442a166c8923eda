// The two ways to answer a group: its points one by one, or aggregates of them.
#pragma once

#include "query/group.h"
#include "query/plan.h"
#include "query/row_writer.h"

namespace campanile::query {

Result<void> write_points(const SelectPlan& plan, const Context& context, const Group& group, RowWriter& writer);

// REQUIRES: the plan has aggregates.
Result<void> write_aggregates(const SelectPlan& plan, const Context& context, const Group& group, RowWriter& writer);

}  // namespace campanile::query
