#include "tsdb/keys.h"

namespace campanile::tsdb {
namespace {

constexpr uint64_t kSignBit = 1ull << 63;

template <typename T>
void append_big_endian(std::string& out, T value) {
  for (size_t shift = sizeof(T) * 8; shift > 0; shift -= 8) out += static_cast<char>(value >> (shift - 8));
}

template <typename T>
T read_big_endian(std::string_view bytes) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value << 8 | static_cast<uint8_t>(bytes[i]));
  return value;
}

// Chunks have a prefix of one byte, because there are so many of them; the other rows share 'i'.
void append_prefix(std::string& out, BucketRows rows, BucketId bucket) {
  if (rows != BucketRows::kChunks) out += 'i';
  out += static_cast<char>(rows);
  append_big_endian(out, bucket);
}

constexpr size_t kRowPrefixBytes = 2 + 4;

}  // namespace

std::string chunk_key(const ChunkKey& key) {
  std::string out;
  out.reserve(kChunkKeyBytes);
  append_prefix(out, BucketRows::kChunks, key.bucket);
  append_big_endian(out, key.series);
  append_big_endian(out, key.column);
  append_big_endian(out, static_cast<uint64_t>(key.min_time_ns) ^ kSignBit);
  append_big_endian(out, key.sequence);
  return out;
}

Result<ChunkKey> parse_chunk_key(std::string_view key) {
  if (key.size() != kChunkKeyBytes || key[0] != static_cast<char>(BucketRows::kChunks)) {
    return fail(ErrorCode::kCorrupt, "a chunk key of {} bytes, not {}", key.size(), kChunkKeyBytes);
  }
  return ChunkKey{.bucket = read_big_endian<uint32_t>(key.substr(1)),
                  .series = read_big_endian<uint64_t>(key.substr(5)),
                  .column = read_big_endian<uint16_t>(key.substr(13)),
                  .min_time_ns = static_cast<int64_t>(read_big_endian<uint64_t>(key.substr(15)) ^ kSignBit),
                  .sequence = read_big_endian<uint64_t>(key.substr(23))};
}

std::string to_string(const ChunkKey& key) {
  return fmt::format("chunk bucket {} series {} column {} from {} sequence {}", key.bucket, key.series, key.column, key.min_time_ns, key.sequence);
}

std::string column_begin(BucketId bucket, SeriesId series, ColumnId column) {
  std::string out;
  out.reserve(kChunkKeyBytes);
  append_prefix(out, BucketRows::kChunks, bucket);
  append_big_endian(out, series);
  append_big_endian(out, column);
  return out;
}

std::string column_end(BucketId bucket, SeriesId series, ColumnId column) {
  if (column != UINT16_MAX) return column_begin(bucket, series, static_cast<ColumnId>(column + 1));
  return column_begin(bucket, series + 1, 0);
}

std::string bucket_begin(BucketRows rows, BucketId bucket) {
  std::string out;
  append_prefix(out, rows, bucket);
  return out;
}

std::string bucket_end(BucketRows rows, BucketId bucket) { return bucket_begin(rows, bucket + 1); }

std::string series_row_key(BucketRows rows, BucketId bucket, SeriesId series) {
  std::string out;
  append_prefix(out, rows, bucket);
  append_big_endian(out, series);
  return out;
}

std::string columns_row_key(BucketId bucket, std::string_view measurement) {
  std::string out;
  append_prefix(out, BucketRows::kColumns, bucket);
  out += measurement;
  return out;
}

Result<SeriesId> series_of_row(std::string_view key) {
  if (key.size() != kRowPrefixBytes + 8) return fail(ErrorCode::kCorrupt, "a series row key of {} bytes", key.size());
  return read_big_endian<uint64_t>(key.substr(kRowPrefixBytes));
}

BucketId bucket_of_row(std::string_view key) { return read_big_endian<BucketId>(key.substr(kRowPrefixBytes - sizeof(BucketId), sizeof(BucketId))); }

std::string_view measurement_of_row(std::string_view key) { return key.substr(kRowPrefixBytes); }

}  // namespace campanile::tsdb
