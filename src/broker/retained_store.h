// RetainedStore: the last message of each topic whose publisher asked to keep it, in memory, in the journal, and at each checkpoint
// in the key-value store under 'R' (broker/retained_record.h draws the bytes).
//
//   auto retained = TRY(RetainedStore::load(store, options));
//   auto journal = TRY(Journal::open(directory, ..., [&](const Record& record) { ... retained->replay(record) ... }));
//   retained->attach(*journal);
//   const Lsn lsn = TRY(retained->set(publication));      // acknowledge once it is durable
//
// Threads: load(), replay() and attach() at start, on one thread; the rest from any. One lock, shared for reading; set() appends to
// the journal under it, so that the journal's order is that of the messages. Lock order: after a session's, before the journal's.
// Limits: options.retained_*_max: set() then answers kTooLarge and keeps nothing.
#pragma once

#include <atomic>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/options.h"
#include "broker/retained_tree.h"
#include "broker/string_map.h"
#include "journal/journal.h"
#include "kv/store.h"

namespace campanile::broker {

class RetainedStore final : public journal::Participant {
 public:
  // Reads what the last checkpoint left. The store outlives it. Errors: kIoError, kCorrupt, naming the topic.
  static Result<std::unique_ptr<RetainedStore>> load(kv::Store& store, const BrokerOptions& options);

  // REQUIRES: after the replay, before set(). The journal outlives every other call.
  void attach(journal::Journal& journal) { journal_ = &journal; }

  // Keeps the message, or clears its topic where the payload is empty [MQTT-3.3.1-6]. Returns when it is safe; 0 where nothing
  // changed. A topic below $SYS is the broker's own: it is kept in memory alone, is gone after a restart, and no limit
  // counts. Errors: kTooLarge (a limit), and the journal's kOverloaded and kIoError.
  Result<journal::Lsn> set(Publication& publication);
  // The same as part of a unit: `append` is given the record, or none where nothing changes, and appends it with the caller's own. It is
  // called once, under the lock; not where a limit is reached.
  Result<journal::Lsn> set(Publication& publication, const journal::AppendFunction& append);

  MessagePtr get(std::string_view topic) const;
  // See RetainedTree::collect().
  void collect(std::string_view filter, std::string_view after, size_t count_max, int64_t now_ns, std::vector<MessagePtr>& out) const;
  size_t size() const { return size_.load(std::memory_order_relaxed); }
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

  std::string_view name() const override { return "retained messages"; }
  bool owns(journal::RecordType type) const override { return type == journal::RecordType::kRetained; }
  Result<void> replay(const journal::Record& record) override;
  Result<journal::Lsn> checkpoint() override;

 private:
  RetainedStore(kv::Store& store, const BrokerOptions& options) : store_(store), options_(options) {}
  void apply(std::string_view topic, MessagePtr message);
  // Into the tree, and the counters with it.
  void place(std::string_view topic, MessagePtr message);
  Result<void> write(const std::vector<std::pair<std::string, MessagePtr>>& changes);

  kv::Store& store_;
  const BrokerOptions options_;
  journal::Journal* journal_ = nullptr;

  mutable std::shared_mutex mutex_;
  RetainedTree tree_;
  StringSet dirty_;  // topics changed since the last checkpoint
  std::atomic<size_t> size_{0};
  std::atomic<size_t> bytes_{0};
};

}  // namespace campanile::broker
