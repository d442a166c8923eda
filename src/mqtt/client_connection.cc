#include "mqtt/client_connection.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "base/check.h"
#include "base/clock.h"
#include "mqtt/decode.h"
#include "mqtt/encode.h"
#include "mqtt/topic.h"

namespace campanile::mqtt {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

enum class Status { kIdle, kConnecting, kConnected, kEnded };

// A publish that waits for PUBACK, PUBREC or PUBCOMP. The message goes once PUBREC has come: from then on only its identifier counts.
struct PendingPublish {
  uint64_t order = 0;
  std::string topic;
  std::string payload;
  std::string properties;
  uint8_t qos = 1;
  bool retain = false;
  bool received = false;  // PUBREC has come, PUBREL has gone
  bool on_link = true;    // false: after a reconnection it waits for room in the server's receive maximum
  ClientConnection::PublishCallback done;
};

struct PendingRequest {
  PacketType answer = PacketType::kSuback;
  size_t count = 0;
  ClientConnection::ReasonsCallback done;
};

bool fits_string(std::string_view text) { return text.size() <= UINT16_MAX && is_valid_string(text); }

// What CONNECT cannot carry, in words; empty where it can carry everything.
std::string_view fault_of(const ClientOptions& options) {
  const bool v5 = options.version == ProtocolVersion::kV5;
  if (!fits_string(options.client_id)) return "the client identifier is longer than 65535 bytes or not UTF-8";
  if (options.client_id.empty() && !options.clean_start && !v5) return "a session that is kept needs a client identifier";  // [MQTT-3.1.3-7 of 3.1.1]
  if (options.user && !fits_string(*options.user)) return "the user name is longer than 65535 bytes or not UTF-8";
  if (options.password && options.password->size() > UINT16_MAX) return "the password is longer than 65535 bytes";
  if (options.password && !options.user && !v5) return "a password without a user name needs version 5";
  for (const auto& [name, value] : options.user_properties) {
    if (!fits_string(name) || !fits_string(value)) return "a user property is longer than 65535 bytes or not UTF-8";
  }
  if (options.will) {
    if (!fits_string(options.will->topic) || !is_valid_topic(options.will->topic, kTopicLevelsLimit)) return "the will's topic is not a topic";
    if (options.will->payload.size() > UINT16_MAX) return "the will's payload is longer than 65535 bytes";
    if (options.will->qos > 2) return "the will's QoS is not 0, 1 or 2";
  }
  return {};
}

ErrorCode error_code_of(ReasonCode reason) {
  switch (reason) {
    case ReasonCode::kBadUserNameOrPassword: return ErrorCode::kUnauthenticated;
    case ReasonCode::kNotAuthorized:
    case ReasonCode::kBanned: return ErrorCode::kPermissionDenied;
    case ReasonCode::kUnsupportedProtocolVersion: return ErrorCode::kUnsupported;
    case ReasonCode::kKeepAliveTimeout: return ErrorCode::kTimeout;
    case ReasonCode::kPacketTooLarge: return ErrorCode::kTooLarge;
    case ReasonCode::kServerUnavailable:
    case ReasonCode::kServerBusy:
    case ReasonCode::kServerShuttingDown:
    case ReasonCode::kSessionTakenOver:
    case ReasonCode::kUnspecifiedError:
    case ReasonCode::kQuotaExceeded:
    case ReasonCode::kConnectionRateExceeded: return ErrorCode::kUnavailable;
    default: return ErrorCode::kInvalidArgument;
  }
}

}  // namespace

struct ClientConnection::State {
  State(ClientOptions given, ClientHandler& to) : options(std::move(given)), handler(to) {}

  ClientOptions options;
  ClientHandler& handler;
  Status status = Status::kIdle;
  std::string out;

  int64_t now_ns = 0;
  int64_t started_ns = 0;
  int64_t sent_ns = 0;           // when something last went out, as far as the timer knows
  bool sent_since_timer = false;
  int64_t ping_sent_ns = kNever;  // kNever: no ping is waited for
  int64_t keep_alive_ns = 0;

