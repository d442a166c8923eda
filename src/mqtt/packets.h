// The control packets of MQTT 3.1, 3.1.1 and 5 as plain structures of views.
//
//   Decoded<ConnectPacket> connect = decode_connect(frame.body);        // mqtt/decode.h
//   encode_publish(out, version, {.topic = "a/b", .payload = "1"});     // mqtt/encode.h
//
// Ownership: the views of a decoded packet point into the bytes it was decoded from. Threads: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "mqtt/properties.h"
#include "mqtt/protocol.h"

namespace campanile::mqtt {

struct WillView {
  std::string_view topic;
  std::string_view payload;
  uint8_t qos = 0;
  bool retain = false;
  Properties properties;
};

struct ConnectPacket {
  ProtocolVersion version = ProtocolVersion::kV311;
  bool bridge = false;  // version 3: another broker, which wants what it subscribes as with no-local and retain-as-published
  bool clean_start = true;
  uint16_t keep_alive_s = 0;
  std::string_view client_id;
  std::optional<std::string_view> user;
  std::optional<std::string_view> password;
  std::optional<WillView> will;
  Properties properties;
};

struct ConnackPacket {
  bool session_present = false;
  ReasonCode reason = ReasonCode::kSuccess;  // with version 3: what its return code means
  Properties properties;
};

struct PublishPacket {
  std::string_view topic;  // empty where only an alias was sent
  std::string_view payload;
  uint16_t packet_id = 0;  // 0 with QoS 0
  uint8_t qos = 0;
  bool duplicate = false;
  bool retain = false;
  uint16_t topic_alias = 0;  // 0: none
  bool has_subscription_identifier = false;
  std::optional<uint32_t> message_expiry_s;
  std::string_view properties;  // encoded, validated, without the length
};

// PUBACK, PUBREC, PUBREL and PUBCOMP.
struct AckPacket {
  PacketType type = PacketType::kPuback;
  uint16_t packet_id = 0;
  ReasonCode reason = ReasonCode::kSuccess;
};

struct SubscribeEntry {
  std::string_view filter;
  uint8_t qos = 0;
  bool no_local = false;
  bool retain_as_published = false;
  uint8_t retain_handling = 0;
};

struct SubscribePacket {
  uint16_t packet_id = 0;
  std::vector<SubscribeEntry> entries;
  uint32_t subscription_identifier = 0;  // 0: none
};

struct UnsubscribePacket {
  uint16_t packet_id = 0;
  std::vector<std::string_view> filters;
};

// SUBACK and UNSUBACK; a version 3 UNSUBACK has no reasons.
struct ReasonsPacket {
  uint16_t packet_id = 0;
  std::vector<ReasonCode> reasons;
};

// DISCONNECT and AUTH.
struct DisconnectPacket {
  ReasonCode reason = ReasonCode::kSuccess;
  Properties properties;
};

}  // namespace campanile::mqtt
