// Restore: a backup becomes a data directory again, each file checked while it is copied.
//
//   TRY(check_empty(directory));
//   const Manifest restored = TRY(restore_backup(place, id, directory, progress));
//
// While a restore is under way the directory holds restore.unfinished, with which no server starts. It goes last, when everything is on disk. After an
// error the directory is as empty as before; after a power cut or a kill it has to be emptied by hand.
// Threads: any; blocks on the disk. Errors: kCorrupt naming the file of the pool and what it was in the data directory; kAlreadyExists; kIoError; kCancelled.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "backup/manifest.h"
#include "backup/place.h"
#include "backup/progress.h"
#include "base/result.h"

namespace campanile::backup {

inline constexpr std::string_view kUnfinishedRestore = "restore.unfinished";

// Whether a backup may go there: it is missing, or holds nothing but a lock and what file systems put into their root.
Result<void> check_empty(const std::filesystem::path& directory);

// REQUIRES: the directory is there, and check_empty() has found it so.
Result<Manifest> restore_backup(const Place& place, const std::string& id, const std::filesystem::path& directory, Progress& progress);

}  // namespace campanile::backup
