// ChunkTail: the newest chunks of a series, read so that they can be written anew together with what comes after them.
//
//   ChunkTail tail = TRY(read_tail_to_merge(store, bucket, series, state, {.count = 60, .max_time_ns = now}, limits));
//   for (const std::string& key : tail.keys) batch.erase(key);
//
// Where no two chunks of the series have a time in common, they are looked at one by one from the end, by their headers. Where some have, only the newest group
// may be merged, and only if it is the last one in the order of keys as well: which of two chunks is right is told by their sequences, which merging changes.
// Threads: the sealing thread. Errors: kCorrupt, kUnsupported, kIoError of a chunk that would have to be merged; nothing is lost by not merging.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "kv/store.h"
#include "tsdb/bucket.h"
#include "tsdb/chunk_group.h"
#include "tsdb/group_writer.h"

namespace campanile::tsdb {

struct ChunkTail {
  Columns columns;                          // empty: there is nothing to merge
  std::set<std::string> keys;               // to be erased, those of shared times among them
  int64_t max_time_before_ns = INT64_MIN;   // of the chunks that stay
};

struct NewRows {
  uint64_t count = 0;
  int64_t max_time_ns = INT64_MIN;
};

// The chunks that are worth being written anew together with so many rows.
Result<ChunkTail> read_tail_to_merge(const kv::Store& store, BucketId bucket, SeriesId series, const ChunksState& state, const NewRows& rows,
                                     const MergeLimits& limits);

// The chunks after the last one that is large, where there are several.
Result<ChunkTail> read_small_tail(const kv::Store& store, BucketId bucket, SeriesId series, const ChunksState& state, const MergeLimits& limits);

}  // namespace campanile::tsdb
