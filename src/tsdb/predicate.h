// Predicates: which series of a measurement fulfil a condition on their tags.
//
//   Bitmap found = matching_series(measurement.tags, predicate, index.gate);
//
// Threads: takes the gate for slices of the work, never for all of a long scan, and runs patterns outside of it.
#pragma once

#include <roaring/roaring.hh>

#include "tsdb/locks.h"
#include "tsdb/reader.h"
#include "tsdb/tag_index.h"

namespace campanile::tsdb {

// REQUIRES: the gate is not held. Patterns match anywhere in a value; a tag that a series lacks counts as empty.
Bitmap matching_series(const TagIndex& tags, const TagPredicate& predicate, FairSharedMutex& gate);

}  // namespace campanile::tsdb
