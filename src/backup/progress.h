// Progress: how far a backup, a restore or a check has come, and the way to end it early.
//
//   Progress progress([](const ProgressStatus& now) { show(now.bytes, now.bytes_total); }, stop_source.get_token());
//   progress.begin(files, bytes);
//   TRY(progress.advance(bytes));       // kCancelled once somebody has asked to stop
//
// Threads: one owner, on whose thread the listener runs; stop may be asked for from any.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <utility>

#include "base/result.h"

namespace campanile::backup {

struct ProgressStatus {
  uint64_t files = 0;  // done
  uint64_t files_total = 0;
  uint64_t bytes = 0;
  uint64_t bytes_total = 0;
  uint64_t copied_bytes = 0;  // of bytes: what had to be written; the rest was there
};

class Progress {
 public:
  using Listener = std::function<void(const ProgressStatus&)>;

  explicit Progress(Listener listener = {}, std::stop_token stop = {}) : listener_(std::move(listener)), stop_(std::move(stop)) {}

  void begin(uint64_t files, uint64_t bytes) {
    status_ = {.files_total = files, .bytes_total = bytes};
    tell();
  }
  // There is more to do than was said at first.
  void expect(uint64_t bytes) { status_.bytes_total += bytes; }
  Result<void> advance(uint64_t bytes) {
    if (stop_.stop_requested()) return fail(ErrorCode::kCancelled, "it was asked to stop");
    status_.bytes += bytes;
    tell();
    return {};
  }
  void copied(uint64_t bytes) { status_.copied_bytes += bytes; }
  void file_done() {
    ++status_.files;
    tell();
  }
  const ProgressStatus& status() const { return status_; }

 private:
  void tell() const {
    if (listener_) listener_(status_);
  }

  Listener listener_;
  std::stop_token stop_;
  ProgressStatus status_;
};

}  // namespace campanile::backup
