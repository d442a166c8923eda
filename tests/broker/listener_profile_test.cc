// What a listener makes of its clients: rights, names, mount, limits.
#include "broker/listener_profile.h"

#include <gtest/gtest.h>

#include "broker/mount.h"
#include "fakes.h"

namespace campanile::broker {
namespace {

using mqtt::PropertyId;
using mqtt::ProtocolVersion;
using mqtt::ReasonCode;

constexpr auto kV311 = ProtocolVersion::kV311;
constexpr auto kV5 = ProtocolVersion::kV5;

class ListenerProfileTest : public testing::Test {
 protected:
  // Clients that come from now on come through a listener with that profile; without an argument through one that lets all do all.
  void through(ListenerProfile profile = {}) { bench_.profile = &bench_.broker->add_listener(std::move(profile)); }
  static TestClient::Change as(std::string_view user, std::string_view password) {
    return [=](mqtt::OutgoingConnect& connect) {
      connect.user = user;
      connect.password = password;
    };
  }
  static void kept(mqtt::OutgoingConnect& connect) {
    connect.clean_start = false;
    if (connect.version == kV5) connect.properties.u32(PropertyId::kSessionExpiryInterval, 1000);
  }
  static TestClient::Change with_will(std::string_view topic) {
    return [=](mqtt::OutgoingConnect& connect) { connect.will = mqtt::OutgoingWill{.topic = topic, .payload = "gone"}; };
  }
  uint64_t denied() { return bench_.broker->status().dropped[static_cast<size_t>(DropReason::kDenied)]; }

