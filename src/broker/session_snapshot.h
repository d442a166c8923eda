// SessionSnapshot: what of a session has changed since its rows were written last, taken under its lock and written without it.
//
// Made by Session::take_snapshot(), written by SessionStore. Threads: plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/session_record.h"
#include "broker/session_rows.h"

namespace campanile::broker {

struct SessionSnapshot {
  uint64_t number = 0;
  bool durable = false;  // false: its messages alone are in the store, and nobody looks for them after a restart
  SessionRow row;        // where durable
  std::vector<std::pair<uint64_t, MessageRow>> messages;
  std::vector<uint64_t> erased;                                                    // messages
  std::vector<std::pair<std::string, std::optional<SubscriptionOptions>>> filters;  // changed; nothing: unsubscribed
};

// A message that came back from the store.
struct LoadedMessage {
  uint64_t sequence = 0;
  MessageRow row;
};

}  // namespace campanile::broker
