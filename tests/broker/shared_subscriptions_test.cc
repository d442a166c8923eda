// Shared subscriptions [section 4.8.2]: one member of each group gets a message, and keeps it as the standard says.
#include <gtest/gtest.h>

#include "fakes.h"

namespace campanile::broker {
namespace {

using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::ProtocolVersion;
using mqtt::ReasonCode;

constexpr auto kV311 = ProtocolVersion::kV311;
constexpr auto kV5 = ProtocolVersion::kV5;

TestClient::Change kept_for(uint32_t seconds) {
  return [=](mqtt::OutgoingConnect& connect) {
    connect.clean_start = false;
    if (connect.version == kV5) connect.properties.u32(PropertyId::kSessionExpiryInterval, seconds);
  };
}

// [MQTT-4.8.2-3]
TEST(SharedSubscriptions, EachMemberHasItsOwnQoS) {
  Bench bench;
  TestClient pub(bench, "pub"), low(bench, "low", kV5), high(bench, "high", kV5, {}, 1), old(bench, "old");
  low.subscribe({.filter = "$share/g/a/#", .qos = 0}, 3);
  high.subscribe({.filter = "$share/g/a/#", .qos = 2}, 4);
  old.subscribe("$share/g/a/#", 1);
  for (TestClient* client : {&low, &high, &old}) client->read();
  for (uint16_t id = 1; id <= 3; ++id) pub.publish("a/x", "m", 2, id);
  EXPECT_EQ(low.read(), "PUBLISH(a/x=m,sub3)");
  EXPECT_EQ(high.read(), "PUBLISH(a/x=m,q2,id1,sub4)");
  EXPECT_EQ(old.read(), "PUBLISH(a/x=m,q1,id1)") << "version 3 clients may share as well";
}

// A session that is in a group and has a subscription of its own gets a message for each.
TEST(SharedSubscriptions, StandBesideOrdinaryOnesAndOtherGroups) {
  Bench bench;
  TestClient client(bench, "c", kV5);
  client.subscribe("a"), client.subscribe("$share/g/a"), client.subscribe("$share/h/a"), client.subscribe("$share/h/+");
  client.read();
  client.publish("a", "1");
  EXPECT_EQ(client.read(), "PUBLISH(a=1) PUBLISH(a=1) PUBLISH(a=1) PUBLISH(a=1)") << "a group is its name with its filter";
  client.unsubscribe("$share/h/a");
  client.unsubscribe("$share/g/b");
  EXPECT_EQ(client.read(), "UNSUBACK(1:0) UNSUBACK(1:17)");
  client.publish("a", "2");
  EXPECT_EQ(client.read(), "PUBLISH(a=2) PUBLISH(a=2) PUBLISH(a=2)");
}

TEST(SharedSubscriptions, MembersThatAreAwayArePassedOver) {
  Bench bench;
  TestClient pub(bench, "pub"), here(bench, "here", kV5);
  {
    TestClient away(bench, "away", kV5, kept_for(100));
    away.subscribe("$share/g/a", 1);
  }
  pub.publish("a", "1", 1, 1);
  here.subscribe("$share/g/a", 1);
  here.read();
  for (uint16_t id = 2; id <= 4; ++id) pub.publish("a", std::to_string(id), 1, id);
  EXPECT_EQ(here.read(), "PUBLISH(a=2,q1,id1) PUBLISH(a=3,q1,id2) PUBLISH(a=4,q1,id3)");
  TestClient back(bench, "away", kV5, kept_for(100));
  EXPECT_EQ(back.connack, "CONNACK(00,present) PUBLISH(a=1,q1,id1)") << "nobody else was there for the first";
}

// [MQTT-4.8.2-4], [MQTT-4.8.2-5]
TEST(SharedSubscriptions, AQoS2MessageStaysWithItsMember) {
  Bench bench;
  TestClient pub(bench, "pub"), other(bench, "other", kV5, {}, 1);
  {
    TestClient member(bench, "member", kV5, kept_for(50));
    member.subscribe("$share/g/a", 2);
    member.read();
    pub.publish("a", "1", 2, 1);
    EXPECT_EQ(member.read(), "PUBLISH(a=1,q2,id1)");
    other.subscribe("$share/g/a", 2);
    other.read();
  }
  bench.advance(10);
  {
    TestClient back(bench, "member", kV5, kept_for(50));
    EXPECT_EQ(back.connack, "CONNACK(00,present) PUBLISH(a=1,q2,id1,dup)");
  }
  EXPECT_EQ(other.read(), "");
  other.send(std::string("\xC0\x00", 2));
  bench.advance(55);
  EXPECT_EQ(bench.broker->status().sessions, 2u);
  other.read();
  EXPECT_EQ(other.read(), "") << "the session has ended, and the message with it";
}

// Section 4.8.2: what a member has not acknowledged with QoS 1, or was never sent, goes to another when its session ends.
TEST(SharedSubscriptions, AnEndedMemberLeavesItsMessagesToTheOthers) {
  for (const bool kept : {false, true}) {
    Bench bench;
    TestClient pub(bench, "pub"), other(bench, "other", kV5, {}, 1);
    {
      TestClient member(bench, "member", kV5, [&](auto& connect) {
        if (kept) connect.properties.u32(PropertyId::kSessionExpiryInterval, 20);
        connect.properties.u16(PropertyId::kReceiveMaximum, 3);
      });
      member.subscribe("$share/g/jobs/+", 2);
      member.read();
      pub.publish("jobs/a", "zero", 0);
      pub.publish("jobs/a", "done", 1, 1);
      pub.publish("jobs/a", "open", 1, 2);
      pub.publish("jobs/a", "exact", 2, 3);
      pub.publish("jobs/a", "waits", 1, 4);
      pub.publish("jobs/a", "waits too", 2, 5);
      EXPECT_EQ(member.read(), "PUBLISH(jobs/a=zero) PUBLISH(jobs/a=done,q1,id1) PUBLISH(jobs/a=open,q1,id2) PUBLISH(jobs/a=exact,q2,id3)");
      member.ack(PacketType::kPuback, 1);
      EXPECT_EQ(member.read(), "PUBLISH(jobs/a=waits,q1,id4)");
      other.subscribe("$share/g/jobs/+", 2);
      other.read();
    }
    if (kept) {
      EXPECT_EQ(other.read(), "") << "the session lives on";
      bench.advance(22);
    }
    EXPECT_EQ(other.read(), "PUBLISH(jobs/a=open,q1,id1) PUBLISH(jobs/a=waits,q1,id2) PUBLISH(jobs/a=waits too,q2,id3)") << kept;
    EXPECT_EQ(bench.broker->status().dropped[static_cast<size_t>(DropReason::kSessionEnded)], 1u) << "the one of QoS 2 that was begun";
    EXPECT_EQ(bench.broker->status().queued_bytes, 0u);
  }
}

TEST(SharedSubscriptions, TheLastMemberLeavesNothing) {
  Bench bench;
  TestClient pub(bench, "pub");
  {
    TestClient member(bench, "member", kV5), bystander(bench, "bystander");
    member.subscribe("$share/g/a", 1);
    member.subscribe("b", 1);
    bystander.subscribe("$share/h/a", 1);
    bystander.subscribe("b", 0);
    pub.publish("a", "1", 1, 1);
    pub.publish("b", "2", 1, 2);
    bystander.read();
    member.lose();
    EXPECT_EQ(bystander.read(), "") << "of another group, and of an ordinary subscription";
  }
  EXPECT_EQ(bench.broker->status().dropped[static_cast<size_t>(DropReason::kSessionEnded)], 3u);
}

// A copy for each group stays with its group.
TEST(SharedSubscriptions, EachGroupGetsItsOwnCopyBack) {
  Bench bench;
  TestClient pub(bench, "pub"), in_g(bench, "g"), in_h(bench, "h", kV5, {}, 1);
  {
    TestClient member(bench, "member", kV5);
    member.subscribe("$share/g/a", 1);
    member.subscribe("$share/h/+", 1);
    pub.publish("a", "1", 1, 1);
    in_g.subscribe("$share/g/a", 1);
    in_h.subscribe("$share/h/+", 1);
    in_g.read(), in_h.read();
  }
  EXPECT_EQ(in_g.read(), "PUBLISH(a=1,q1,id1)");
  EXPECT_EQ(in_h.read(), "PUBLISH(a=1,q1,id1)");
}

}  // namespace
}  // namespace campanile::broker
