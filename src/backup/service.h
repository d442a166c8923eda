// Service: makes backups of a running server, one at a time on a thread of its own, and tells how they are doing.
//
//   Service backups({.data = data, .place = directory, .program = "0.1.0"}, store, journal, clock);
//   const std::string id = TRY(backups.start(/*keep=*/7));
//   while (backups.status()->state == JobState::kRunning) …
//
// Threads: every method from any thread; start() and list() read the disk, so never on an event loop. stop() ends a backup that is running, within a
// block of a file, and none begins after it. Limits: one backup at a time. It must go before the store and the journal.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "backup/manifest.h"
#include "backup/place.h"
#include "backup/progress.h"
#include "base/clock.h"
#include "base/result.h"
#include "journal/journal.h"
#include "kv/store.h"

namespace campanile::backup {

struct ServiceOptions {
  std::filesystem::path data;
  std::filesystem::path place;
  std::string program;
  uint64_t free_bytes_min = 0;
};

enum class JobState { kRunning, kDone, kFailed };
std::string_view to_string(JobState state);

struct JobStatus {
  std::string id;
  JobState state = JobState::kRunning;
  int64_t started_ns = 0;
  int64_t ended_ns = 0;  // 0: it is running
  ProgressStatus progress;
  std::string error;     // of one that failed
};

class Service {
 public:
  Service(ServiceOptions options, kv::Store& store, journal::Journal& journal, const Clock& clock);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Begins a backup and answers its id. `keep`: how many stay when it is done; 0: all.
  // Errors: kAlreadyExists while one is running; kUnavailable after stop(), and while somebody else uses the place; kIoError.
  Result<std::string> start(uint64_t keep);
  // The one that is running, or the last; nothing before the first.
  std::optional<JobStatus> status() const;
  // Those that there are, newest first, and nothing of what cannot be read.
  Result<std::vector<Manifest>> list() const;
  const std::filesystem::path& place() const { return options_.place; }
  // The moment of the newest backup, in nanoseconds since 1970; 0: there is none. Reads no disk.
  int64_t newest_ns() const { return newest_ns_.load(); }
  void stop();

 private:
  void run(Place place, std::string id, int64_t time_ns, uint64_t keep, const std::stop_token& stop);
  Result<Manifest> make(Place& place, const std::string& id, int64_t time_ns, uint64_t keep, const std::stop_token& stop);

  const ServiceOptions options_;
  kv::Store& store_;
  journal::Journal& journal_;
  const Clock& clock_;

  std::atomic<int64_t> newest_ns_{0};
  mutable std::mutex mutex_;  // down to thread_; never held during I/O other than the opening of the place
  std::optional<JobStatus> job_;
  bool stopped_ = false;
  std::jthread thread_;
};

}  // namespace campanile::backup