  Bench bench_;
};

TEST_F(ListenerProfileTest, WhoNamesNobodyMayBeRefused) {
  through({.anonymous = AnonymousRights::kNone});
  EXPECT_EQ(TestClient(bench_, "c").connack, "CONNACK(86)");
  EXPECT_EQ(TestClient(bench_, "c", kV5).connack, "CONNACK(86)");
  EXPECT_EQ(TestClient(bench_, "c", kV5, as("", "secret")).connack, "CONNACK(86)");
  EXPECT_EQ(TestClient(bench_, "c", kV5, as("u", "secret")).connack, "CONNACK(00)");
  EXPECT_EQ(TestClient(bench_, "c", kV5, as("u", "guess")).connack, "CONNACK(86)");
}

TEST_F(ListenerProfileTest, GuestsReadAndSayNothing) {
  TestClient insider(bench_, "insider");
  insider.subscribe("#", 2);
  insider.read();
  through({.anonymous = AnonymousRights::kRead});
  TestClient v5(bench_, "v5", kV5);
  v5.subscribe("a/#", 1);
  EXPECT_EQ(v5.read(), "SUBACK(1:1)");
  insider.publish("a/b", "1");
  insider.read();
  EXPECT_EQ(v5.read(), "PUBLISH(a/b=1)");
  v5.publish("a/b", "2", 0);
  v5.publish("a/b", "2", 1, 7);
  v5.publish("a/b", "2", 2, 8, true);
  EXPECT_EQ(v5.read(), "PUBACK(7:87) PUBREC(8:87)");
  TestClient v3(bench_, "v3");
  v3.publish("a/b", "2", 0);
  v3.publish("a/b", "2", 1, 7);
  v3.publish("a/b", "2", 2, 8);
  EXPECT_EQ(v3.read(), "PUBACK(7) PUBREC(8)") << "version 3 has no word for it";
  EXPECT_EQ(insider.read(), "");
  EXPECT_EQ(denied(), 6u);
  EXPECT_EQ(bench_.broker->status().retained_messages, 0u);
  EXPECT_EQ(bench_.sink.accepted, std::vector<std::string>{"a/b=1"});
}

TEST_F(ListenerProfileTest, GuestsLeaveNoWillAndNamedClientsMayDoAll) {
  through({.anonymous = AnonymousRights::kRead});
  EXPECT_EQ(TestClient(bench_, "c", kV5, with_will("w")).connack, "CONNACK(87)");
  EXPECT_EQ(TestClient(bench_, "c", kV311, with_will("w")).connack, "CONNACK(87)");
  EXPECT_EQ(bench_.broker->status().sessions, 0u);
  TestClient named(bench_, "named", kV5, as("u", "secret"));
  named.publish("a", "1", 1, 7);
  EXPECT_EQ(named.read(), "PUBACK(7:10)");
}

TEST_F(ListenerProfileTest, NamesMayBeOfNoInterest) {
  through({.anonymous = AnonymousRights::kRead, .accounts = false});
  TestClient client(bench_, "c", kV5, as("u", "guess"));
  EXPECT_EQ(client.connack, "CONNACK(00)");
  client.publish("a", "1", 1, 7);
  EXPECT_EQ(client.read(), "PUBACK(7:87)") << "still a guest";
}

TEST_F(ListenerProfileTest, ACertificateIsAName) {
  through({.anonymous = AnonymousRights::kNone, .accounts = false, .certificates = true});
  EXPECT_EQ(TestClient(bench_, "c", kV5, as("u", "secret")).connack, "CONNACK(86)") << "no certificate";
  bench_.certificate = "gate 7";
  TestClient gate(bench_, "c", kV5, as("somebody else", "guess"));
  EXPECT_EQ(gate.connack, "CONNACK(00)");
  gate.publish("a", "1", 0);
  EXPECT_EQ(bench_.sink.users, std::vector<std::string>{"c/gate 7"});
  through({.anonymous = AnonymousRights::kNone});
  EXPECT_EQ(TestClient(bench_, "c", kV5).connack, "CONNACK(86)") << "a listener that does not take them";
}

TEST_F(ListenerProfileTest, LimitsAreTheListeners) {
  ListenerProfile profile{.keep_alive_max_s = 20};
  profile.protocol_settings.limits.packet_bytes_max = 2000;
  profile.protocol_settings.limits.receive_maximum = 3;
  through(profile);
  TestClient client(bench_, "c", kV5);
  client.publish("a", std::string(3000, 'x'), 0);
  EXPECT_EQ(client.read(), "DISCONNECT(95)");
  bench_.profile = nullptr;
  TestClient other(bench_, "c", kV5);
  other.publish("a", std::string(3000, 'x'), 0);
  EXPECT_FALSE(other.closed());
}

TEST_F(ListenerProfileTest, ASessionsQueueHasTheLimitsOfTheListenerItWasLastConnectedOver) {
  const auto queue = [&] {
    TestClient publisher(bench_, "publisher");
    for (uint16_t id = 1; id <= 5; ++id) publisher.publish("a", std::to_string(id), 1, id);
    return bench_.broker->status().queued_messages;
  };
  const ListenerProfile small{.queue = {.messages_max = 2}};
  through(small);
  {
    TestClient client(bench_, "c", kV5, kept);
    client.subscribe("a", 1);
  }
  bench_.profile = nullptr;
  EXPECT_EQ(queue(), 2u);
  EXPECT_EQ(bench_.broker->status().dropped[static_cast<size_t>(DropReason::kQueueFull)], 3u);
  for (const bool with_checkpoint : {false, true}) {
    if (with_checkpoint) {
      ASSERT_TRUE(bench_.sessions->checkpoint());
      bench_.journal.records.clear();
      bench_.journal.lsns.clear();
    }
    bench_.restart();
    EXPECT_EQ(queue(), 2u) << "kept over a restart";
  }
  { TestClient elsewhere(bench_, "c", kV5, kept); }
  EXPECT_EQ(queue(), 5u) << "the general limits, now that it has come over another listener and got what waited";
  through(small);
  { TestClient again(bench_, "c", kV5, kept); }
  bench_.profile = nullptr;
  EXPECT_EQ(queue(), 2u) << "and the small ones again";
}

TEST_F(ListenerProfileTest, BytesAndAgeOfAQueueAreTheListenersToo) {
  through({.queue = {.bytes_max = 100, .age_max_s = 60}});
  {
    TestClient client(bench_, "c", kV5, kept);
    client.subscribe("a", 1);
  }
  bench_.profile = nullptr;
  {
    TestClient client(bench_, "other", kV5, kept);
    client.subscribe("a", 1);
  }
  TestClient publisher(bench_, "publisher");
  publisher.publish("a", std::string(80, 'x'), 1, 1);
  publisher.publish("a", std::string(80, 'y'), 1, 2);
  EXPECT_EQ(bench_.broker->status().queued_messages, 3u);
  bench_.advance(90);
  EXPECT_EQ(bench_.broker->status().queued_messages, 2u) << "those of the other client stay";
  EXPECT_EQ(bench_.broker->status().dropped[static_cast<size_t>(DropReason::kTooOld)], 1u);
}

TEST_F(ListenerProfileTest, AMountStandsBeforeEveryTopic) {
  TestClient outside(bench_, "outside", kV5);
  outside.subscribe("#", 1);
  outside.read();
  through({.mount = "north/"});
  TestClient inside(bench_, "inside", kV5, with_will("w"));
  TestClient neighbour(bench_, "neighbour");
  neighbour.subscribe("#", 1);
  EXPECT_EQ(neighbour.read(), "SUBACK(1:1)");

  inside.publish("a/b", "1", 1, 7);
  EXPECT_EQ(inside.read(), "PUBACK(7)");
  EXPECT_EQ(outside.read(), "PUBLISH(north/a/b=1,q1,id1)");
  EXPECT_EQ(neighbour.read(), "PUBLISH(a/b=1,q1,id1)");
  EXPECT_EQ(bench_.sink.accepted, std::vector<std::string>{"north/a/b=1"});

  outside.publish("a/b", "2");
  outside.publish("north", "3");
  outside.publish("north/x", "4");
  outside.read();
  EXPECT_EQ(neighbour.read(), "PUBLISH(x=4)");

  inside.lose();
  EXPECT_EQ(outside.read(), "PUBLISH(north/w=gone)");
  EXPECT_EQ(neighbour.read(), "PUBLISH(w=gone)");
  neighbour.unsubscribe("#");
  EXPECT_EQ(neighbour.read(), "UNSUBACK(1)");
  outside.publish("north/x", "5");
  EXPECT_EQ(neighbour.read(), "");
}

TEST_F(ListenerProfileTest, AMountHoldsForRetainedAndSharedOnes) {
  TestClient outside(bench_, "outside", kV5);
  outside.publish("north/a", "kept", 0, 0, true);
  outside.publish("a", "other", 0, 0, true);
  through({.mount = "north/"});
  TestClient one(bench_, "one", kV5);
  one.subscribe("+", 0);
  EXPECT_EQ(one.read(), "SUBACK(1:0) PUBLISH(a=kept,retain)");
  one.unsubscribe("+");
  one.read();
  one.subscribe("$share/g/#", 0);
  EXPECT_EQ(one.read(), "SUBACK(1:0)");
  outside.publish("a", "not for it");
  outside.publish("north/a/b", "1");
  EXPECT_EQ(one.read(), "PUBLISH(a/b=1)");
  one.subscribe("bad/#/filter", 0);
  EXPECT_EQ(one.read(), "SUBACK(1:143)");
  one.publish("$SYS/broker/uptime", "1", 1, 9);
  EXPECT_EQ(one.read(), "PUBACK(9:87)");
}

TEST_F(ListenerProfileTest, AResponseTopicIsATopicToo) {
  TestClient outside(bench_, "outside", kV5);
  outside.subscribe("north/#", 0);
  outside.read();
  through({.mount = "north/"});
  TestClient inside(bench_, "inside", kV5);
  inside.subscribe("answers", 0);
  inside.read();
  mqtt::PropertyWriter properties;
  properties.string(PropertyId::kContentType, "text");
  properties.string(PropertyId::kResponseTopic, "answers");
  properties.user("who", "me");
  inside.publish({.topic = "questions", .payload = "?", .properties = properties.bytes()});
  EXPECT_NE(outside.connection->queue.find("north/answers"), std::string::npos);
  outside.read();
  mqtt::PropertyWriter answer;
  answer.string(PropertyId::kResponseTopic, "north/more");
  outside.publish({.topic = "north/answers", .payload = "!", .properties = answer.bytes()});
  EXPECT_EQ(inside.connection->queue.find("north"), std::string::npos);
  EXPECT_NE(inside.connection->queue.find("more"), std::string::npos);
}

TEST_F(ListenerProfileTest, ClientIdentifiersOfAMountAreItsOwn) {
  TestClient outside(bench_, "same", kV5, kept);
  outside.subscribe("secret", 1);
  outside.read();
  through({.mount = "north/"});
  TestClient inside(bench_, "same", kV5, kept);
  EXPECT_EQ(inside.connack, "CONNACK(00)") << "no session of the other one";
  EXPECT_FALSE(outside.closed());
  TestClient again(bench_, "same", kV5, kept);
  EXPECT_EQ(again.connack, "CONNACK(00,present)");
  EXPECT_TRUE(inside.closed());
  bench_.profile = nullptr;
  EXPECT_EQ(TestClient(bench_, "north/same", kV5).connack, "CONNACK(85)") << "nobody outside may call himself so";
  EXPECT_FALSE(again.closed());
}

TEST(Mount, FiltersAndTopics) {
  EXPECT_EQ(mount_filter("m/", "#", 10), "m/#");
  EXPECT_EQ(mount_filter("m/", "$share/g/a/+", 10), "$share/g/m/a/+");
  EXPECT_EQ(mount_filter("m/", "$share/g", 10), "$share/g");
  EXPECT_EQ(mount_filter("m/", "a/#/b", 10), "a/#/b");
  EXPECT_EQ(mount_filter("m/", "", 10), "");
  EXPECT_EQ(unmount_topic("m/", "m/a"), "a");
  EXPECT_EQ(unmount_topic("m/", "m"), std::nullopt);
  EXPECT_EQ(unmount_topic("m/", "m/"), std::nullopt);
  EXPECT_EQ(unmount_topic("m/", "mm/a"), std::nullopt);
}

}  // namespace
}  // namespace campanile::broker
