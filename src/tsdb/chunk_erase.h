// ChunkErasure: erasing a range of times: chunks that lie in it go, those that reach into it are written anew without it.
//
// Pieces keep their chunk's sequence, so that of two chunks with a time in common the same one is right as before. Times that columns share go last,
// once it is known that nobody needs them: neither a reader between two steps nor a chunk that could not be read.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tsdb/chunk_change.h"
#include "tsdb/group_writer.h"

namespace campanile::tsdb {

class ChunkErasure final : public ChunkChange {
 public:
  ChunkErasure(const kv::Store& store, const SeriesEntry& entry, const ChunksState& state, TimeRange range);

  // state() then tells of the columns that still have a chunk.
  Result<bool> step(kv::WriteBatch& batch) override;

 private:
  // Chunks of one sequence that reach into the range and beyond it.
  struct Cut {
    Columns columns;
    std::vector<std::string> keys;
  };

  Result<void> take(const ChunkKey& key, kv::WriteBatch& batch);
  Result<void> cut(const ChunkKey& key, const Chunk& chunk);
  void write_cut(uint64_t sequence, const Cut& cut, kv::WriteBatch& batch);
  // Counts a chunk that is damaged, whose times are kept with it.
  Result<void> keep_damaged(const ChunkKey& key, const Error& error);
  Result<void> look_at_what_is_left();

  ChunkWalk chunks_;
  std::map<uint64_t, Cut> cuts_;
  std::vector<std::string> times_;    // keys of shared times that lie in the range
  std::set<std::string> kept_times_;  // keys of times that damaged chunks may share
};

}  // namespace campanile::tsdb
