// File copy: whole files from one place to another with their digest, and the few calls that make them survive a power cut.
//
//   const Content content = TRY(copy_file(from, std::nullopt, to, progress));   // written and synced
//   TRY(sync_directory(to.parent_path()));
//
// Threads: any; blocks on disks. Files and directories that are made are for their owner alone.
// Errors: kIoError with path and the system's words; kNotFound where the source is missing; kCancelled.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "backup/progress.h"
#include "base/result.h"

namespace campanile::backup {

struct Content {
  uint64_t bytes = 0;
  std::string digest;
};

// The digest of the first `bytes` bytes, or of all. A source that is shorter is an error.
Result<Content> read_content(const std::filesystem::path& path, std::optional<uint64_t> bytes, Progress& progress);
// The same, and what was read is in a new file `to`, synced. What had the name before is replaced. After an error `to` is gone.
Result<Content> copy_file(const std::filesystem::path& from, std::optional<uint64_t> bytes, const std::filesystem::path& to, Progress& progress);

// A small file, whole. Errors: also kTooLarge.
Result<std::string> read_text(const std::filesystem::path& path, uint64_t bytes_max);
// Synced under its name, or not there at all, whenever the power goes. REQUIRES: the directory is there.
Result<void> write_text(const std::filesystem::path& path, std::string_view text);

// Makes the directory and its parents; those that are new are synced into theirs.
Result<void> make_directories(const std::filesystem::path& directory);
Result<void> sync_directory(const std::filesystem::path& directory);
Result<void> remove_file(const std::filesystem::path& path);

}  // namespace campanile::backup
