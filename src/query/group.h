// Group: the series that make one series of the answer: those of one name whose grouping tags have the same values.
//
//   std::vector<Group> groups = TRY(find_groups(plan, context));
//
// Groups come in the order of the answer: by name, then by the values of the grouping tags; backwards in a descending one.
// Threads: pure over the readers. Limits: series_max -> kTooLarge.
#pragma once

#include <vector>

#include "query/plan.h"
#include "query/row_sink.h"

namespace campanile::query {

struct GroupMember {
  const tsdb::Reader* reader;
  tsdb::Series series;
  tsdb::TimeRange range;
};

struct Group {
  std::string name;
  SeriesTags tags;                   // as plan.group_by
  std::vector<GroupMember> members;  // by series key
};

Result<std::vector<Group>> find_groups(const SelectPlan& plan, const Context& context);

// The filter with the member's tags in it. An absent tag compares as the empty string.
Expression bind_filter(const SelectPlan& plan, const GroupMember& member);

// Errors: kCancelled once the context says so.
Result<void> check_cancelled(const Context& context);

}  // namespace campanile::query
