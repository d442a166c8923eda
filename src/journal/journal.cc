#include "journal/journal.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "journal/file_system.h"
#include "journal/log_writer.h"
#include "journal/segment_directory.h"

namespace campanile::journal {
namespace {

constexpr int64_t kNever = INT64_MAX;
constexpr int64_t kLongestWaitNs = 3600 * kNanosPerSecond;  // then it looks again

// Together under the gap that segment_directory.cc leaves at every start, so that Lsns handed out before a power cut are never used again.
constexpr uint64_t kAheadBytesMax = 2ull << 30;
constexpr uint64_t kSegmentBytesMax = 1ull << 30;

class GroupCommitJournal final : public Journal {
 public:
  GroupCommitJournal(std::unique_ptr<SegmentDirectory> directory, const JournalOptions& options);
  ~GroupCommitJournal() override;
  void start();

  Result<Lsn> append(RecordType type, std::string_view head, std::string_view tail) override;
  Result<Lsn> append_together(std::span<const NewRecord> records) override;
  Result<Lsn> append_within(std::chrono::milliseconds within, RecordType type, std::string_view payload) override;
  Lsn written() const override { return written_.load(); }
  void sync_to(Lsn lsn) override;
  Lsn durable() const override { return durable_.load(); }
  Lsn end() const override { return end_.load(); }
  JournalStatus status() const override;
  void add_listener(CommitListener listener) override;
  Result<void> wait_durable(Lsn lsn) override;
  Result<void> truncate_before(Lsn lsn) override { return directory_->remove_before(lsn); }
  Result<std::unique_ptr<SegmentHold>> hold_segments() override;

 private:
  class Hold;
  Result<std::vector<SegmentFile>> synced_files();
  template <typename Put>
  Result<Lsn> add(size_t payload_bytes, std::optional<std::chrono::milliseconds> within, Put put_frame);
  void want_sync(Lsn lsn);
  void run();
  bool take_turn(std::unique_lock<std::mutex>& lock);
  template <typename Condition>
  void wait_until(std::unique_lock<std::mutex>& lock, Condition condition);
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  void gather(std::unique_lock<std::mutex>& lock);
  Result<void> commit(bool sync_now);
  void publish(const Result<void>& outcome);
  bool relaxed() const { return options_.sync_every_ms > 0; }
  bool sync_is_due() const;
  // When the next sync is due without anybody waiting for it.
  int64_t due_ns() const;

  const JournalOptions options_;
  const SystemClock system_clock_{};
  const Clock& clock_;
  const std::unique_ptr<SegmentDirectory> directory_;
  LogWriter writer_;                     // the journal's thread only
  int64_t last_sync_ns_ = INT64_MIN / 2;  // the journal's thread only
  int64_t written_due_ns_ = kNever;       // the same: when the first of the records that it has and that are not synced was promised to be

  mutable std::mutex mutex_;  // everything down to failure_
  std::condition_variable work_;
  mutable std::condition_variable progress_;
  std::string pending_;  // frames not yet given to the writer; begins with a mark
  bool stopping_ = false;
  bool sync_wanted_ = false;
  int64_t pending_due_ns_ = kNever;  // of the records in pending_
  Lsn synced_;
  uint64_t syncs_ = 0;
  uint64_t pending_records_ = 0;
  uint64_t last_records_ = 0;  // of the last commit
  uint64_t bytes_written_ = 0;
  std::optional<Error> failure_;

  // Written under mutex_, read without.
  std::atomic<Lsn> end_;
  std::atomic<Lsn> durable_;
  std::atomic<Lsn> written_;
  std::atomic<Lsn> sync_to_{0};  // somebody waits for the sync of records up to there

