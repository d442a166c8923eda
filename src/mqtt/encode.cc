#include "mqtt/encode.h"

#include "base/check.h"

namespace campanile::mqtt {
namespace {

uint8_t first_byte(PacketType type, uint8_t flags = 0) { return static_cast<uint8_t>(static_cast<uint8_t>(type) << 4 | flags); }

void put_packet(std::string& out, uint8_t first, std::string_view body) {
  put_u8(out, first);
  put_varint(out, static_cast<uint32_t>(body.size()));
  out.append(body);
}

size_t publish_properties_size(const OutgoingPublish& publish) {
  size_t size = publish.properties.size() + (publish.message_expiry_s ? 5 : 0) + (publish.topic_alias != 0 ? 3 : 0);
  for (const uint32_t id : publish.subscription_identifiers) size += 1 + varint_size(id);
  return size;
}

size_t publish_body_size(ProtocolVersion version, const OutgoingPublish& publish, size_t properties) {
  size_t size = 2 + publish.topic.size() + (publish.qos > 0 ? 2 : 0) + publish.payload.size();
  if (version == ProtocolVersion::kV5) size += varint_size(static_cast<uint32_t>(properties)) + properties;
  return size;
}

void encode_reasons(std::string& out, PacketType type, ProtocolVersion version, uint16_t packet_id, std::span<const ReasonCode> reasons) {
  std::string body;
  put_u16(body, packet_id);
  if (version == ProtocolVersion::kV5) put_varint(body, 0);
  for (ReasonCode reason : reasons) {
    if (version != ProtocolVersion::kV5 && is_error(reason)) reason = ReasonCode::kUnspecifiedError;
    put_u8(body, static_cast<uint8_t>(reason));
  }
  put_packet(out, first_byte(type), body);
}

}  // namespace

size_t publish_size(ProtocolVersion version, const OutgoingPublish& publish) {
  const size_t body = publish_body_size(version, publish, publish_properties_size(publish));
  return 1 + varint_size(static_cast<uint32_t>(body)) + body;
}

void encode_publish(std::string& out, ProtocolVersion version, const OutgoingPublish& publish) {
  const size_t properties = version == ProtocolVersion::kV5 ? publish_properties_size(publish) : 0;
  const size_t body = publish_body_size(version, publish, properties);
  CHECK(publish.topic.size() <= UINT16_MAX && body < (1u << 28));
  put_u8(out, first_byte(PacketType::kPublish, static_cast<uint8_t>(publish.duplicate << 3 | publish.qos << 1 | publish.retain)));
  put_varint(out, static_cast<uint32_t>(body));
  put_string(out, publish.topic);
  if (publish.qos > 0) put_u16(out, publish.packet_id);
  if (version == ProtocolVersion::kV5) {
    put_varint(out, static_cast<uint32_t>(properties));
    if (publish.message_expiry_s) {
      put_u8(out, static_cast<uint8_t>(PropertyId::kMessageExpiryInterval));
      put_u32(out, *publish.message_expiry_s);
    }
    if (publish.topic_alias != 0) {
      put_u8(out, static_cast<uint8_t>(PropertyId::kTopicAlias));
      put_u16(out, publish.topic_alias);
    }
    for (const uint32_t id : publish.subscription_identifiers) {
      put_u8(out, static_cast<uint8_t>(PropertyId::kSubscriptionIdentifier));
      put_varint(out, id);
    }
    out.append(publish.properties);
  }
  out.append(publish.payload);
}

void encode_ack(std::string& out, ProtocolVersion version, PacketType type, uint16_t packet_id, ReasonCode reason) {
  const bool with_reason = version == ProtocolVersion::kV5 && reason != ReasonCode::kSuccess;
  put_u8(out, first_byte(type, type == PacketType::kPubrel ? 2 : 0));
  put_u8(out, with_reason ? 3 : 2);
  put_u16(out, packet_id);
  if (with_reason) put_u8(out, static_cast<uint8_t>(reason));
}

void encode_connack(std::string& out, ProtocolVersion version, bool session_present, ReasonCode reason, const PropertyWriter& properties) {
  std::string body;
  put_u8(body, session_present ? 1 : 0);
  if (version == ProtocolVersion::kV5) {
    put_u8(body, static_cast<uint8_t>(reason));
    properties.append_to(body);
  } else {
    const uint8_t code = connect_return_code(reason);
    CHECK(code != 0 || !is_error(reason));
    put_u8(body, code);
  }
  put_packet(out, first_byte(PacketType::kConnack), body);
}

void encode_suback(std::string& out, ProtocolVersion version, uint16_t packet_id, std::span<const ReasonCode> reasons) {
  encode_reasons(out, PacketType::kSuback, version, packet_id, reasons);
}

void encode_unsuback(std::string& out, ProtocolVersion version, uint16_t packet_id, std::span<const ReasonCode> reasons) {
  encode_reasons(out, PacketType::kUnsuback, version, packet_id, version == ProtocolVersion::kV5 ? reasons : std::span<const ReasonCode>{});
}

void encode_disconnect(std::string& out, ProtocolVersion version, ReasonCode reason, const PropertyWriter& properties) {
  std::string body;
  if (version == ProtocolVersion::kV5 && (reason != ReasonCode::kSuccess || properties.size() > 0)) {
    put_u8(body, static_cast<uint8_t>(reason));
    if (properties.size() > 0) properties.append_to(body);
  }
  put_packet(out, first_byte(PacketType::kDisconnect), body);
}

void encode_pingreq(std::string& out) { put_packet(out, first_byte(PacketType::kPingreq), {}); }
void encode_pingresp(std::string& out) { put_packet(out, first_byte(PacketType::kPingresp), {}); }

void encode_connect(std::string& out, const OutgoingConnect& connect) {
  const bool v5 = connect.version == ProtocolVersion::kV5;
  std::string body;
  put_string(body, connect.version == ProtocolVersion::kV31 ? "MQIsdp" : "MQTT");
  put_u8(body, static_cast<uint8_t>(static_cast<uint8_t>(connect.version) | (connect.bridge && !v5 ? 0x80 : 0)));
  uint8_t flags = connect.clean_start ? 0x02 : 0;
  if (connect.user) flags |= 0x80;
  if (connect.password) flags |= 0x40;
  if (connect.will) flags |= static_cast<uint8_t>(0x04 | connect.will->qos << 3 | (connect.will->retain ? 0x20 : 0));
  put_u8(body, flags);
  put_u16(body, connect.keep_alive_s);
  if (v5) connect.properties.append_to(body);
  put_string(body, connect.client_id);
  if (connect.will) {
    if (v5) connect.will->properties.append_to(body);
    put_string(body, connect.will->topic);
    put_string(body, connect.will->payload);
  }
  if (connect.user) put_string(body, *connect.user);
  if (connect.password) put_string(body, *connect.password);
  put_packet(out, first_byte(PacketType::kConnect), body);
}

void encode_subscribe(std::string& out, ProtocolVersion version, uint16_t packet_id, std::span<const SubscribeEntry> entries,
                      uint32_t subscription_identifier) {
  const bool v5 = version == ProtocolVersion::kV5;
  std::string body;
  put_u16(body, packet_id);
  if (v5) {
    PropertyWriter properties;
    if (subscription_identifier != 0) properties.varint(PropertyId::kSubscriptionIdentifier, subscription_identifier);
    properties.append_to(body);
  }
  for (const SubscribeEntry& entry : entries) {
    put_string(body, entry.filter);
    uint8_t options = entry.qos;
    if (v5) options |= static_cast<uint8_t>((entry.no_local ? 4 : 0) | (entry.retain_as_published ? 8 : 0) | entry.retain_handling << 4);
    put_u8(body, options);
  }
  put_packet(out, first_byte(PacketType::kSubscribe, 2), body);
}

void encode_unsubscribe(std::string& out, ProtocolVersion version, uint16_t packet_id, std::span<const std::string_view> filters) {
  std::string body;
  put_u16(body, packet_id);
  if (version == ProtocolVersion::kV5) put_varint(body, 0);
  for (const std::string_view filter : filters) put_string(body, filter);
  put_packet(out, first_byte(PacketType::kUnsubscribe, 2), body);
}

}  // namespace campanile::mqtt
