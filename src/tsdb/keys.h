// Keys: where the engine keeps what in the key-value store. docs/format/chunks.md draws them.
//
//   const std::string key = chunk_key({.bucket = 1, .series = 17, .column = 2, .min_time_ns = 5, .sequence = 9});
//   ChunkKey parsed = TRY(parse_chunk_key(key));
//
// Numbers in keys are big-endian, times with their sign bit flipped, so that keys sort as what they name does.
// Threads: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tsdb/engine.h"

namespace campanile::tsdb {

using ColumnId = uint16_t;

// Times that columns of one chunk group share; columns with values count from 1.
inline constexpr ColumnId kTimesColumn = 0;
inline constexpr size_t kColumnsMax = UINT16_MAX;

struct ChunkKey {
  BucketId bucket = 0;
  SeriesId series = 0;
  ColumnId column = 0;
  int64_t min_time_ns = 0;
  uint64_t sequence = 0;  // of two chunks with a time in common, the one with the higher sequence wins

  friend bool operator==(const ChunkKey&, const ChunkKey&) = default;
};

inline constexpr size_t kChunkKeyBytes = 1 + 4 + 8 + 2 + 8 + 8;

std::string chunk_key(const ChunkKey& key);
Result<ChunkKey> parse_chunk_key(std::string_view key);
// For messages: "chunk bucket 1 series 17 column 2 from 5 sequence 9".
std::string to_string(const ChunkKey& key);

// The first key of a column's chunks, and of what follows them.
std::string column_begin(BucketId bucket, SeriesId series, ColumnId column);
std::string column_end(BucketId bucket, SeriesId series, ColumnId column);

// Kinds of rows that belong to a bucket, each a range of its own, erased with it.
enum class BucketRows : char {
  kChunks = 'd',
  kSeries = 's',   // series -> its key text
  kColumns = 'c',  // measurement -> its columns
  kStates = 't',   // series -> what its chunks look like as a whole
  kProgress = 'p',  // series -> how far a correction of its chunks has come
};
inline constexpr std::array kAllBucketRows = {BucketRows::kChunks, BucketRows::kSeries, BucketRows::kColumns, BucketRows::kStates, BucketRows::kProgress};

std::string bucket_begin(BucketRows rows, BucketId bucket);
std::string bucket_end(BucketRows rows, BucketId bucket);
std::string series_row_key(BucketRows rows, BucketId bucket, SeriesId series);
std::string columns_row_key(BucketId bucket, std::string_view measurement);

// Names what follows the bucket in a row's key. REQUIRES: the key lies in that bucket's range.
Result<SeriesId> series_of_row(std::string_view key);
BucketId bucket_of_row(std::string_view key);
std::string_view measurement_of_row(std::string_view key);

inline constexpr std::string_view kMetaKey = "im";      // format version, counters, last checkpoint
inline constexpr std::string_view kCatalogKey = "ib";   // databases and retention policies

}  // namespace campanile::tsdb
