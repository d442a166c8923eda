// Which series a filter can admit at all, for the index.
//
//   plan.series = to_predicate(plan.filter, plan.inputs);
//
// Pure.
#pragma once

#include <vector>

#include "query/plan.h"

namespace campanile::query::influxql {

// A condition on tags as the store's index takes it. What it cannot say (fields, order) it leaves open, so that it admits
// no fewer series than `filter` does.
tsdb::TagPredicate to_predicate(const Expression& filter, const std::vector<Input>& inputs);

// Whether it is a tag by itself.
bool is_tag_input(const Expression& expression, const std::vector<Input>& inputs);

}  // namespace campanile::query::influxql
