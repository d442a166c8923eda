// Verify: whether a backup, or a data directory, is whole: every byte is read.
//
//   const CheckReport report = TRY(verify_backup(place, id, progress));
//   for (const std::string& damage : report.damages) print(damage);
//
// Of a backup, each file is compared with its checksum in the manifest. Then, of either, the journal's records are read as a start reads them, and the
// store is opened for reading, every block of its tables compared with its checksum, and every row given to whoever can read it.
// Threads: any; blocks on the disk. Errors: what keeps it from looking; what is damaged is in the report.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "backup/place.h"
#include "backup/progress.h"
#include "base/result.h"
#include "journal/journal.h"

namespace campanile::backup {

struct CheckReport {
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t journal_records = 0;
  journal::Lsn journal_let_go = 0;   // what came before is in the store alone
  uint64_t store_rows = 0;
  std::vector<std::string> damages;  // in words, with the file's or the row's name, of rows the first hundred; empty: it is whole
};

// An error where a row of the store is not as its owner writes it.
using RowCheck = std::function<Result<void>(std::string_view key, std::string_view value)>;

Result<CheckReport> verify_backup(const Place& place, const std::string& id, Progress& progress, const RowCheck& check_row = {});
// REQUIRES: the caller has the data directory's lock.
Result<CheckReport> verify_data(const std::filesystem::path& data, const RowCheck& check_row = {});

}  // namespace campanile::backup
