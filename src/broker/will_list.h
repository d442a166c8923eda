// WillList: the wills that clients have left and that are not published yet, in memory, in the journal, and at each checkpoint in the
// key-value store under 'Sw' (docs/format/sessions.md), so that they are published after a restart where the program was killed.
//
//   const Lsn lsn = TRY(wills.append({&opened, 1}, {.gone = former, .left = will}));   // CONNECT
//   wills.forget(number);                                                               // DISCONNECT
//   wills.append(everything_that_the_will_becomes, {.gone = number});                   // published: one unit
//
// A will has a number of its own, from the sessions' count, never used twice. Sessions name theirs by it (Session::will()), connected or away.
// No answer waits for a will's record: the journal is cut off at its end only, so that whatever is kept of a client is kept with the will
// that it left before.
// Threads: restore() and attach() at start; the rest from any, under one lock, which is outside the journal's and inside every other.
// Limits: the caller's (BrokerOptions::wills_bytes_max), by bytes() and cost().
// Errors: the journal's. A will that the journal refuses may be kept in memory alone until the disk takes something again.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "base/result.h"
#include "broker/message.h"
#include "journal/journal.h"
#include "kv/store.h"

namespace campanile::broker {

using WillPtr = std::shared_ptr<const Will>;

class WillList {
 public:
  // What keeping it takes in memory, roughly.
  static size_t cost(const Will& will);

  // What the replay found. REQUIRES: before any other call.
  void restore(std::vector<WillPtr> wills);
  // The journal outlives every other call.
  void attach(journal::Journal& journal) { journal_ = &journal; }

  struct Change {
    uint64_t gone = 0;  // published, void, or taken back; 0: none
    WillPtr left;       // null: none
  };
  // Appends `unit` and the records of the change, all of it or nothing, and changes the list. 0 where there is nothing to append.
  // Errors: the journal's; nothing has changed then.
  Result<journal::Lsn> append(std::span<const journal::NewRecord> unit, const Change& change);
  // In memory alone until settle(), for a client that is served although the disk takes nothing.
  void keep(WillPtr will);
  // It is not to be published. What the journal refuses is told it again by settle().
  void forget(uint64_t number);

  // Null: there is none of that number, or it is 0.
  WillPtr find(uint64_t number) const;
  std::vector<uint64_t> numbers() const;  // ascending
  size_t size() const { return size_.load(std::memory_order_relaxed); }
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

  // Tells the journal what it has refused before.
  void settle();
  // Rows as they are to be now. Waits for the journal; not on an event loop. Errors: the journal's, the store's; tried again by the next.
  Result<void> checkpoint(kv::Store& store);

 private:
  struct Kept {
    WillPtr will;
    bool recorded = false;  // in the journal, or in its row
    bool row = false;       // it has, or may have, one
  };
  void place(WillPtr will, bool recorded);
  void record(uint64_t number);
  void erase(uint64_t number);
  Result<void> write(kv::Store& store, const std::vector<std::pair<uint64_t, WillPtr>>& changes);

  journal::Journal* journal_ = nullptr;
  mutable std::mutex mutex_;  // what follows
  absl::flat_hash_map<uint64_t, Kept> wills_;
  absl::flat_hash_set<uint64_t> dirty_;  // whose row is not as it should be
  std::vector<uint64_t> forgotten_, unrecorded_;  // which the journal does not know yet
  std::atomic<size_t> size_{0};
  std::atomic<size_t> bytes_{0};
};

}  // namespace campanile::broker