  std::mutex listeners_mutex_;  // held while listeners run; never together with mutex_
  std::vector<CommitListener> listeners_;
  std::thread thread_;
};

GroupCommitJournal::GroupCommitJournal(std::unique_ptr<SegmentDirectory> directory, const JournalOptions& options)
    : options_(options),
      clock_(options.clock ? *options.clock : system_clock_),
      directory_(std::move(directory)),
      writer_(*directory_, options.segment_bytes, std::max(directory_->first_unused(), options.lsn_min), directory_->recovered_end()),
      synced_(writer_.end()),
      end_(writer_.end()),
      durable_(writer_.end()),
      written_(writer_.end()) {}

void GroupCommitJournal::start() {
  // The first segment is made before any Lsn goes out. Where that fails the journal opens all the same, so that what is stored can be read,
  // and goes on trying.
  publish(writer_.write());
  if (options_.has_thread) thread_ = std::thread([this] { run(); });
}

GroupCommitJournal::~GroupCommitJournal() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  if (options_.has_thread) {
    thread_.join();
  } else {
    std::unique_lock lock(mutex_);
    take_turn(lock);
  }
}

Result<Lsn> GroupCommitJournal::append(RecordType type, std::string_view head, std::string_view tail) {
  return add(head.size() + tail.size(), std::nullopt, [&] { append_frame(pending_, static_cast<uint8_t>(type), head, tail); });
}

Result<Lsn> GroupCommitJournal::append_together(std::span<const NewRecord> records) {
  CHECK(!records.empty());
  if (records.size() == 1) return append(records[0].type, records[0].head, records[0].tail);
  return add(unit_payload_bytes(records), std::nullopt, [&] { append_unit(pending_, records); });
}

Result<Lsn> GroupCommitJournal::append_within(std::chrono::milliseconds within, RecordType type, std::string_view payload) {
  return add(payload.size(), within, [&] { append_frame(pending_, static_cast<uint8_t>(type), payload, {}); });
}

template <typename Put>
Result<Lsn> GroupCommitJournal::add(size_t payload_bytes, std::optional<std::chrono::milliseconds> within, Put put_frame) {
  if (payload_bytes > options_.segment_bytes) {
    return fail(ErrorCode::kTooLarge, "a record of {} bytes does not fit the journal's segment_bytes of {}", payload_bytes, options_.segment_bytes);
  }
  bool was_empty = false;
  Lsn lsn = 0;
  {
    std::lock_guard lock(mutex_);
    if (failure_) return std::unexpected(*failure_);
    was_empty = pending_.empty();
    const uint64_t held = end_ - synced_;
    const uint64_t added = kFrameHeadBytes + payload_bytes + (was_empty ? kMarkBytes : 0);
    // One record always gets through, however small the limit.
    if (held > 0 && held + added > options_.pending_bytes_max) {
      return fail(ErrorCode::kOverloaded, "the journal holds {} bytes that are not on disk yet, its limit pending_bytes_max is {}", held,
                  options_.pending_bytes_max);
    }
    if (was_empty) append_mark(pending_);
    put_frame();
    ++pending_records_;
    lsn = end_ + added;
    end_ = lsn;
    if (within) {
      pending_due_ns_ = std::min(pending_due_ns_, clock_.steady_ns() + within->count() * kNanosPerMilli);
    } else {
      sync_to_ = lsn;
    }
  }
  if (was_empty) work_.notify_one();
  return lsn;
}

void GroupCommitJournal::sync_to(Lsn lsn) {
  // Without a lock where somebody has asked for it already, as whoever appends without a term does.
  if (lsn <= sync_to_) return;
  std::lock_guard lock(mutex_);
  want_sync(lsn);
}

// REQUIRES: mutex_ is held.
void GroupCommitJournal::want_sync(Lsn lsn) {
  if (lsn <= sync_to_) return;
  sync_to_ = std::min(lsn, end_.load());
  work_.notify_one();
}

JournalStatus GroupCommitJournal::status() const {
  JournalStatus status;
  Lsn synced = 0;
  {
    std::lock_guard lock(mutex_);
    status.end = end_;
    status.durable = durable_;
    status.syncs = syncs_;
    status.bytes = bytes_written_;
    if (failure_) status.failure = failure_->message;
    synced = synced_;
  }
  status.begin = directory_->begin();
  status.let_go = directory_->let_go();
  status.kept_bytes = directory_->kept_bytes(synced);
  return status;
}

void GroupCommitJournal::add_listener(CommitListener listener) {
  std::lock_guard lock(listeners_mutex_);
  listeners_.push_back(std::move(listener));
}

template <typename Condition>
void GroupCommitJournal::wait_until(std::unique_lock<std::mutex>& lock, Condition condition) {
  if (options_.has_thread) return progress_.wait(lock, condition);
  do {
    take_turn(lock);
  } while (!condition());
}

Result<void> GroupCommitJournal::wait_durable(Lsn lsn) {
  std::unique_lock lock(mutex_);
  if (lsn > end_) return fail(ErrorCode::kInvalidArgument, "waiting for journal position {}, but the journal ends at {}", lsn, end_.load());
  want_sync(lsn);
  wait_until(lock, [&] { return durable_ >= lsn || failure_; });
  if (durable_ >= lsn) return {};
  return std::unexpected(*failure_);
}

class GroupCommitJournal::Hold final : public SegmentHold {
 public:
  explicit Hold(GroupCommitJournal& journal) : journal_(journal) { journal_.directory_->hold(); }
  ~Hold() override { journal_.directory_->release(); }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  Result<std::vector<SegmentFile>> synced_files() override { return journal_.synced_files(); }

