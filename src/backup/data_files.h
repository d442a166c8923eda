// Data files: what of a data directory belongs into a backup, as files that stay as they are while they are copied.
//
//   const DataFiles now = TRY(freeze_running(data, except, store, journal));   // of a server, while it goes on
//   const DataFiles now = TRY(read_resting(data, except));                     // of a directory that nobody has open
//
// A running server's moment is a checkpoint of its store and then the journal up to a later position: everything acknowledged before the call, and
// whatever the store already has, is in one of the two, and replaying the journal brings the rest.
// Everything else in the data directory comes along too, but for LOCK, what backups, restores and repairs leave there themselves, symbolic links and sockets.
// Threads: any; blocks on the disk. The files stay for the object's life, which must end before the journal's; those of the journal until release_journal().
// Errors: kIoError; kCorrupt for a resting journal that no server would start with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "journal/journal.h"
#include "kv/store.h"

namespace campanile::backup {

// Where repairs keep what was damaged.
inline constexpr std::string_view kDamaged = "damaged";

struct DataFile {
  std::filesystem::path path;
  std::string name;               // below the data directory
  std::optional<uint64_t> bytes;  // the first so many; nothing: as many as there are when it is read, and none at all where it has gone by then
};

class DataFiles {
 public:
  DataFiles() = default;
  DataFiles(DataFiles&& other) noexcept;
  DataFiles& operator=(DataFiles&&) = delete;
  ~DataFiles();

  std::vector<DataFile> files;  // the journal's first
  // How many of them are the journal's.
  size_t journal_files() const { return journal_files_; }
  // The journal's files may go from now on: they have been copied.
  void release_journal() { hold_.reset(); }

 private:
  friend Result<DataFiles> freeze_running(const std::filesystem::path&, const std::filesystem::path&, kv::Store&, journal::Journal&);
  friend Result<DataFiles> read_resting(const std::filesystem::path&, const std::filesystem::path&);
  Result<void> add_all(std::vector<journal::SegmentFile> segments, const std::filesystem::path& store, const std::filesystem::path& data,
                       const std::filesystem::path& except);

  size_t journal_files_ = 0;
  std::unique_ptr<journal::SegmentHold> hold_;
  std::filesystem::path checkpoint_;  // removed at the end
};

// `except`: the backups' own directory, which may lie in the data directory. One at a time for a data directory.
Result<DataFiles> freeze_running(const std::filesystem::path& data, const std::filesystem::path& except, kv::Store& store, journal::Journal& journal);
// REQUIRES: the caller has the data directory's lock.
Result<DataFiles> read_resting(const std::filesystem::path& data, const std::filesystem::path& except);

// Removes what a backup that was cut short left in the data directory. REQUIRES: none is running.
void remove_leftovers(const std::filesystem::path& data);

}  // namespace campanile::backup
