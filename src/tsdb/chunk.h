// Chunk: a run of one column's values, compressed, under one key; its header answers count, range and sums without decoding.
//
//   std::string value = encode_chunk(key, data, 0, data.size(), Times::kEmbedded);
//   Chunk chunk = TRY(parse_chunk(key_bytes, value));       // checks the checksum, decodes the header only
//   TRY(decode_chunk(chunk, shared_times, data));
//
// docs/format/chunks.md draws the bytes. Columns that were written together share their times: one chunk of times (kTimesColumn) with the same
// sequence and first time holds them.
// Threads: pure functions. Ownership: a Chunk views the bytes it was parsed from. Errors: kCorrupt naming the chunk; kUnsupported
// for a format version that a later program wrote.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tsdb/column_data.h"
#include "tsdb/keys.h"

namespace campanile::tsdb {

// What is written. Version 1, which had no regular times, is read.
inline constexpr uint8_t kChunkVersion = 2;
// A header that tells of more is corrupt; nothing is allocated for it.
inline constexpr uint64_t kChunkValuesMax = 1 << 20;

// Where a chunk's times are: in itself, in the chunk of times that columns share, or nowhere, since they follow from the first and an interval.
enum class Times { kEmbedded, kShared, kRegular };

struct Chunk {
  ChunkKey key;
  bool is_times = false;        // holds times alone
  FieldType type = FieldType::kFloat;
  Times times = Times::kEmbedded;
  uint64_t interval_ns = 0;     // kRegular
  BlockStatistics statistics;   // first and last of strings are left empty: they need decoding
  std::string_view times_block;
  std::string_view values_block;
};

// Encodes the rows [begin, end). Times that are embedded become regular where they are. REQUIRES: begin < end; key.min_time_ns is the first row's time;
// times is not kRegular.
std::string encode_chunk(const ChunkKey& key, const ColumnData& data, size_t begin, size_t end, Times times);
std::string encode_times_chunk(const ChunkKey& key, std::span<const int64_t> times_ns);

Result<Chunk> parse_chunk(std::string_view key, std::string_view value);

// Decodes times only. REQUIRES: chunk.times is not kShared.
Result<void> decode_chunk_times(const Chunk& chunk, std::vector<int64_t>& times_ns);

// Decodes times and values into `data`, replacing what it holds. REQUIRES: `shared` is the chunk of shared times where chunk.times is kShared.
Result<void> decode_chunk(const Chunk& chunk, const Chunk* shared, ColumnData& data);

}  // namespace campanile::tsdb
