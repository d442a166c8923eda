#include "tsdb/shared_times.h"

namespace campanile::tsdb {

std::string shared_times_key(const ChunkKey& key) { return chunk_key({key.bucket, key.series, kTimesColumn, key.min_time_ns, key.sequence}); }

Result<void> decode_with_times(const Chunk& chunk, const ReadBytes& read, ColumnData& data) {
  if (chunk.times != Times::kShared) return decode_chunk(chunk, nullptr, data);
  const std::string key = shared_times_key(chunk.key);
  const auto times = TRY(read(key));
  if (!times) return fail(ErrorCode::kCorrupt, "{}: its chunk of shared times is missing", to_string(chunk.key));
  const Chunk shared = TRY(parse_chunk(key, *times));
  return decode_chunk(chunk, &shared, data);
}

}  // namespace campanile::tsdb
