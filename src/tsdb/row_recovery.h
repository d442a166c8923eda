// Row recovery: makes anew what can be of the engine's own rows, where some of them were damaged and are gone.
//
//   for (const std::string& told : TRY(recover_rows(store))) print(told);
//
// Of chunks and of what rows are left: counters, so that no number is given twice; databases without a name, called recovered_<bucket>; fields without one, called
// column_<number>; what is known of the chunks of a series. A series without its row has no name any more: its chunks stay, and nothing finds them.
// Threads: one, before an engine opens the store. Errors: of the store; kCorrupt where rows contradict each other.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kv/store.h"

namespace campanile::tsdb {

// Answers what was made anew and what could not be, in words.
Result<std::vector<std::string>> recover_rows(kv::Store& store);

}  // namespace campanile::tsdb
