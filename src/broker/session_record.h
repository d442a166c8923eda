// What the broker writes to the journal about sessions that outlive their connection (RecordType::kSession).
//
//   journal.append(RecordType::kSession, encode_finished(number, sequence));
//   const SessionRecord record = TRY(decode_session_record(bytes));
//
// docs/format/sessions.md draws the bytes; those of versions 1 and 2 are read too. A session is named by its number, never used twice in one data directory; a message in it
// by its sequence number. One message that many sessions keep is one record, with a list of who keeps it.
// Threads: pure functions. Errors: kCorrupt; kUnsupported for a later version.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/message.h"
#include "broker/options.h"

namespace campanile::codec {
class ByteReader;
}

namespace campanile::broker {

// On disk; never renumber them.
enum class SessionEvent : uint8_t {
  kOpened = 1,         // made, or its client came back
  kAway = 2,           // its client has left; before version 3 with the will that is delayed
  kWillGone = 3,       // published, void, or taken back; before version 3 of the session's delayed will
  kEnded = 4,
  kSubscribed = 5,
  kUnsubscribed = 6,
  kMessage = 7,        // sessions keep a message; the identifier of a QoS 2 message is received with it
  kGiven = 8,          // a message gets its packet identifier
  kPeerReceived = 9,   // PUBREC
  kFinished = 10,      // acknowledged to the end, or dropped
  kReleased = 11,      // PUBREL of a message on its way in
  kWillLeft = 12,      // a client has connected with it
};

struct SubscriptionOptions {
  uint8_t qos = 0;
  bool no_local = false;
  bool retain_as_published = false;
  uint32_t identifier = 0;

  friend bool operator==(const SubscriptionOptions&, const SubscriptionOptions&) = default;
};

// One session's part in a kMessage.
struct RecordedReceiver {
  uint64_t session = 0;
  uint64_t sequence = 0;
  uint16_t packet_id = 0;  // 0: waits for one
  uint8_t qos = 0;
  bool retain = false;
  std::vector<uint32_t> subscription_ids;
};

struct SessionRecord {
  SessionEvent event{};
  uint64_t session = 0;     // kMessage: the publisher's, where its identifier is received with it; otherwise 0. kWill*: the will's number
  uint64_t sequence = 0;    // kGiven, kPeerReceived, kFinished
  uint16_t packet_id = 0;   // kMessage (see session), kGiven, kReleased
  uint32_t expiry_s = 0;    // kOpened, kAway
  QueueLimits queue;        // kOpened
  int64_t since_ns = 0;     // kAway, wall time
  std::string text;         // kOpened: client identifier; kSubscribed, kUnsubscribed: filter
  SubscriptionOptions options;
  std::unique_ptr<Will> will;  // kWillLeft; kAway before version 3, where it has no number and no client identifier
  std::vector<RecordedReceiver> receivers;
  MessagePtr message;  // kMessage; null where nobody keeps it
};

std::string encode_opened(uint64_t session, uint32_t expiry_s, const QueueLimits& queue, std::string_view client_id);
std::string encode_away(uint64_t session, uint32_t expiry_s, int64_t since_ns);
// All but the payload.
std::string encode_will_left_head(const Will& will);
std::string encode_will_gone(uint64_t number);
std::string encode_ended(uint64_t session);
std::string encode_subscribed(uint64_t session, const SubscriptionOptions& options, std::string_view filter);
std::string encode_unsubscribed(uint64_t session, std::string_view filter);
// All but the payload, which the journal takes as a second part. No receivers: the message is left out, and so must be its payload.
std::string encode_message_head(uint64_t publisher, uint16_t received_id, const std::vector<RecordedReceiver>& receivers,
                                const Publication& publication);
std::string encode_given(uint64_t session, uint64_t sequence, uint16_t packet_id);
std::string encode_peer_received(uint64_t session, uint64_t sequence);
std::string encode_finished(uint64_t session, uint64_t sequence);
std::string encode_released(uint64_t session, uint16_t packet_id);

Result<SessionRecord> decode_session_record(std::string_view bytes);

// Parts that the rows of the store share (broker/session_rows.h).
namespace session_format {
inline constexpr uint8_t kVersion = 3;
inline constexpr uint8_t kVersionOfWills = 3;  // from which on they are not parts of sessions

void append_options(std::string& out, const SubscriptionOptions& options);
void append_queue_limits(std::string& out, const QueueLimits& limits);
void append_receiver_terms(std::string& out, uint8_t qos, bool retain, const std::vector<uint32_t>& subscription_ids);
// All but the payload, which must follow as the last thing.
void append_message_head(std::string& out, const Publication& publication);
// Likewise; its number is in the record's head or in the row's key.
void append_left_will_head(std::string& out, const Will& will);

// The version that the bytes begin with. Errors: kUnsupported, which says what it is a version of.
Result<uint8_t> read_version(codec::ByteReader& in, std::string_view what);
// Each leaves `in` not ok() where the bytes make no sense.
SubscriptionOptions read_options(codec::ByteReader& in);
QueueLimits read_queue_limits(codec::ByteReader& in, uint8_t version);  // version 1 has none
void read_receiver_terms(codec::ByteReader& in, uint8_t& qos, bool& retain, std::vector<uint32_t>& subscription_ids);
MessagePtr read_message(codec::ByteReader& in);
std::unique_ptr<Will> read_will(codec::ByteReader& in);  // as it was before version 3, which is a part of it
std::unique_ptr<Will> read_left_will(codec::ByteReader& in);
}  // namespace session_format

}  // namespace campanile::broker
