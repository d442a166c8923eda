// Encoders: each appends one whole packet to `out`.
//
//   encode_publish(out, ProtocolVersion::kV5, {.topic = "u4/302/co2", .payload = "412", .qos = 1, .packet_id = 7});
//
// REQUIRES everywhere: strings of at most 65,535 bytes and packets of at most kPacketBytesLimit; callers check what comes from
// outside. Threads: pure functions.
#pragma once

#include <span>
#include <string>

#include "mqtt/packets.h"
#include "mqtt/wire.h"

namespace campanile::mqtt {

struct OutgoingPublish {
  std::string_view topic;
  std::string_view payload;
  uint8_t qos = 0;
  bool duplicate = false;
  bool retain = false;
  uint16_t packet_id = 0;  // left out with QoS 0
  // Version 5 only; the encoder of version 3 leaves them out.
  std::string_view properties = {};  // encoded, without the length
  std::optional<uint32_t> message_expiry_s = {};
  std::span<const uint32_t> subscription_identifiers = {};
  uint16_t topic_alias = 0;  // 0: none; with one that the receiver knows the topic may be empty
};

// The size of the packet that encode_publish() makes.
size_t publish_size(ProtocolVersion version, const OutgoingPublish& publish);
void encode_publish(std::string& out, ProtocolVersion version, const OutgoingPublish& publish);

// PUBACK, PUBREC, PUBREL, PUBCOMP, in the shortest form the version and the reason allow.
void encode_ack(std::string& out, ProtocolVersion version, PacketType type, uint16_t packet_id, ReasonCode reason = ReasonCode::kSuccess);

// With version 3 the reason becomes its return code; REQUIRES that it has one (connect_return_code()).
void encode_connack(std::string& out, ProtocolVersion version, bool session_present, ReasonCode reason, const PropertyWriter& properties);
// Version 3 reasons: granted QoS, or 0x80 for every error [MQTT-3.9.3-2 of 3.1.1].
void encode_suback(std::string& out, ProtocolVersion version, uint16_t packet_id, std::span<const ReasonCode> reasons);
void encode_unsuback(std::string& out, ProtocolVersion version, uint16_t packet_id, std::span<const ReasonCode> reasons);
// Version 3 has no reason: two bytes.
void encode_disconnect(std::string& out, ProtocolVersion version, ReasonCode reason, const PropertyWriter& properties = {});
void encode_pingreq(std::string& out);
void encode_pingresp(std::string& out);

struct OutgoingWill {
  std::string_view topic;
  std::string_view payload;
  uint8_t qos = 0;
  bool retain = false;
  PropertyWriter properties;
};

struct OutgoingConnect {
  ProtocolVersion version = ProtocolVersion::kV311;
  bool bridge = false;  // version 3 only, see ConnectPacket
  bool clean_start = true;
  uint16_t keep_alive_s = 0;
  std::string_view client_id;
  std::optional<std::string_view> user;
  std::optional<std::string_view> password;
  std::optional<OutgoingWill> will;
  PropertyWriter properties;
};
void encode_connect(std::string& out, const OutgoingConnect& connect);
void encode_subscribe(std::string& out, ProtocolVersion version, uint16_t packet_id, std::span<const SubscribeEntry> entries,
                      uint32_t subscription_identifier = 0);
void encode_unsubscribe(std::string& out, ProtocolVersion version, uint16_t packet_id, std::span<const std::string_view> filters);

}  // namespace campanile::mqtt