  // What the server allows, from CONNACK.
  uint32_t server_packet_bytes_max = kPacketBytesLimit;
  uint16_t server_receive_maximum = 65535;
  uint8_t server_maximum_qos = 2;
  bool server_retain = true;

  uint64_t next_order = 0;
  uint16_t last_id = 0;
  std::map<uint16_t, PendingPublish> publishes;
  size_t off_link = 0;   // of these
  bool resumed = false;  // the server kept the session
  std::map<uint16_t, PendingRequest> requests;
  std::set<uint16_t> received;  // QoS 2 messages from the server whose PUBREL has not come

  void sent() { sent_since_timer = true; }

  // [MQTT-2.2.1-3]: not zero and not in use.
  uint16_t new_id() {
    do {
      ++last_id;
    } while (last_id == 0 || publishes.contains(last_id) || requests.contains(last_id));
    return last_id;
  }

  size_t publishes_max() const { return std::min(options.in_flight_max, server_receive_maximum); }

  void fail(ReasonCode reason, std::string message) {
    if (status == Status::kEnded || status == Status::kIdle) return;
    status = Status::kEnded;
    handler.on_failed(reason, Error{error_code_of(reason), std::move(message)});
  }

  // The server broke the protocol.
  void violate(const Violation& violation) {
    if (status == Status::kConnected && options.version == ProtocolVersion::kV5) {
      encode_disconnect(out, options.version, violation.reason);
    }
    fail(violation.reason, fmt::format("the server broke the protocol: {}", violation.what));
  }

  void send_publish(uint16_t id, const PendingPublish& publish, bool duplicate) {
    encode_publish(out, options.version,
                   {.topic = publish.topic, .payload = publish.payload, .qos = publish.qos, .duplicate = duplicate,
                    .retain = publish.retain, .packet_id = id, .properties = publish.properties});
    sent();
  }

  void dispatch(const Frame& frame);
  void receive_connack(const Frame& frame);
  void receive_publish(const Frame& frame);
  void receive_ack(const AckPacket& packet);
  void receive_reasons(const Frame& frame);
  void resume(bool session_present);
  ReasonCode allowed_again(const PendingPublish& publish) const;
  void send_waiting();
  void finish_publish(std::map<uint16_t, PendingPublish>::iterator found, ReasonCode reason);
  Result<uint16_t> add_request(PacketType answer, size_t count, ReasonsCallback done);
  // [MQTT-3.2.2-15]
  Result<void> check_size(size_t packet_bytes) const {
    if (packet_bytes <= server_packet_bytes_max) return {};
    return campanile::fail(ErrorCode::kTooLarge, "a packet of up to {} bytes; the server takes {} at most", packet_bytes, server_packet_bytes_max);
  }
};

ClientConnection::ClientConnection(ClientOptions options, ClientHandler& handler)
    : state_(std::make_unique<State>(std::move(options), handler)) {}
ClientConnection::~ClientConnection() = default;

void ClientConnection::start(int64_t now_ns) {
  State& s = *state_;
  CHECK(s.status == Status::kIdle);
  s.status = Status::kConnecting;
  s.now_ns = s.started_ns = s.sent_ns = now_ns;
  s.ping_sent_ns = kNever;
  s.out.clear();
  const ClientOptions& options = s.options;
  if (const std::string_view fault = fault_of(options); !fault.empty()) return s.fail(ReasonCode::kMalformedPacket, std::string(fault));
  OutgoingConnect connect{.version = options.version,
                          .clean_start = options.clean_start,
                          .keep_alive_s = options.keep_alive_s,
                          .client_id = options.client_id};
  if (options.user) connect.user = *options.user;
  if (options.password) connect.password = *options.password;
  if (options.session_expiry_s) connect.properties.u32(PropertyId::kSessionExpiryInterval, *options.session_expiry_s);
  if (options.receive_maximum) connect.properties.u16(PropertyId::kReceiveMaximum, *options.receive_maximum);
  if (options.limits.packet_bytes_max < kPacketBytesLimit) {
    connect.properties.u32(PropertyId::kMaximumPacketSize, options.limits.packet_bytes_max);
  }
  for (const auto& [name, value] : options.user_properties) connect.properties.user(name, value);
  if (options.will) {
    connect.will = OutgoingWill{.topic = options.will->topic, .payload = options.will->payload, .qos = options.will->qos,
                                .retain = options.will->retain};
    if (options.will->delay_s > 0) connect.will->properties.u32(PropertyId::kWillDelayInterval, options.will->delay_s);
  }
  encode_connect(s.out, connect);
}

