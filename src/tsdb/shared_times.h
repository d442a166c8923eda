// Shared times: columns that were written together keep their times once, in a chunk of kTimesColumn; here a chunk is decoded wherever its times are.
//
//   TRY(decode_with_times(chunk, [&](std::string_view key) { return store.get(key); }, data));
//
// Threads: pure functions, as `read` allows. Errors: kCorrupt naming the chunk; those of `read`.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tsdb/chunk.h"

namespace campanile::tsdb {

// The bytes under a key, or nothing where there are none: a store's get(), of the moment that the chunk was read in.
using ReadBytes = std::function<Result<std::optional<std::string>>(std::string_view key)>;

// Where the times of a chunk are, should it share them.
std::string shared_times_key(const ChunkKey& key);

// Decodes times and values into `data`, replacing what it holds.
Result<void> decode_with_times(const Chunk& chunk, const ReadBytes& read, ColumnData& data);

}  // namespace campanile::tsdb
