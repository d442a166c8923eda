#include "mqtt/server_connection.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/clock.h"
#include "mqtt/decode.h"

namespace campanile::mqtt {
namespace {

// Left out where the packet would be larger than the client takes [MQTT-3.2.2-19, 3.14.2-3].
PropertyWriter reason_string(std::string_view why, uint32_t packet_bytes_max = UINT32_MAX) {
  constexpr size_t kAroundIt = 16;
  PropertyWriter properties;
  why = why.substr(0, 512);
  if (!why.empty() && why.size() + kAroundIt <= packet_bytes_max) properties.string(PropertyId::kReasonString, why);
  return properties;
}

// Whether a CONNECT that could not be decoded was at least one of version 5, whose clients are told why.
bool looks_like_v5(std::string_view body) { return body.starts_with(std::string_view("\0\4MQTT\5", 7)); }

}  // namespace

ServerConnection::ServerConnection(const ServerSettings& settings, int64_t now_ns)
    : settings_(settings), heard_ns_(now_ns), silence_max_ms_(settings.connect_timeout_s * 1000) {}

size_t ServerConnection::receive(std::string_view bytes, int64_t now_ns, std::string& out, ServerHandler& handler) {
  size_t used = 0;
  while (!closed()) {
    const size_t bytes_max = connected() ? settings_.limits.packet_bytes_max
                                         : std::min(settings_.limits.packet_bytes_max, settings_.connect_bytes_max);
    const auto frame = next_frame(bytes.substr(used), bytes_max, version_);
    if (!frame) {
      violate(frame.error(), out, handler);
      break;
    }
    if (!*frame) {
      if (used < bytes.size() && begun_ns_ == kNotBegun) begun_ns_ = now_ns;
      return used;
    }
    if (dispatch(**frame, out, handler) == Taken::kLater) return used;
    used += (*frame)->size;
    ++packets_;
    heard_ns_ = now_ns;
    begun_ns_ = kNotBegun;
  }
  return bytes.size();  // a closed connection reads no more
}

Taken ServerConnection::dispatch(const Frame& frame, std::string& out, ServerHandler& handler) {
  if (state_ == State::kWaiting) {
    receive_connect(frame, out, handler);
    return Taken::kYes;
  }
  // Calls `use` with the decoded packet, or answers the violation.
  const auto with = [&](auto&& decoded, auto&& use) {
    if (decoded) {
      use(*decoded);
    } else {
      violate(decoded.error(), out, handler);
    }
  };
  switch (frame.type) {
    case PacketType::kPublish: return receive_publish(frame, out, handler);
    case PacketType::kPuback:
    case PacketType::kPubrec:
    case PacketType::kPubcomp: with(decode_ack(frame, version_), [&](const AckPacket& packet) { handler.on_ack(packet); }); break;
    case PacketType::kPubrel: with(decode_ack(frame, version_), [&](const AckPacket& packet) { handler.on_release(packet); }); break;
    case PacketType::kSubscribe:
      with(decode_subscribe(frame.body, version_, settings_.limits), [&](const SubscribePacket& packet) { handler.on_subscribe(packet); });
      break;
    case PacketType::kUnsubscribe:
      with(decode_unsubscribe(frame.body, version_, settings_.limits),
           [&](const UnsubscribePacket& packet) { handler.on_unsubscribe(packet); });
      break;
    case PacketType::kPingreq:
      if (frame.body.empty()) {
        encode_pingresp(out);  // [MQTT-3.12.4-1]
      } else {
        violate({ReasonCode::kMalformedPacket, "PINGREQ with a body"}, out, handler);
      }
      break;
    case PacketType::kDisconnect:
      with(decode_disconnect(frame, version_), [&](const DisconnectPacket& packet) {
        state_ = State::kClosed;  // [MQTT-3.14.4-2]
        handler.on_disconnect(packet);
      });
      break;
    case PacketType::kConnect:
      violate({ReasonCode::kProtocolError, "a second CONNECT"}, out, handler);  // [MQTT-3.1.0-2]
      break;
    case PacketType::kAuth:
      // Connections with an authentication method have been refused, and without one AUTH must not come [MQTT-4.12.0-7].
      violate({ReasonCode::kProtocolError, "AUTH without an authentication method"}, out, handler);
      break;
    default: violate({ReasonCode::kProtocolError, "a packet that only servers send"}, out, handler);
  }
  return Taken::kYes;
}

void ServerConnection::receive_connect(const Frame& frame, std::string& out, ServerHandler& handler) {
  // [MQTT-3.1.0-1]
  if (frame.type != PacketType::kConnect) return violate({ReasonCode::kProtocolError, "the first packet is not CONNECT"}, out, handler);
  const auto packet = decode_connect(frame.body, settings_.limits);
  if (!packet) {
    // [MQTT-3.1.2-2 of 3.1.1] wants this answer in the form of version 3, which every client can read.
    if (packet.error().reason == ReasonCode::kUnsupportedProtocolVersion) {
      encode_connack(out, ProtocolVersion::kV311, false, packet.error().reason, {});
    } else if (looks_like_v5(frame.body)) {
      encode_connack(out, ProtocolVersion::kV5, false, packet.error().reason, reason_string(packet.error().what));
    }
    state_ = State::kClosed;
    return handler.on_violation(packet.error());
  }
  version_ = packet->version;
  if (packet->properties.has(PropertyId::kMaximumPacketSize)) peer_packet_bytes_max_ = packet->properties.maximum_packet_size;
  state_ = State::kConnecting;
  if (packet->properties.has(PropertyId::kAuthenticationMethod)) {
    refuse(out, ReasonCode::kBadAuthenticationMethod, "no authentication method is supported; send user name and password");  // [MQTT-4.12.0-1]
    return handler.on_violation({ReasonCode::kBadAuthenticationMethod, "enhanced authentication"});
  }
  handler.on_connect(*packet);
  CHECK(state_ != State::kConnecting);
}

bool ServerConnection::connack_fits(const PropertyWriter& properties) const {
  const auto size = static_cast<uint32_t>(properties.size());
  const uint32_t body = 2 + varint_size(size) + size;
  return fits(1 + varint_size(body) + body);
}

void ServerConnection::accept(std::string& out, bool session_present, uint16_t keep_alive_s, const PropertyWriter& properties) {
  CHECK(state_ == State::kConnecting);
  state_ = State::kConnected;
  silence_max_ms_ = keep_alive_s * 1500u;
  // MQTT 3.1 has no session present flag: its byte is reserved.
  encode_connack(out, version_, session_present && version_ != ProtocolVersion::kV31, ReasonCode::kSuccess, properties);
}

void ServerConnection::refuse(std::string& out, ReasonCode reason, std::string_view why) {
  CHECK(state_ == State::kConnecting);
  state_ = State::kClosed;
  if (version_ == ProtocolVersion::kV5) {
    const PropertyWriter properties = reason_string(why, peer_packet_bytes_max_);
    if (connack_fits(properties)) encode_connack(out, version_, false, reason, properties);
  } else if (connect_return_code(reason) != 0) {
    encode_connack(out, version_, false, reason, {});
  }
}

Taken ServerConnection::receive_publish(const Frame& frame, std::string& out, ServerHandler& handler) {
  auto packet = decode_publish(frame, version_, settings_.limits);
  if (!packet) {
    violate(packet.error(), out, handler);
    return Taken::kYes;
  }
  if (packet->has_subscription_identifier) {  // [MQTT-3.3.4-6]
    violate({ReasonCode::kProtocolError, "a subscription identifier in a client's message"}, out, handler);
    return Taken::kYes;
  }
  // [MQTT-3.3.4-7]; version 3 clients know no limit and are slowed by not being read.
  const bool counts = packet->qos > 0 && version_ == ProtocolVersion::kV5;
  if (counts && receiving_ >= settings_.limits.receive_maximum) {
    violate({ReasonCode::kReceiveMaximumExceeded, "more unacknowledged messages than the receive maximum"}, out, handler);
    return Taken::kYes;
  }
  const bool sets_alias = packet->topic_alias != 0 && !packet->topic.empty();
  if (packet->topic_alias != 0 && !resolve_alias(*packet, out, handler)) return Taken::kYes;
  // Counted before the handler runs: it may release at once.
  if (counts) ++receiving_;
  if (handler.on_publish(*packet) == Taken::kLater) {
    if (counts) release_receive();
    return Taken::kLater;
  }
  if (sets_alias && !closed()) keep_alias(*packet);
  return Taken::kYes;
}

bool ServerConnection::resolve_alias(PublishPacket& packet, std::string& out, ServerHandler& handler) {
  const size_t index = packet.topic_alias - 1u;
  if (packet.topic_alias > settings_.limits.topic_alias_maximum) {  // [MQTT-3.3.2-9]
    violate({ReasonCode::kTopicAliasInvalid, "a topic alias over the maximum"}, out, handler);
    return false;
  }
  if (!packet.topic.empty()) return true;
  if (!aliases_ || index >= aliases_->topics.size() || aliases_->topics[index].empty()) {
    violate({ReasonCode::kProtocolError, "a topic alias that was never set"}, out, handler);
    return false;
  }
  packet.topic = aliases_->topics[index];
  return true;
}

void ServerConnection::keep_alias(const PublishPacket& packet) {
  if (!aliases_) aliases_ = std::make_unique<Aliases>();
  if (aliases_->topics.size() < packet.topic_alias) aliases_->topics.resize(packet.topic_alias);
  aliases_->topics[packet.topic_alias - 1u] = packet.topic;
}

void ServerConnection::disconnect(std::string& out, ReasonCode reason, std::string_view why) {
  if (connected() && version_ == ProtocolVersion::kV5) encode_disconnect(out, version_, reason, reason_string(why, peer_packet_bytes_max_));
  state_ = State::kClosed;
}

void ServerConnection::violate(const Violation& violation, std::string& out, ServerHandler& handler) {
  disconnect(out, violation.reason, violation.what);
  handler.on_violation(violation);
}

void ServerConnection::notify_timer(int64_t now_ns, std::string& out, ServerHandler& handler) {
  if (closed() || now_ns < deadline_ns()) return;
  const bool silent = silence_max_ms_ > 0 && now_ns >= heard_ns_ + int64_t{silence_max_ms_} * kNanosPerMilli;
  if (!silent) return violate({ReasonCode::kQuotaExceeded, "a packet was begun and not completed in time"}, out, handler);
  violate({ReasonCode::kKeepAliveTimeout, connected() ? "no packet for one and a half times the keep-alive" : "no CONNECT in time"}, out,
          handler);
}

int64_t ServerConnection::deadline_ns() const {
  constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  if (closed()) return kNever;
  const int64_t silent_ns = silence_max_ms_ == 0 ? kNever : heard_ns_ + int64_t{silence_max_ms_} * kNanosPerMilli;
  const int64_t complete_ns = begun_ns_ != kNotBegun && connected() ? begun_ns_ + int64_t{settings_.packet_timeout_s} * kNanosPerSecond : kNever;
  return std::min(silent_ns, complete_ns);
}

}  // namespace campanile::mqtt
