// SessionState: what a start knows of a session that was kept, before it becomes a Session again.
//
// Plain data, filled by SessionReplay from the store's rows and the journal's records. Threads: one owner.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/message.h"
#include "broker/session_record.h"
#include "journal/journal.h"

namespace campanile::broker {

struct KeptMessage {
  MessagePtr message;  // null: in the store alone, or not needed any more (peer_received)
  uint8_t qos = 0;
  bool retain = false;
  bool in_store = false;
  std::vector<uint32_t> subscription_ids;
  uint16_t packet_id = 0;  // 0: in the queue
  bool peer_received = false;
};

struct SessionState {
  uint64_t number = 0;
  std::string client_id;
  uint32_t expiry_s = 0;
  QueueLimits queue;
  int64_t away_since_ns = 0;  // wall time; 0: connected when the program ended
  std::shared_ptr<const Will> will;  // that waits for its delay, or for the session's end
  std::map<std::string, SubscriptionOptions, std::less<>> filters;
  std::set<std::string> changed_filters;  // since the rows were written
  std::set<uint16_t> received;
  uint64_t next_sequence = 1;
  // By sequence: those in flight, and those of the queue that are in memory.
  std::map<uint64_t, KeptMessage> messages;

  // Rows in the store that wait and are not in `messages`: sequences from disk_first to before disk_end.
  uint64_t disk_first = 0;
  uint64_t disk_end = 0;
  std::set<uint64_t> disk_finished;  // dropped since
  uint64_t disk_messages = 0;        // known once the replay is over, like disk_bytes
  uint64_t disk_bytes = 0;

  // Of the row that it was read from: what the replay need not apply.
  journal::Lsn as_of = 0;
  uint64_t row_next_sequence = 1;
  std::set<uint64_t> row_unrecorded;
};

}  // namespace campanile::broker
