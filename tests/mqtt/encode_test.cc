#include "mqtt/encode.h"

#include <gtest/gtest.h>

#include <random>

#include "base/random.h"
#include "mqtt/decode.h"


namespace campanile::mqtt {
namespace {

using namespace std::string_view_literals;

TEST(EncodePublish, BytesAreThoseOfTheStandard) {
  std::string out;
  encode_publish(out, ProtocolVersion::kV311, {.topic = "a/b", .payload = "hi", .qos = 1, .retain = true, .packet_id = 10});
  EXPECT_EQ(out, "\x33\x09\x00\x03" "a/b\x00\x0Ahi"sv);
  out.clear();
  const uint32_t ids[] = {1, 200};
  encode_publish(out, ProtocolVersion::kV5, {.topic = "a", .payload = "x", .message_expiry_s = 2, .subscription_identifiers = ids});
  EXPECT_EQ(out, "\x30\x0F\x00\x01" "a\x0A\x02\x00\x00\x00\x02\x0B\x01\x0B\xC8\x01x"sv);
}

TEST(EncodeAck, IsAsShortAsTheReasonAllows) {
  std::string out;
  encode_ack(out, ProtocolVersion::kV5, PacketType::kPuback, 1);
  encode_ack(out, ProtocolVersion::kV5, PacketType::kPubrec, 1, ReasonCode::kNotAuthorized);
  encode_ack(out, ProtocolVersion::kV311, PacketType::kPubrel, 2, ReasonCode::kPacketIdentifierNotFound);
  EXPECT_EQ(out, "\x40\x02\x00\x01\x50\x03\x00\x01\x87\x62\x02\x00\x02"sv);
}

TEST(EncodeConnack, SpeaksTheClientsVersion) {
  std::string out;
  encode_connack(out, ProtocolVersion::kV311, true, ReasonCode::kSuccess, {});
  encode_connack(out, ProtocolVersion::kV311, false, ReasonCode::kBadUserNameOrPassword, {});
  PropertyWriter properties;
  properties.u16(PropertyId::kReceiveMaximum, 5);
  encode_connack(out, ProtocolVersion::kV5, false, ReasonCode::kSuccess, properties);
  EXPECT_EQ(out, "\x20\x02\x01\x00\x20\x02\x00\x04\x20\x06\x00\x00\x03\x21\x00\x05"sv);
}

TEST(EncodeSuback, VersionThreeHasOneErrorOnly) {
  const ReasonCode reasons[] = {ReasonCode::kGrantedQos1, ReasonCode::kQuotaExceeded};
  std::string out;
  encode_suback(out, ProtocolVersion::kV311, 3, reasons);
  encode_suback(out, ProtocolVersion::kV5, 3, reasons);
  encode_unsuback(out, ProtocolVersion::kV311, 4, reasons);
  EXPECT_EQ(out, "\x90\x04\x00\x03\x01\x80\x90\x05\x00\x03\x00\x01\x97\xB0\x02\x00\x04"sv);
}

TEST(EncodeDisconnect, VersionThreeHasNoReason) {
  std::string out;
  encode_disconnect(out, ProtocolVersion::kV311, ReasonCode::kSessionTakenOver);
  encode_disconnect(out, ProtocolVersion::kV5, ReasonCode::kSuccess);
  encode_disconnect(out, ProtocolVersion::kV5, ReasonCode::kSessionTakenOver);
  EXPECT_EQ(out, "\xE0\x00\xE0\x00\xE0\x01\x8E"sv);
}

// What is encoded is decoded to the same.
TEST(EncodePublish, RoundTrips) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  const Limits limits;
  for (int i = 0; i < 2000; ++i) {
    const auto version = random.one_in(2) ? ProtocolVersion::kV5 : ProtocolVersion::kV311;
    const std::string topic(1 + random.below(300), 't');
    const std::string payload(random.below(40000), 'p');
    PropertyWriter properties;
    if (random.one_in(2)) properties.user("n", std::string(random.below(200), 'v'));
    OutgoingPublish publish{.topic = topic, .payload = payload, .qos = static_cast<uint8_t>(random.below(3)), .retain = random.one_in(2),
                            .properties = properties.bytes()};
    if (publish.qos > 0) {
      publish.packet_id = static_cast<uint16_t>(1 + random.below(65535));
      publish.duplicate = random.one_in(2);
    }
    if (random.one_in(2)) publish.message_expiry_s = static_cast<uint32_t>(random.next());
    std::string out;
    encode_publish(out, version, publish);
    ASSERT_EQ(out.size(), publish_size(version, publish));
    const auto frame = next_frame(out, SIZE_MAX);
    ASSERT_TRUE(frame && *frame);
    const auto packet = decode_publish(**frame, version, limits);
    ASSERT_TRUE(packet) << packet.error().what;
    EXPECT_EQ(packet->topic, topic);
    EXPECT_EQ(packet->payload, payload);
    EXPECT_EQ(packet->packet_id, publish.packet_id);
    EXPECT_EQ(packet->qos, publish.qos);
    EXPECT_EQ(packet->retain, publish.retain);
    EXPECT_EQ(packet->duplicate, publish.duplicate);
    EXPECT_EQ(packet->message_expiry_s, version == ProtocolVersion::kV5 ? publish.message_expiry_s : std::nullopt);
  }
}

TEST(EncodeConnect, RoundTrips) {
  for (const auto version : {ProtocolVersion::kV31, ProtocolVersion::kV311, ProtocolVersion::kV5}) {
    OutgoingConnect connect{.version = version, .clean_start = false, .keep_alive_s = 30, .client_id = "c", .user = "u", .password = "p",
                            .will = OutgoingWill{.topic = "w", .payload = "gone", .qos = 2, .retain = true}};
    std::string out;
    encode_connect(out, connect);
    const auto frame = next_frame(out, SIZE_MAX);
    ASSERT_TRUE(frame && *frame);
    const auto packet = decode_connect((*frame)->body, {});
    ASSERT_TRUE(packet) << packet.error().what;
    EXPECT_EQ(packet->version, version);
    EXPECT_FALSE(packet->clean_start);
    EXPECT_EQ(packet->client_id, "c");
    EXPECT_EQ(packet->user, "u");
    EXPECT_EQ(packet->password, "p");
    EXPECT_EQ(packet->will->payload, "gone");
    EXPECT_EQ(packet->will->qos, 2);
  }
}

}  // namespace
}  // namespace campanile::mqtt
