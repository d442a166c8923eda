// The two ways to answer: points one by one, or aggregates of them.
#pragma once

#include <span>

#include "query/aggregation.h"
#include "query/group.h"
#include "query/plan.h"
#include "query/group_sink.h"

namespace campanile::query {

Result<void> write_points(const SelectPlan& plan, const Context& context, const Group& group, GroupSink& sink);

// Takes all groups' series, a few dozen at a time and several of those at once where the context has help, and writes the groups in their order.
// Results do not depend on the help: what is added up to what is fixed by the series alone. REQUIRES: the plan has aggregates.
Result<void> write_aggregates(const SelectPlan& plan, const Context& context, std::span<const Group> groups, GroupSink& sink);

// The rows of a group whose members were all taken.
Result<void> write_group(const SelectPlan& plan, const Context& context, Aggregation& aggregation, GroupSink& sink);

}  // namespace campanile::query
