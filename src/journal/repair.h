// Repair: makes a damaged journal one that opens: what is damaged is left out, everything else stays where it is.
//
//   const RepairedJournal done = TRY(repair_journal(posix_file_system(), data / "journal", {.aside = data / "damaged" / now}));
//   for (const JournalLoss& loss : done.losses) print(loss.what);
//
// A frame's checksum says where it belongs, so behind a damaged place reading goes on with certainty: behind the damaged frame, or at the next mark
// (docs/format/journal.md). Whole frames keep their positions: those before and those behind become segments of their own, and the header of the latter tells
// the next start that something is missing (RecordType::kLoss). A header with one damaged byte is mended. Files that are changed are copied to `aside` first.
// Repairing what is whole changes nothing; one that was cut short is done again from the start.
// Threads: nobody else uses the directory. Errors: kIoError; kUnsupported for a later format.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "journal/file_system.h"
#include "journal/journal.h"

namespace campanile::journal {

struct RepairOptions {
  std::filesystem::path aside;  // a directory, made where something is put there
  bool is_trial = false;        // nothing is changed
  // Up to where the store has what the journal let go of; nothing: up to where the journal begins. What is in between is a loss.
  std::optional<Lsn> store_reached;
};

struct JournalLoss {
  Lsn from = 0;
  Lsn to = 0;
  std::string what;  // with the file and the place in it
};

struct RepairedJournal {
  uint64_t files = 0;
  uint64_t records = 0;              // that are whole
  std::vector<JournalLoss> losses;
  std::vector<std::string> mended;   // what was damaged and has lost nothing
  std::vector<std::string> changed;  // names of the files that were copied aside
};

Result<RepairedJournal> repair_journal(FileSystem& files, const std::filesystem::path& directory, const RepairOptions& options);

}  // namespace campanile::journal
