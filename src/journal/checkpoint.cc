#include "journal/checkpoint.h"

#include <algorithm>

#include "base/log.h"

namespace campanile::journal {
namespace {

using SteadyClock = std::chrono::steady_clock;

// How often the journal's size is looked at, and how long a failed checkpoint is left alone.
constexpr auto kLookInterval = std::chrono::seconds(1);
constexpr auto kPauseAfterFailure = std::chrono::seconds(10);

}  // namespace

Checkpointer::Checkpointer(Journal& journal, std::vector<Participant*> participants, const CheckpointOptions& options)
    : journal_(journal), participants_(std::move(participants)), options_(options), last_end_(journal.end()), last_time_(SteadyClock::now()) {}

Checkpointer::~Checkpointer() { stop(); }

void Checkpointer::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void Checkpointer::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  stopping_ = false;
}

std::string Checkpointer::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

Result<void> Checkpointer::run_once() {
  auto done = checkpoint();
  std::lock_guard lock(mutex_);
  failure_ = done ? std::string() : done.error().message;
  return done;
}

Result<void> Checkpointer::checkpoint() {
  std::lock_guard one_at_a_time(checkpoint_mutex_);
  const Lsn end = journal_.end();
  Lsn needed_from = end;
  for (Participant* participant : participants_) {
    const auto lsn = participant->checkpoint();
    if (!lsn) return with_context(lsn.error(), participant->name());
    needed_from = std::min(needed_from, *lsn);
  }
  TRY(journal_.truncate_before(needed_from));
  const uint64_t kept_bytes = journal_.status().kept_bytes;
  std::lock_guard lock(mutex_);
  last_end_ = end;
  last_kept_bytes_ = kept_bytes;
  last_time_ = SteadyClock::now();
  return {};
}

void Checkpointer::run() {
  std::unique_lock lock(mutex_);
  auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(kLookInterval);
  while (!wake_.wait_for(lock, pause, [&] { return stopping_; })) {
    pause = kLookInterval;
    if (failure_.empty() && !is_due()) continue;
    lock.unlock();
    const auto done = run_once();
    lock.lock();
    if (!done) {
      log::error("checkpoint: {}; the journal keeps its files, trying again", done.error().message);
      pause = kPauseAfterFailure;
    }
  }
}

bool Checkpointer::is_due() const {
  const JournalStatus status = journal_.status();
  if (status.end == last_end_) return false;
  if (SteadyClock::now() - last_time_ >= std::chrono::seconds(options_.interval_s)) return true;
  // A participant may still need most of what is kept; without growth since then another checkpoint would free nothing.
  return status.kept_bytes > options_.journal_bytes && status.kept_bytes - std::min(status.kept_bytes, last_kept_bytes_) >= options_.journal_bytes / 4;
}

}  // namespace campanile::journal
