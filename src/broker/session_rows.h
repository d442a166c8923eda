// How sessions lie in the key-value store, under 'S': what a checkpoint writes, and messages that found no room in memory.
//
//   batch.put(session_key(number), encode_session_row(row));
//   batch.put(message_key(number, sequence), encode_message_row(kept));
//
// docs/format/sessions.md draws the bytes; those of versions 1 and 2 are read too. All rows of one session that belong together are written in one batch.
// Threads: pure functions. Errors: kCorrupt; kUnsupported for a later version.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/message.h"
#include "broker/session_record.h"
#include "journal/journal.h"

namespace campanile::broker {

// Everything of a session but its subscriptions and messages.
struct SessionRow {
  journal::Lsn as_of = 0;  // contains what was appended up to there, messages excepted (see next_sequence)
  uint64_t next_sequence = 1;
  uint64_t queue_first = 1;             // messages before it are in flight or gone
  std::vector<uint64_t> unrecorded;     // below next_sequence, but not contained: their record was still to come
  uint32_t expiry_s = 0;
  QueueLimits queue;
  int64_t away_since_ns = 0;            // wall time; 0: connected
  std::string client_id;
  std::unique_ptr<Will> will;           // delayed; read from rows before version 3 alone
  std::vector<uint16_t> received;       // QoS 2 identifiers on their way in
  struct InFlight {
    uint64_t sequence = 0;
    uint16_t packet_id = 0;
    bool peer_received = false;
  };
  std::vector<InFlight> in_flight;      // in the order of sending
};

// A message that one session keeps.
struct MessageRow {
  MessagePtr message;
  uint8_t qos = 0;
  bool retain = false;
  std::vector<uint32_t> subscription_ids;
};

std::string encode_session_row(const SessionRow& row);
Result<SessionRow> decode_session_row(std::string_view bytes);
std::string encode_message_row(const MessagePtr& message, uint8_t qos, bool retain, const std::vector<uint32_t>& subscription_ids);
Result<MessageRow> decode_message_row(std::string_view bytes);
// A will that is not published yet.
std::string encode_will_row(const Will& will);
Result<std::unique_ptr<Will>> decode_will_row(uint64_t number, std::string_view bytes);
std::string encode_subscription_row(const SubscriptionOptions& options);
Result<SubscriptionOptions> decode_subscription_row(std::string_view bytes);

// Keys of the four kinds, and the range of one session's.
std::string session_key(uint64_t session);
std::string subscription_key(uint64_t session, std::string_view filter);
std::string message_key(uint64_t session, uint64_t sequence);
std::string will_key(uint64_t number);
enum class SessionRowKind : char { kMessage = 'm', kSession = 's', kSubscription = 't', kWill = 'w' };
// The first key of that kind, and of that session where one is named. The range ends where that of the next number, or kind, begins.
std::string first_key(SessionRowKind kind, uint64_t session = 0);
std::string end_key(SessionRowKind kind);
struct ParsedKey {
  uint64_t session = 0;   // or the will
  std::string_view rest;  // the filter, or the sequence number's eight bytes
  uint64_t sequence() const;
};
// Nothing where the key is too short.
std::optional<ParsedKey> parse_key(std::string_view key);

}  // namespace campanile::broker
