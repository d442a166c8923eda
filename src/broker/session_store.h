// SessionStore: sessions in the journal and in the key-value store under 'S', and the thread that moves queued messages between memory
// and disk.
//
//   auto store = TRY(SessionStore::load(kv, options));              // then the journal's replay, then attach()
//   std::vector<SessionState> sessions = TRY(store->restore());     // Broker::create makes Sessions of them, and calls serve()
//   store->start();
//
// A session whose client may come back (expiry above 0) tells the journal of each change as it happens (broker/session_record.h); a
// checkpoint writes its rows (broker/session_rows.h). The same rows are where messages go when all queues together hold more than
// options.queue_memory_bytes_max: Session::release_memory() lets go of what is in the store, and load() brings it back in portions when
// its turn comes. Sessions that end with their connection spill as well, without records; their rows are erased at the next start.
// Threads: load(), replay(), attach(), restore(), serve(), leave(), start() and stop() from the owner; the rest from any. The store is
// read and written by the checkpointer's thread and by this store's own, never by an event loop.
// Lock order: writing, then session, then requests or journal (leaves).
// Errors: what cannot be written stays in memory and in the journal, is logged, and tried again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_set.h>

#include "base/clock.h"
#include "base/result.h"
#include "broker/options.h"
#include "broker/session_replay.h"
#include "broker/session_snapshot.h"
#include "broker/session_state.h"
#include "broker/traffic.h"
#include "broker/will_list.h"
#include "journal/journal.h"
#include "kv/store.h"

namespace campanile::broker {

class Session;
class SessionRegistry;
struct SessionEnvironment;

class SessionStore final : public journal::Participant {
 public:
  // Reads what the last checkpoint left. The kv store outlives it. Of the options: queue_memory_bytes_max, for the replay.
  // Errors: kIoError, kCorrupt, kUnsupported.
  static Result<std::unique_ptr<SessionStore>> load(kv::Store& store, const BrokerOptions& options = {});
  ~SessionStore() override;

  // REQUIRES: after the replay. The journal outlives every other call.
  void attach(journal::Journal& journal) {
    journal_ = &journal;
    wills_.attach(journal);
  }
  // The sessions as they were, once; wills() are there from then on.
  Result<std::vector<SessionState>> restore();

  // Who has the sessions from now on, until leave().
  struct Served {
    const SessionRegistry& registry;
    const SessionEnvironment& environment;
    const Clock& clock;
    BrokerCounters& counters;
    std::function<void(int loop, std::shared_ptr<Session> session)> wake;
    size_t loops = 1;
  };
  void serve(Served served);
  void leave();

  // The thread that spills, loads, and looks for what is too old.
  void start();
  void stop();
  // One round of what the thread does, on the calling one.
  void work();

  // From sessions and loops.
  uint64_t take_number() { return next_number_.fetch_add(1, std::memory_order_relaxed); }
  // Errors: the journal's.
  Result<journal::Lsn> append(std::string_view head, std::string_view tail = {}) {
    return journal_->append(journal::RecordType::kSession, head, tail);
  }
  // One unit with records of others. Errors: the journal's.
  Result<journal::Lsn> append_together(std::span<const journal::NewRecord> unit) { return journal_->append_together(unit); }
  WillList& wills() { return wills_; }
  journal::Lsn durable() const { return journal_->durable(); }
  journal::Lsn end() const { return journal_->end(); }
  // A loop is about to put a message into sessions' queues and to append its record afterwards. A checkpoint in between must keep it.
  void begin_fan_out(size_t loop) { marks_[loop].store(journal_->end()); }
  void end_fan_out(size_t loop) { marks_[loop].store(0); }

  // More waits in memory than should.
  void request_spill();
  // Messages of the session are to be loaded, or rows erased.
  void request(std::shared_ptr<Session> session);
  // The session has ended: its rows go.
  void forget(uint64_t number);
  // The last attempt to write did not succeed.
  bool failing() const { return failing_.load(std::memory_order_relaxed); }

  std::string_view name() const override { return "sessions"; }
  bool owns(journal::RecordType type) const override { return type == journal::RecordType::kSession; }
  Result<void> replay(const journal::Record& record) override { return replay_.apply(record.payload, record.lsn); }
  Result<journal::Lsn> checkpoint() override;

 private:
  using Group = std::vector<std::pair<std::shared_ptr<Session>, SessionSnapshot>>;

  SessionStore(kv::Store& store, const BrokerOptions& options) : store_(store), replay_(store, options.queue_memory_bytes_max) {}
  void run();
  journal::Lsn needed_from() const;
  // REQUIRES of these: writing_ is held.
  Result<void> write_changed();
  Result<void> write_group(Group& group);
  Result<void> write_rows(const SessionSnapshot& snapshot, kv::WriteBatch& last);
  Result<void> erase_forgotten();
  void spill();
  void serve_request(const std::shared_ptr<Session>& session);
  bool load_portion(const std::shared_ptr<Session>& session);
  void drop_old();

  kv::Store& store_;
  journal::Journal* journal_ = nullptr;
  SessionReplay replay_;
  WillList wills_;
  std::atomic<uint64_t> next_number_{1};
  std::unique_ptr<std::atomic<journal::Lsn>[]> marks_;
  std::atomic<bool> failing_{false};

  std::mutex writing_;  // held for long, never by an event loop
  std::unique_ptr<Served> served_;
  Traffic traffic_;
  int64_t last_look_ns_ = 0;

  std::mutex requests_mutex_;  // what follows; a leaf
  std::condition_variable wake_;
  bool stopping_ = false;
  bool spill_wanted_ = false;
  std::vector<std::shared_ptr<Session>> requests_;
  std::vector<uint64_t> forgotten_;
  std::thread thread_;
};

}  // namespace campanile::broker
