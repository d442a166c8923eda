// What one packet does to the session and to the next: clean start, replacing and ending subscriptions, retained messages, DUP,
// identifiers, errors in acknowledgements, quotas [sections 3.1.2, 3.3, 3.8, 3.10, 4.3, 4.4, 4.9].
#include <gtest/gtest.h>

#include <algorithm>

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

// [MQTT-3.1.2-4], [MQTT-3.1.2-5], [MQTT-3.1.2-6], [MQTT-3.2.2-2], [MQTT-3.2.2-3]; retained messages are no session's [MQTT-3.1.2-7 of 3.1.1].
TEST(CleanStart, DecidesBetweenTheOldSessionAndANewOne) {
  for (const auto version : {kV311, kV5}) {
    Bench bench;
    TestClient pub(bench, "pub");
    {
      TestClient first(bench, "c", version, keep_session);
      EXPECT_EQ(first.connack, "CONNACK(00)") << "nothing was kept yet";
      first.subscribe("a", 1);
      first.publish("r", "retained", 0, 0, true);
    }
    pub.publish("a", "1", 1, 1);
    {
      TestClient again(bench, "c", version, keep_session);
      EXPECT_EQ(again.connack, "CONNACK(00,present) PUBLISH(a=1,q1,id1)");
    }
    TestClient clean(bench, "c", version);
    EXPECT_EQ(clean.connack, "CONNACK(00)");
    pub.publish("a", "2", 1, 2);
    EXPECT_EQ(clean.read(), "") << "neither the message in flight nor the subscription has stayed";
    clean.subscribe("r");
    EXPECT_EQ(clean.read(), "SUBACK(1:0) PUBLISH(r=retained,retain)");
  }
}

// [MQTT-3.8.4-3], [MQTT-3.8.4-4]
TEST(Subscribe, AgainReplacesAndGetsRetainedMessagesAgain) {
  Bench bench;
  TestClient pub(bench, "pub"), sub(bench, "sub", kV5);
  pub.publish("a", "kept", 1, 1, true);
  sub.subscribe({.filter = "a", .qos = 0}, 1);
  EXPECT_EQ(sub.read(), "SUBACK(1:0) PUBLISH(a=kept,retain,sub1)");
  sub.subscribe({.filter = "a", .qos = 1}, 2);
  EXPECT_EQ(sub.read(), "SUBACK(1:1) PUBLISH(a=kept,q1,id1,retain,sub2)");
  pub.publish("a", "live", 1, 2);
  EXPECT_EQ(sub.read(), "PUBLISH(a=live,q1,id2,sub2)") << "once, on the new terms";
  EXPECT_EQ(bench.broker->status().subscriptions, 1u);
}

// [MQTT-3.8.4-5], [MQTT-3.8.4-6], [MQTT-3.9.3-1], [MQTT-3.11.3-1], [MQTT-3.10.4-6]: many in one packet are as one after the other.
TEST(Subscribe, SeveralFiltersAreAnsweredInOrder) {
  Bench bench;
  TestClient client(bench, "c", kV5);
  const mqtt::SubscribeEntry entries[] = {{.filter = "b", .qos = 2}, {.filter = "a", .qos = 1}, {.filter = "a", .qos = 0}};
  std::string packet;
  mqtt::encode_subscribe(packet, kV5, 513, entries);
  client.send(packet);
  EXPECT_EQ(client.read(), "SUBACK(513:2:1:0)");
  client.publish("a", "1", 1, 1);
  EXPECT_EQ(client.read(), "PUBLISH(a=1) PUBACK(1)") << "the last one counts";
  const std::string_view filters[] = {"x", "a", "a", "b"};
  packet.clear();
  mqtt::encode_unsubscribe(packet, kV5, 514, filters);
  client.send(packet);
  EXPECT_EQ(client.read(), "UNSUBACK(514:17:0:17:0)");
}

// [MQTT-3.10.4-1]
TEST(Unsubscribe, ComparesCharacterByCharacter) {
  Bench bench;
  TestClient client(bench, "c", kV5);
  client.subscribe("a/+");
  client.read();
  for (const std::string_view other : {"a/b", "a/#", "a/+/", "A/+", "+/+"}) client.unsubscribe(other);
  EXPECT_EQ(client.read(), "UNSUBACK(1:17) UNSUBACK(1:17) UNSUBACK(1:17) UNSUBACK(1:17) UNSUBACK(1:17)");
  client.publish("a/b", "1");
  EXPECT_EQ(client.read(), "PUBLISH(a/b=1)");
}

