// Fuzzes the chunk reader. The checksum would turn away nearly everything, so it is put right first; what comes through must decode or fail.

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/checksum.h"
#include "codec/varint.h"
#include "tsdb/chunk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace campanile;
  if (size < 1) return 0;
  const bool is_times = data[0] % 4 == 0;
  const std::string key = tsdb::chunk_key({.bucket = 1, .series = 1, .column = static_cast<tsdb::ColumnId>(is_times ? 0 : 1), .min_time_ns = 0, .sequence = 1});
  std::string value(reinterpret_cast<const char*>(data) + 1, size - 1);
  codec::append_fixed(value, codec::checksum32(value, codec::checksum64(key)));
  const auto chunk = tsdb::parse_chunk(key, value);
  if (!chunk || chunk->statistics.count > 1 << 16) return 0;
  tsdb::ColumnData column;
  if (chunk->is_times) {
    (void)tsdb::decode_chunk_times(*chunk, column.times_ns);
    return 0;
  }
  if (!tsdb::decode_chunk(*chunk, nullptr, column)) return 0;
  for (size_t i = 1; i < column.size(); ++i) {
    if (column.times_ns[i] <= column.times_ns[i - 1]) __builtin_trap();
  }
  (void)column.statistics(0, column.size());
  return 0;
}
