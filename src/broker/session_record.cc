#include "broker/session_record.h"

#include "codec/varint.h"

namespace campanile::broker {

using codec::append_bytes;
using codec::append_fixed;
using codec::append_signed;
using codec::append_varint;
using codec::ByteReader;

namespace session_format {
namespace {

constexpr uint8_t kNoLocal = 4;
constexpr uint8_t kRetainAsPublished = 8;
constexpr uint8_t kRetain = 4;
constexpr uint8_t kQosBits = 3;

// What a reader that has met nonsense does: it is not ok() any more.
void refuse(ByteReader& in) { in.bytes(UINT64_MAX); }

uint8_t read_flags(ByteReader& in, uint8_t known) {
  const uint8_t flags = in.byte();
  if ((flags & kQosBits) == 3 || (flags & ~known) != 0) refuse(in);
  return flags;
}

}  // namespace

void append_options(std::string& out, const SubscriptionOptions& options) {
  out.push_back(static_cast<char>(options.qos | (options.no_local ? kNoLocal : 0) | (options.retain_as_published ? kRetainAsPublished : 0)));
  append_varint(out, options.identifier);
}

void append_queue_limits(std::string& out, const QueueLimits& limits) {
  append_varint(out, limits.messages_max);
  append_varint(out, limits.bytes_max);
  append_varint(out, limits.age_max_s);
}

Result<uint8_t> read_version(ByteReader& in, std::string_view what) {
  const uint8_t version = in.byte();
  if (in.ok() && (version == 0 || version > kVersion)) {
    return fail(ErrorCode::kUnsupported, "a {} of version {}; this program reads up to {}: start the one that wrote it, or a later one", what, version,
                kVersion);
  }
  return version;
}

QueueLimits read_queue_limits(ByteReader& in, uint8_t version) {
  if (version < 2) return {};
  const uint64_t messages_max = in.varint();
  const uint64_t bytes_max = in.varint();
  const uint64_t age_max_s = in.varint();
  if (messages_max > UINT32_MAX || age_max_s > UINT32_MAX) refuse(in);
  return {.bytes_max = bytes_max, .messages_max = static_cast<uint32_t>(messages_max), .age_max_s = static_cast<uint32_t>(age_max_s)};
}

SubscriptionOptions read_options(ByteReader& in) {
  const uint8_t flags = read_flags(in, kQosBits | kNoLocal | kRetainAsPublished);
  const uint64_t identifier = in.varint();
  if (identifier > UINT32_MAX) refuse(in);
  return {.qos = static_cast<uint8_t>(flags & kQosBits), .no_local = (flags & kNoLocal) != 0,
          .retain_as_published = (flags & kRetainAsPublished) != 0, .identifier = static_cast<uint32_t>(identifier)};
}

void append_receiver_terms(std::string& out, uint8_t qos, bool retain, const std::vector<uint32_t>& subscription_ids) {
  out.push_back(static_cast<char>(qos | (retain ? kRetain : 0)));
  append_varint(out, subscription_ids.size());
  for (const uint32_t id : subscription_ids) append_varint(out, id);
}

void read_receiver_terms(ByteReader& in, uint8_t& qos, bool& retain, std::vector<uint32_t>& subscription_ids) {
  const uint8_t flags = read_flags(in, kQosBits | kRetain);
  qos = flags & kQosBits;
  retain = (flags & kRetain) != 0;
  const uint64_t count = in.varint();
  if (count > in.remaining()) return refuse(in);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t id = in.varint();
    if (id > UINT32_MAX) return refuse(in);
    subscription_ids.push_back(static_cast<uint32_t>(id));
  }
}

void append_message_head(std::string& out, const Publication& publication) {
  out.push_back(static_cast<char>(publication.qos | (publication.retain ? kRetain : 0)));
  append_fixed(out, publication.published_ns);
  append_fixed(out, publication.expires_ns);
  append_bytes(out, publication.topic);
  append_bytes(out, publication.properties);
}

MessagePtr read_message(ByteReader& in) {
  Message message;
  const uint8_t flags = read_flags(in, kQosBits | kRetain);
  message.qos = flags & kQosBits;
  message.retain = (flags & kRetain) != 0;
  message.published_ns = in.fixed<int64_t>();
  message.expires_ns = in.fixed<int64_t>();
  message.topic = in.sized_bytes();
  message.properties = in.sized_bytes();
  message.payload = in.rest();
  if (message.topic.empty() || message.topic.size() > UINT16_MAX) refuse(in);
  return in.ok() ? std::make_shared<const Message>(std::move(message)) : nullptr;
}

void append_left_will_head(std::string& out, const Will& will) {
  append_varint(out, will.session);
  append_bytes(out, will.client_id);
  append_varint(out, will.expiry_s);
  append_varint(out, will.delay_s);
  append_bytes(out, will.user);
  append_message_head(out, Publication::of(will.message));
}

std::unique_ptr<Will> read_left_will(ByteReader& in) {
  const uint64_t session = in.varint();
  std::string client_id(in.sized_bytes());
  auto will = read_will(in);
  if (!will) return nullptr;
  will->session = session;
  will->client_id = std::move(client_id);
  return will;
}

std::unique_ptr<Will> read_will(ByteReader& in) {
  auto will = std::make_unique<Will>();
  const uint64_t expiry_s = in.varint();
  const uint64_t delay_s = in.varint();
  if (expiry_s > UINT32_MAX || delay_s > UINT32_MAX) refuse(in);
  will->expiry_s = static_cast<uint32_t>(expiry_s);
  will->delay_s = static_cast<uint32_t>(delay_s);
  will->user = in.sized_bytes();
  will->message = read_message(in);
  return in.ok() ? std::move(will) : nullptr;
}

}  // namespace session_format