size_t ClientConnection::receive(std::string_view bytes, int64_t now_ns) {
  State& s = *state_;
  s.now_ns = now_ns;
  size_t used = 0;
  while (s.status == Status::kConnecting || s.status == Status::kConnected) {
    const auto frame = next_frame(bytes.substr(used), s.options.limits.packet_bytes_max);
    if (!frame) {
      s.violate(frame.error());
      break;
    }
    if (!*frame) return used;
    used += (*frame)->size;
    s.dispatch(**frame);
  }
  return bytes.size();
}

void ClientConnection::State::dispatch(const Frame& frame) {
  if (status == Status::kConnecting) {
    if (frame.type != PacketType::kConnack) return violate({ReasonCode::kProtocolError, "the first packet is not CONNACK"});  // [MQTT-3.2.0-1]
    return receive_connack(frame);
  }
  switch (frame.type) {
    case PacketType::kPublish: return receive_publish(frame);
    case PacketType::kPuback:
    case PacketType::kPubrec:
    case PacketType::kPubrel:
    case PacketType::kPubcomp: {
      const auto packet = decode_ack(frame, options.version);
      return packet ? receive_ack(*packet) : violate(packet.error());
    }
    case PacketType::kSuback:
    case PacketType::kUnsuback: return receive_reasons(frame);
    case PacketType::kPingresp: ping_sent_ns = kNever; return;
    case PacketType::kDisconnect: {
      const auto packet = decode_disconnect(frame, options.version);
      if (!packet) return violate(packet.error());
      const std::string_view why = packet->properties.reason_string;
      return fail(packet->reason, fmt::format("the server ended the connection: {}{}{}", to_string(packet->reason), why.empty() ? "" : ": ", why));
    }
    default: return violate({ReasonCode::kProtocolError, "a packet that only clients send"});
  }
}

void ClientConnection::State::receive_connack(const Frame& frame) {
  const auto packet = decode_connack(frame.body, options.version);
  if (!packet) return violate(packet.error());
  if (is_error(packet->reason)) {
    const std::string_view why = packet->properties.reason_string;
    return fail(packet->reason, fmt::format("the server refused the connection: {}{}{}", to_string(packet->reason), why.empty() ? "" : ": ", why));
  }
  if (packet->session_present && options.clean_start) {
    return violate({ReasonCode::kProtocolError, "a session is present after a clean start"});  // [MQTT-3.2.2-2]
  }
  const Properties& told = packet->properties;
  server_packet_bytes_max = told.has(PropertyId::kMaximumPacketSize) ? told.maximum_packet_size : kPacketBytesLimit;
  server_receive_maximum = told.receive_maximum;
  server_maximum_qos = told.maximum_qos;
  server_retain = told.retain_available;
  const uint16_t keep_alive_s = told.has(PropertyId::kServerKeepAlive) ? told.server_keep_alive_s : options.keep_alive_s;  // [MQTT-3.1.2-21]
  keep_alive_ns = keep_alive_s * kNanosPerSecond;
  if (told.has(PropertyId::kAssignedClientIdentifier)) options.client_id = told.assigned_client_id;
  status = Status::kConnected;
  sent_ns = now_ns;
  resume(packet->session_present);
  handler.on_connected({.session_present = packet->session_present, .client_id = options.client_id, .keep_alive_s = keep_alive_s,
                        .maximum_qos = server_maximum_qos, .retain_available = server_retain});
}

