// Salvage: reads everything of a store that can be read, past what is damaged.
//
//   for (const UnreadableRange& lost : salvage(*store, [&](std::string_view key, std::string_view value) { copy.put(key, value); })) tell(lost);
//
// A damaged block ends a walk. Behind it the walk goes on at the first key from which reading works again, which is found by halving what is between. Where several
// places are damaged, what lies between two of them may be taken for unreadable as well.
// Threads: one; blocks on the disk. Nothing is written.
#pragma once

#include <string>
#include <vector>

#include "kv/store.h"
#include "kv/stored_rows.h"

namespace campanile::kv {

struct UnreadableRange {
  std::string after;   // the last key before it that was read; empty: none
  std::string before;  // the first one behind it; empty: none
  std::string why;
};

std::vector<UnreadableRange> salvage(const Store& store, const RowVisitor& visit);

}  // namespace campanile::kv
