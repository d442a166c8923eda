// SimulatedDisk: files in memory that behave as badly as a disk may, for tests and simulations.
//
//   SimulatedDisk disk;
//   auto journal = TRY(Journal::open(disk, "/journal", options, replay));
//   disk.fail(SimulatedDisk::Operation::kSync, EIO);       // until heal()
//   auto survivor = disk.after_power_cut(random);          // what a machine would find at its next start
//
// What was not synced survives a power cut in part, in any order, torn at any byte, or as garbage; names not made durable by
// sync_directory() come and go in the order in which they were changed. A failed sync loses what it should have kept even
// where a later one succeeds, as Linux does.
// Threads: every method from any thread. Directories are taken for granted.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "journal/file_system.h"

namespace campanile::journal {

class SimulatedDisk final : public FileSystem {
 public:
  enum class Operation { kCreate, kOpen, kWrite, kSync, kAllocate, kTruncate, kRename, kRemove, kSyncDirectory, kCount };

  SimulatedDisk();
  ~SimulatedDisk() override;

  // That operation fails with this errno: after `after` more successes, `times` times.
  void fail(Operation operation, int error_number, uint64_t after = 0, uint64_t times = UINT64_MAX);
  void heal();
  // From now on a write takes only a part of its bytes, as the seed says.
  void write_short(uint64_t seed);

  // Operations that change something, so far.
  uint64_t changes() const;
  // Cuts the power just before change number `change` (counted from 0): cut_disk() then holds what survived, and `meanwhile`, which must not come
  // back here, has been called: for what else has no power. This disk goes on working.
  void cut_power_at(uint64_t change, uint64_t seed, std::function<void()> meanwhile = {});
  std::unique_ptr<SimulatedDisk> cut_disk();
  std::unique_ptr<SimulatedDisk> after_power_cut(Random& random) const;

  // Reaches into a file's durable bytes, as a decaying disk does. REQUIRES: the file is there.
  std::string durable_bytes(const std::string& path) const;
  void overwrite(const std::string& path, std::string bytes);
  std::vector<std::string> paths() const;

  Result<std::unique_ptr<File>> create(const std::filesystem::path& path) override;
  Result<std::unique_ptr<File>> open(const std::filesystem::path& path) override;
  Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  Result<void> remove(const std::filesystem::path& path) override;
  Result<void> sync_directory(const std::filesystem::path& directory) override;
  Result<void> create_directories(const std::filesystem::path& directory) override;
  Result<std::vector<std::string>> list(const std::filesystem::path& directory) override;

 private:
  struct Inode;
  class SimulatedFile;
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  struct Fault {
    int error_number = 0;
    uint64_t after = 0;
    uint64_t times = 0;
  };

  // REQUIRES of all below: mutex_ is held.
  Result<void> begin(Operation operation, const std::string& path);
  std::unique_ptr<SimulatedDisk> survivor(Random& random) const;

  mutable std::mutex mutex_;
  Names names_;
  std::vector<Names> unsynced_names_;  // the names after each change since the last sync_directory(), oldest first
  Names durable_names_;
  std::array<std::optional<Fault>, static_cast<size_t>(Operation::kCount)> faults_;
  std::optional<Random> short_writes_;
  uint64_t changes_ = 0;
  struct Cut {
    uint64_t change;
    uint64_t seed;
    std::function<void()> meanwhile;
  };
  std::optional<Cut> cut_at_;
  std::unique_ptr<SimulatedDisk> cut_disk_;
};

}  // namespace campanile::journal