// [MQTT-4.4.0-1]: what was not acknowledged goes out again, in its order [MQTT-4.6.0-1]. Where the server has no session the
// messages are new to it, so that even those it had received before go out from the beginning, if they are still here.
void ClientConnection::State::resume(bool session_present) {
  if (!session_present) received.clear();
  std::vector<std::pair<uint16_t, PendingPublish*>> order;
  for (auto& [id, publish] : publishes) order.emplace_back(id, &publish);
  std::ranges::sort(order, {}, [](const auto& entry) { return entry.second->order; });
  std::vector<std::pair<uint16_t, ReasonCode>> finished;
  off_link = 0;
  resumed = session_present;
  size_t sent_again = 0;
  for (auto& [id, publish] : order) {
    if (publish->received && !session_present) {
      // PUBREC said that the server owns the message; its session went, but the message was handed on.
      publish->on_link = true;
      finished.emplace_back(id, ReasonCode::kSuccess);
      continue;
    }
    if (const ReasonCode reason = allowed_again(*publish); is_error(reason)) {
      publish->on_link = true;
      finished.emplace_back(id, reason);
      continue;
    }
    publish->on_link = sent_again < server_receive_maximum;  // [MQTT-4.9.0-2]: it may be less than it was
    if (!publish->on_link) {
      ++off_link;
      continue;
    }
    ++sent_again;
    if (publish->received) {
      encode_ack(out, options.version, PacketType::kPubrel, id);
    } else {
      send_publish(id, *publish, session_present);
    }
  }
  for (const auto& [id, reason] : finished) finish_publish(publishes.find(id), reason);
}

// The server may allow less on the new connection than it did [MQTT-3.2.2-11, 3.2.2-14, 3.2.2-15].
ReasonCode ClientConnection::State::allowed_again(const PendingPublish& publish) const {
  if (publish.received) return ReasonCode::kSuccess;
  if (publish.qos > server_maximum_qos) return ReasonCode::kQosNotSupported;
  if (publish.retain && !server_retain) return ReasonCode::kRetainNotSupported;
  const size_t size = publish_size(options.version, {.topic = publish.topic, .payload = publish.payload, .qos = publish.qos,
                                                     .retain = publish.retain, .properties = publish.properties});
  return size > server_packet_bytes_max ? ReasonCode::kPacketTooLarge : ReasonCode::kSuccess;
}

void ClientConnection::State::receive_publish(const Frame& frame) {
  const auto packet = decode_publish(frame, options.version, Limits{.topic_levels_max = kTopicLevelsLimit});
  if (!packet) return violate(packet.error());
  if (packet->topic_alias != 0) return violate({ReasonCode::kTopicAliasInvalid, "a topic alias, which was not allowed"});  // [MQTT-3.1.2-26]
  // [3.3.4]: QoS 1 is acknowledged before the next packet is read, so that QoS 2 alone can be open.
  if (packet->qos == 2 && options.receive_maximum && received.size() >= *options.receive_maximum && !received.contains(packet->packet_id)) {
    return violate({ReasonCode::kReceiveMaximumExceeded, "more unreleased messages than the receive maximum"});
  }
  // QoS 2, method A of figure 4.3: delivered on first sight, its identifier kept until PUBREL.
  const bool is_new = packet->qos < 2 || received.insert(packet->packet_id).second;  // [MQTT-4.3.3-10]
  if (is_new) {
    handler.on_message({.topic = packet->topic, .payload = packet->payload, .qos = packet->qos, .retain = packet->retain,
                        .duplicate = packet->duplicate, .packet_id = packet->packet_id, .properties = packet->properties});
  }
  if (packet->qos == 0 || status != Status::kConnected) return;
  encode_ack(out, options.version, packet->qos == 1 ? PacketType::kPuback : PacketType::kPubrec, packet->packet_id);
  sent();
}

