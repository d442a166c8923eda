// Which rows of a batch a condition lets through.
//
//   select_rows(filter, batch, mask);     // mask[i] is 1 where row i passes
//
// Comparisons of a numeric column with a constant, which are most conditions there are, run over the column as a whole;
// others row by row. Threads: pure.
#pragma once

#include <vector>

#include "query/expression.h"
#include "query/series_scan.h"

namespace campanile::query {

// REQUIRES: `filter` is bound to the tags of the series, so that its inputs are fields.
void select_rows(const Expression& filter, const Batch& batch, std::vector<uint8_t>& mask);

}  // namespace campanile::query