// [MQTT-3.10.4-2], [MQTT-3.10.4-3]
TEST(Unsubscribe, CompletesWhatWasBegun) {
  Bench bench;
  TestClient pub(bench, "pub");
  {
    TestClient sub(bench, "sub", kV5, keep_session);
    sub.subscribe("a", 2);
    pub.publish("a", "1", 1, 1);
    pub.publish("a", "2", 2, 2);
    sub.unsubscribe("a");
    pub.publish("a", "3", 1, 3);
    EXPECT_EQ(sub.read(), "SUBACK(1:2) PUBLISH(a=1,q1,id1) PUBLISH(a=2,q2,id2) UNSUBACK(1:0)");
    sub.ack(PacketType::kPubrec, 2);
    EXPECT_EQ(sub.read(), "PUBREL(2)");
  }
  TestClient back(bench, "sub", kV5, keep_session);
  EXPECT_EQ(back.connack, "CONNACK(00,present) PUBLISH(a=1,q1,id1,dup) PUBREL(2)");
}

// [MQTT-3.3.1-5] to [MQTT-3.3.1-8]
TEST(Retained, AreReplacedRemovedAndLeftAlone) {
  Bench bench;
  TestClient pub(bench, "pub"), sub(bench, "sub");
  const auto kept = [&] {
    sub.subscribe("a", 2);
    std::string found = sub.read();
    for (uint16_t id = 1; id < 10; ++id) sub.ack(PacketType::kPuback, id);
    sub.unsubscribe("a");
    sub.read();
    return found.substr(found.find(')') + 1);
  };
  pub.publish("a", "one", 1, 1, true);
  EXPECT_EQ(kept(), " PUBLISH(a=one,q1,id1,retain)");
  pub.publish("a", "two", 0, 0, true);
  EXPECT_EQ(kept(), " PUBLISH(a=two,retain)") << "with its own QoS";
  pub.publish("a", "three", 0, 0, false);
  EXPECT_EQ(kept(), " PUBLISH(a=two,retain)");
  pub.publish("a", "", 0, 0, false);
  EXPECT_EQ(kept(), " PUBLISH(a=two,retain)");
  pub.publish("a", "", 1, 2, true);
  EXPECT_EQ(kept(), "");
  EXPECT_EQ(bench.broker->status().retained_messages, 0u);
}

// [MQTT-3.3.1-3]
TEST(Publish, TheSendersDupIsNotPassedOn) {
  Bench bench;
  TestClient pub(bench, "pub"), sub(bench, "sub");
  sub.subscribe("a", 1);
  sub.read();
  pub.publish({.topic = "a", .payload = "1", .qos = 1, .duplicate = true, .packet_id = 1});
  EXPECT_EQ(sub.read(), "PUBLISH(a=1,q1,id1)");
}

// [MQTT-4.3.2-5]
TEST(Publish, AnIdentifierThatWasAcknowledgedIsFree) {
  Bench bench;
  TestClient pub(bench, "pub");
  for (int i = 0; i < 3; ++i) {
    pub.publish({.topic = "a", .payload = std::to_string(i), .qos = 1, .duplicate = i > 0, .packet_id = 7});
    EXPECT_EQ(pub.read(), "PUBACK(7)") << "version 3";
  }
  EXPECT_EQ(bench.sink.accepted.size(), 3u);
}

// [MQTT-4.3.3-9]
TEST(Publish, ARefusedQoS2MessageLeavesNothingBehind) {
  Bench bench;
  TestClient pub(bench, "pub", kV5), sub(bench, "sub");
  sub.subscribe("a");
  sub.read();
  pub.publish("$SYS/x", "1", 2, 7);
  EXPECT_EQ(pub.read(), "PUBREC(7:87)");
  pub.publish({.topic = "a", .payload = "2", .qos = 2, .duplicate = true, .packet_id = 7});
  EXPECT_EQ(sub.read(), "PUBLISH(a=2)") << "new, whatever its DUP says";
}