// The oldest of those that resume() had no room for.
void ClientConnection::State::send_waiting() {
  if (off_link == 0 || status != Status::kConnected || publishes.size() - off_link >= server_receive_maximum) return;
  std::pair<const uint16_t, PendingPublish>* oldest = nullptr;
  for (auto& entry : publishes) {
    if (!entry.second.on_link && (!oldest || entry.second.order < oldest->second.order)) oldest = &entry;
  }
  oldest->second.on_link = true;
  --off_link;
  if (oldest->second.received) {
    encode_ack(out, options.version, PacketType::kPubrel, oldest->first);
  } else {
    send_publish(oldest->first, oldest->second, resumed);
  }
}

void ClientConnection::State::finish_publish(std::map<uint16_t, PendingPublish>::iterator found, ReasonCode reason) {
  const uint16_t id = found->first;
  PublishCallback done = std::move(found->second.done);
  if (!found->second.on_link) --off_link;
  publishes.erase(found);  // before the callback, which may publish again
  send_waiting();
  if (done) done({.packet_id = id, .reason = reason});
}

void ClientConnection::State::receive_ack(const AckPacket& packet) {
  sent();
  if (packet.type == PacketType::kPubrel) {
    const bool known = received.erase(packet.packet_id) > 0;
    encode_ack(out, options.version, PacketType::kPubcomp, packet.packet_id, known ? ReasonCode::kSuccess : ReasonCode::kPacketIdentifierNotFound);
    return;
  }
  const auto found = publishes.find(packet.packet_id);
  const bool fits = found != publishes.end() && (packet.type == PacketType::kPuback ? found->second.qos == 1 : found->second.qos == 2);
  if (!fits) {
    // Possible after a resumption of which one side has lost its half: answered where an answer ends it, ignored otherwise.
    if (packet.type == PacketType::kPubrec) {
      encode_ack(out, options.version, PacketType::kPubrel, packet.packet_id, ReasonCode::kPacketIdentifierNotFound);
    }
    return;
  }
  if (packet.type == PacketType::kPubrec && !is_error(packet.reason)) {
    found->second.received = true;
    found->second.payload = {};
    encode_ack(out, options.version, PacketType::kPubrel, packet.packet_id);  // [MQTT-4.3.3-4]
    return;
  }
  finish_publish(found, packet.reason);
}

void ClientConnection::State::receive_reasons(const Frame& frame) {
  auto packet = frame.type == PacketType::kSuback ? decode_suback(frame.body, options.version) : decode_unsuback(frame.body, options.version);
  if (!packet) return violate(packet.error());
  const auto found = requests.find(packet->packet_id);
  if (found == requests.end() || found->second.answer != frame.type) {
    return violate({ReasonCode::kProtocolError, "an answer to a request that was not made"});
  }
  if (frame.type == PacketType::kUnsuback && options.version != ProtocolVersion::kV5) {
    packet->reasons.assign(found->second.count, ReasonCode::kSuccess);
  }
  if (packet->reasons.size() != found->second.count) {
    return violate({ReasonCode::kProtocolError, "another number of reasons than of topic filters"});  // [MQTT-3.8.4-6]
  }
  ReasonsCallback done = std::move(found->second.done);
  requests.erase(found);
  if (done) done(packet->reasons);
}

std::string ClientConnection::take_output() { return std::exchange(state_->out, {}); }
bool ClientConnection::has_output() const { return !state_->out.empty(); }

