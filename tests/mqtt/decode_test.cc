#include "mqtt/decode.h"

#include <gtest/gtest.h>

#include "mqtt/encode.h"

namespace campanile::mqtt {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

const Limits kLimits;

std::string connect_body(std::string_view name, uint8_t level, uint8_t flags, std::string_view rest) {
  std::string body;
  put_string(body, name);
  put_u8(body, level);
  put_u8(body, flags);
  put_u16(body, 60);
  return body.append(rest);
}

Frame frame_of(std::string_view packet) {
  const auto frame = next_frame(packet, SIZE_MAX);
  EXPECT_TRUE(frame && *frame);
  return frame && *frame ? **frame : Frame{};
}

TEST(DecodeConnect, ReadsEveryFieldOfVersion311) {
  const std::string body = connect_body("MQTT", 4, 0xEE, "\x00\x02id\x00\x01w\x00\x03\x00\x01\x02\x00\x01u\x00\x02pw"sv);
  const auto packet = decode_connect(body, kLimits);
  ASSERT_TRUE(packet) << packet.error().what;
  EXPECT_EQ(packet->version, ProtocolVersion::kV311);
  EXPECT_TRUE(packet->clean_start);
  EXPECT_EQ(packet->keep_alive_s, 60);
  EXPECT_EQ(packet->client_id, "id");
  ASSERT_TRUE(packet->will);
  EXPECT_EQ(packet->will->topic, "w");
  EXPECT_EQ(packet->will->payload, "\x00\x01\x02"sv);
  EXPECT_EQ(packet->will->qos, 1);
  EXPECT_TRUE(packet->will->retain);
  EXPECT_EQ(packet->user, "u");
  EXPECT_EQ(packet->password, "pw");
}

TEST(DecodeConnect, ReadsVersion31And5) {
  const auto v31 = decode_connect(connect_body("MQIsdp", 3, 0x02, "\x00\x01x"sv), kLimits);
  ASSERT_TRUE(v31);
  EXPECT_EQ(v31->version, ProtocolVersion::kV31);
  const auto v5 = decode_connect(connect_body("MQTT", 5, 0x06, "\x05\x11\x00\x00\x00\x0A\x00\x01x\x05\x18\x00\x00\x00\x05\x00\x01w\x00\x00"sv), kLimits);
  ASSERT_TRUE(v5) << v5.error().what;
  EXPECT_EQ(v5->version, ProtocolVersion::kV5);
  EXPECT_EQ(v5->properties.session_expiry_s, 10u);
  EXPECT_EQ(v5->will->properties.will_delay_s, 5u);
}

TEST(DecodeConnect, FaultsHaveTheirReason) {
  const struct { std::string body; ReasonCode reason; const char* what; } cases[] = {
      {connect_body("MQTX", 4, 2, "\x00\x01x"sv), ReasonCode::kProtocolError, "[MQTT-3.1.2-1] protocol name"},
      {connect_body("MQTT", 6, 2, "\x00\x01x"sv), ReasonCode::kUnsupportedProtocolVersion, "[MQTT-3.1.2-2] level"},
      {connect_body("MQIsdp", 4, 2, "\x00\x01x"sv), ReasonCode::kUnsupportedProtocolVersion, "3.1's name with another level"},
      {connect_body("MQTT", 4, 3, "\x00\x01x"sv), ReasonCode::kMalformedPacket, "[MQTT-3.1.2-3] reserved flag"},
      {connect_body("MQTT", 4, 0x0A, "\x00\x01x"sv), ReasonCode::kMalformedPacket, "[MQTT-3.1.2-11] will QoS without will"},
      {connect_body("MQTT", 4, 0x22, "\x00\x01x"sv), ReasonCode::kMalformedPacket, "[MQTT-3.1.2-13] will retain without will"},
      {connect_body("MQTT", 4, 0x1E, "\x00\x01x\x00\x01w\x00\x00"sv), ReasonCode::kMalformedPacket, "[MQTT-3.1.2-12] will QoS 3"},
      {connect_body("MQTT", 4, 0x42, "\x00\x01x\x00\x01p"sv), ReasonCode::kMalformedPacket, "[MQTT-3.1.2-22 of 3.1.1] password alone"},
      {connect_body("MQTT", 4, 2, "\x00\x01xy"sv), ReasonCode::kMalformedPacket, "bytes after the end"},
      {connect_body("MQTT", 4, 2, "\x00\x03x"sv), ReasonCode::kMalformedPacket, "client identifier cut short"},
      {connect_body("MQTT", 4, 2, "\x00\x01\xFF"sv), ReasonCode::kMalformedPacket, "[MQTT-3.1.3-4] client identifier not UTF-8"},
      {connect_body("MQTT", 4, 6, "\x00\x01x\x00\x01#\x00\x00"sv), ReasonCode::kTopicNameInvalid, "will topic with a wildcard"},
      {connect_body("MQTT", 5, 2, "\x04\x16\x00\x01z\x00\x01x"sv), ReasonCode::kProtocolError, "authentication data without a method"},
      {"\x00\x04MQ", ReasonCode::kMalformedPacket, "cut short"},
      {"", ReasonCode::kMalformedPacket, "empty"},
  };
  for (const auto& c : cases) {
    const auto packet = decode_connect(c.body, kLimits);
    ASSERT_FALSE(packet) << c.what;
    EXPECT_EQ(packet.error().reason, c.reason) << c.what;
  }
  EXPECT_TRUE(decode_connect(connect_body("MQTT", 5, 0x42, "\x00\x00\x01x\x00\x01p"sv), kLimits)) << "version 5 allows a password alone";
}

TEST(DecodePublish, GivesViewsIntoTheInput) {
  const std::string packet = "\x3D\x0C\x00\x05u4/co\x00\x07" "412"s;
  const auto publish = decode_publish(frame_of(packet), ProtocolVersion::kV311, kLimits);
  ASSERT_TRUE(publish) << publish.error().what;
  EXPECT_EQ(publish->topic, "u4/co");
  EXPECT_EQ(publish->payload, "412");
  EXPECT_EQ(publish->payload.data(), packet.data() + 11);
  EXPECT_EQ(publish->qos, 2);
  EXPECT_TRUE(publish->retain && publish->duplicate);
  EXPECT_EQ(publish->packet_id, 7);
}

TEST(DecodePublish, FaultsHaveTheirReason) {
  const struct { std::string_view packet; ProtocolVersion version; ReasonCode reason; const char* what; } cases[] = {
      {"\x36\x05\x00\x01" "a\x00\x01"sv, ProtocolVersion::kV311, ReasonCode::kMalformedPacket, "[MQTT-3.3.1-4] QoS 3"},
      {"\x38\x03\x00\x01" "a"sv, ProtocolVersion::kV311, ReasonCode::kMalformedPacket, "[MQTT-3.3.1-2] DUP with QoS 0"},
      {"\x30\x03\x00\x01#"sv, ProtocolVersion::kV311, ReasonCode::kTopicNameInvalid, "[MQTT-3.3.2-2] wildcard"},
      {"\x30\x02\x00\x00"sv, ProtocolVersion::kV311, ReasonCode::kProtocolError, "[MQTT-4.7.3-1] empty topic"},
      {"\x32\x05\x00\x01" "a\x00\x00"sv, ProtocolVersion::kV311, ReasonCode::kProtocolError, "[MQTT-2.2.1-3] identifier 0"},
      {"\x32\x04\x00\x01" "a\x00"sv, ProtocolVersion::kV311, ReasonCode::kMalformedPacket, "identifier cut short"},
      {"\x30\x03\x00\x01\x00"sv, ProtocolVersion::kV311, ReasonCode::kMalformedPacket, "U+0000"},
      {"\x30\x07\x00\x01" "a\x03\x23\x00\x00"sv, ProtocolVersion::kV5, ReasonCode::kTopicAliasInvalid, "[MQTT-3.3.2-8] alias 0"},
      {"\x30\x03\x00\x00\x00"sv, ProtocolVersion::kV5, ReasonCode::kProtocolError, "empty topic without alias"},
      {"\x30\x08\x00\x01" "a\x04\x08\x00\x01#"sv, ProtocolVersion::kV5, ReasonCode::kProtocolError, "[MQTT-3.3.2-14] response topic"},
  };
  for (const auto& c : cases) {
    const auto publish = decode_publish(frame_of(c.packet), c.version, kLimits);
    ASSERT_FALSE(publish) << c.what;
    EXPECT_EQ(publish.error().reason, c.reason) << c.what;
  }
}

TEST(DecodeSubscribe, ReadsOptionsAndRefusesReservedOnes) {
  const auto v5 = decode_subscribe("\x00\x0A\x02\x0B\x05\x00\x03" "a/#\x2D"sv, ProtocolVersion::kV5, kLimits);
  ASSERT_TRUE(v5) << v5.error().what;
  EXPECT_EQ(v5->packet_id, 10);
  EXPECT_EQ(v5->subscription_identifier, 5u);
  ASSERT_EQ(v5->entries.size(), 1u);
  EXPECT_EQ(v5->entries[0].qos, 1);
  EXPECT_TRUE(v5->entries[0].no_local && v5->entries[0].retain_as_published);
  EXPECT_EQ(v5->entries[0].retain_handling, 2);
  const struct { std::string_view body; ProtocolVersion version; ReasonCode reason; } bad[] = {
      {"\x00\x01"sv, ProtocolVersion::kV311, ReasonCode::kProtocolError},                          // [MQTT-3.8.3-2]
      {"\x00\x01\x00\x01" "a\x03"sv, ProtocolVersion::kV311, ReasonCode::kMalformedPacket},        // QoS 3
      {"\x00\x01\x00\x01" "a\x04"sv, ProtocolVersion::kV311, ReasonCode::kMalformedPacket},        // [MQTT-3-8.3-4 of 3.1.1]
      {"\x00\x01\x00\x00\x01" "a\x40"sv, ProtocolVersion::kV5, ReasonCode::kMalformedPacket},      // [MQTT-3.8.3-5]
      {"\x00\x01\x00\x00\x01" "a\x30"sv, ProtocolVersion::kV5, ReasonCode::kProtocolError},        // retain handling 3
      {"\x00\x01\x00\x00\x00"sv, ProtocolVersion::kV311, ReasonCode::kMalformedPacket},            // [MQTT-4.7.3-1]
      {"\x00\x00\x00\x01" "a\x00"sv, ProtocolVersion::kV311, ReasonCode::kProtocolError},          // [MQTT-2.2.1-3]
      {"\x00\x01\x00\x01" "a"sv, ProtocolVersion::kV311, ReasonCode::kMalformedPacket},            // no options
  };
  for (const auto& c : bad) {
    const auto packet = decode_subscribe(c.body, c.version, kLimits);
    ASSERT_FALSE(packet);
    EXPECT_EQ(packet.error().reason, c.reason);
  }
}

TEST(DecodeSubscribe, LimitsTheFiltersOfAPacket) {
  std::string body("\x00\x01", 2);
  for (int i = 0; i < 4097; ++i) body.append("\x00\x01" "a\x00", 4);
  EXPECT_FALSE(decode_subscribe(body, ProtocolVersion::kV311, kLimits));
  body.resize(body.size() - 4);
  EXPECT_TRUE(decode_subscribe(body, ProtocolVersion::kV311, kLimits));
}

TEST(DecodeAck, TakesShortAndLongForms) {
  EXPECT_EQ(decode_ack(frame_of("\x40\x02\x12\x34"sv), ProtocolVersion::kV311)->packet_id, 0x1234);
  EXPECT_EQ(decode_ack(frame_of("\x50\x03\x12\x34\x87"sv), ProtocolVersion::kV5)->reason, ReasonCode::kNotAuthorized);
  EXPECT_TRUE(decode_ack(frame_of("\x40\x04\x12\x34\x00\x00"sv), ProtocolVersion::kV5));
  EXPECT_FALSE(decode_ack(frame_of("\x40\x03\x12\x34\x00"sv), ProtocolVersion::kV311));
  EXPECT_FALSE(decode_ack(frame_of("\x40\x02\x00\x00"sv), ProtocolVersion::kV311));
  EXPECT_FALSE(decode_ack(frame_of("\x40\x01\x00"sv), ProtocolVersion::kV311));
}

TEST(DecodeDisconnect, TakesReasonAndProperties) {
  EXPECT_EQ(decode_disconnect(frame_of("\xE0\x00"sv), ProtocolVersion::kV5)->reason, ReasonCode::kSuccess);
  EXPECT_EQ(decode_disconnect(frame_of("\xE0\x01\x04"sv), ProtocolVersion::kV5)->reason, ReasonCode::kDisconnectWithWill);
  const auto packet = decode_disconnect(frame_of("\xE0\x07\x00\x05\x11\x00\x00\x00\x09"sv), ProtocolVersion::kV5);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->properties.session_expiry_s, 9u);
  EXPECT_FALSE(decode_disconnect(frame_of("\xE0\x01\x04"sv), ProtocolVersion::kV311));
}

TEST(DecodeConnack, ReadsBothForms) {
  EXPECT_EQ(decode_connack("\x00\x05"sv, ProtocolVersion::kV311)->reason, ReasonCode::kNotAuthorized);
  EXPECT_TRUE(decode_connack("\x01\x00"sv, ProtocolVersion::kV311)->session_present);
  EXPECT_FALSE(decode_connack("\x02\x00"sv, ProtocolVersion::kV311));
  const auto v5 = decode_connack("\x00\x00\x06\x22\x00\x0A\x21\x00\x14"sv, ProtocolVersion::kV5);
  ASSERT_TRUE(v5) << v5.error().what;
  EXPECT_EQ(v5->properties.receive_maximum, 20);
  EXPECT_EQ(decode_connack("\x00\x01"sv, ProtocolVersion::kV5)->reason, ReasonCode::kUnsupportedProtocolVersion)
      << "an old server answers in the form of version 3";
}

}  // namespace
}  // namespace campanile::mqtt
