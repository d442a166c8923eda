// ChangeWatch: who wants to know of changes to points that he took for settled: written late, erased or corrected.
//
//   engine->set_change_watch(watch);                          // before the journal is replayed
//   engine->watch_changes(bucket, "data", complete_to_ns);    // tell of changes before that time
//   void changed(…, TimeRange range) override { stale.add(range); }
//
// A change is told after readers see it, and before whoever asked for it is answered. Of points that were written, one at a time. In replay everything is told
// again that the last checkpoint may not have covered; telling twice must do no harm.
// Threads: any, many at once, with the index's gate held shared: must not call the engine, nor wait.
#pragma once

#include <string_view>

#include "base/result.h"
#include "tsdb/reader.h"

namespace campanile::tsdb {

using BucketId = uint32_t;

class ChangeWatch {
 public:
  enum class Change { kWritten, kErasedOrCorrected };

  virtual ~ChangeWatch() = default;
  // `key`: of the series (model/series_key.h).
  virtual void changed(Change change, BucketId bucket, std::string_view measurement, std::string_view key, TimeRange range) = 0;
  // What was told until now is not told again by a replay: it must be on the disk when this answers. Called without the gate.
  virtual Result<void> keep_changes() = 0;
};

}  // namespace campanile::tsdb