namespace {

std::string begin(SessionEvent event, uint64_t session, size_t room = 0) {
  std::string out;
  out.reserve(24 + room);
  out.push_back(static_cast<char>(session_format::kVersion));
  out.push_back(static_cast<char>(event));
  append_varint(out, session);
  return out;
}

std::string with_sequence(SessionEvent event, uint64_t session, uint64_t sequence) {
  std::string out = begin(event, session);
  append_varint(out, sequence);
  return out;
}

void read_receivers(ByteReader& in, std::vector<RecordedReceiver>& receivers) {
  const uint64_t count = in.varint();
  if (count > in.remaining()) {
    in.bytes(UINT64_MAX);
    return;
  }
  receivers.reserve(count);
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    RecordedReceiver& receiver = receivers.emplace_back();
    receiver.session = in.varint();
    receiver.sequence = in.varint();
    receiver.packet_id = in.fixed<uint16_t>();
    session_format::read_receiver_terms(in, receiver.qos, receiver.retain, receiver.subscription_ids);
    if (receiver.qos == 0) in.bytes(UINT64_MAX);  // nobody keeps those
  }
}

void read_fields(ByteReader& in, uint8_t version, SessionRecord& record) {
  switch (record.event) {
    case SessionEvent::kOpened:
      record.expiry_s = in.fixed<uint32_t>();
      record.queue = session_format::read_queue_limits(in, version);
      record.text = in.rest();
      return;
    case SessionEvent::kAway:
      record.expiry_s = in.fixed<uint32_t>();
      record.since_ns = in.fixed<int64_t>();
      if (version < session_format::kVersionOfWills && !in.at_end()) record.will = session_format::read_will(in);
      return;
    case SessionEvent::kWillLeft:
      record.will = session_format::read_left_will(in);
      if (record.will) record.will->number = record.session;
      return;
    case SessionEvent::kWillGone:
    case SessionEvent::kEnded: return;
    case SessionEvent::kSubscribed:
      record.options = session_format::read_options(in);
      record.text = in.rest();
      return;
    case SessionEvent::kUnsubscribed: record.text = in.rest(); return;
    case SessionEvent::kMessage:
      record.packet_id = in.fixed<uint16_t>();
      read_receivers(in, record.receivers);
      if (in.ok() && !record.receivers.empty()) record.message = session_format::read_message(in);
      return;
    case SessionEvent::kGiven:
      record.sequence = in.varint();
      record.packet_id = in.fixed<uint16_t>();
      return;
    case SessionEvent::kPeerReceived:
    case SessionEvent::kFinished: record.sequence = in.varint(); return;
    case SessionEvent::kReleased: record.packet_id = in.fixed<uint16_t>(); return;
  }
  in.bytes(UINT64_MAX);  // an event that this version does not know
}

}  // namespace

