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

// MQTT 3.1 says of these bits that they are not used.
TEST(DecodeConnect, Version31LeavesUnusedBitsAlone) {
  const auto packet = decode_connect(connect_body("MQIsdp", 3, 0x3B, "\x00\x01x"sv), kLimits);
  ASSERT_TRUE(packet) << packet.error().what;
  EXPECT_TRUE(packet->clean_start);
  EXPECT_FALSE(packet->will);
  const auto with_will = decode_connect(connect_body("MQIsdp", 3, 0x2F, "\x00\x01x\x00\x01w\x00\x00"sv), kLimits);
  ASSERT_TRUE(with_will);
  EXPECT_TRUE(with_will->will->retain);
  EXPECT_EQ(with_will->will->qos, 1);
  EXPECT_FALSE(decode_connect(connect_body("MQIsdp", 3, 0x1E, "\x00\x01x\x00\x01w\x00\x00"sv), kLimits)) << "will QoS 3";
}

// Many clients of version 3.1 have longer identifiers than its 23 bytes: they are served.
TEST(DecodeConnect, AnyLengthOfClientIdentifier) {
  for (const size_t size : {0u, 1u, 23u, 24u, 65'535u}) {
    std::string rest;
    put_string(rest, std::string(size, 'x'));
    EXPECT_EQ(decode_connect(connect_body("MQIsdp", 3, 2, rest), kLimits)->client_id.size(), size);
    EXPECT_EQ(decode_connect(connect_body("MQTT", 4, 2, rest), kLimits)->client_id.size(), size);
  }
}

TEST(DecodeConnect, ABridgeSaysSoInTheLevel) {
  for (const auto& [name, level, version] : {std::tuple{"MQIsdp", 0x83, ProtocolVersion::kV31}, {"MQTT", 0x84, ProtocolVersion::kV311}}) {
    const auto packet = decode_connect(connect_body(name, static_cast<uint8_t>(level), 2, "\x00\x01x"sv), kLimits);
    ASSERT_TRUE(packet);
    EXPECT_TRUE(packet->bridge);
    EXPECT_EQ(packet->version, version);
  }
  EXPECT_FALSE(decode_connect(connect_body("MQTT", 4, 2, "\x00\x01x"sv), kLimits)->bridge);
  EXPECT_FALSE(decode_connect(connect_body("MQTT", 0x85, 2, "\x00\x00\x01x"sv), kLimits)) << "version 5 has options instead";
}

// [MQTT-3.1.3-1], [MQTT-3.1.2-16] to [MQTT-3.1.2-19]: the flags say which fields there are, and every field must be there.
TEST(DecodeConnect, FieldsAreThoseOfTheFlags) {
  const std::string fields[] = {"\x00\x01i"s, "\x00\x01w"s, "\x00\x01m"s, "\x00\x01u"s, "\x00\x01p"s};
  for (const uint8_t flags : {0x02, 0x06, 0x82, 0x86, 0xC2, 0xC6}) {
    std::string rest = fields[0];
    if (flags & 0x04) rest += fields[1] + fields[2];
    if (flags & 0x80) rest += fields[3];
    if (flags & 0x40) rest += fields[4];
    const auto packet = decode_connect(connect_body("MQTT", 4, flags, rest), kLimits);
    ASSERT_TRUE(packet) << int{flags};
    EXPECT_EQ(packet->will.has_value(), (flags & 0x04) != 0);
    EXPECT_EQ(packet->user.has_value(), (flags & 0x80) != 0);
    EXPECT_EQ(packet->password.has_value(), (flags & 0x40) != 0);
    EXPECT_FALSE(decode_connect(connect_body("MQTT", 4, flags, rest + fields[3]), kLimits)) << "one field more";
    for (size_t size = 0; size < rest.size(); ++size) {
      EXPECT_FALSE(decode_connect(connect_body("MQTT", 4, flags, rest.substr(0, size)), kLimits)) << int{flags} << ' ' << size;
    }
  }
}

// [MQTT-3.1.3-4], [MQTT-3.1.3-11], [MQTT-3.1.3-12] and the same of user properties [MQTT-1.5.7-1]
TEST(DecodeConnect, StringsMustBeValid) {
  for (const std::string_view bad : {"\xED\xA0\x80"sv, "a\x00z"sv, "\xC0\xAF"sv, "\xFF"sv}) {
    std::string text;
    put_string(text, bad);
    const std::string good("\x00\x01i", 3);
    for (const std::string& body : {
             connect_body("MQTT", 4, 0x02, text),
             connect_body("MQTT", 4, 0x06, good + text + good),
             connect_body("MQTT", 4, 0x82, good + text),
             connect_body("MQTT", 5, 0x02, std::string(1, static_cast<char>(1 + text.size() + 3)) + "\x26" + text + good + good),
             connect_body("MQTT", 5, 0x02, std::string(1, static_cast<char>(1 + text.size() + 3)) + "\x26" + good + text + good),
         }) {
      const auto packet = decode_connect(body, kLimits);
      ASSERT_FALSE(packet);
      EXPECT_EQ(packet.error().reason, ReasonCode::kMalformedPacket);
    }
    EXPECT_TRUE(decode_connect(connect_body("MQTT", 4, 0xC2, good + good + text), kLimits)) << "a password is binary";
    EXPECT_TRUE(decode_connect(connect_body("MQTT", 4, 0x06, good + good + text), kLimits)) << "a will's payload is binary";
  }
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

TEST(DecodePublish, Version31TakesDupWithQoS0AsNothing) {
  const auto publish = decode_publish(frame_of("\x38\x03\x00\x01" "a"sv), ProtocolVersion::kV31, kLimits);
  ASSERT_TRUE(publish);
  EXPECT_FALSE(publish->duplicate);
}

// As many levels as the standard allows in a topic are counted, not walked into; what the limit says decides.
TEST(DecodePublish, SixtyFiveThousandLevels) {
  std::string packet = "\x30";
  put_varint(packet, 2 + 65'535);
  put_string(packet, std::string(65'535, '/'));
  EXPECT_EQ(decode_publish(frame_of(packet), ProtocolVersion::kV311, Limits{.topic_levels_max = 128}).error().reason, ReasonCode::kTopicNameInvalid);
  EXPECT_TRUE(decode_publish(frame_of(packet), ProtocolVersion::kV311, kLimits));
  EXPECT_TRUE(decode_publish(frame_of(packet), ProtocolVersion::kV311, Limits{.topic_levels_max = 65'535}).error().reason == ReasonCode::kTopicNameInvalid)
      << "65,536 levels";
  packet.back() = 'x';
  EXPECT_TRUE(decode_publish(frame_of(packet), ProtocolVersion::kV311, Limits{.topic_levels_max = 65'535}));
}

// Properties of another packet, or twice, of every kind: table 2-4 of the standard.
TEST(DecodePublish, PropertiesThatAreNotItsOwn) {
  const struct { std::string_view properties; ReasonCode reason; } cases[] = {
      {"\x11\x00\x00\x00\x01"sv, ReasonCode::kMalformedPacket},                      // session expiry interval
      {"\x21\x00\x01"sv, ReasonCode::kMalformedPacket},                              // receive maximum
      {"\x18\x00\x00\x00\x01"sv, ReasonCode::kMalformedPacket},                      // will delay
      {"\x04\x01"sv, ReasonCode::kMalformedPacket},                                  // no property at all
      {"\x81\x00\x01"sv, ReasonCode::kMalformedPacket},                              // an identifier in two bytes that needs one
      {"\x01\x02"sv, ReasonCode::kProtocolError},                                    // payload format 2
      {"\x01\x00\x01\x01"sv, ReasonCode::kProtocolError},                            // twice
      {"\x02\x00\x00\x00\x01\x02\x00\x00\x00\x01"sv, ReasonCode::kProtocolError},    // twice
      {"\x23\x00\x01\x23\x00\x01"sv, ReasonCode::kProtocolError},                    // twice
      {"\x08\x00\x01" "a\x08\x00\x01" "b"sv, ReasonCode::kProtocolError},            // twice
      {"\x08\x00\x02\xC0\xAF"sv, ReasonCode::kMalformedPacket},                      // [MQTT-3.3.2-13]
      {"\x03\x00\x02\xC0\xAF"sv, ReasonCode::kMalformedPacket},                      // [MQTT-3.3.2-19]
      {"\x0B\x00"sv, ReasonCode::kProtocolError},                                    // subscription identifier 0
  };
  for (const auto& c : cases) {
    std::string packet = "\x30";
    put_varint(packet, static_cast<uint32_t>(4 + c.properties.size()));
    packet.append("\x00\x01" "a", 3).push_back(static_cast<char>(c.properties.size()));
    packet.append(c.properties);
    const auto publish = decode_publish(frame_of(packet), ProtocolVersion::kV5, kLimits);
    ASSERT_FALSE(publish) << testing::PrintToString(c.properties);
    EXPECT_EQ(publish.error().reason, c.reason) << testing::PrintToString(c.properties);
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
      {"\x00\x01\x00\x01" "a\x04"sv, ProtocolVersion::kV311, ReasonCode::kMalformedPacket},        // [MQTT-3.8.3-4 of 3.1.1]
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

// [MQTT-3.8.3-1], [MQTT-3.10.3-1], [MQTT-3.10.3-2]
TEST(DecodeSubscribe, FiltersMustBeValid) {
  for (const std::string_view bad : {"\x00\x02\xC0\xAF"sv, "\x00\x03\xED\xA0\x80"sv, "\x00\x01\x00"sv, "\x00\x00"sv, "\x00\x05z"sv}) {
    const std::string unsubscribe = std::string("\x00\x01", 2).append(bad);
    EXPECT_EQ(decode_subscribe(unsubscribe + '\x00', ProtocolVersion::kV311, kLimits).error().reason, ReasonCode::kMalformedPacket);
    EXPECT_EQ(decode_unsubscribe(unsubscribe, ProtocolVersion::kV311, kLimits).error().reason, ReasonCode::kMalformedPacket);
  }
  EXPECT_EQ(decode_unsubscribe("\x00\x01"sv, ProtocolVersion::kV311, kLimits).error().reason, ReasonCode::kProtocolError);
  EXPECT_EQ(decode_unsubscribe("\x00\x01\x00"sv, ProtocolVersion::kV5, kLimits).error().reason, ReasonCode::kProtocolError);
  EXPECT_EQ(decode_unsubscribe("\x00\x00\x00\x01" "a"sv, ProtocolVersion::kV311, kLimits).error().reason, ReasonCode::kProtocolError);
  const auto two = decode_unsubscribe("\x00\x07\x00\x00\x01" "a\x00\x02" "b/"sv, ProtocolVersion::kV5, kLimits);
  ASSERT_TRUE(two);
  EXPECT_EQ(two->filters, (std::vector<std::string_view>{"a", "b/"}));
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

// [MQTT-3.4.2-1], [MQTT-3.5.2-1], [MQTT-3.6.2-1], [MQTT-3.7.2-1]
TEST(DecodeAck, RefusesReasonsOfOtherPackets) {
  const auto reason_of = [](char type, char reason) {
    const auto packet = decode_ack(frame_of(std::string{type, 3, 0, 1, reason}), ProtocolVersion::kV5);
    return packet ? ReasonCode::kSuccess : packet.error().reason;
  };
  for (int reason = 0; reason < 256; ++reason) {
    const char byte = static_cast<char>(reason);
    const bool published = std::string_view("\x00\x10\x80\x83\x87\x90\x91\x97\x99", 9).find(byte) != std::string_view::npos;
    const bool released = reason == 0 || reason == 0x92;
    EXPECT_EQ(reason_of('\x40', byte), published ? ReasonCode::kSuccess : ReasonCode::kProtocolError) << reason;
    EXPECT_EQ(reason_of('\x50', byte), published ? ReasonCode::kSuccess : ReasonCode::kProtocolError) << reason;
    EXPECT_EQ(reason_of('\x62', byte), released ? ReasonCode::kSuccess : ReasonCode::kProtocolError) << reason;
    EXPECT_EQ(reason_of('\x70', byte), released ? ReasonCode::kSuccess : ReasonCode::kProtocolError) << reason;
  }
}

// [MQTT-2.2.2-1] and the rest of table 2-4 for acknowledgements.
TEST(DecodeAck, TakesReasonStringAndUserPropertiesAlone) {
  EXPECT_TRUE(decode_ack(frame_of("\x40\x08\x00\x01\x10\x04\x1F\x00\x01z"sv), ProtocolVersion::kV5));
  EXPECT_TRUE(decode_ack(frame_of("\x62\x0B\x00\x01\x00\x07\x26\x00\x01" "a\x00\x01z"sv), ProtocolVersion::kV5));
  EXPECT_EQ(decode_ack(frame_of("\x40\x09\x00\x01\x00\x05\x11\x00\x00\x00\x01"sv), ProtocolVersion::kV5).error().reason, ReasonCode::kMalformedPacket);
  EXPECT_EQ(decode_ack(frame_of("\x40\x0C\x00\x01\x00\x08\x1F\x00\x01z\x1F\x00\x01z"sv), ProtocolVersion::kV5).error().reason, ReasonCode::kProtocolError);
  EXPECT_FALSE(decode_ack(frame_of("\x40\x05\x00\x01\x00\x00z"sv), ProtocolVersion::kV5)) << "bytes after the end";
}

// [MQTT-3.14.2-1], [MQTT-3.15.2-1]
TEST(DecodeDisconnect, RefusesReasonsOfOtherPackets) {
  for (const char reason : {'\x01', '\x10', '\x11', '\x18', '\x84', '\x85', '\x91', '\x92', '\xFF'}) {
    EXPECT_EQ(decode_disconnect(frame_of(std::string{'\xE0', 1, reason}), ProtocolVersion::kV5).error().reason, ReasonCode::kProtocolError);
  }
  EXPECT_TRUE(decode_disconnect(frame_of("\xF0\x01\x18"sv), ProtocolVersion::kV5));
  EXPECT_FALSE(decode_disconnect(frame_of("\xF0\x01\x04"sv), ProtocolVersion::kV5));
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
