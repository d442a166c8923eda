#include "mqtt/decode.h"

#include "mqtt/topic.h"

namespace campanile::mqtt {
namespace {

std::unexpected<Violation> violation_of(const Reader& in) { return std::unexpected(in.violation()); }
std::unexpected<Violation> violation(ReasonCode reason, const char* what) { return std::unexpected(Violation{reason, what}); }

// [MQTT-2.2.1-3]: where a packet identifier stands it is not zero.
uint16_t read_packet_id(Reader& in) {
  const uint16_t id = in.u16();
  if (id == 0 && !in.failed()) in.fail(ReasonCode::kProtocolError, "packet identifier 0");
  return id;
}

ReasonCode read_reason(Reader& in, PacketType type) {
  const auto reason = static_cast<ReasonCode>(in.u8());
  if (!in.failed() && !may_carry(type, reason)) in.fail(ReasonCode::kProtocolError, "a reason code that this packet may not carry");
  return reason;
}

void require_end(Reader& in) {
  if (!in.empty()) in.fail(ReasonCode::kMalformedPacket, "bytes after the end of the packet");
}

WillView read_will(Reader& in, uint8_t flags, ProtocolVersion version, const Limits& limits) {
  WillView will;
  will.qos = (flags >> 3) & 3;
  will.retain = flags & 0x20;
  if (version == ProtocolVersion::kV5) {
    will.properties = decode_properties(in, PropertyOwner::kWill);
    if (will.properties.has(PropertyId::kResponseTopic) && !is_valid_topic(will.properties.response_topic, limits.topic_levels_max)) {
      in.fail(ReasonCode::kProtocolError, "the will's response topic is not a valid topic");  // [MQTT-3.3.2-14]
    }
  }
  will.topic = in.string();
  will.payload = in.binary();
  if (!in.failed() && !is_valid_topic(will.topic, limits.topic_levels_max)) {
    in.fail(ReasonCode::kTopicNameInvalid, "the will's topic is empty, holds a wildcard or has too many levels");
  }
  return will;
}

}  // namespace

Decoded<ConnectPacket> decode_connect(std::string_view body, const Limits& limits) {
  Reader in(body);
  ConnectPacket packet;
  const std::string_view name = in.binary();
  uint8_t level = in.u8();
  if (in.failed()) return violation_of(in);
  // No standard has it, but bridges of other brokers say so that they are one: the level's highest bit, with version 3.
  packet.bridge = level == 0x83 || level == 0x84;
  if (packet.bridge) level &= 0x7f;
  if (name == "MQTT" && level == 5) {
    packet.version = ProtocolVersion::kV5;
  } else if (name == "MQTT" && level == 4) {
    packet.version = ProtocolVersion::kV311;
  } else if (name == "MQIsdp" && level == 3) {
    packet.version = ProtocolVersion::kV31;
  } else if (name == "MQTT" || name == "MQIsdp") {
    return violation(ReasonCode::kUnsupportedProtocolVersion, "protocol level other than 3, 4 or 5");  // [MQTT-3.1.2-2]
  } else {
    return violation(ReasonCode::kProtocolError, "the protocol name is not MQTT");  // [MQTT-3.1.2-1]: closed without an answer
  }
  const bool v5 = packet.version == ProtocolVersion::kV5;
  uint8_t flags = in.u8();
  packet.clean_start = flags & 0x02;
  packet.keep_alive_s = in.u16();
  if (in.failed()) return violation_of(in);
  if (packet.version == ProtocolVersion::kV31) {
    // MQTT 3.1 says of these bits that they are not used, and its clients leave in them what they like.
    flags &= static_cast<uint8_t>(flags & 0x04 ? ~0x01 : ~0x39);
  }
  if (flags & 0x01) return violation(ReasonCode::kMalformedPacket, "the reserved connect flag is set");  // [MQTT-3.1.2-3]
  const bool has_will = flags & 0x04;
  if (!has_will && (flags & 0x38)) return violation(ReasonCode::kMalformedPacket, "will flags without a will");  // [MQTT-3.1.2-11, -13]
  if (((flags >> 3) & 3) == 3) return violation(ReasonCode::kMalformedPacket, "will QoS 3");                     // [MQTT-3.1.2-12]
  const bool has_user = flags & 0x80;
  const bool has_password = flags & 0x40;
  if (has_password && !has_user && !v5) {
    return violation(ReasonCode::kMalformedPacket, "a password without a user name");  // [MQTT-3.1.2-22] of 3.1.1
  }
  if (v5) packet.properties = decode_properties(in, PropertyOwner::kConnect);
  // [3.1.2.11.10]
  if (packet.properties.has(PropertyId::kAuthenticationData) && !packet.properties.has(PropertyId::kAuthenticationMethod)) {
    return violation(ReasonCode::kProtocolError, "authentication data without a method");
  }
  packet.client_id = in.string();
  if (has_will) packet.will = read_will(in, flags, packet.version, limits);
  if (has_user) packet.user = in.string();
  if (has_password) packet.password = in.binary();
  require_end(in);
  if (in.failed()) return violation_of(in);
  return packet;
}

Decoded<PublishPacket> decode_publish(const Frame& frame, ProtocolVersion version, const Limits& limits) {
  PublishPacket packet;
  packet.qos = (frame.flags >> 1) & 3;
  packet.duplicate = frame.flags & 8;
  packet.retain = frame.flags & 1;
  if (packet.qos == 3) return violation(ReasonCode::kMalformedPacket, "QoS 3");  // [MQTT-3.3.1-4]
  // MQTT 3.1 says that DUP means nothing with QoS 0.
  if (packet.qos == 0 && packet.duplicate && version == ProtocolVersion::kV31) packet.duplicate = false;
  if (packet.qos == 0 && packet.duplicate) return violation(ReasonCode::kMalformedPacket, "DUP with QoS 0");  // [MQTT-3.3.1-2]
  Reader in(frame.body);
  packet.topic = in.string();
  if (packet.qos > 0) packet.packet_id = read_packet_id(in);
  if (version == ProtocolVersion::kV5) {
    const Properties properties = decode_properties(in, PropertyOwner::kPublish);
    if (in.failed()) return violation_of(in);
    packet.properties = properties.raw;
    packet.has_subscription_identifier = properties.has(PropertyId::kSubscriptionIdentifier);
    if (properties.has(PropertyId::kTopicAlias)) {
      packet.topic_alias = properties.topic_alias;
      if (packet.topic_alias == 0) return violation(ReasonCode::kTopicAliasInvalid, "topic alias 0");  // [MQTT-3.3.2-8]
    }
    if (properties.has(PropertyId::kMessageExpiryInterval)) packet.message_expiry_s = properties.message_expiry_s;
    if (properties.has(PropertyId::kResponseTopic) && !is_valid_topic(properties.response_topic, limits.topic_levels_max)) {
      return violation(ReasonCode::kProtocolError, "the response topic is not a valid topic");  // [MQTT-3.3.2-14]
    }
  }
  if (in.failed()) return violation_of(in);
  if (packet.topic.empty()) {
    // [MQTT-4.7.3-1]; in version 5 an alias may stand for the topic.
    if (packet.topic_alias == 0) return violation(ReasonCode::kProtocolError, "an empty topic without a topic alias");
  } else if (!is_valid_topic(packet.topic, limits.topic_levels_max)) {
    return violation(ReasonCode::kTopicNameInvalid, "the topic holds a wildcard or has too many levels");  // [MQTT-3.3.2-2]
  }
  packet.payload = in.rest();
  return packet;
}

Decoded<AckPacket> decode_ack(const Frame& frame, ProtocolVersion version) {
  AckPacket packet{.type = frame.type};
  Reader in(frame.body);
  packet.packet_id = read_packet_id(in);
  if (version == ProtocolVersion::kV5 && !in.empty()) {
    // [3.4.2.1]: reason code and properties may both be left out, or the properties alone.
    packet.reason = read_reason(in, frame.type);
    if (!in.empty()) {
      const auto owner = frame.type == PacketType::kPuback   ? PropertyOwner::kPuback
                         : frame.type == PacketType::kPubrec ? PropertyOwner::kPubrec
                         : frame.type == PacketType::kPubrel ? PropertyOwner::kPubrel
                                                             : PropertyOwner::kPubcomp;
      decode_properties(in, owner);
    }
  }
  require_end(in);
  if (in.failed()) return violation_of(in);
  return packet;
}

Decoded<SubscribePacket> decode_subscribe(std::string_view body, ProtocolVersion version, const Limits& limits) {
  const bool v5 = version == ProtocolVersion::kV5;
  SubscribePacket packet;
  Reader in(body);
  packet.packet_id = read_packet_id(in);
  if (v5) packet.subscription_identifier = decode_properties(in, PropertyOwner::kSubscribe).subscription_identifier;
  if (in.failed()) return violation_of(in);
  if (in.empty()) return violation(ReasonCode::kProtocolError, "SUBSCRIBE without a topic filter");  // [MQTT-3.8.3-2]
  while (!in.empty()) {
    SubscribeEntry entry;
    entry.filter = in.string();
    const uint8_t options = in.u8();
    if (in.failed()) return violation_of(in);
    if (entry.filter.empty()) return violation(ReasonCode::kMalformedPacket, "an empty topic filter");  // [MQTT-4.7.3-1]
    entry.qos = options & 3;
    // [MQTT-3.8.3-5]: the reserved bits, which in version 3 are six.
    if (entry.qos == 3 || (options & (v5 ? 0xC0 : 0xFC))) {
      return violation(ReasonCode::kMalformedPacket, "subscription options with reserved bits or QoS 3");
    }
    entry.no_local = options & 0x04;
    entry.retain_as_published = options & 0x08;
    entry.retain_handling = (options >> 4) & 3;
    if (entry.retain_handling == 3) return violation(ReasonCode::kProtocolError, "retain handling 3");
    if (packet.entries.size() == limits.filters_per_packet_max) {
      return violation(ReasonCode::kImplementationSpecificError, "more topic filters in a packet than the limit");
    }
    packet.entries.push_back(entry);
  }
  return packet;
}

Decoded<UnsubscribePacket> decode_unsubscribe(std::string_view body, ProtocolVersion version, const Limits& limits) {
  UnsubscribePacket packet;
  Reader in(body);
  packet.packet_id = read_packet_id(in);
  if (version == ProtocolVersion::kV5) decode_properties(in, PropertyOwner::kUnsubscribe);
  if (in.failed()) return violation_of(in);
  if (in.empty()) return violation(ReasonCode::kProtocolError, "UNSUBSCRIBE without a topic filter");  // [MQTT-3.10.3-2]
  while (!in.empty()) {
    const std::string_view filter = in.string();
    if (in.failed()) return violation_of(in);
    if (filter.empty()) return violation(ReasonCode::kMalformedPacket, "an empty topic filter");
    if (packet.filters.size() == limits.filters_per_packet_max) {
      return violation(ReasonCode::kImplementationSpecificError, "more topic filters in a packet than the limit");
    }
    packet.filters.push_back(filter);
  }
  return packet;
}

Decoded<DisconnectPacket> decode_disconnect(const Frame& frame, ProtocolVersion version) {
  DisconnectPacket packet;
  Reader in(frame.body);
  if (version == ProtocolVersion::kV5 && !in.empty()) {
    packet.reason = read_reason(in, frame.type);
    if (!in.empty()) {
      packet.properties =
          decode_properties(in, frame.type == PacketType::kAuth ? PropertyOwner::kAuth : PropertyOwner::kDisconnect);
    }
  }
  require_end(in);
  if (in.failed()) return violation_of(in);
  return packet;
}

Decoded<ConnackPacket> decode_connack(std::string_view body, ProtocolVersion version) {
  ConnackPacket packet;
  Reader in(body);
  const uint8_t flags = in.u8();
  const uint8_t code = in.u8();
  if (flags > 1 && version != ProtocolVersion::kV31) in.fail(ReasonCode::kMalformedPacket, "reserved CONNACK flags");  // [MQTT-3.2.2-1]
  packet.session_present = flags == 1;
  packet.reason = version == ProtocolVersion::kV5 ? static_cast<ReasonCode>(code) : reason_of_return_code(code);
  // A server that does not know version 5 answers such a CONNECT in the form of version 3: two bytes and no properties.
  if (version == ProtocolVersion::kV5 && in.empty() && code == 1) {
    packet.reason = ReasonCode::kUnsupportedProtocolVersion;
    return packet;
  }
  if (version == ProtocolVersion::kV5) packet.properties = decode_properties(in, PropertyOwner::kConnack);
  require_end(in);
  if (in.failed()) return violation_of(in);
  return packet;
}

namespace {

Decoded<ReasonsPacket> decode_reasons(std::string_view body, ProtocolVersion version, PropertyOwner owner) {
  ReasonsPacket packet;
  Reader in(body);
  packet.packet_id = read_packet_id(in);
  if (version == ProtocolVersion::kV5) decode_properties(in, owner);
  if (in.failed()) return violation_of(in);
  for (const char reason : in.rest()) packet.reasons.push_back(static_cast<ReasonCode>(reason));
  return packet;
}

}  // namespace

Decoded<ReasonsPacket> decode_suback(std::string_view body, ProtocolVersion version) {
  return decode_reasons(body, version, PropertyOwner::kSuback);
}

Decoded<ReasonsPacket> decode_unsuback(std::string_view body, ProtocolVersion version) {
  return decode_reasons(body, version, PropertyOwner::kUnsuback);
}

}  // namespace campanile::mqtt