void ClientConnection::notify_timer(int64_t now_ns) {
  State& s = *state_;
  s.now_ns = now_ns;
  if (s.status == Status::kConnecting) {
    if (now_ns - s.started_ns >= s.options.connect_timeout_s * kNanosPerSecond) {
      s.fail(ReasonCode::kKeepAliveTimeout, fmt::format("no CONNACK within {} s", s.options.connect_timeout_s));
    }
    return;
  }
  if (s.status != Status::kConnected || s.keep_alive_ns == 0) return;
  if (std::exchange(s.sent_since_timer, false)) s.sent_ns = now_ns;
  if (s.ping_sent_ns != kNever) {
    if (now_ns - s.ping_sent_ns >= s.keep_alive_ns) {  // [3.1.2.10]: "a reasonable amount of time"
      s.fail(ReasonCode::kKeepAliveTimeout, fmt::format("no PINGRESP within {} s", s.keep_alive_ns / kNanosPerSecond));
    }
    return;
  }
  // A quarter early, so that a late timer still keeps [MQTT-3.1.2-20].
  if (now_ns - s.sent_ns >= s.keep_alive_ns / 4 * 3) {
    encode_pingreq(s.out);
    s.sent_ns = s.ping_sent_ns = now_ns;
  }
}

int64_t ClientConnection::next_timer_ns() const {
  const State& s = *state_;
  if (s.status == Status::kConnecting) return s.started_ns + s.options.connect_timeout_s * kNanosPerSecond;
  if (s.status != Status::kConnected || s.keep_alive_ns == 0) return kNever;
  if (s.ping_sent_ns != kNever) return s.ping_sent_ns + s.keep_alive_ns;
  return s.sent_ns + s.keep_alive_ns / 4 * 3;
}

void ClientConnection::connection_lost() {
  State& s = *state_;
  s.status = Status::kIdle;
  s.out.clear();
  s.ping_sent_ns = kNever;
  std::map<uint16_t, PendingRequest> open = std::exchange(s.requests, {});
  for (auto& [id, request] : open) {
    const std::vector<ReasonCode> reasons(request.count, ReasonCode::kUnspecifiedError);
    if (request.done) request.done(reasons);
  }
}

Result<void> ClientConnection::publish(const PublishRequest& request, PublishCallback done) {
  State& s = *state_;
  if (s.status != Status::kConnected) return fail(ErrorCode::kUnavailable, "not connected to the MQTT server");
  if (request.topic.size() > UINT16_MAX || !is_valid_string(request.topic) || !is_valid_topic(request.topic, kTopicLevelsLimit)) {
    return fail(ErrorCode::kInvalidArgument, "'{:.80}' is not a topic to publish to: wanted UTF-8 without '+', '#' and U+0000, 1 to 65535 bytes",
                request.topic);
  }
  if (request.qos > 2) return fail(ErrorCode::kInvalidArgument, "QoS {}: wanted 0, 1 or 2", request.qos);
  if (request.qos > s.server_maximum_qos) return fail(ErrorCode::kUnsupported, "the server takes QoS {} at most", s.server_maximum_qos);
  if (request.retain && !s.server_retain) return fail(ErrorCode::kUnsupported, "the server keeps no retained messages");
  const bool v5 = s.options.version == ProtocolVersion::kV5;
  const size_t upper_size = request.topic.size() + request.payload.size() + (v5 ? request.properties.size() : 0) + 16;
  if (upper_size > s.server_packet_bytes_max) {
    return fail(ErrorCode::kTooLarge, "a message of {} bytes; the server takes packets of {} at most", request.payload.size(),
                s.server_packet_bytes_max);
  }
  if (request.qos == 0) {
    encode_publish(s.out, s.options.version, {.topic = request.topic, .payload = request.payload, .retain = request.retain,
                                              .properties = request.properties});
    s.sent();
    if (done) done({});
    return {};
  }
  if (!can_publish()) return fail(ErrorCode::kOverloaded, "{} messages wait for their acknowledgement already", s.publishes.size());
  const uint16_t id = s.new_id();
  PendingPublish& pending = s.publishes[id];
  pending = {.order = s.next_order++, .topic = std::string(request.topic), .payload = std::string(request.payload),
             .properties = std::string(request.properties), .qos = request.qos, .retain = request.retain, .done = std::move(done)};
  s.send_publish(id, pending, false);
  return {};
}

