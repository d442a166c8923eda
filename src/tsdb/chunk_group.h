// ChunkGroup: what one series' frozen rows become in the key-value store: a chunk per column, times shared where they are equal.
//
//   ChunkGroup group = TRY(build_chunk_group(store, entry.bucket, entry.id, state, blocks, sequence, 1024, batch));
//   // store.write(batch), then the entry's state becomes group.state
//
// Small chunks before it are read again and written together with it, so that sensors that report now and then do not leave thousands of tiny chunks: chunks
// are merged backwards as far as each is at most a third of what comes after it. So one is written anew only with three times as many rows, and there are
// at most three of a size: rewriting and the number of chunks are both logarithmic.
// Threads: the sealing thread. Errors: none of its own: where the former group cannot be read, it stays as it is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "kv/store.h"
#include "tsdb/bucket.h"

namespace campanile::tsdb {

struct ChunkGroup {
  ChunksState state;   // after the group is in the store
  size_t chunks = 0;
  size_t values = 0;
};

struct MergeLimits {
  uint32_t rows_max = 4096;             // of a chunk; those with half as many are left alone
  uint64_t span_max_ns = UINT64_MAX;    // of what is merged: retention lets go of whole chunks
};

// Adds the changes to `batch`, without the state row. REQUIRES: blocks is not empty, each has rows, oldest first.
ChunkGroup build_chunk_group(const kv::Store& store, BucketId bucket, SeriesId series, const ChunksState& state,
                             std::span<const std::shared_ptr<const HeadBlock>> blocks, uint64_t sequence, const MergeLimits& limits, kv::WriteBatch& batch);

// Merges the newest chunks that are small, whatever their sizes. None where there are not several, or where chunks overlap.
std::optional<ChunkGroup> merge_small_chunks(const kv::Store& store, BucketId bucket, SeriesId series, const ChunksState& state, uint64_t sequence,
                                             const MergeLimits& limits, kv::WriteBatch& batch);

}  // namespace campanile::tsdb
