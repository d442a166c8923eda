// Writer: makes one backup in a place. Files whose content the place has already are not copied again.
//
//   auto place = TRY(Place::open(directory, Place::Use::kWrite));
//   DataFiles now = TRY(freeze_running(data, place.directory(), store, journal));
//   const Manifest made = TRY(write_backup(place, now, {.id = make_id(clock.now_ns()), .time_ns = clock.now_ns(), .program = "0.1.0"}, progress));
//
// Each file is read once and synced; the manifest comes last, so that a backup is whole or not there. One that was stopped or killed leaves files in
// the pool: the next takes those that still fit, and removes the rest. One that failed removes them at once.
// Threads: one owner of the place. Errors: kTooLarge where there is no room; kCancelled; kIoError.
#pragma once

#include <cstdint>
#include <string>

#include "backup/data_files.h"
#include "backup/manifest.h"
#include "backup/place.h"
#include "backup/progress.h"
#include "base/result.h"

namespace campanile::backup {

struct WriteOptions {
  std::string id;
  int64_t time_ns = 0;
  std::string program;
  uint64_t keep = 0;            // how many backups stay, this one among them; 0: all
  uint64_t free_bytes_min = 0;  // that have to stay free where the backups are
};

Result<Manifest> write_backup(Place& place, DataFiles& data, const WriteOptions& options, Progress& progress);

}  // namespace campanile::backup