// [MQTT-4.3.3-13]
TEST(Publish, AnExpiredQoS2MessageIsStillAcknowledged) {
  Bench bench;
  TestClient pub(bench, "pub", kV5), sub(bench, "sub", kV5, keep_session);
  sub.subscribe("a", 2);
  sub.read();
  pub.publish({.topic = "a", .payload = "1", .qos = 2, .packet_id = 7, .message_expiry_s = 1});
  EXPECT_EQ(sub.read(), "PUBLISH(a=1,q2,id1,expires1)");
  sub.lose();
  bench.advance(5);
  pub.publish({.topic = "a", .payload = "1", .qos = 2, .duplicate = true, .packet_id = 7, .message_expiry_s = 1});
  pub.ack(PacketType::kPubrel, 7);
  EXPECT_EQ(pub.read(), "PUBREC(7) PUBREC(7) PUBCOMP(7)");
  // [MQTT-4.3.3-7]: delivery had begun, and goes on.
  TestClient back(bench, "sub", kV5, keep_session);
  EXPECT_EQ(back.connack, "CONNACK(00,present) PUBLISH(a=1,q2,id1,dup,expires1)");
}

// [MQTT-4.4.0-2], [MQTT-4.8.2-6]
TEST(Delivery, AnErrorInAnAcknowledgementEndsTheMessage) {
  Bench bench;
  TestClient pub(bench, "pub");
  {
    TestClient sub(bench, "sub", kV5, keep_session), member(bench, "member", kV5, keep_session);
    sub.subscribe("$share/g/a", 2);
    pub.publish("a", "1", 1, 1);
    pub.publish("a", "2", 2, 2);
    EXPECT_EQ(sub.read(), "SUBACK(1:2) PUBLISH(a=1,q1,id1) PUBLISH(a=2,q2,id2)");
    member.subscribe("$share/g/a", 2);
    member.read();
    sub.ack(PacketType::kPuback, 1, ReasonCode::kNotAuthorized);
    sub.ack(PacketType::kPubrec, 2, ReasonCode::kQuotaExceeded);
    EXPECT_EQ(sub.read(), "") << "no PUBREL";
    EXPECT_EQ(member.read(), "") << "nobody else gets it";
  }
  EXPECT_EQ(TestClient(bench, "sub", kV5, keep_session).connack, "CONNACK(00,present)");
}

// [MQTT-3.3.4-10], [MQTT-4.9.0-3]
TEST(Delivery, AFullWindowHoldsBackMessagesOnly) {
  Bench bench;
  TestClient pub(bench, "pub");
  TestClient sub(bench, "sub", kV5, [](auto& connect) { connect.properties.u16(PropertyId::kReceiveMaximum, 1); });
  sub.subscribe("a", 2);
  sub.read();
  pub.publish("a", "1", 2, 1);
  pub.publish("a", "2", 1, 2);
  EXPECT_EQ(sub.read(), "PUBLISH(a=1,q2,id1)");
  sub.send("\xC0\x00"s);
  sub.subscribe("b");
  sub.publish("c", "x", 1, 9);
  sub.ack(PacketType::kPubrec, 1);
  EXPECT_EQ(sub.read(), "PINGRESP SUBACK(1:0) PUBACK(9:10) PUBREL(1)") << "PUBREC frees nothing";
  sub.ack(PacketType::kPubcomp, 1);
  EXPECT_EQ(sub.read(), "PUBLISH(a=2,q1,id2)");
}

// [MQTT-3.3.4-3], [MQTT-3.3.4-4]
TEST(Delivery, CarriesTheIdentifiersOfAllSubscriptionsThatMatch) {
  Bench bench;
  TestClient pub(bench, "pub"), sub(bench, "sub", kV5), old(bench, "old");
  sub.subscribe({.filter = "a/b", .qos = 1}, 268'435'455);
  sub.subscribe({.filter = "a/+", .qos = 0}, 7);
  sub.subscribe({.filter = "a/#", .qos = 0}, 7);
  sub.subscribe({.filter = "#", .qos = 0});
  sub.subscribe({.filter = "x", .qos = 0}, 8);
  old.subscribe("a/b");
  sub.read(), old.read();
  pub.publish("a/b", "1", 2, 1);
  const std::string got = sub.read();
  EXPECT_TRUE(got.starts_with("PUBLISH(a/b=1,q1,id1,sub")) << got;
  EXPECT_TRUE(got.contains("sub268435455") && got.contains("sub7")) << got;
  EXPECT_EQ(std::ranges::count(got, 'b'), 1 + 3) << "three matching subscriptions have one: " << got;
  EXPECT_FALSE(got.contains("sub8"));
  EXPECT_EQ(old.read(), "PUBLISH(a/b=1)");
}

