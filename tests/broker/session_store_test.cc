#include "broker/session_store.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "fakes.h"
#include "kv/faulty_store.h"

namespace campanile::broker {
namespace {

using mqtt::PacketType;
using mqtt::ProtocolVersion;

void keeps(mqtt::OutgoingConnect& connect) { connect.clean_start = false; }

TestClient::Change expires_after(uint32_t seconds) {
  return [seconds](mqtt::OutgoingConnect& connect) {
    connect.clean_start = false;
    mqtt::PropertyWriter properties;
    properties.u32(mqtt::PropertyId::kSessionExpiryInterval, seconds);
    connect.properties = properties;
  };
}

class SessionStoreTest : public testing::Test {
 protected:
  TestClient client(std::string id, size_t loop = 0) { return TestClient(bench, std::move(id), ProtocolVersion::kV311, keeps, loop); }
  void publish(std::string_view topic, std::string_view payload, uint8_t qos = 1) {
    TestClient publisher(bench, "publisher");
    publisher.publish(topic, payload, qos, 1);
    if (qos == 2) publisher.ack(PacketType::kPubrel, 1);
  }
  void checkpoint() {
    const auto done = bench.sessions->checkpoint();
    ASSERT_TRUE(done) << done.error().message;
  }
  Bench bench;
};

TEST_F(SessionStoreTest, SubscriptionsAndQueueSurviveACrash) {
  {
    TestClient sub = client("sub");
    EXPECT_EQ(sub.connack, "CONNACK(00)");
    sub.subscribe("a/+", 1);
    sub.subscribe("b", 2);
    sub.subscribe("gone", 1);
    sub.unsubscribe("gone");
    EXPECT_EQ(sub.read(), "SUBACK(1:1) SUBACK(1:2) SUBACK(1:1) UNSUBACK(1)");
  }
  publish("a/1", "one");
  publish("b", "two", 2);
  for (int round = 0; round < 3; ++round) {
    bench.restart();
    EXPECT_EQ(bench.broker->status().subscriptions, 2u);
    EXPECT_EQ(bench.broker->status().queued_messages, 2u) << round;
    publish("gone", "x");
    if (round == 1) checkpoint();
  }
  TestClient sub = client("sub");
  EXPECT_EQ(sub.connack, "CONNACK(00,present) PUBLISH(a/1=one,q1,id1) PUBLISH(b=two,q2,id2)");
  sub.ack(PacketType::kPuback, 1);
  sub.ack(PacketType::kPubrec, 2);
  EXPECT_EQ(sub.read(), "PUBREL(2)");
  sub.ack(PacketType::kPubcomp, 2);
  bench.restart();
  EXPECT_EQ(bench.broker->status().queued_messages, 0u);
  TestClient again = client("sub");
  EXPECT_EQ(again.connack, "CONNACK(00,present)");
}

TEST_F(SessionStoreTest, WhatIsInFlightIsSentAgainUnderItsIdentifier) {
  {
    TestClient sub = client("sub");
    sub.subscribe("#", 2);
    publish("a", "1");
    publish("b", "2", 2);
    publish("c", "3", 2);
    publish("d", "4");
    EXPECT_EQ(sub.read(), "SUBACK(1:2) PUBLISH(a=1,q1,id1) PUBLISH(b=2,q2,id2) PUBLISH(c=3,q2,id3) PUBLISH(d=4,q1,id4)");
    sub.ack(PacketType::kPubrec, 2);
    sub.ack(PacketType::kPuback, 4);
    EXPECT_EQ(sub.read(), "PUBREL(2)");
  }
  for (const bool with_checkpoint : {false, true}) {
    if (with_checkpoint) checkpoint();
    bench.restart();
    TestClient sub = client("sub");
    EXPECT_EQ(sub.connack, "CONNACK(00,present) PUBLISH(a=1,q1,id1,dup) PUBREL(2) PUBLISH(c=3,q2,id3,dup)");
  }
  TestClient sub = client("sub");
  sub.read();
  publish("e", "5");
  EXPECT_EQ(sub.read(), "PUBLISH(e=5,q1,id4)") << "an identifier that is free again";
}

TEST_F(SessionStoreTest, AnIdentifierOnItsWayInIsKnownAfterARestart) {
  {
    TestClient sub = client("sub");
    sub.subscribe("a", 2);
    TestClient publisher = client("pub");
    publisher.publish("a", "once", 2, 7);
    EXPECT_EQ(publisher.read(), "PUBREC(7)");
  }
  for (const bool with_checkpoint : {false, true}) {
    if (with_checkpoint) checkpoint();
    bench.restart();
    TestClient publisher = client("pub");
    publisher.publish({.topic = "a", .payload = "once", .qos = 2, .duplicate = true, .packet_id = 7});
    EXPECT_EQ(publisher.read(), "PUBREC(7)");
    EXPECT_EQ(bench.broker->status().queued_messages, 0u) << "it is in flight, once";
  }
  {
    TestClient publisher = client("pub");
    publisher.ack(PacketType::kPubrel, 7);
    EXPECT_EQ(publisher.read(), "PUBCOMP(7)");
  }
  bench.restart();
  TestClient publisher = client("pub");
  publisher.ack(PacketType::kPubrel, 7);
  EXPECT_EQ(publisher.read(), "PUBCOMP(7)");
  publisher.publish("a", "twice", 2, 7);
  TestClient sub = client("sub");
  EXPECT_EQ(sub.connack, "CONNACK(00,present) PUBLISH(a=once,q2,id1,dup) PUBLISH(a=twice,q2,id2)");
}

TEST_F(SessionStoreTest, NothingIsPromisedBeforeItIsOnDisk) {
  const auto connection = [&](std::string_view id) {
    net::EventLoop& loop = *bench.loops[0];
    auto made = std::make_shared<FakeConnection>(loop, bench.broker->make_handler(loop));
    bench.connections.push_back(made);
    made->open();
    std::string packet;
    mqtt::encode_connect(packet, {.version = ProtocolVersion::kV311, .clean_start = false, .keep_alive_s = 60, .client_id = id});
    made->feed(packet);
    return made;
  };
  const auto made = connection("sub");
  bench.run(false);
  EXPECT_EQ(made->queue, "") << "CONNACK waits";
  EXPECT_TRUE(made->paused);
  bench.run();
  EXPECT_FALSE(made->paused);
  EXPECT_EQ(made->take().size(), 4u);

  const mqtt::SubscribeEntry entry{.filter = "a", .qos = 2};
  std::string packet;
  mqtt::encode_subscribe(packet, ProtocolVersion::kV311, 1, {&entry, 1}, 0);
  made->feed(packet);
  bench.run(false);
  EXPECT_EQ(made->take(), "") << "SUBACK waits";
  bench.run();
  EXPECT_EQ(made->take().size(), 5u);

  {
    TestClient publisher(bench, "publisher");
    std::string publish;
    mqtt::encode_publish(publish, ProtocolVersion::kV311, {.topic = "a", .payload = "x", .qos = 2, .packet_id = 1});
    publisher.send_only(publish);
    bench.run(false);
    EXPECT_EQ(made->take(), "") << "a QoS 2 message waits for its identifier";
    EXPECT_EQ(publisher.connection->take(), "");
    bench.run();
    EXPECT_FALSE(made->take().empty());
  }
  std::string pubrec;
  mqtt::encode_ack(pubrec, ProtocolVersion::kV311, PacketType::kPubrec, 1);
  made->feed(pubrec);
  bench.run(false);
  EXPECT_EQ(made->take(), "") << "PUBREL waits";
  bench.run();
  EXPECT_EQ(made->take().size(), 4u);
}

TEST_F(SessionStoreTest, AJournalThatRefusesPromisesNothing) {
  TestClient sub = client("sub");
  sub.subscribe("a", 1);
  sub.read();
  bench.journal.append_error = Error{ErrorCode::kIoError, "no space left on device"};
  TestClient late = client("late");
  EXPECT_EQ(late.connack, "CONNACK(88)");
  sub.subscribe("b", 1);
  EXPECT_EQ(sub.read(), "SUBACK(1:128)");
  TestClient publisher(bench, "publisher");
  publisher.publish("a", "lost", 1, 1);
  EXPECT_EQ(publisher.read(), "");
  EXPECT_TRUE(publisher.closed());
  EXPECT_EQ(sub.read(), "");
  bench.journal.append_error.reset();
  EXPECT_EQ(bench.broker->status().queued_messages, 0u);
  publish("a", "kept");
  EXPECT_EQ(sub.read(), "PUBLISH(a=kept,q1,id1)");
}

TEST_F(SessionStoreTest, AFullJournalSlowsThePublisher) {
  TestClient sub = client("sub");
  sub.subscribe("a", 1);
  sub.read();
  TestClient publisher(bench, "publisher");
  // The sink has room, the sessions' record has not.
  bench.sink.lsn_without_append = true;
  bench.journal.append_error = Error{ErrorCode::kOverloaded, "full"};
  publisher.publish("a", "1", 1, 1);
  EXPECT_TRUE(publisher.connection->paused);
  EXPECT_EQ(sub.read(), "");
  bench.journal.append_error.reset();
  bench.advance(1);
  EXPECT_EQ(publisher.read(), "PUBACK(1)");
  EXPECT_EQ(sub.read(), "PUBLISH(a=1,q1,id1)");
  EXPECT_EQ(bench.sink.accepted.size(), 1u) << "stored once";
}

TEST_F(SessionStoreTest, ASessionEndsWhenItsTimeIsOverAlsoAcrossARestart) {
  {
    TestClient sub(bench, "sub", ProtocolVersion::kV5, expires_after(100));
    sub.subscribe("a", 1);
  }
  bench.advance(60);
  bench.restart();
  publish("a", "1");
  EXPECT_EQ(bench.broker->status().sessions, 1u);
  bench.advance(39);
  EXPECT_EQ(bench.broker->status().sessions, 1u);
  bench.advance(3);
  EXPECT_EQ(bench.broker->status().sessions, 0u);
  EXPECT_EQ(bench.broker->status().subscriptions, 0u);
  EXPECT_EQ(bench.broker->status().queued_messages, 0u);
  bench.restart();
  EXPECT_EQ(bench.broker->status().sessions, 0u);
}

TEST_F(SessionStoreTest, ASessionThatExpiredWhileTheProgramWasDownIsGone) {
  { TestClient sub(bench, "sub", ProtocolVersion::kV5, expires_after(100)); }
  checkpoint();
  bench.clock.advance_ns(101 * kNanosPerSecond);
  bench.restart();
  EXPECT_EQ(bench.broker->status().sessions, 0u);
  checkpoint();
  EXPECT_FALSE(bench.store->iterate("S", "T")->valid()) << "nor is anything left in the store";
}

TEST_F(SessionStoreTest, ADelayedWillSurvives) {
  {
    TestClient device(bench, "device", ProtocolVersion::kV5, [](mqtt::OutgoingConnect& connect) {
      expires_after(1000)(connect);
      mqtt::PropertyWriter properties;
      properties.u32(mqtt::PropertyId::kWillDelayInterval, 50);
      connect.will = mqtt::OutgoingWill{.topic = "gone", .payload = "device", .qos = 1, .properties = properties};
    });
    device.lose();
  }
  bench.advance(20);
  bench.restart();
  TestClient sub = client("sub");
  sub.subscribe("gone", 1);
  sub.read();
  bench.advance(29);
  EXPECT_EQ(sub.read(), "");
  bench.advance(3);
  EXPECT_EQ(sub.read(), "PUBLISH(gone=device,q1,id1)");
  sub.ack(PacketType::kPuback, 1);
  bench.restart();
  bench.advance(60);
  TestClient again = client("sub");
  EXPECT_EQ(again.connack, "CONNACK(00,present)") << "published once";
}

// Of clients that are connected when the program is killed.
class WillsOfTheKilledTest : public SessionStoreTest {
 protected:
  TestClient device(std::string id, ProtocolVersion version, uint32_t expiry_s, uint32_t delay_s = 0, uint8_t qos = 1) {
    return TestClient(bench, id, version, [=](mqtt::OutgoingConnect& connect) {
      if (version == ProtocolVersion::kV5) {
        expires_after(expiry_s)(connect);
      } else {
        connect.clean_start = expiry_s == 0;
      }
      mqtt::PropertyWriter properties;
      if (delay_s > 0) properties.u32(mqtt::PropertyId::kWillDelayInterval, delay_s);
      connect.will = mqtt::OutgoingWill{.topic = "gone", .payload = id, .qos = qos, .retain = true, .properties = properties};
    });
  }
  // What was stored of a run that was killed is nothing that happened.
  void kill() {
    const size_t before = bench.sink.accepted.size();
    const size_t records = bench.journal.records.size();
    bench.restart();
    ASSERT_GE(bench.journal.records.size(), records);
    auto& accepted = bench.sink.accepted;
    // Bench::restart() tells connections that they are lost, of whose wills the journal then knows nothing.
    size_t points = 0;
    for (size_t i = records; i < bench.journal.records.size(); ++i) points += bench.journal.records[i].first == journal::RecordType::kPoints;
    accepted.erase(accepted.begin() + static_cast<ptrdiff_t>(before), accepted.end() - static_cast<ptrdiff_t>(points));
  }
  std::string retained() const {
    const auto message = bench.retained->get("gone");
    return message ? message->payload : "";
  }
};

TEST_F(WillsOfTheKilledTest, ArePublishedOnceAtTheStart) {
  { client("sub").subscribe("gone", 1); }
  for (const bool with_checkpoint : {false, true}) {
    const std::string turn = with_checkpoint ? "2" : "1";
    const TestClient clean = device("clean" + turn, ProtocolVersion::kV311, 0), kept = device("kept" + turn, ProtocolVersion::kV311, 1),
                     brief = device("brief" + turn, ProtocolVersion::kV5, 0, 100);
    device("polite" + turn, ProtocolVersion::kV311, 0).disconnect();
    if (with_checkpoint) checkpoint();
    bench.sink.accepted.clear();
    kill();
    EXPECT_EQ(bench.sink.accepted, (std::vector<std::string>{"gone=clean" + turn, "gone=kept" + turn, "gone=brief" + turn}));
    EXPECT_EQ(retained(), "brief" + turn);
    EXPECT_EQ(bench.sessions->wills().size(), 0u);
    if (with_checkpoint) checkpoint();
    kill();
    EXPECT_EQ(bench.sink.accepted.size(), 3u) << "not again";
    TestClient sub = client("sub");
    EXPECT_EQ(sub.connack, "CONNACK(00,present) PUBLISH(gone=clean" + turn + ",q1,id1) PUBLISH(gone=kept" + turn + ",q1,id2) PUBLISH(gone=brief" + turn + ",q1,id3)");
    for (uint16_t id = 1; id <= 3; ++id) sub.ack(PacketType::kPuback, id);
  }
  checkpoint();
  EXPECT_FALSE(bench.store->iterate("Sw", "Sx")->valid()) << "no row is left";
}

TEST_F(WillsOfTheKilledTest, WaitForTheirDelayFromTheStartOn) {
  {
    const TestClient late = device("late", ProtocolVersion::kV5, 1000, 50), back = device("back", ProtocolVersion::kV5, 1000, 50),
                     ends = device("ends", ProtocolVersion::kV5, 20, 50);
    bench.advance(30);
    kill();
  }
  EXPECT_EQ(bench.sessions->wills().size(), 3u);
  {
    TestClient back(bench, "back", ProtocolVersion::kV5, expires_after(1000));
    EXPECT_EQ(back.connack, "CONNACK(00,present)");
    EXPECT_EQ(bench.sessions->wills().size(), 2u);
  }
  bench.sink.accepted.clear();
  bench.advance(18);
  EXPECT_EQ(bench.sink.accepted, std::vector<std::string>{});
  bench.advance(4);
  EXPECT_EQ(bench.sink.accepted, std::vector<std::string>{"gone=ends"}) << "with its session";
  bench.advance(26);
  EXPECT_EQ(bench.sink.accepted.size(), 1u);
  bench.advance(5);
  EXPECT_EQ(bench.sink.accepted, (std::vector<std::string>{"gone=ends", "gone=late"}));
  kill();
  bench.advance(200);
  EXPECT_EQ(bench.sink.accepted.size(), 2u);
  EXPECT_EQ(bench.sessions->wills().size(), 0u);
}

TEST_F(WillsOfTheKilledTest, OfAConnectionThatWasTakenOverIsThePresentOne) {
  const TestClient first = device("d", ProtocolVersion::kV5, 1000, 50);
  const TestClient second(bench, "d", ProtocolVersion::kV5, [](auto& connect) {
    expires_after(1000)(connect);
    connect.will = mqtt::OutgoingWill{.topic = "gone", .payload = "second"};
  });
  bench.sink.accepted.clear();
  kill();
  EXPECT_EQ(bench.sink.accepted, std::vector<std::string>{"gone=second"});
}

// One unit: the point, the retained message, what sessions keep of it, and that it is gone.
TEST_F(WillsOfTheKilledTest, IsStoredAndGoneInOneUnit) {
  { client("sub").subscribe("gone", 1); }
  {
    TestClient lost = device("lost", ProtocolVersion::kV311, 0);
    const size_t before = bench.journal.records.size();
    lost.lose();
    std::map<journal::Lsn, std::set<journal::RecordType>> units;
    for (size_t i = before; i < bench.journal.records.size(); ++i) units[bench.journal.lsns[i]].insert(bench.journal.records[i].first);
    ASSERT_EQ(units.size(), 1u);
    using enum journal::RecordType;
    EXPECT_EQ(units.begin()->second, (std::set{kPoints, kRetained, kSession}));
    EXPECT_EQ(bench.journal.records.size() - before, 4u);
  }
  // Of QoS 0 as well, which nobody keeps.
  TestClient lost = device("lost", ProtocolVersion::kV311, 0, 0, 0);
  const size_t before = bench.journal.records.size();
  lost.lose();
  EXPECT_EQ(bench.journal.records.size() - before, 3u);
  EXPECT_EQ(std::set(bench.journal.lsns.begin() + static_cast<ptrdiff_t>(before), bench.journal.lsns.end()).size(), 1u);
}

TEST_F(WillsOfTheKilledTest, AClientWithoutOneCostsNoRecord) {
  const size_t before = bench.journal.records.size();
  TestClient clean(bench, "clean");
  clean.disconnect();
  EXPECT_EQ(bench.journal.records.size(), before);
  TestClient kept = client("kept");
  EXPECT_EQ(bench.journal.records.size(), before + 1);
  TestClient both = device("both", ProtocolVersion::kV311, 1);
  EXPECT_EQ(bench.journal.records.size(), before + 3);
  EXPECT_EQ(bench.journal.lsns[before + 1], bench.journal.lsns[before + 2]) << "one unit";
}

TEST_F(WillsOfTheKilledTest, WaitForADiskThatTakesNothing) {
  TestClient device_1 = device("d1", ProtocolVersion::kV311, 0);
  bench.journal.append_error = Error{ErrorCode::kIoError, "no space left on device"};
  bench.sink.lsn_without_append = true;
  TestClient device_2 = device("d2", ProtocolVersion::kV311, 0);
  EXPECT_EQ(device_2.connack, "CONNACK(00)") << "its will is in memory alone";
  EXPECT_EQ(device("d3", ProtocolVersion::kV311, 1).connack, "CONNACK(88)") << "a session that is kept is not let in then, with a will or without";
  TestClient polite = device("polite", ProtocolVersion::kV311, 0);
  polite.disconnect();
  device_1.lose();
  bench.advance(3);
  EXPECT_EQ(bench.sessions->wills().size(), 2u);
  bench.journal.append_error.reset();
  bench.sink.lsn_without_append = false;
  bench.sink.accepted.clear();
  bench.advance(2);
  EXPECT_EQ(bench.sink.accepted, std::vector<std::string>{"gone=d1"});
  EXPECT_EQ(retained(), "d1");
  EXPECT_EQ(bench.sessions->wills().size(), 1u);
  bench.sink.accepted.clear();
  kill();
  EXPECT_EQ(bench.sink.accepted, std::vector<std::string>{"gone=d2"}) << "in the journal since the disk takes something again";
}

// A will that its client took back while the journal refused is not published by a restart.
TEST_F(WillsOfTheKilledTest, ThatWereTakenBackWhileTheDiskRefusedAreToldTheJournalLater) {
  TestClient polite = device("polite", ProtocolVersion::kV311, 0);
  bench.journal.append_error = Error{ErrorCode::kIoError, "no space left on device"};
  polite.disconnect();
  EXPECT_EQ(bench.sessions->wills().size(), 1u);
  bench.journal.append_error.reset();
  bench.advance(1);
  EXPECT_EQ(bench.sessions->wills().size(), 0u);
  bench.sink.accepted.clear();
  kill();
  EXPECT_EQ(bench.sink.accepted, std::vector<std::string>{});
}

TEST(WillBudget, AtTheLimitAClientWithAWillIsRefused) {
  Bench bench({.wills_bytes_max = 2'000});
  const auto with_will = [](auto& connect) { connect.will = mqtt::OutgoingWill{.topic = "gone", .payload = std::string_view("x")}; };
  const std::string large(1'500, 'x');
  const auto with_large = [&](auto& connect) { connect.will = mqtt::OutgoingWill{.topic = "gone", .payload = large}; };
  {
    const TestClient first(bench, "1", ProtocolVersion::kV5, with_large);
    EXPECT_EQ(first.connack, "CONNACK(00)");
    EXPECT_EQ(TestClient(bench, "2", ProtocolVersion::kV5, with_will).connack, "CONNACK(97)");
    EXPECT_EQ(TestClient(bench, "2", ProtocolVersion::kV311, with_will).connack, "CONNACK(88)");
    EXPECT_EQ(TestClient(bench, "2").connack, "CONNACK(00)") << "one without";
  }
  EXPECT_EQ(bench.sessions->wills().bytes(), 0u) << "all are published";
  EXPECT_EQ(TestClient(bench, "2", ProtocolVersion::kV5, with_will).connack, "CONNACK(00)");
}

TEST_F(SessionStoreTest, ACleanStartForgetsAcrossARestart) {
  {
    TestClient sub = client("sub");
    sub.subscribe("a", 1);
  }
  publish("a", "1");
  checkpoint();
  { TestClient clean(bench, "sub"); }
  bench.restart();
  TestClient sub = client("sub");
  EXPECT_EQ(sub.connack, "CONNACK(00)");
  EXPECT_EQ(sub.read(), "");
  checkpoint();
  bench.sessions->work();
  EXPECT_EQ(bench.broker->status().subscriptions, 0u);
}

TEST_F(SessionStoreTest, RetainedMessagesOnTheirWayAreKept) {
  {
    TestClient publisher(bench, "publisher");
    publisher.publish("r", "kept", 2, 1, true);
    TestClient sub = client("sub");
    sub.subscribe("r", 2);
    EXPECT_EQ(sub.read(), "SUBACK(1:2) PUBLISH(r=kept,q2,id1,retain)");
  }
  bench.restart();
  TestClient sub = client("sub");
  EXPECT_EQ(sub.connack, "CONNACK(00,present) PUBLISH(r=kept,q2,id1,dup,retain)");
}

class SpillTest : public SessionStoreTest {
 protected:
  SpillTest() {
    bench.options.queue_memory_bytes_max = 64 * 1024;
    bench.restart();
  }
  // The client is back; what it is sent lies in the connection.
  std::shared_ptr<FakeConnection> reconnect(std::string_view id) {
    net::EventLoop& loop = *bench.loops[0];
    auto made = std::make_shared<FakeConnection>(loop, bench.broker->make_handler(loop));
    bench.connections.push_back(made);
    made->open();
    std::string packet;
    mqtt::encode_connect(packet, {.version = ProtocolVersion::kV311, .clean_start = false, .keep_alive_s = 60, .client_id = id});
    made->feed(packet);
    return made;
  }
  // Everything that comes, acknowledged: the numbers.
  std::vector<std::string> drain(FakeConnection& connection, ProtocolVersion version = ProtocolVersion::kV311) {
    std::vector<std::string> payloads;
    for (int idle = 0; idle < 3;) {
      bench.run();
      const std::string bytes = connection.take();
      bench.run();
      idle = bytes.empty() ? idle + 1 : 0;
      for (std::string_view rest = bytes; !rest.empty();) {
        const auto frame = mqtt::next_frame(rest, SIZE_MAX);
        if (!frame || !*frame) return payloads;
        if ((*frame)->type == PacketType::kPublish) {
          const auto packet = mqtt::decode_publish(**frame, version, mqtt::Limits{});
          payloads.push_back(std::string(packet->payload.substr(0, packet->payload.find(' '))));
          std::string ack;
          mqtt::encode_ack(ack, version, PacketType::kPuback, packet->packet_id);
          connection.feed(ack);
        }
        rest.remove_prefix((*frame)->size);
      }
    }
    return payloads;
  }
  void publish_many(int first, int count) {
    TestClient publisher(bench, "publisher");
    for (int i = 0; i < count; ++i) publisher.publish("a", std::to_string(first + i) + " " + std::string(500, 'x'), 1, static_cast<uint16_t>(i + 1));
  }
  static std::vector<std::string> numbers(int first, int count) {
    std::vector<std::string> result;
    for (int i = 0; i < count; ++i) result.push_back(std::to_string(first + i));
    return result;
  }
};

TEST_F(SpillTest, WhatFindsNoRoomInMemoryWaitsOnDiskInOrder) {
  {
    TestClient sub = client("sub");
    sub.subscribe("a", 1);
  }
  for (int i = 0; i < 10; ++i) {
    publish_many(i * 100, 100);
    bench.sessions->work();
    EXPECT_LE(bench.broker->status().queued_memory_bytes, 64u * 1024);
  }
  EXPECT_EQ(bench.broker->status().queued_messages, 1000u);
  for (int restarts = 0; restarts < 3; ++restarts) {
    bench.restart();
    bench.sessions->work();
    EXPECT_EQ(bench.broker->status().queued_messages, 1000u);
    EXPECT_LE(bench.broker->status().queued_memory_bytes, 64u * 1024);
    if (restarts == 1) checkpoint();
  }
  publish_many(1000, 50);
  const auto sub = reconnect("sub");
  EXPECT_EQ(drain(*sub), numbers(0, 1050));
  EXPECT_EQ(bench.broker->status().queued_messages, 0u);
  EXPECT_EQ(bench.broker->status().queued_bytes, 0u);
  EXPECT_EQ(bench.broker->status().queued_memory_bytes, 0u);
  EXPECT_EQ(bench.broker->status().in_flight_bytes, 0u);
  checkpoint();
  EXPECT_FALSE(bench.store->iterate("Sm", "Sn")->valid()) << "no row is left";
  bench.restart();
  EXPECT_EQ(drain(*reconnect("sub")), numbers(0, 0));
}

TEST_F(SpillTest, ARestartInTheMiddleOfAQueueGoesOnWhereItWas) {
  {
    TestClient sub = client("sub");
    sub.subscribe("a", 1);
  }
  publish_many(0, 600);
  bench.sessions->work();
  std::vector<std::string> got;
  {
    TestClient sub(bench, "sub", ProtocolVersion::kV5, [](mqtt::OutgoingConnect& connect) {
      expires_after(1000)(connect);
      mqtt::PropertyWriter properties;
      properties.u32(mqtt::PropertyId::kSessionExpiryInterval, 1000);
      properties.u16(mqtt::PropertyId::kReceiveMaximum, 10);
      connect.properties = properties;
    });
    bench.sessions->work();
    bench.run();
    for (uint16_t id = 1; id <= 300; ++id) {
      sub.ack(PacketType::kPuback, id);
      bench.sessions->work();
    }
  }
  for (const bool with_checkpoint : {false, true}) {
    if (with_checkpoint) checkpoint();
    bench.restart();
    EXPECT_EQ(bench.broker->status().queued_messages, 290u) << "ten are in flight";
  }
  EXPECT_EQ(drain(*reconnect("sub")), numbers(300, 300));
}

TEST_F(SpillTest, ASlowConsumerThatIsNotKeptSpillsToo) {
  TestClient slow(bench, "slow", ProtocolVersion::kV5, [](mqtt::OutgoingConnect& connect) {
    mqtt::PropertyWriter properties;
    properties.u16(mqtt::PropertyId::kReceiveMaximum, 1);
    connect.properties = properties;
  });
  slow.subscribe("a", 1);
  TestClient fast(bench, "fast");
  fast.subscribe("a", 1);
  publish_many(0, 500);
  bench.sessions->work();
  EXPECT_LE(bench.broker->status().queued_memory_bytes, 64u * 1024);
  EXPECT_EQ(drain(*fast.connection).size(), 500u);
  EXPECT_TRUE(bench.store->iterate("Sm", "Sn")->valid());
  EXPECT_EQ(drain(*slow.connection, slow.version), numbers(0, 500));
  publish_many(500, 500);
  bench.sessions->work();
  bench.restart();
  EXPECT_FALSE(bench.store->iterate("Sm", "Sn")->valid()) << "nobody would ask for them";
}

TEST_F(SpillTest, ADiskThatRefusesLosesNothingAndMemoryStaysBounded) {
  auto faulty = std::make_unique<kv::FaultyStore>();
  kv::FaultyStore& disk = *faulty;
  bench.store = std::move(faulty);
  bench.restart();
  {
    TestClient sub = client("sub");
    sub.subscribe("a", 1);
  }
  disk.fail_writes({ErrorCode::kIoError, "no space left on device"}, 1);
  publish_many(0, 150);
  bench.sessions->work();
  EXPECT_FALSE(bench.sessions->checkpoint());
  EXPECT_TRUE(bench.sessions->failing());
  publish_many(150, 400);
  bench.sessions->work();
  const auto status = bench.broker->status();
  EXPECT_LE(status.queued_memory_bytes, 128u * 1024);
  EXPECT_EQ(status.queued_messages + status.dropped[static_cast<size_t>(DropReason::kQueuesFull)], 550u);
  disk.heal();
  bench.sessions->work();
  EXPECT_FALSE(bench.sessions->failing());
  EXPECT_LE(bench.broker->status().queued_memory_bytes, 64u * 1024);
  EXPECT_EQ(drain(*reconnect("sub")), numbers(0, static_cast<int>(status.queued_messages)));
}

TEST_F(SpillTest, WhatIsTooOldGoesFirst) {
  bench.options.queue_age_max_s = 60;
  bench.restart();
  {
    TestClient sub = client("sub");
    sub.subscribe("a", 1);
  }
  publish_many(0, 300);
  bench.sessions->work();
  bench.advance(40);
  publish_many(300, 20);
  bench.sessions->work();
  bench.advance(45);
  EXPECT_EQ(bench.broker->status().queued_messages, 20u);
  EXPECT_EQ(bench.broker->status().dropped[static_cast<size_t>(DropReason::kTooOld)], 300u);
  bench.restart();
  EXPECT_EQ(bench.broker->status().queued_messages, 20u);
}

TEST_F(SpillTest, TheLimitOfAllQueuesCountsWhatIsOnDisk) {
  bench.options.queues_bytes_max = 200 * 1024;
  bench.restart();
  for (const std::string id : {"one", "two"}) {
    TestClient sub = client(id);
    sub.subscribe("a", 1);
  }
  for (int i = 0; i < 5; ++i) {
    publish_many(i * 100, 100);
    bench.sessions->work();
  }
  const auto status = bench.broker->status();
  EXPECT_LE(status.queued_bytes, 200u * 1024);
  EXPECT_GT(status.queued_bytes, 190u * 1024);
  EXPECT_EQ(status.queued_messages + status.dropped[static_cast<size_t>(DropReason::kQueuesFull)], 1000u);
}

}  // namespace
}  // namespace campanile::broker
