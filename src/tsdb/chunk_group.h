// ChunkGroup: what one series' frozen rows become in the key-value store: a chunk per column, times shared where they are equal.
//
//   ChunkGroup group = TRY(build_chunk_group(store, entry.bucket, entry.id, state, blocks, sequence, 1024, batch));
//   // store.write(batch), then the entry's state becomes group.state
//
// A newest group that is small is read again and written together with its successor, so that sensors that report now and then do not leave
// thousands of tiny chunks: a group is merged while it is at most four times as large as what comes, which keeps the rewriting logarithmic.
// Threads: the sealing thread. Errors: none of its own: where the former group cannot be read, it stays as it is.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "kv/store.h"
#include "tsdb/bucket.h"

namespace campanile::tsdb {

struct ChunkGroup {
  ChunksState state;   // after the group is in the store
  size_t chunks = 0;
  size_t values = 0;
};

// Adds the changes to `batch`, without the state row. REQUIRES: blocks is not empty, each has rows, oldest first.
ChunkGroup build_chunk_group(const kv::Store& store, BucketId bucket, SeriesId series, const ChunksState& state,
                             std::span<const std::shared_ptr<const HeadBlock>> blocks, uint64_t sequence, uint32_t rows_max, kv::WriteBatch& batch);

}  // namespace campanile::tsdb
