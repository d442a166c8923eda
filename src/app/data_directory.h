// DataDirectory: makes the directory that holds everything, and keeps it for one process at a time.
//
//   DataDirectory directory = TRY(DataDirectory::open("campanile-data"));
//   open_store(directory.path() / "store");
//
// The lock is flock(2) on the file LOCK, which holds the process's number in decimal. The kernel lets go of it with the process, so a
// crash leaves nothing to clean up. The file itself stays.
// Ownership: the lock lasts as long as the object. Threads: one owner.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace campanile::app {

class DataDirectory {
 public:
  // Makes the directory (and its parents) where it is missing, readable by its owner only.
  // Errors: kUnavailable naming the process that has it; kCorrupt where a restore was cut short; kIoError naming the path and the cause.
  static Result<DataDirectory> open(const std::filesystem::path& path);
  // A new empty one among the system's temporary files, removed with everything in it when the object goes.
  static Result<DataDirectory> make_scratch(std::string_view prefix);

  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&& other) noexcept;
  ~DataDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  DataDirectory(std::filesystem::path path, int lock, bool remove_at_end);
  void release();

  std::filesystem::path path_;
  int lock_ = -1;
  bool remove_at_end_ = false;
};

}  // namespace campanile::app
