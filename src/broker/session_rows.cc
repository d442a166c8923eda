#include "broker/session_rows.h"

#include "codec/varint.h"

namespace campanile::broker {
namespace {

using codec::append_bytes;
using codec::append_fixed;
using codec::append_varint;
using codec::ByteReader;

constexpr char kPrefix = 'S';
constexpr size_t kNumberBytes = 8;

void append_big(std::string& out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

uint64_t read_big(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

std::string begin() { return std::string(1, static_cast<char>(session_format::kVersion)); }

std::unexpected<Error> nonsense(std::string_view what, size_t size) {
  return fail(ErrorCode::kCorrupt, "a {} row of {} bytes that makes no sense", what, size);
}

// How many things follow, each of at least one byte.
size_t read_count(ByteReader& in) {
  const uint64_t count = in.varint();
  if (count <= in.remaining()) return static_cast<size_t>(count);
  in.bytes(UINT64_MAX);
  return 0;
}

}  // namespace

std::string encode_session_row(const SessionRow& row) {
  std::string out = begin();
  append_varint(out, row.as_of);
  append_varint(out, row.next_sequence);
  append_varint(out, row.queue_first);
  append_varint(out, row.unrecorded.size());
  for (const uint64_t sequence : row.unrecorded) append_varint(out, sequence);
  append_fixed(out, row.expiry_s);
  append_fixed(out, row.away_since_ns);
  session_format::append_queue_limits(out, row.queue);
  append_bytes(out, row.client_id);
  append_varint(out, row.received.size());
  for (const uint16_t id : row.received) append_fixed(out, id);
  append_varint(out, row.in_flight.size());
  for (const SessionRow::InFlight& entry : row.in_flight) {
    append_varint(out, entry.sequence);
    append_fixed(out, entry.packet_id);
    out.push_back(entry.peer_received ? 1 : 0);
  }
  return out;
}

Result<SessionRow> decode_session_row(std::string_view bytes) {
  ByteReader in(bytes);
  const uint8_t version = TRY(session_format::read_version(in, "session's row"));
  SessionRow row;
  row.as_of = in.varint();
  row.next_sequence = in.varint();
  row.queue_first = in.varint();
  for (size_t left = read_count(in); left > 0 && in.ok(); --left) row.unrecorded.push_back(in.varint());
  row.expiry_s = in.fixed<uint32_t>();
  row.away_since_ns = in.fixed<int64_t>();
  row.queue = session_format::read_queue_limits(in, version);
  row.client_id = in.sized_bytes();
  for (size_t left = read_count(in); left > 0 && in.ok(); --left) row.received.push_back(in.fixed<uint16_t>());
  for (size_t left = read_count(in); left > 0 && in.ok(); --left) {
    SessionRow::InFlight& entry = row.in_flight.emplace_back();
    entry.sequence = in.varint();
    entry.packet_id = in.fixed<uint16_t>();
    entry.peer_received = in.byte() != 0;
  }
  if (version < session_format::kVersionOfWills && in.ok() && !in.at_end()) row.will = session_format::read_will(in);
  if (!in.ok() || !in.at_end()) return nonsense("session's", bytes.size());
  return row;
}

std::string encode_message_row(const MessagePtr& message, uint8_t qos, bool retain, const std::vector<uint32_t>& subscription_ids) {
  std::string out = begin();
  out.reserve(message->bytes() + 48 + 5 * subscription_ids.size());
  session_format::append_receiver_terms(out, qos, retain, subscription_ids);
  session_format::append_message_head(out, Publication::of(message));
  out.append(message->payload);
  return out;
}

Result<MessageRow> decode_message_row(std::string_view bytes) {
  ByteReader in(bytes);
  TRY(session_format::read_version(in, "queued message's row"));
  MessageRow row;
  session_format::read_receiver_terms(in, row.qos, row.retain, row.subscription_ids);
  row.message = session_format::read_message(in);
  if (!in.ok() || !row.message || row.qos == 0) return nonsense("queued message's", bytes.size());
  return row;
}

std::string encode_will_row(const Will& will) {
  std::string out = begin();
  session_format::append_left_will_head(out, will);
  out.append(will.message->payload);
  return out;
}

Result<std::unique_ptr<Will>> decode_will_row(uint64_t number, std::string_view bytes) {
  ByteReader in(bytes);
  TRY(session_format::read_version(in, "will's row"));
  auto will = session_format::read_left_will(in);
  if (!will) return nonsense("will's", bytes.size());
  will->number = number;
  return will;
}

std::string encode_subscription_row(const SubscriptionOptions& options) {
  std::string out = begin();
  session_format::append_options(out, options);
  return out;
}

Result<SubscriptionOptions> decode_subscription_row(std::string_view bytes) {
  ByteReader in(bytes);
  TRY(session_format::read_version(in, "subscription's row"));
  const SubscriptionOptions options = session_format::read_options(in);
  if (!in.ok() || !in.at_end()) return nonsense("subscription's", bytes.size());
  return options;
}

std::string first_key(SessionRowKind kind, uint64_t session) {
  std::string key{kPrefix, static_cast<char>(kind)};
  append_big(key, session);
  return key;
}

std::string end_key(SessionRowKind kind) { return {kPrefix, static_cast<char>(static_cast<char>(kind) + 1)}; }

std::string session_key(uint64_t session) { return first_key(SessionRowKind::kSession, session); }

std::string subscription_key(uint64_t session, std::string_view filter) {
  return first_key(SessionRowKind::kSubscription, session).append(filter);
}

std::string will_key(uint64_t number) { return first_key(SessionRowKind::kWill, number); }

std::string message_key(uint64_t session, uint64_t sequence) {
  std::string key = first_key(SessionRowKind::kMessage, session);
  append_big(key, sequence);
  return key;
}

uint64_t ParsedKey::sequence() const { return rest.size() == kNumberBytes ? read_big(rest) : 0; }

std::optional<ParsedKey> parse_key(std::string_view key) {
  if (key.size() < 2 + kNumberBytes) return std::nullopt;
  return ParsedKey{.session = read_big(key.substr(2, kNumberBytes)), .rest = key.substr(2 + kNumberBytes)};
}

}  // namespace campanile::broker
