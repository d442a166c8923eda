// Topic aliases, to clients and from them, through the whole broker [section 3.3.2.3.4].
#include <gtest/gtest.h>

#include "fakes.h"

namespace campanile::broker {
namespace {

using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::ProtocolVersion;

constexpr auto kV311 = ProtocolVersion::kV311;
constexpr auto kV5 = ProtocolVersion::kV5;

TestClient::Change takes_aliases(uint16_t maximum, bool keeps = false) {
  return [=](mqtt::OutgoingConnect& connect) {
    connect.properties.u16(PropertyId::kTopicAliasMaximum, maximum);
    if (!keeps) return;
    connect.clean_start = false;
    connect.properties.u32(PropertyId::kSessionExpiryInterval, 1000);
  };
}

// [MQTT-3.1.2-26], [MQTT-3.1.2-27], [MQTT-3.3.2-11]
TEST(TopicAliases, AreSentToClientsThatTakeThem) {
  Bench bench;
  TestClient pub(bench, "pub"), none(bench, "none", kV5), old(bench, "old");
  TestClient one(bench, "one", kV5, takes_aliases(1)), many(bench, "many", kV5, takes_aliases(65'535), 1);
  for (TestClient* client : {&none, &old, &one, &many}) client->subscribe("u4/#", 1), client->read();
  pub.publish("u4/302/co2", "1");
  pub.publish("u4/302/co2", "2", 1, 1);
  pub.publish("u4/303/co2", "3");
  pub.publish("u4/302/co2", "4");
  const std::string text = "PUBLISH(u4/302/co2=1) PUBLISH(u4/302/co2=2,q1,id1) PUBLISH(u4/303/co2=3) PUBLISH(u4/302/co2=4)";
  EXPECT_EQ(none.read(), text);
  EXPECT_EQ(old.read(), text);
  EXPECT_EQ(one.read(), "PUBLISH(u4/302/co2=1,alias1) PUBLISH(=2,q1,id1,alias1) PUBLISH(u4/303/co2=3) PUBLISH(=4,alias1)");
  EXPECT_EQ(many.read(), "PUBLISH(u4/302/co2=1,alias1) PUBLISH(=2,q1,id1,alias1) PUBLISH(u4/303/co2=3,alias2) PUBLISH(=4,alias1)");
}

TEST(TopicAliases, TheSettingBoundsThem) {
  BrokerOptions options;
  options.topic_aliases_to_client_max = 0;
  Bench bench(options);
  TestClient pub(bench, "pub"), sub(bench, "sub", kV5, takes_aliases(10));
  sub.subscribe("u4/302/co2");
  sub.read();
  pub.publish("u4/302/co2", "1");
  EXPECT_EQ(sub.read(), "PUBLISH(u4/302/co2=1)");
}

// [MQTT-3.3.2-7]
TEST(TopicAliases, AreForgottenWithTheirConnection) {
  Bench bench;
  TestClient pub(bench, "pub");
  {
    TestClient sub(bench, "sub", kV5, takes_aliases(10, true));
    sub.subscribe("u4/#", 1);
    sub.read();
    pub.publish("u4/302/co2", "1", 1, 1);
    EXPECT_EQ(sub.read(), "PUBLISH(u4/302/co2=1,q1,id1,alias1)");
    sub.lose();
  }
  pub.publish("u4/302/co2", "2", 1, 2);
  TestClient back(bench, "sub", kV5, takes_aliases(10, true));
  EXPECT_EQ(back.read(), "") << "what was in flight came with the CONNACK";
  EXPECT_EQ(back.connack, "CONNACK(00,present) PUBLISH(u4/302/co2=1,q1,id1,dup,alias1) PUBLISH(=2,q1,id2,alias1)");
  // The next one takes over while messages for the former lie unsent.
  back.connection->blocked = true;
  pub.publish("u4/302/co2", "3", 1, 3);
  TestClient taker(bench, "sub", kV5, takes_aliases(10, true), 1);
  EXPECT_EQ(taker.connack, "CONNACK(00,present) PUBLISH(u4/302/co2=1,q1,id1,dup,alias1) PUBLISH(=2,q1,id2,dup,alias1) PUBLISH(=3,q1,id3,dup,alias1)");
  TestClient plain(bench, "sub", kV5, takes_aliases(0, true));
  EXPECT_EQ(plain.connack,
            "CONNACK(00,present) PUBLISH(u4/302/co2=1,q1,id1,dup) PUBLISH(u4/302/co2=2,q1,id2,dup) PUBLISH(u4/302/co2=3,q1,id3,dup)");
}

// [MQTT-3.1.2-24]: the alias beside the topic must not make the packet larger than the client takes.
TEST(TopicAliases, NeverMakeAPacketTooLarge) {
  Bench bench;
  TestClient pub(bench, "pub"), sub(bench, "sub", kV5, [](auto& connect) {
    connect.properties.u16(PropertyId::kTopicAliasMaximum, 10);
    connect.properties.u32(PropertyId::kMaximumPacketSize, 100);
  });
  sub.subscribe("u4/#");
  sub.read();
  for (size_t size = 80; size <= 90; ++size) pub.publish("u4/302/co2", std::string(size, 'x'));
  std::string all = sub.connection->take();
  std::vector<size_t> sizes;
  for (std::string_view rest = all; !rest.empty();) {
    const auto frame = mqtt::next_frame(rest, SIZE_MAX);
    ASSERT_TRUE(frame && *frame);
    sizes.push_back((*frame)->size);
    rest.remove_prefix((*frame)->size);
  }
  // 80 and 81 bytes leave room for the alias beside the topic; from 82 on it goes instead of the topic.
  ASSERT_GE(sizes.size(), 6u);
  for (const size_t size : sizes) EXPECT_LE(size, 100u);
}

// [MQTT-3.3.2-10], [MQTT-3.3.2-12]: what a publisher abbreviates reaches everybody in full.
TEST(TopicAliases, OfAPublisherAreItsOwn) {
  Bench bench;
  TestClient pub(bench, "pub", kV5), sub(bench, "sub"), v5(bench, "v5", kV5, takes_aliases(5));
  sub.subscribe("#");
  v5.subscribe("#");
  sub.read(), v5.read();
  pub.publish({.topic = "u4/302/co2", .payload = "1", .topic_alias = 64});
  pub.publish({.topic = "", .payload = "2", .topic_alias = 64});
  EXPECT_EQ(sub.read(), "PUBLISH(u4/302/co2=1) PUBLISH(u4/302/co2=2)");
  EXPECT_EQ(v5.read(), "PUBLISH(u4/302/co2=1,alias1) PUBLISH(=2,alias1)");
  EXPECT_EQ(bench.sink.accepted, (std::vector<std::string>{"u4/302/co2=1", "u4/302/co2=2"}));
  TestClient other(bench, "other", kV5);
  other.publish({.topic = "", .payload = "3", .topic_alias = 64});
  EXPECT_EQ(other.read(), "DISCONNECT(82)") << "an alias is known on its own connection alone";
  EXPECT_TRUE(other.closed());
}

}  // namespace
}  // namespace campanile::broker