// [MQTT-4.6.0-5], [MQTT-4.6.0-6]
TEST(Delivery, KeepsTheOrderOfEachQoS) {
  Bench bench;
  TestClient pub(bench, "pub"), sub(bench, "sub", kV311, {}, 1);
  sub.subscribe("a", 2);
  sub.read();
  std::string sent, expected[3];
  for (int i = 0; i < 60; ++i) {
    const auto qos = static_cast<uint8_t>(i % 3);
    mqtt::encode_publish(sent, kV311, {.topic = "a", .payload = std::to_string(i), .qos = qos, .packet_id = static_cast<uint16_t>(i + 1)});
    expected[qos] += std::to_string(i) + " ";
  }
  pub.send(sent);
  std::string got[3];
  const std::string output = sub.connection->take();
  for (std::string_view rest = output; !rest.empty();) {
    const auto frame = mqtt::next_frame(rest, SIZE_MAX);
    const auto packet = mqtt::decode_publish(**frame, kV311, {});
    got[packet->qos] += std::string(packet->payload) + " ";
    rest.remove_prefix((*frame)->size);
  }
  for (int qos = 0; qos < 3; ++qos) EXPECT_EQ(got[qos], expected[qos]);
}

// [MQTT-3.1.2-14], [MQTT-3.1.2-15], [MQTT-3.1.2-10], [MQTT-3.1.3-10]
TEST(Wills, AreRetainedOrNotAndKeepTheirProperties) {
  Bench bench;
  TestClient watch(bench, "watch", kV5);
  watch.subscribe("gone", 2);
  watch.read();
  for (const bool retain : {false, true}) {
    TestClient client(bench, "c", kV5, [&](auto& connect) {
      connect.will = mqtt::OutgoingWill{.topic = "gone", .payload = "x", .qos = 2, .retain = retain};
      connect.will->properties.user("b", "1");
      connect.will->properties.user("a", "2");
      connect.will->properties.user("b", "3");
      connect.will->properties.u32(PropertyId::kMessageExpiryInterval, 100);
      connect.will->properties.string(PropertyId::kContentType, "text");
    });
    client.lose();
    EXPECT_EQ(watch.read(), "PUBLISH(gone=x,q2,id" + std::to_string(retain ? 2 : 1) + ",expires100,type:text,b:1,a:2,b:3)");
    EXPECT_EQ(bench.broker->status().retained_messages, retain ? 1u : 0u);
  }
  bench.advance(10);
  EXPECT_EQ(watch.read(), "") << "once";
}

// A will is a message like others: nobody may speak for the broker.
TEST(Wills, CannotBeOfTheBrokersOwnTopics) {
  Bench bench;
  const auto with_will = [](auto& connect) { connect.will = mqtt::OutgoingWill{.topic = "$SYS/broker/uptime", .payload = "x"}; };
  EXPECT_EQ(TestClient(bench, "c", kV5, with_will).connack, "CONNACK(87)");
  EXPECT_EQ(TestClient(bench, "c", kV311, with_will).connack, "CONNACK(87)");
  EXPECT_EQ(bench.broker->status().sessions, 0u);
}

// [MQTT-4.7.3-4]: no folding, no normalisation, nothing stripped [MQTT-1.5.4-3].
TEST(Topics, AreComparedByTheirBytes) {
  Bench bench;
  TestClient pub(bench, "pub"), sub(bench, "sub");
  sub.subscribe("caf\xC3\xA9");
  sub.read();
  for (const std::string_view other : {"cafe\xCC\x81", "Caf\xC3\xA9", "\xEF\xBB\xBF" "caf\xC3\xA9", "/caf\xC3\xA9", "caf\xC3\xA9/", "caf\xC3\xA9 "}) {
    pub.publish(other, "x");
  }
  EXPECT_EQ(sub.read(), "");
  pub.publish("caf\xC3\xA9", "y");
  EXPECT_EQ(sub.read(), "PUBLISH(caf\xC3\xA9=y)");
}

}  // namespace
}  // namespace campanile::broker
