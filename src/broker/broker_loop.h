// BrokerLoop: the broker's part of one event loop: it hands messages out to sessions, wakes the loops that must send them, waits for
// commits, and once a second looks at what has become due.
//
//   loop.fan_out(publication, now_ns);   // any number of them
//   loop.end_batch();                    // one wake-up per loop that has something to send, then the counters
//
// Threads: its own loop, but for receive_wakes() and event_loop().
// Limits: a session is in a mailbox at most once, so a mailbox holds at most all sessions. Wills that the store has no room for
// wait, at most one per connection; likewise sessions whose messages the journal refused.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "broker/deadline_wheel.h"
#include "broker/delivery_batch.h"
#include "broker/match_cache.h"
#include "broker/message.h"
#include "broker/shared_state.h"
#include "broker/traffic.h"
#include "journal/commit_queue.h"
#include "net/event_loop.h"

namespace campanile::broker {

class Link;

class BrokerLoop {
 public:
  BrokerLoop(SharedState& shared, net::EventLoop& event_loop, journal::Journal& journal, uint16_t index);

  // Begins the timer; on any thread, once.
  void start();
  // Drops what waits for commits. Once the event loop no longer runs, or on it.
  void close() { commits_.close(); }

  struct Delivered {
    bool wanted = false;   // somebody subscribes
    journal::Lsn lsn = 0;  // it is safe that durable sessions have it; 0: there are none
  };
  // Delivers to every matching session. The sessions' loops learn at end_batch().
  // Errors: the journal's, in which case it was delivered to nobody.
  Result<Delivered> fan_out(Publication& publication, int64_t now_ns);
  // Hands each to another member of its shared subscription, where there is one.
  void share_again(const std::vector<Session::Unfinished>& unfinished);
  // Stores, retains and delivers a will, now or as soon as there is room for it. It is in the list of wills until then. Also before start().
  void publish_will(uint64_t number);
  // Sends what waits in the session's outbox, now or once the journal has what it depends on.
  void flush(const std::shared_ptr<Session>& session);
  // What waking a session means: it is flushed by `loop` after end_batch().
  void wake(int loop, std::shared_ptr<Session> session);
  // Hands out what fan_out() has put aside, and wakes the loops that have something to send.
  void end_batch();

  // Any thread: sessions whose link, on this loop, has something to send.
  void receive_wakes(std::vector<std::shared_ptr<Session>> sessions);

  SharedState& shared() { return shared_; }
  net::EventLoop& event_loop() { return event_loop_; }
  uint16_t index() const { return index_; }
  journal::CommitQueue& commits() { return commits_; }
  Traffic& traffic() { return traffic_; }
  DeadlineWheel<Link>& wheel() { return wheel_; }
  // A wall time for a message that no other message of this broker has, at or just after `now_ns`: two readings of one sensor at one time
  // would be one point. Each loop has its own nanoseconds of every few, so that no loop asks another.
  int64_t own_time(int64_t now_ns);
  // The wall time of the input at hand.
  void begin_input() { input_ns_ = shared_.clock.now_ns(); }
  int64_t input_ns() const { return input_ns_; }
  // Identifiers of the PUBACKs in the portion of input at hand; empty between callbacks.
  std::vector<uint16_t>& acknowledged() { return acknowledged_; }
  // Where the packets of one callback are put together before they are sent; empty between callbacks.
  std::string& scratch() { return scratch_; }

 private:
  void drain_mailbox();
  void tick();
  void check_away(int64_t now_ns);
  size_t next_member(size_t members) { return members == 1 ? 0 : turn_++ % members; }
  void deliver(const MatchTarget& target, Publication& publication, int64_t now_ns);
  void hand_out();
  const MatchTarget& choose_member(const std::vector<MatchTarget>& group);
  Result<Delivered> fan_out(const MatchResult& result, Publication& publication, int64_t now_ns);
  // Into the queues of durable sessions, then into the journal. What remains is in receivers_.
  Result<journal::Lsn> record(const MatchResult& result, Publication& publication);
  Result<journal::Lsn> store_received(Publication& publication, std::span<const journal::NewRecord> records);
  Result<journal::Lsn> append_will(Publication& publication, std::vector<journal::NewRecord>& unit);
  void reserve(const MatchTarget& target, Publication& publication);
  // False: the store has no room at present, or the disk takes nothing.
  bool try_publish_will(uint64_t number);
  void flush_when_durable(std::shared_ptr<Session> session, journal::Lsn lsn);

  SharedState& shared_;
  net::EventLoop& event_loop_;
  const uint16_t index_;
  journal::CommitQueue commits_;
  MatchCache cache_;
  DeadlineWheel<Link> wheel_;
  Traffic traffic_;
  std::string scratch_;
  std::vector<uint16_t> acknowledged_;
  DeliveryBatch batch_;
  size_t turn_ = 0;  // of shared subscriptions
  int64_t last_time_ns_ = 0;  // of own_time()
  int64_t input_ns_ = 0;
  std::vector<std::vector<std::shared_ptr<Session>>> wakes_;  // by loop, until end_batch()
  std::vector<uint64_t> wills_;                               // to be tried again
  std::vector<std::shared_ptr<Session>> stalled_;             // whose messages the journal refused to record; tried again
  // While a message is handed out: durable sessions that have it in their queue, and what the journal is told of each.
  std::vector<std::shared_ptr<Session>> receivers_;
  std::vector<RecordedReceiver> recorded_;
  std::vector<const MatchTarget*> chosen_;                    // of the shared subscriptions

  std::mutex mailbox_mutex_;  // a leaf
  std::vector<std::shared_ptr<Session>> mailbox_;
};

}  // namespace campanile::broker
