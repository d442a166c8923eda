#include "mqtt/properties.h"

#include <gtest/gtest.h>

namespace campanile::mqtt {
namespace {

using namespace std::string_view_literals;

Decoded<Properties> decode(std::string_view bytes, PropertyOwner owner) {
  Reader in(bytes);
  Properties found = decode_properties(in, owner);
  if (in.failed()) return std::unexpected(in.violation());
  return found;
}

TEST(Properties, ReadWhatTheWriterWrote) {
  PropertyWriter writer;
  writer.u32(PropertyId::kSessionExpiryInterval, 0xFFFFFFFF);
  writer.u16(PropertyId::kReceiveMaximum, 20);
  writer.u8(PropertyId::kRequestProblemInformation, 0);
  writer.user("a", "1");
  writer.user("a", "2");
  std::string bytes;
  writer.append_to(bytes);
  EXPECT_EQ(bytes, "\x18\x11\xFF\xFF\xFF\xFF\x21\x00\x14\x17\x00\x26\x00\x01"
                   "a\x00\x01"
                   "1\x26\x00\x01"
                   "a\x00\x01"
                   "2"sv);
  const auto found = decode(bytes, PropertyOwner::kConnect);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->has(PropertyId::kSessionExpiryInterval));
  EXPECT_EQ(found->session_expiry_s, 0xFFFFFFFF);
  EXPECT_EQ(found->receive_maximum, 20);
  EXPECT_FALSE(found->request_problem_information);
  EXPECT_FALSE(found->has(PropertyId::kMaximumPacketSize));
  std::string users;
  each_user_property(found->raw, [&](std::string_view name, std::string_view value) { users += std::string(name) + "=" + std::string(value) + ";"; });
  EXPECT_EQ(users, "a=1;a=2;");
}

TEST(Properties, DefaultsAreThoseOfTheStandard) {
  const auto found = decode("\x00"sv, PropertyOwner::kConnack);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->receive_maximum, 65535);
  EXPECT_EQ(found->maximum_qos, 2);
  EXPECT_TRUE(found->retain_available && found->wildcard_subscription_available && found->shared_subscription_available);
  EXPECT_EQ(found->session_expiry_s, 0u);
}

TEST(Properties, FaultsHaveTheirReason) {
  const struct { std::string_view bytes; PropertyOwner owner; ReasonCode reason; const char* what; } cases[] = {
      {"\x01\x7E"sv, PropertyOwner::kConnect, ReasonCode::kMalformedPacket, "unknown identifier"},
      {"\x03\x23\x00\x01"sv, PropertyOwner::kConnect, ReasonCode::kMalformedPacket, "topic alias in CONNECT"},
      {"\x05\x11\x00\x00\x00"sv, PropertyOwner::kConnect, ReasonCode::kMalformedPacket, "length beyond the packet"},
      {"\x02\x11\x00"sv, PropertyOwner::kConnect, ReasonCode::kMalformedPacket, "value cut short"},
      {"\x06\x21\x00\x01\x21\x00\x01"sv, PropertyOwner::kConnect, ReasonCode::kProtocolError, "twice"},
      {"\x03\x21\x00\x00"sv, PropertyOwner::kConnect, ReasonCode::kProtocolError, "receive maximum 0"},
      {"\x05\x27\x00\x00\x00\x00"sv, PropertyOwner::kConnect, ReasonCode::kProtocolError, "maximum packet size 0"},
      {"\x02\x17\x02"sv, PropertyOwner::kConnect, ReasonCode::kProtocolError, "a yes or no of 2"},
      {"\x02\x01\x02"sv, PropertyOwner::kPublish, ReasonCode::kProtocolError, "payload format 2"},
      {"\x02\x0B\x00"sv, PropertyOwner::kSubscribe, ReasonCode::kProtocolError, "subscription identifier 0"},
      {"\x04\x0B\x01\x0B\x02"sv, PropertyOwner::kSubscribe, ReasonCode::kProtocolError, "two subscription identifiers"},
      {"\x05\x03\x00\x02\xC0\x80"sv, PropertyOwner::kPublish, ReasonCode::kMalformedPacket, "not UTF-8"},
  };
  for (const auto& c : cases) {
    const auto found = decode(c.bytes, c.owner);
    ASSERT_FALSE(found) << c.what;
    EXPECT_EQ(found.error().reason, c.reason) << c.what;
  }
  EXPECT_TRUE(decode("\x04\x0B\x01\x0B\x02"sv, PropertyOwner::kPublish)) << "a message may carry several subscription identifiers";
}

TEST(Properties, ForwardWhatBelongsToTheMessage) {
  PropertyWriter writer;
  writer.u16(PropertyId::kTopicAlias, 3);
  writer.string(PropertyId::kContentType, "text/plain");
  writer.u32(PropertyId::kMessageExpiryInterval, 60);
  writer.user("k", "v");
  writer.varint(PropertyId::kSubscriptionIdentifier, 300);
  writer.string(PropertyId::kResponseTopic, "answers");
  PropertyWriter expected;
  expected.string(PropertyId::kContentType, "text/plain");
  expected.user("k", "v");
  expected.string(PropertyId::kResponseTopic, "answers");
  std::string forwarded;
  append_forwarded_properties(forwarded, writer.bytes());
  EXPECT_EQ(forwarded, expected.bytes());
}

}  // namespace
}  // namespace campanile::mqtt
