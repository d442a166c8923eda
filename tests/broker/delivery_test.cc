// From publisher to subscriber: wildcards, QoS, options, windows, queues, resumption.
#include <gtest/gtest.h>

#include "fakes.h"

namespace campanile::broker {
namespace {

using namespace std::string_literals;
using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::ProtocolVersion;
using mqtt::ReasonCode;

constexpr auto kV311 = ProtocolVersion::kV311;
constexpr auto kV5 = ProtocolVersion::kV5;

void keep_session(mqtt::OutgoingConnect& connect) {
  connect.clean_start = false;
  if (connect.version == kV5) connect.properties.u32(PropertyId::kSessionExpiryInterval, 1000);
}

TEST(Delivery, ReachesEveryMatchOnEveryLoop) {
  Bench bench;
  TestClient pub(bench, "pub");
  TestClient exact(bench, "exact"), plus(bench, "plus", kV5, {}, 1), all(bench, "all", kV311, {}, 1), none(bench, "none");
  exact.subscribe("u4/302/co2");
  plus.subscribe("u4/+/co2");
  all.subscribe("#");
  none.subscribe("u4/303/co2");
  for (TestClient* client : {&exact, &plus, &all, &none}) client->read();
  pub.publish("u4/302/co2", "412");
  EXPECT_EQ(exact.read(), "PUBLISH(u4/302/co2=412)");
  EXPECT_EQ(plus.read(), "PUBLISH(u4/302/co2=412)");
  EXPECT_EQ(all.read(), "PUBLISH(u4/302/co2=412)");
  EXPECT_EQ(none.read(), "");
  EXPECT_EQ(bench.broker->status().messages_out, 3u);
}

// [MQTT-3.8.4-8], [MQTT-3.3.5-1]
TEST(Delivery, QoSIsTheLowerOfBothAndTheHighestOfAllSubscriptions) {
  Bench bench;
  TestClient pub(bench, "pub"), sub(bench, "sub");
  sub.subscribe("a", 1);
  sub.subscribe("b", 0);
  sub.subscribe("b/#", 1);
  sub.subscribe("#", 2);
  sub.unsubscribe("#");
  sub.read();
  pub.publish("a", "1", 0);
  pub.publish("a", "2", 1, 1);
  pub.publish("a", "3", 2, 2);
  EXPECT_EQ(sub.read(), "PUBLISH(a=1) PUBLISH(a=2,q1,id1) PUBLISH(a=3,q1,id2)");
  pub.publish("b", "4", 2, 3);
  EXPECT_EQ(sub.read(), "PUBLISH(b=4,q1,id3)") << "once, with the higher QoS";
}

TEST(Delivery, QoS2GoesThroughItsFourSteps) {
  Bench bench;
  TestClient pub(bench, "pub"), sub(bench, "sub", kV5);
  sub.subscribe("a", 2);
  sub.read();
  pub.publish("a", "1", 2, 9);
  EXPECT_EQ(sub.read(), "PUBLISH(a=1,q2,id1)");
  sub.ack(PacketType::kPubrec, 1);
  EXPECT_EQ(sub.read(), "PUBREL(1)");
  sub.ack(PacketType::kPubrec, 1);
  EXPECT_EQ(sub.read(), "PUBREL(1)") << "the same answer to the same question";
  sub.ack(PacketType::kPubcomp, 1);
  sub.ack(PacketType::kPubrec, 1);
  EXPECT_EQ(sub.read(), "PUBREL(1:92)");
  pub.publish("a", "2", 2, 9);
  EXPECT_EQ(sub.read(), "") << "not released: the same message again";
}

TEST(Delivery, SubscriptionOptionsOfVersion5) {
  Bench bench;
  TestClient client(bench, "c", kV5), other(bench, "other");
  client.subscribe({.filter = "mine", .no_local = true});
  client.subscribe({.filter = "flag", .retain_as_published = true}, 7);
  client.subscribe({.filter = "+"}, 300);
  client.read();
  client.publish("mine", "1");
  other.publish("mine", "2");
  other.publish("flag", "3", 0, 0, true);
  const std::string got = client.read();
  EXPECT_TRUE(got.starts_with("PUBLISH(mine=1,sub300) PUBLISH(mine=2,sub300) PUBLISH(flag=3,retain,sub")) << got;
  EXPECT_TRUE(got.contains("sub7") && got.contains("sub300")) << "[MQTT-3.3.4-4]: " << got;
  client.unsubscribe("+");
  client.read();
  client.publish("mine", "4");
  EXPECT_EQ(client.read(), "") << "[MQTT-3.8.3-3]";
}

TEST(Delivery, PropertiesTravelWithTheMessage) {
  Bench bench;
  TestClient pub(bench, "pub", kV5), v5(bench, "v5", kV5), v3(bench, "v3");
  v5.subscribe("a");
  v3.subscribe("a");
  v5.read(), v3.read();
  mqtt::PropertyWriter properties;
  properties.u16(PropertyId::kTopicAlias, 1);
  properties.string(PropertyId::kContentType, "json");
  properties.user("k", "v");
  pub.publish({.topic = "a", .payload = "1", .properties = properties.bytes(), .message_expiry_s = 60});
  EXPECT_EQ(v5.read(), "PUBLISH(a=1,expires60,type:json,k:v)");
  EXPECT_EQ(v3.read(), "PUBLISH(a=1)");
}

// [MQTT-3.3.2-5], [MQTT-3.3.2-6]
TEST(Delivery, MessagesExpireWhileTheyWait) {
  Bench bench;
  TestClient pub(bench, "pub", kV5);
  {
    TestClient sub(bench, "sub", kV5, keep_session);
    sub.subscribe("a", 1);
  }
  pub.publish({.topic = "a", .payload = "short", .qos = 1, .packet_id = 1, .message_expiry_s = 5});
  pub.publish({.topic = "a", .payload = "long", .qos = 1, .packet_id = 2, .message_expiry_s = 50});
  bench.advance(10);
  TestClient sub(bench, "sub", kV5, keep_session);
  EXPECT_EQ(sub.connack, "CONNACK(00,present) PUBLISH(a=long,q1,id1,expires40)");
  EXPECT_EQ(bench.broker->status().dropped[static_cast<size_t>(DropReason::kExpired)], 1u);
}

// [MQTT-3.3.4-9]
TEST(Delivery, TheReceiversWindowIsKept) {
  Bench bench;
  TestClient pub(bench, "pub");
  TestClient sub(bench, "sub", kV5, [](auto& connect) { connect.properties.u16(PropertyId::kReceiveMaximum, 2); });
  sub.subscribe("a", 2);
  sub.read();
  for (uint16_t id = 1; id <= 4; ++id) pub.publish("a", std::to_string(id), 1, id);
  EXPECT_EQ(sub.read(), "PUBLISH(a=1,q1,id1) PUBLISH(a=2,q1,id2)");
  pub.publish("a", "zero", 0);
  EXPECT_EQ(sub.read(), "PUBLISH(a=zero)") << "QoS 0 does not count";
  sub.ack(PacketType::kPuback, 2);
  EXPECT_EQ(sub.read(), "PUBLISH(a=3,q1,id3)");
  sub.ack(PacketType::kPuback, 1);
  sub.ack(PacketType::kPuback, 3);
  EXPECT_EQ(sub.read(), "PUBLISH(a=4,q1,id4)");
  EXPECT_EQ(bench.broker->status().queued_bytes, 0u);
}

TEST(Delivery, TheReceiversPacketSizeIsKept) {
  Bench bench;
  TestClient pub(bench, "pub");
  TestClient sub(bench, "sub", kV5, [](auto& connect) { connect.properties.u32(PropertyId::kMaximumPacketSize, 100); });
  sub.subscribe("a", 1);
  sub.read();
  pub.publish("a", std::string(200, 'x'), 1, 1);
  pub.publish("a", "small", 1, 2);
  EXPECT_EQ(sub.read(), "PUBLISH(a=small,q1,id1)");
  EXPECT_EQ(bench.broker->status().dropped[static_cast<size_t>(DropReason::kPacketTooLarge)], 1u);
}

TEST(Delivery, AClientThatComesBackWithLessRoomIsSpared) {
  Bench bench;
  TestClient pub(bench, "pub");
  {
    TestClient sub(bench, "sub", kV5, keep_session);
    sub.subscribe("a", 1);
    pub.publish("a", std::string(200, 'x'), 1, 1);
    pub.publish("a", "small", 1, 2);
  }
  TestClient sub(bench, "sub", kV5, [](auto& connect) {
    keep_session(connect);
    connect.properties.u32(PropertyId::kMaximumPacketSize, 100);
  });
  EXPECT_EQ(sub.connack, "CONNACK(00,present) PUBLISH(a=small,q1,id2,dup)");
}

TEST(Delivery, AwaySessionsQueueAndResume) {
  Bench bench;
  TestClient pub(bench, "pub");
  for (const auto version : {kV311, kV5}) {
    {
      TestClient sub(bench, "sub", version, keep_session);
      EXPECT_EQ(sub.connack, "CONNACK(00)");
      sub.subscribe("a", 2);
      pub.publish("a", "1", 1, 1);
      pub.publish("a", "2", 2, 2);
      EXPECT_EQ(sub.read(), "SUBACK(1:2) PUBLISH(a=1,q1,id1) PUBLISH(a=2,q2,id2)");
      sub.ack(PacketType::kPubrec, 2);
      sub.read();
    }
    pub.ack(PacketType::kPubrel, 2);
    pub.publish("a", "3", 1, 3);
    pub.publish("a", "4", 0);
    TestClient sub(bench, "sub", version, keep_session, 1);
    // [MQTT-4.4.0-1]: in their order, with DUP; the QoS 0 message was for those who were there.
    EXPECT_EQ(sub.connack, "CONNACK(00,present) PUBLISH(a=1,q1,id1,dup) PUBREL(2) PUBLISH(a=3,q1,id3)");
    sub.ack(PacketType::kPuback, 1);
    sub.ack(PacketType::kPubcomp, 2);
    sub.ack(PacketType::kPuback, 3);
    pub.publish("a", "5", 1, 4);
    EXPECT_EQ(sub.read(), "PUBLISH(a=5,q1,id4)");
    TestClient clean(bench, "sub", version);
    EXPECT_EQ(clean.connack, "CONNACK(00)");
    pub.read();
  }
  EXPECT_EQ(bench.broker->status().dropped[static_cast<size_t>(DropReason::kOffline)], 2u);
}

TEST(Delivery, ResumptionKeepsToTheWindow) {
  Bench bench;
  TestClient pub(bench, "pub");
  {
    TestClient sub(bench, "sub", kV5, keep_session);
    sub.subscribe("a", 1);
    for (uint16_t id = 1; id <= 5; ++id) pub.publish("a", std::to_string(id), 1, id);
  }
  TestClient sub(bench, "sub", kV5, [](auto& connect) {
    keep_session(connect);
    connect.properties.u16(PropertyId::kReceiveMaximum, 2);
  });
  EXPECT_EQ(sub.connack, "CONNACK(00,present) PUBLISH(a=1,q1,id1,dup) PUBLISH(a=2,q1,id2,dup)");
  pub.publish("a", "6", 1, 6);
  EXPECT_EQ(sub.read(), "") << "behind those before it";
  sub.ack(PacketType::kPuback, 1);
  sub.ack(PacketType::kPuback, 2);
  EXPECT_EQ(sub.read(), "PUBLISH(a=3,q1,id3,dup) PUBLISH(a=4,q1,id4,dup)");
  sub.ack(PacketType::kPuback, 3);
  sub.ack(PacketType::kPuback, 4);
  EXPECT_EQ(sub.read(), "PUBLISH(a=5,q1,id5,dup) PUBLISH(a=6,q1,id6)");
}

TEST(Delivery, QueuesAreBoundedAndDropTheNewest) {
  BrokerOptions options;
  options.queue_messages_max = 3;
  options.queue_bytes_max = 100;
  Bench bench(options);
  TestClient pub(bench, "pub");
  {
    TestClient sub(bench, "sub", kV5, keep_session);
    sub.subscribe("a", 1);
  }
  for (uint16_t id = 1; id <= 5; ++id) pub.publish("a", std::to_string(id), 1, id);
  EXPECT_EQ(pub.read(), "PUBACK(1) PUBACK(2) PUBACK(3) PUBACK(4) PUBACK(5)");
  EXPECT_EQ(bench.broker->status().dropped[static_cast<size_t>(DropReason::kQueueFull)], 2u);
  {
    TestClient sub(bench, "sub", kV5, keep_session);
    EXPECT_EQ(sub.connack, "CONNACK(00,present) PUBLISH(a=1,q1,id1) PUBLISH(a=2,q1,id2) PUBLISH(a=3,q1,id3)");
    for (uint16_t id = 1; id <= 3; ++id) sub.ack(PacketType::kPuback, id);
  }
  pub.publish("a", std::string(90, 'x'), 1, 6);
  pub.publish("a", std::string(90, 'y'), 1, 7);
  EXPECT_EQ(bench.broker->status().dropped[static_cast<size_t>(DropReason::kQueueFull)], 3u);
  EXPECT_EQ(bench.broker->status().queued_bytes, 91u);
  TestClient clean(bench, "sub", kV5);
  EXPECT_EQ(bench.broker->status().queued_bytes, 0u);
  EXPECT_EQ(bench.broker->status().dropped[static_cast<size_t>(DropReason::kSessionEnded)], 1u);
}

TEST(Delivery, AllQueuesTogetherAreBounded) {
  BrokerOptions options;
  options.queues_bytes_max = 250;
  Bench bench(options);
  TestClient pub(bench, "pub");
  for (const char* name : {"s1", "s2"}) {
    TestClient sub(bench, name, kV5, keep_session);
    sub.subscribe("a", 1);
  }
  for (uint16_t id = 1; id <= 3; ++id) pub.publish("a", std::string(99, 'x'), 1, id);
  EXPECT_LE(bench.broker->status().queued_bytes, 250u);
  EXPECT_EQ(bench.broker->status().dropped[static_cast<size_t>(DropReason::kQueuesFull)], 4u);
}

TEST(Delivery, ASlowConsumerLosesQoS0AndKeepsQoS1InItsQueue) {
  BrokerOptions options;
  options.connection_bytes_max = 300'000;
  Bench bench(options);
  TestClient pub(bench, "pub"), slow(bench, "slow"), quick(bench, "quick");
  slow.subscribe("a", 1);
  quick.subscribe("a", 0);
  slow.read(), quick.read();
  slow.connection->blocked = true;
  const std::string payload(100'000, 'x');
  for (int i = 0; i < 6; ++i) {
    pub.publish("a", payload, 0);
    EXPECT_EQ(quick.read(), "PUBLISH(a=100000B)") << "others notice nothing";
  }
  const auto dropped = [&](DropReason reason) { return bench.broker->status().dropped[static_cast<size_t>(reason)]; };
  EXPECT_EQ(dropped(DropReason::kSlowConsumer), 3u);
  pub.publish("a", "later", 1, 1);
  EXPECT_EQ(dropped(DropReason::kSlowConsumer), 3u);
  EXPECT_EQ(bench.broker->status().queued_bytes, 6u);
  slow.connection->blocked = false;
  EXPECT_EQ(slow.read(), "PUBLISH(a=100000B) PUBLISH(a=100000B) PUBLISH(a=100000B)");
  bench.run();
  EXPECT_EQ(slow.read(), "PUBLISH(a=later,q1,id1)");
}

TEST(Delivery, SharedSubscriptionsTakeTurns) {
  Bench bench;
  TestClient pub(bench, "pub"), one(bench, "one", kV5), two(bench, "two", kV5, {}, 1), alone(bench, "alone");
  one.subscribe("$share/g/a/+", 0);
  two.subscribe("$share/g/a/+", 0);
  alone.subscribe("$share/h/a/#", 0);
  one.read(), two.read(), alone.read();
  for (int i = 0; i < 4; ++i) pub.publish("a/b", "x");
  EXPECT_EQ(one.read(), "PUBLISH(a/b=x) PUBLISH(a/b=x)");
  EXPECT_EQ(two.read(), "PUBLISH(a/b=x) PUBLISH(a/b=x)");
  EXPECT_EQ(alone.read(), "PUBLISH(a/b=x) PUBLISH(a/b=x) PUBLISH(a/b=x) PUBLISH(a/b=x)");
  two.lose();
  for (int i = 0; i < 2; ++i) pub.publish("a/b", "y");
  EXPECT_EQ(one.read(), "PUBLISH(a/b=y) PUBLISH(a/b=y)");
}

TEST(Sessions, ExpireWhenTheirTimeHasCome) {
  Bench bench;
  {
    TestClient brief(bench, "brief", kV5, [](auto& connect) { connect.properties.u32(PropertyId::kSessionExpiryInterval, 5); });
    brief.subscribe("a", 1);
    TestClient back(bench, "back", kV5, [](auto& connect) { connect.properties.u32(PropertyId::kSessionExpiryInterval, 5); });
    TestClient eternal(bench, "eternal", kV311, keep_session);
  }
  bench.advance(4);
  EXPECT_EQ(bench.broker->status().sessions, 3u);
  TestClient back(bench, "back", kV5, keep_session);
  EXPECT_EQ(back.connack, "CONNACK(00,present)");
  bench.advance(3);
  EXPECT_EQ(bench.broker->status().sessions, 2u) << "one has expired, one is back, one is for ever";
  EXPECT_EQ(bench.broker->status().subscriptions, 0u);
  EXPECT_EQ(TestClient(bench, "brief", kV5, keep_session).connack, "CONNACK(00)");
}

mqtt::OutgoingWill will_of(std::string_view payload, uint32_t delay_s = 0, bool retain = false) {
  mqtt::OutgoingWill will{.topic = "gone", .payload = payload, .qos = 1, .retain = retain};
  if (delay_s > 0) will.properties.u32(PropertyId::kWillDelayInterval, delay_s);
  return will;
}

TEST(Wills, ArePublishedWhenTheConnectionIsLost) {
  Bench bench;
  TestClient watch(bench, "watch", kV311, {}, 1);
  watch.subscribe("gone", 1);
  watch.read();
  {
    TestClient client(bench, "c", kV311, [](auto& connect) { connect.will = will_of("c", 0, true); });
    client.lose();
  }
  EXPECT_EQ(watch.read(), "PUBLISH(gone=c,q1,id1)");
  EXPECT_EQ(bench.sink.accepted, std::vector<std::string>{"gone=c"});
  EXPECT_EQ(bench.broker->status().retained_messages, 1u);
  {
    TestClient client(bench, "c", kV5, [](auto& connect) { connect.will = will_of("bad"); });
    client.send("\x00\x00"s);
  }
  EXPECT_EQ(watch.read(), "PUBLISH(gone=bad,q1,id2)");
  {
    TestClient client(bench, "c", kV5, [](auto& connect) {
      connect.will = will_of("silent");
      connect.keep_alive_s = 2;
    });
    watch.ack(PacketType::kPuback, 1);
    bench.advance(5);
  }
  EXPECT_EQ(watch.read(), "PUBLISH(gone=silent,q1,id3)");
}

// [MQTT-3.14.4-3]
TEST(Wills, AreForgottenWithDisconnect) {
  Bench bench;
  TestClient watch(bench, "watch");
  watch.subscribe("gone");
  watch.read();
  TestClient polite(bench, "c", kV311, [](auto& connect) { connect.will = will_of("1"); });
  polite.disconnect();
  EXPECT_EQ(watch.read(), "");
  TestClient wishes(bench, "c", kV5, [](auto& connect) { connect.will = will_of("2"); });
  wishes.disconnect(ReasonCode::kDisconnectWithWill);
  EXPECT_EQ(watch.read(), "PUBLISH(gone=2)");
}

// [MQTT-3.1.3-9]
TEST(Wills, WaitForTheirDelay) {
  Bench bench;
  TestClient watch(bench, "watch", kV311, [](auto& connect) { connect.keep_alive_s = 0; });
  watch.subscribe("gone");
  watch.read();
  const auto with_delay = [](auto& connect) {
    keep_session(connect);
    connect.will = will_of("late", 10);
  };
  TestClient(bench, "c", kV5, with_delay).lose();
  bench.advance(9);
  EXPECT_EQ(watch.read(), "");
  {
    TestClient back(bench, "c", kV5, with_delay);
    bench.advance(20);
    EXPECT_EQ(watch.read(), "") << "back in time";
  }
  bench.advance(12);
  EXPECT_EQ(watch.read(), "PUBLISH(gone=late)");
  // The session's end comes before the delay's: [MQTT-3.1.2-8].
  TestClient(bench, "d", kV5, [](auto& connect) { connect.will = will_of("at once", 10); }).lose();
  EXPECT_EQ(watch.read(), "PUBLISH(gone=at once)");
}

TEST(Wills, TakeOverPublishesThem) {
  Bench bench;
  TestClient watch(bench, "watch");
  watch.subscribe("gone");
  watch.read();
  TestClient first(bench, "c", kV5, [](auto& connect) {
    keep_session(connect);
    connect.will = will_of("1");
  });
  TestClient second(bench, "c", kV5, keep_session, 1);
  EXPECT_EQ(watch.read(), "PUBLISH(gone=1)");
  second.disconnect();
  TestClient delayed(bench, "c", kV5, [](auto& connect) {
    keep_session(connect);
    connect.will = will_of("2", 100);
  });
  TestClient resumed(bench, "c", kV5, [](auto& connect) {
    keep_session(connect);
    connect.will = will_of("3", 100);
  });
  EXPECT_EQ(watch.read(), "") << "the session goes on before the delay is over";
  TestClient fresh(bench, "c", kV5);
  EXPECT_EQ(watch.read(), "PUBLISH(gone=3)") << "a clean start ends the session";
}

TEST(Wills, WaitForAStoreThatIsFull) {
  Bench bench;
  TestClient watch(bench, "watch");
  watch.subscribe("gone");
  watch.read();
  bench.sink.error = Error{ErrorCode::kOverloaded, "busy"};
  TestClient(bench, "c", kV5, [](auto& connect) { connect.will = will_of("1"); }).lose();
  bench.advance(3);
  EXPECT_EQ(watch.read(), "");
  bench.sink.error.reset();
  bench.advance(2);
  EXPECT_EQ(watch.read(), "PUBLISH(gone=1)");
}

}  // namespace
}  // namespace campanile::broker
