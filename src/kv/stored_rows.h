// Stored rows: everything in a store that nobody has open, for who checks it. Nothing is written.
//
//   TRY(read_stored_rows(directory, [&](std::string_view key, std::string_view value) { count(key, value); }));
//
// Threads: any; blocks on the disk. Errors: kCorrupt and kIoError as RocksDB says them, after the rows before.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "base/result.h"

namespace campanile::kv {

// In the order of keys. The views live during the call.
using RowVisitor = std::function<void(std::string_view key, std::string_view value)>;
Result<void> read_stored_rows(const std::filesystem::path& directory, const RowVisitor& visit);

}  // namespace campanile::kv
