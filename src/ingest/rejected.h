// RejectedStore: messages that could not become points, kept with the reason, so that nothing is lost silently.
//
//   auto rejected = TRY(RejectedStore::open(options, store));
//   ...                                          // the journal replays into it
//   rejected->start(*journal, workers);
//   const journal::Lsn lsn = TRY(rejected->add({.time_ns = now, .topic = topic, .reason = error.message, .payload = payload}));
//   RejectedPage page = TRY(rejected->list(100, 0));
//
// A message is safe once its Lsn is durable. New ones are in memory and in the journal; a flush moves them to the key-value store, at
// checkpoints and whenever kFlushBytes wait.
// Threads: add() and totals() from any thread, event loops too; list(), flush() and checkpoint() read and write the disk and belong on a worker.
// Lock order: flush_mutex_, then mutex_, then the journal's own.
// Limits: options; beyond count_max or bytes_max the oldest go and are counted; beyond kPendingBytesMax not yet flushed add() answers
// kOverloaded. A payload is kept up to kPayloadBytesKeptMax.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/worker_pool.h"
#include "ingest/rejected_format.h"
#include "journal/journal.h"
#include "kv/store.h"

namespace campanile::ingest {

struct RejectedOptions {
  uint64_t bytes_max = 256ull << 20;
  uint64_t count_max = 1'000'000;
};

struct RejectedPage {
  std::vector<RejectedMessage> messages;  // newest first
  uint64_t total = 0;                     // ever
  uint64_t kept = 0;
  std::vector<std::pair<std::string, uint64_t>> by_reason;  // ever; most frequent first
};

class RejectedStore final : public journal::Participant {
 public:
  static constexpr size_t kPayloadBytesKeptMax = 1 << 20;
  static constexpr size_t kFlushBytes = 1 << 20;
  static constexpr size_t kPendingBytesMax = 64 << 20;
  static constexpr size_t kReasonsMax = 64;

  // Loads what is known. `store` must outlive the result. Errors: kIoError, kCorrupt.
  static Result<std::unique_ptr<RejectedStore>> open(const RejectedOptions& options, kv::Store& store);

  // REQUIRES: replay is over. `workers` must be stopped before this object goes; without them only checkpoints flush.
  void start(journal::Journal& journal, WorkerPool* workers);

  // Keeps the message under the next id. With `append` its record goes there, so that it is one unit with others.
  // Errors: kOverloaded, kIoError: then nothing was kept.
  Result<journal::Lsn> add(RejectedMessage message, const journal::AppendFunction* append = nullptr);

  // Up to `limit` messages older than the id `before` (0: from the newest). Errors: kIoError, kCorrupt.
  Result<RejectedPage> list(size_t limit, uint64_t before) const;

  struct Counts {
    uint64_t total = 0;    // ever
    uint64_t kept = 0;
    uint64_t dropped = 0;  // the oldest, which went for want of room
  };
  Counts counts() const;

  // Moves what is in memory to the key-value store and lets the oldest go where the limits say so.
  Result<void> flush(kv::Durability durability);
  // What kept the last flush from succeeding; empty where it did. Then flush_again() tries it once more, on a worker.
  std::string failure() const;
  void flush_again();

  std::string_view name() const override { return "rejected messages"; }
  bool owns(journal::RecordType type) const override { return type == journal::RecordType::kRejected; }
  Result<void> replay(const journal::Record& record) override;
  Result<journal::Lsn> checkpoint() override;

 private:
  struct Pending {
    uint64_t id;
    std::shared_ptr<const std::string> bytes;  // encoded
  };
  RejectedStore(const RejectedOptions& options, kv::Store& store, RejectedTotals totals);

  void remember(const RejectedMessage& message, std::string bytes);  // REQUIRES: mutex_
  void flush_in_background();
  Result<void> move_pending(kv::Durability durability);
  void erase_oldest(RejectedTotals& totals, uint64_t count, uint64_t bytes, kv::WriteBatch& batch) const;
  Result<void> read_stored(size_t limit, uint64_t before, std::vector<RejectedMessage>& messages) const;

  const RejectedOptions options_;
  kv::Store& store_;
  journal::Journal* journal_ = nullptr;
  WorkerPool* workers_ = nullptr;

  std::mutex flush_mutex_;  // one flush at a time
  mutable std::mutex mutex_;
  RejectedTotals stored_;  // as in the key-value store
  RejectedTotals totals_;  // with what is pending
  std::deque<Pending> pending_;
  size_t pending_bytes_ = 0;
  bool flush_is_queued_ = false;
  std::string failure_;
};

// The reason without what differs from message to message: what stands in single quotes, and numbers.
std::string reason_class(std::string_view reason);

}  // namespace campanile::ingest