 private:
  GroupCommitJournal& journal_;
};

Result<std::unique_ptr<SegmentHold>> GroupCommitJournal::hold_segments() { return std::make_unique<Hold>(*this); }

Result<std::vector<SegmentFile>> GroupCommitJournal::synced_files() {
  Lsn synced = 0;
  {
    std::unique_lock lock(mutex_);
    const Lsn wanted = end_;
    if (synced_ < wanted) {
      sync_wanted_ = true;
      work_.notify_one();
    }
    wait_until(lock, [&] { return synced_ >= wanted || failure_; });
    if (synced_ < wanted) return std::unexpected(*failure_);
    synced = synced_;
  }
  // Asked after synced_: the file that is last now holds everything up to there that none before it does.
  return directory_->files(synced);
}

void GroupCommitJournal::run() {
  std::unique_lock lock(mutex_);
  do {
    wait_for_work(lock);
    gather(lock);
  } while (take_turn(lock));
  if (end_ != synced_) {
    log::error("journal: stopped with {} bytes not on disk: {}", end_ - synced_, failure_ ? failure_->message : std::string());
  }
}

// Commits what is pending. False where that was the last time.
bool GroupCommitJournal::take_turn(std::unique_lock<std::mutex>& lock) {
  const bool stopping = stopping_;
  const bool is_awaited = !relaxed() && sync_to_ > synced_;
  const bool sync_now = std::exchange(sync_wanted_, false) || is_awaited || stopping;
  written_due_ns_ = std::min(written_due_ns_, std::exchange(pending_due_ns_, kNever));
  last_records_ = std::exchange(pending_records_, 0);
  if (!pending_.empty()) {
    writer_.add(std::move(pending_));
    pending_ = writer_.take_spare();
  }
  lock.unlock();
  publish(commit(sync_now));
  lock.lock();
  return !stopping || (!pending_.empty() && !failure_);
}

void GroupCommitJournal::wait_for_work(std::unique_lock<std::mutex>& lock) {
  if (failure_) {
    work_.wait_for(lock, std::chrono::milliseconds(options_.retry_ms), [&] { return stopping_; });
    return;
  }
  const auto something_to_do = [&] { return stopping_ || sync_wanted_ || !pending_.empty() || (!relaxed() && sync_to_ > synced_); };
  if (writer_.written() == writer_.synced()) {
    work_.wait(lock, something_to_do);
  } else {
    work_.wait_for(lock, std::chrono::nanoseconds(std::min(due_ns() - clock_.steady_ns(), kLongestWaitNs)), something_to_do);
  }
}

void GroupCommitJournal::gather(std::unique_lock<std::mutex>& lock) {
  if (options_.gather_us == 0 || last_records_ < options_.gather_records || failure_ || pending_.empty()) return;
  work_.wait_for(lock, std::chrono::microseconds(options_.gather_us), [&] { return stopping_; });
}

Result<void> GroupCommitJournal::commit(bool sync_now) {
  TRY(writer_.write());
  if (!sync_now && !sync_is_due()) return {};
  TRY(writer_.sync());
  last_sync_ns_ = clock_.steady_ns();
  written_due_ns_ = kNever;
  return {};
}

int64_t GroupCommitJournal::due_ns() const {
  return relaxed() ? std::min(written_due_ns_, last_sync_ns_ + options_.sync_every_ms * kNanosPerMilli) : written_due_ns_;
}

bool GroupCommitJournal::sync_is_due() const {
  // Unsynced bytes stay in memory to be written again after a fault, so their number is a reason to sync too.
  return writer_.written() - writer_.synced() > options_.pending_bytes_max / 2 || clock_.steady_ns() >= due_ns();
}

void GroupCommitJournal::publish(const Result<void>& outcome) {
  Lsn durable = 0;
  bool failed_before = false;
  {
    std::lock_guard lock(mutex_);
    synced_ = writer_.synced();
    syncs_ = writer_.syncs();
    bytes_written_ = writer_.bytes_written();
    // It never goes back: what the relaxed setting promised stays promised while it is written again.
    durable_ = std::max(durable_.load(), relaxed() ? writer_.written() : writer_.synced());
    durable = durable_;
    written_ = std::max(written_.load(), writer_.written());
    failed_before = failure_.has_value();
    if (!outcome) failure_ = outcome.error();
  }
  if (!outcome && !failed_before) {
    log::error("journal: {}; nothing is acknowledged until it can be written again, trying every {} ms", outcome.error().message,
               options_.retry_ms);
  }
  {
    std::lock_guard lock(listeners_mutex_);
    for (const CommitListener& listener : listeners_) listener(durable, outcome);
  }
  if (outcome && failed_before) {
    // Only now, after the listeners know: an append that gets through must not meet the old failure in a CommitQueue.
    std::lock_guard lock(mutex_);
    failure_.reset();
    log::info("journal: writing again");
  }
  progress_.notify_all();
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const std::filesystem::path& directory, const JournalOptions& options,
                                               const ReplayFunction& replay) {
  return open(posix_file_system(), directory, options, replay);
}

Result<std::unique_ptr<Journal>> Journal::open(FileSystem& files, const std::filesystem::path& directory, const JournalOptions& options,
                                               const ReplayFunction& replay) {
  if (options.segment_bytes == 0 || options.segment_bytes > kSegmentBytesMax) {
    return fail(ErrorCode::kInvalidArgument, "segment_bytes is {}, allowed is 1 to {}", options.segment_bytes, kSegmentBytesMax);
  }
  if (options.pending_bytes_max > kAheadBytesMax) {
    return fail(ErrorCode::kInvalidArgument, "pending_bytes_max is {}, allowed is up to {}", options.pending_bytes_max, kAheadBytesMax);
  }
  auto segments = TRY(SegmentDirectory::open(files, directory, replay));
  auto journal = std::make_unique<GroupCommitJournal>(std::move(segments), options);
  journal->start();
  return journal;
}

}  // namespace campanile::journal
