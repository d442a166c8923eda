// FileSystem: the few file operations the journal needs, behind an interface so that a test can be the disk.
//
//   auto file = TRY(files.create(path));
//   TRY(write_fully(*file, 0, header));
//   TRY(file->sync());
//
// Threads: a FileSystem from any thread, a File from one at a time. Errors: kIoError with path and the system's words.
// Implementations: posix_file_system() here, SimulatedDisk in journal/simulated_disk.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace campanile::journal {

class File {
 public:
  virtual ~File() = default;
  // Writes some of `bytes`, at least one, and returns how many: a disk may take fewer than it was given.
  virtual Result<size_t> write_at(uint64_t offset, std::string_view bytes) = 0;
  // What was written survives power loss once this returns. After an error nothing is known about what was written since the last
  // success, and trying again proves nothing: the kernel may have thrown the pages away (the "fsync gate" of 2018).
  virtual Result<void> sync() = 0;
  // Takes room for the first `bytes` bytes from the file system, zeros where nothing was written, so that a sync need not record a new size.
  virtual Result<void> allocate(uint64_t bytes) = 0;
  virtual Result<void> truncate(uint64_t bytes) = 0;
  // Up to `bytes_max` bytes from `offset`; fewer where the file ends before.
  virtual Result<std::string> read(uint64_t offset, uint64_t bytes_max) = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // An empty file under that name; what had the name before is emptied.
  virtual Result<std::unique_ptr<File>> create(const std::filesystem::path& path) = 0;
  virtual Result<std::unique_ptr<File>> open(const std::filesystem::path& path) = 0;
  virtual Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual Result<void> remove(const std::filesystem::path& path) = 0;
  // Makes creations, renames and removals in the directory survive power loss.
  virtual Result<void> sync_directory(const std::filesystem::path& directory) = 0;
  virtual Result<void> create_directories(const std::filesystem::path& directory) = 0;
  // File names, in no order.
  virtual Result<std::vector<std::string>> list(const std::filesystem::path& directory) = 0;
};

// Writes all of `bytes`, in as many pieces as the file wants.
Result<void> write_fully(File& file, uint64_t offset, std::string_view bytes);

// The operating system's files. Lives as long as the program.
FileSystem& posix_file_system();

}  // namespace campanile::journal
