// Row recovery: makes anew what can be of the engine's own rows, where some of them were damaged and are gone.
//
//   const RecoveredRows done = TRY(recover_rows(store));
//   for (const std::string& told : done.told) print(told);
//
// Of chunks and of what rows are left: counters, so that no number is given twice; databases without a name, called recovered_<bucket>; fields without one, called
// column_<number>; what is known of the chunks of a series. A series without its row has no name any more: its chunks stay, and nothing finds them.
// Where nothing is missing nothing is written, so that it may be done again. Threads: one, before an engine opens the store. Errors: of the store; kCorrupt where rows contradict each other.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kv/store.h"

namespace campanile::tsdb {

struct RecoveredRows {
  std::vector<std::string> told;  // what was made anew and what could not be, in words
  bool has_written = false;
};

Result<RecoveredRows> recover_rows(kv::Store& store);

}  // namespace campanile::tsdb