std::string encode_opened(uint64_t session, uint32_t expiry_s, const QueueLimits& queue, std::string_view client_id) {
  std::string out = begin(SessionEvent::kOpened, session, client_id.size());
  append_fixed(out, expiry_s);
  session_format::append_queue_limits(out, queue);
  out.append(client_id);
  return out;
}

std::string encode_away(uint64_t session, uint32_t expiry_s, int64_t since_ns) {
  std::string out = begin(SessionEvent::kAway, session);
  append_fixed(out, expiry_s);
  append_fixed(out, since_ns);
  return out;
}

std::string encode_will_left_head(const Will& will) {
  const Message& message = *will.message;
  std::string out = begin(SessionEvent::kWillLeft, will.number, will.client_id.size() + will.user.size() + message.topic.size() + message.properties.size() + 48);
  session_format::append_left_will_head(out, will);
  return out;
}

std::string encode_will_gone(uint64_t number) { return begin(SessionEvent::kWillGone, number); }

std::string encode_ended(uint64_t session) { return begin(SessionEvent::kEnded, session); }

std::string encode_subscribed(uint64_t session, const SubscriptionOptions& options, std::string_view filter) {
  std::string out = begin(SessionEvent::kSubscribed, session, filter.size());
  session_format::append_options(out, options);
  out.append(filter);
  return out;
}

std::string encode_unsubscribed(uint64_t session, std::string_view filter) {
  std::string out = begin(SessionEvent::kUnsubscribed, session, filter.size());
  out.append(filter);
  return out;
}

std::string encode_message_head(uint64_t publisher, uint16_t received_id, const std::vector<RecordedReceiver>& receivers,
                                const Publication& publication) {
  std::string out = begin(SessionEvent::kMessage, publisher, publication.topic.size() + publication.properties.size() + 24 * receivers.size());
  append_fixed(out, received_id);
  append_varint(out, receivers.size());
  for (const RecordedReceiver& receiver : receivers) {
    append_varint(out, receiver.session);
    append_varint(out, receiver.sequence);
    append_fixed(out, receiver.packet_id);
    session_format::append_receiver_terms(out, receiver.qos, receiver.retain, receiver.subscription_ids);
  }
  if (!receivers.empty()) session_format::append_message_head(out, publication);
  return out;
}

std::string encode_given(uint64_t session, uint64_t sequence, uint16_t packet_id) {
  std::string out = with_sequence(SessionEvent::kGiven, session, sequence);
  append_fixed(out, packet_id);
  return out;
}

std::string encode_peer_received(uint64_t session, uint64_t sequence) { return with_sequence(SessionEvent::kPeerReceived, session, sequence); }
std::string encode_finished(uint64_t session, uint64_t sequence) { return with_sequence(SessionEvent::kFinished, session, sequence); }

std::string encode_released(uint64_t session, uint16_t packet_id) {
  std::string out = begin(SessionEvent::kReleased, session);
  append_fixed(out, packet_id);
  return out;
}

Result<SessionRecord> decode_session_record(std::string_view bytes) {
  ByteReader in(bytes);
  const uint8_t version = TRY(session_format::read_version(in, "session record"));
  SessionRecord record{.event = static_cast<SessionEvent>(in.byte())};
  record.session = in.varint();
  read_fields(in, version, record);
  if (!in.ok() || !in.at_end()) return fail(ErrorCode::kCorrupt, "a session record of {} bytes that makes no sense", bytes.size());
  return record;
}

}  // namespace campanile::broker
