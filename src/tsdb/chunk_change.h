// ChunkChange: what a change of a range of times does to one series' chunks, step by step: chunk_erase.h, chunk_correct.h.
//
//   while (TRY(change.step(batch))) {
//     TRY(store.write(batch));              // each step alone leaves the chunks readable
//     batch.clear();
//   }
//   // the batch with the last changes, and change.state() in it, makes the change complete
//
// Threads: the sealing thread. Errors: kIoError. A damaged chunk is left for whoever can mend it, and counted.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "kv/store.h"
#include "tsdb/bucket.h"
#include "tsdb/chunk.h"

namespace campanile::tsdb {

// The chunks of a series that may have times in the range, in the order of their keys: column by column, by first time.
class ChunkWalk {
 public:
  // Those of the columns `first` to `last`. `state` tells how long a chunk can be.
  ChunkWalk(const kv::Store& store, const SeriesEntry& entry, ColumnId first, ColumnId last, const ChunksState& state, TimeRange range);

  // Leaves out what comes before the key, and the key. REQUIRES: next() was not called yet.
  void begin_after(std::string_view key);
  // Moves onto the next one; nothing at the end. What the store says meanwhile is not seen.
  Result<std::optional<ChunkKey>> next();
  // REQUIRES: on a chunk; until the next move.
  std::string_view key() const { return rows_->key(); }
  std::string_view value() const { return rows_->value(); }

 private:
  const kv::Store& store_;
  const BucketId bucket_;
  const SeriesId series_;
  const TimeRange range_;
  const int64_t earliest_ns_;  // an earlier chunk is too short to reach into the range
  std::string begin_;
  const std::string end_;
  std::string column_end_;  // of the column that rows_ is in
  std::unique_ptr<kv::Iterator> rows_;
};

class ChunkChange {
 public:
  virtual ~ChunkChange() = default;

  // Puts some changes into the empty batch; false once it has put the last ones.
  virtual Result<bool> step(kv::WriteBatch& batch) = 0;

  // REQUIRES: step() answered false. What the chunks are like then.
  const ChunksState& state() const { return state_; }
  uint64_t values() const { return values_; }    // that were changed
  uint64_t damaged() const { return damaged_; }  // chunks that could not be read
  uint64_t left() const { return left_; }        // values that were to be changed and could not

 protected:
  ChunkChange(const kv::Store& store, const SeriesEntry& entry, const ChunksState& state, TimeRange range)
      : store_(store), entry_(entry), range_(range), state_(state) {}

  bool lies_within(const BlockStatistics& chunk) const { return chunk.min_time_ns >= range_.from_ns && chunk.max_time_ns <= range_.to_ns; }
  Result<void> decode(const Chunk& chunk, ColumnData& data) const;
  // Counts a chunk that is damaged; any other error is the caller's.
  Result<void> count_damage(const Error& error);

  const kv::Store& store_;
  const SeriesEntry& entry_;
  const TimeRange range_;
  ChunksState state_;
  uint64_t values_ = 0;
  uint64_t damaged_ = 0;
  uint64_t left_ = 0;
};

}  // namespace campanile::tsdb
