// What erasing a range of times does to one series' chunks: those that lie in it go, those that reach into it are written anew without it.
//
//   ChunkErasure erasure(store, bucket, series, state, range);
//   while (TRY(erasure.step(batch))) TRY(store.write(batch));     // any number of changes; each alone leaves the rest readable
//   // the last batch, with erasure.state() in it, makes the erasing complete
//
// Pieces keep their chunk's sequence, so that of two chunks with a time in common the same one is right as before. Times that columns share go last,
// once it is known that nobody needs them: neither a reader between two steps nor a chunk that could not be read.
// Threads: the sealing thread. Errors: kIoError. A damaged chunk is left for whoever can mend it, and counted.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "kv/store.h"
#include "tsdb/bucket.h"
#include "tsdb/chunk.h"
#include "tsdb/group_writer.h"

namespace campanile::tsdb {

class ChunkErasure {
 public:
  ChunkErasure(const kv::Store& store, BucketId bucket, SeriesId series, const ChunksState& state, TimeRange range);

  // Puts some changes into the empty batch; false once it has put the last ones.
  Result<bool> step(kv::WriteBatch& batch);

  // REQUIRES: step() answered false. The columns that still have a chunk, and that nothing is merged into a successor.
  const ChunksState& state() const { return state_; }
  uint64_t values() const { return values_; }    // erased
  uint64_t damaged() const { return damaged_; }  // chunks that could not be read

 private:
  // Chunks of one sequence that reach into the range and beyond it.
  struct Cut {
    Columns columns;
    std::vector<std::string> keys;
  };

  Result<void> take(const ChunkKey& key, kv::WriteBatch& batch);
  Result<void> cut(const ChunkKey& key, const Chunk& chunk);
  void write_cut(uint64_t sequence, const Cut& cut, kv::WriteBatch& batch);
  // Counts a chunk that is damaged, whose times are kept with it; any other error is the caller's.
  Result<void> damage(const ChunkKey& key, const Error& error);
  Result<void> look_at_what_is_left();

  const kv::Store& store_;
  const BucketId bucket_;
  const SeriesId series_;
  const TimeRange range_;
  ChunksState state_;
  std::unique_ptr<kv::Iterator> rows_;
  std::string column_end_;  // of the column that rows_ is in
  std::map<uint64_t, Cut> cuts_;
  std::vector<std::string> times_;    // keys of shared times that lie in the range
  std::set<std::string> kept_times_;  // keys of times that damaged chunks may share
  uint64_t values_ = 0;
  uint64_t damaged_ = 0;
};

}  // namespace campanile::tsdb
