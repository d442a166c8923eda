// GatedFiles: a disk's files whose syncs wait for the test, so that what is appended meanwhile is in the journal and not on disk.
//
//   GatedFiles files(disk);
//   auto journal = TRY(Journal::open(files, ...));
//   files.set_open(false);              // nothing becomes durable until it is opened again
//
// Threads: every method from any thread; a sync blocks while it is shut.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "journal/simulated_disk.h"

namespace campanile::broker {

class GatedFiles final : public journal::FileSystem {
 public:
  explicit GatedFiles(journal::SimulatedDisk& disk) : disk_(disk) {}

  void set_open(bool open) {
    {
      std::lock_guard lock(mutex_);
      open_ = open;
    }
    changed_.notify_all();
  }
  Result<std::unique_ptr<journal::File>> create(const std::filesystem::path& path) override { return gated(disk_.create(path)); }
  Result<std::unique_ptr<journal::File>> open(const std::filesystem::path& path) override { return gated(disk_.open(path)); }
  Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to) override { return disk_.rename(from, to); }
  Result<void> remove(const std::filesystem::path& path) override { return disk_.remove(path); }
  Result<void> sync_directory(const std::filesystem::path& directory) override { return disk_.sync_directory(directory); }
  Result<void> create_directories(const std::filesystem::path& directory) override { return disk_.create_directories(directory); }
  Result<std::vector<std::string>> list(const std::filesystem::path& directory) override { return disk_.list(directory); }

 private:
  class GatedFile final : public journal::File {
   public:
    GatedFile(GatedFiles& files, std::unique_ptr<journal::File> file) : files_(files), file_(std::move(file)) {}
    Result<size_t> write_at(uint64_t offset, std::string_view bytes) override { return file_->write_at(offset, bytes); }
    Result<void> sync() override {
      files_.wait();
      return file_->sync();
    }
    Result<void> allocate(uint64_t bytes) override { return file_->allocate(bytes); }
    Result<void> truncate(uint64_t bytes) override { return file_->truncate(bytes); }
    Result<std::string> read(uint64_t offset, uint64_t bytes_max) override { return file_->read(offset, bytes_max); }

   private:
    GatedFiles& files_;
    std::unique_ptr<journal::File> file_;
  };
  Result<std::unique_ptr<journal::File>> gated(Result<std::unique_ptr<journal::File>> file) {
    if (!file) return file;
    return std::make_unique<GatedFile>(*this, std::move(*file));
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }

  journal::SimulatedDisk& disk_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
};

}  // namespace campanile::broker