Result<uint16_t> ClientConnection::State::add_request(PacketType answer, size_t count, ReasonsCallback done) {
  if (status != Status::kConnected) return campanile::fail(ErrorCode::kUnavailable, "not connected to the MQTT server");
  if (count == 0) return campanile::fail(ErrorCode::kInvalidArgument, "no topic filter is given");
  if (requests.size() >= 1000) return campanile::fail(ErrorCode::kOverloaded, "1000 requests wait for their answer already");
  const uint16_t id = new_id();
  requests[id] = {.answer = answer, .count = count, .done = std::move(done)};
  sent();
  return id;
}

namespace {

bool is_valid_subscription(std::string_view text) {
  if (text.size() > UINT16_MAX || !is_valid_string(text)) return false;
  if (!is_shared(text)) return is_valid_filter(text, kTopicLevelsLimit);
  const auto shared = parse_shared(text);
  return shared && is_valid_filter(shared->filter, kTopicLevelsLimit);
}

// A SUBSCRIBE or UNSUBSCRIBE with these filters, at most.
template <typename Entries, typename FilterOf>
size_t request_size(const Entries& entries, FilterOf filter_of) {
  size_t size = 16;
  for (const auto& entry : entries) size += filter_of(entry).size() + 3;
  return size;
}

}  // namespace

Result<void> ClientConnection::subscribe(std::span<const SubscribeRequest> requests, ReasonsCallback done) {
  State& s = *state_;
  std::vector<SubscribeEntry> entries;
  for (const SubscribeRequest& request : requests) {
    if (!is_valid_subscription(request.filter) || request.qos > 2 || request.retain_handling > 2) {
      return fail(ErrorCode::kInvalidArgument, "'{:.80}' with QoS {} is not a subscription: '#' stands alone at the end, '+' alone in a level",
                  request.filter, request.qos);
    }
    if (request.no_local && is_shared(request.filter)) {  // [MQTT-3.8.3-4]
      return fail(ErrorCode::kInvalidArgument, "'{:.80}': a shared subscription cannot be no-local", request.filter);
    }
    entries.push_back({.filter = request.filter, .qos = request.qos, .no_local = request.no_local,
                       .retain_as_published = request.retain_as_published, .retain_handling = request.retain_handling});
  }
  TRY(s.check_size(request_size(requests, [](const SubscribeRequest& request) { return request.filter; })));
  const uint16_t id = TRY(s.add_request(PacketType::kSuback, entries.size(), std::move(done)));
  encode_subscribe(s.out, s.options.version, id, entries);
  return {};
}

Result<void> ClientConnection::unsubscribe(std::span<const std::string_view> filters, ReasonsCallback done) {
  State& s = *state_;
  for (const std::string_view filter : filters) {
    if (!is_valid_subscription(filter)) return fail(ErrorCode::kInvalidArgument, "'{:.80}' is not a topic filter", filter);
  }
  TRY(s.check_size(request_size(filters, [](std::string_view filter) { return filter; })));
  const uint16_t id = TRY(s.add_request(PacketType::kUnsuback, filters.size(), std::move(done)));
  encode_unsubscribe(s.out, s.options.version, id, filters);
  return {};
}

void ClientConnection::disconnect(ReasonCode reason) {
  State& s = *state_;
  if (s.status == Status::kConnected) encode_disconnect(s.out, s.options.version, reason);
  if (s.status != Status::kIdle) s.status = Status::kEnded;
}

bool ClientConnection::connected() const { return state_->status == Status::kConnected; }
size_t ClientConnection::in_flight() const { return state_->publishes.size(); }
bool ClientConnection::can_publish() const { return connected() && state_->publishes.size() < state_->publishes_max(); }
const ClientOptions& ClientConnection::options() const { return state_->options; }

}  // namespace campanile::mqtt
