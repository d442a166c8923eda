// SessionReplay: sessions as the store's rows and then the journal's records tell them.
//
//   SessionReplay replay(store, memory_bytes_max);
//   TRY(replay.read_rows());
//   TRY(replay.apply(record, lsn));                       // each record of the journal, in order
//   std::vector<SessionState> sessions = TRY(replay.finish());
//
// A record may have been applied before the row was written: a row says up to which Lsn it contains what its session's lock was held
// for, and messages are told apart by their sequence numbers. Messages in the store stay there, but for those in flight.
// Limits: when the messages that wait cost more than memory_bytes_max in memory, all of them go to the store.
// Threads: one, at start. Errors: kIoError, kCorrupt, kUnsupported, naming the row.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/session_record.h"
#include "broker/session_state.h"
#include "kv/store.h"

namespace campanile::broker {

class SessionReplay {
 public:
  // The store outlives it.
  SessionReplay(kv::Store& store, size_t memory_bytes_max) : store_(store), memory_bytes_max_(memory_bytes_max) {}
  Result<void> read_rows();
  Result<void> apply(std::string_view record, journal::Lsn lsn);
  // What there is, in the order of their numbers; one a client identifier. Erases the rows that nothing refers to. Empties the replay, but for the wills.
  Result<std::vector<SessionState>> finish();
  // After finish(): those that were not published. Of a session that is there, it has those with a delay.
  std::vector<std::shared_ptr<const Will>> take_wills();

  // Above every number that is known of.
  uint64_t next_number() const { return next_number_; }
  size_t size() const { return sessions_.size(); }
  // What the messages that wait cost in memory.
  size_t waiting_bytes() const { return waiting_bytes_; }

 private:
  void apply(SessionRecord record, journal::Lsn lsn);
  void apply_message(const SessionRecord& record, journal::Lsn lsn);
  void give(SessionState& state, uint64_t sequence, uint16_t packet_id);
  void finish_message(SessionState& state, uint64_t sequence);
  void end(uint64_t number);
  Result<void> spill();
  SessionState* find(uint64_t number);
  void note_number(uint64_t number);
  void apply_will(SessionRecord& record);
  void keep_old_will(uint64_t session, std::unique_ptr<Will> will);
  void place_wills();
  void drop_doubles();
  Result<void> place_messages();
  Result<void> join_queues();

  kv::Store& store_;
  const size_t memory_bytes_max_;
  size_t waiting_bytes_ = 0;
  std::map<uint64_t, SessionState> sessions_;
  std::map<uint64_t, std::shared_ptr<Will>> wills_;
  uint64_t next_number_ = 1;
};

}  // namespace campanile::broker
