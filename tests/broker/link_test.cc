// The broker's answers, packet by packet.
#include <set>

#include <gtest/gtest.h>

#include "broker/session.h"
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

TestClient::Change kept_for(uint32_t expiry_s) {
  return [expiry_s](mqtt::OutgoingConnect& connect) {
    connect.clean_start = false;
    if (connect.version == kV5) connect.properties.u32(PropertyId::kSessionExpiryInterval, expiry_s);
  };
}

TEST(Connect, IsAcceptedInEveryVersion) {
  Bench bench;
  for (const auto version : {ProtocolVersion::kV31, kV311, kV5}) EXPECT_EQ(TestClient(bench, "c", version).connack, "CONNACK(00)");
  EXPECT_EQ(bench.broker->status().connections_opened, 3u);
}

TEST(Connect, LoginIsChecked) {
  Bench bench;
  const auto login = [](std::string_view user, std::string_view password) {
    return [=](mqtt::OutgoingConnect& connect) {
      connect.user = user;
      connect.password = password;
    };
  };
  EXPECT_EQ(TestClient(bench, "c", kV311, login("u", "secret")).connack, "CONNACK(00)");
  TestClient wrong(bench, "c", kV311, login("u", "guess"));
  EXPECT_EQ(wrong.connack, "CONNACK(86)");
  EXPECT_TRUE(wrong.closed());
  EXPECT_EQ(TestClient(bench, "c", kV5, login("u", "guess")).connack, "CONNACK(86)");
  EXPECT_EQ(TestClient(bench, "c", kV5, login("banned", "secret")).connack, "CONNACK(87)");
  EXPECT_EQ(bench.broker->status().connections_refused, 3u);
  EXPECT_EQ(bench.broker->status().connections, 0u);
  EXPECT_EQ(bench.broker->status().sessions, 0u);
}

// [MQTT-3.1.3-6], [MQTT-3.1.3-8 of 3.1.1]
TEST(Connect, AnEmptyClientIdentifierIsReplaced) {
  Bench bench;
  EXPECT_EQ(TestClient(bench, "", kV311).connack, "CONNACK(00)");
  EXPECT_EQ(TestClient(bench, "", kV311, kept_for(1)).connack, "CONNACK(85)");
  TestClient v5(bench, "", kV5);
  EXPECT_EQ(v5.connack, "CONNACK(00)");
  TestClient another(bench, "", kV5);
  EXPECT_EQ(bench.broker->status().sessions, 2u);
}

TEST(Connect, TellsVersion5WhatIsAllowed) {
  BrokerOptions options;
  options.keep_alive_max_s = 30;
  options.session_expiry_max_s = 100;
  Bench bench(options);
  auto connection = std::make_shared<FakeConnection>(*bench.loops[0], bench.broker->make_handler(*bench.loops[0]));
  bench.connections.push_back(connection);
  connection->open();
  mqtt::OutgoingConnect connect{.version = kV5, .keep_alive_s = 60, .client_id = ""};
  connect.properties.u32(PropertyId::kSessionExpiryInterval, 1000);
  std::string packet;
  mqtt::encode_connect(packet, connect);
  connection->feed(packet);
  bench.run();
  const auto frame = mqtt::next_frame(connection->queue, SIZE_MAX);
  ASSERT_TRUE(frame && *frame);
  const auto connack = mqtt::decode_connack((*frame)->body, kV5);
  ASSERT_TRUE(connack);
  EXPECT_EQ(connack->properties.server_keep_alive_s, 30);
  EXPECT_EQ(connack->properties.session_expiry_s, 100u);
  EXPECT_EQ(connack->properties.receive_maximum, 1024);
  EXPECT_EQ(connack->properties.maximum_packet_size, 1u << 20);
  EXPECT_EQ(connack->properties.topic_alias_maximum, 64);
  EXPECT_TRUE(connack->properties.assigned_client_id.starts_with("campanile-"));
}

// [MQTT-3.1.4-3]
TEST(Connect, TakesOverFromAnEarlierConnection) {
  Bench bench;
  for (const size_t loop : {0, 1}) {
    TestClient first(bench, "same", kV5, kept_for(100), 0);
    first.subscribe("a", 1);
    first.read();
    TestClient second(bench, "same", kV5, kept_for(100), loop);
    EXPECT_EQ(second.connack, "CONNACK(00,present)");
    EXPECT_EQ(first.read(), "DISCONNECT(8E)");
    EXPECT_TRUE(first.closed());
    TestClient other(bench, "other");
    other.publish("a", "1", 0);
    EXPECT_EQ(second.read(), "PUBLISH(a=1)") << "the subscription has stayed";
    EXPECT_FALSE(second.closed());
    TestClient clean(bench, "same", kV5);
    EXPECT_EQ(clean.connack, "CONNACK(00)");
    EXPECT_EQ(second.read(), "DISCONNECT(8E)");
    other.publish("a", "2", 0);
    EXPECT_EQ(clean.read(), "");
  }
  EXPECT_EQ(bench.broker->status().subscriptions, 0u);
}

TEST(Connect, ACleanSessionIsNotResumedWhileItsConnectionLives) {
  Bench bench;
  TestClient first(bench, "same", kV311);
  first.subscribe("a", 1);
  TestClient second(bench, "same", kV311, kept_for(1));
  EXPECT_EQ(second.connack, "CONNACK(00)") << "no session present";
  EXPECT_TRUE(first.closed());
  EXPECT_EQ(bench.broker->status().subscriptions, 0u);
  EXPECT_EQ(bench.broker->status().sessions, 1u);
}

TEST(Connect, SessionsAreLimited) {
  BrokerOptions options;
  options.sessions_max = 1;
  Bench bench(options);
  TestClient first(bench, "one");
  EXPECT_EQ(TestClient(bench, "two").connack, "CONNACK(88)");
  EXPECT_EQ(TestClient(bench, "three", kV5).connack, "CONNACK(97)");
  EXPECT_EQ(TestClient(bench, "one").connack, "CONNACK(00)");
}

TEST(Ping, IsAnswered) {
  Bench bench;
  TestClient client(bench, "c");
  client.send("\xC0\x00"s);
  EXPECT_EQ(client.read(), "PINGRESP");
}

// [MQTT-3.1.2-22]
TEST(KeepAlive, ASilentClientIsClosedAfterOneAndAHalfTimes) {
  Bench bench;
  TestClient silent(bench, "silent", kV5, [](auto& connect) { connect.keep_alive_s = 10; });
  TestClient lively(bench, "lively", kV5, [](auto& connect) { connect.keep_alive_s = 10; });
  TestClient eternal(bench, "eternal", kV5, [](auto& connect) { connect.keep_alive_s = 0; });
  for (int i = 0; i < 14; ++i) {
    bench.advance(1);
    lively.send("\xC0\x00"s);
  }
  EXPECT_FALSE(silent.closed());
  for (int i = 0; i < 3; ++i) {
    bench.advance(1);
    lively.send("\xC0\x00"s);
  }
  EXPECT_TRUE(silent.closed());
  EXPECT_EQ(silent.read(), "DISCONNECT(8D)");
  EXPECT_FALSE(lively.closed());
  bench.advance(1000);
  EXPECT_FALSE(eternal.closed());
  EXPECT_TRUE(lively.closed());
}

TEST(KeepAlive, AConnectionWithoutConnectIsClosed) {
  Bench bench;
  auto connection = std::make_shared<FakeConnection>(*bench.loops[0], bench.broker->make_handler(*bench.loops[0]));
  bench.connections.push_back(connection);
  connection->open();
  EXPECT_EQ(bench.broker->status().connections, 1u);
  connection->feed("\x10");
  bench.advance(9);
  EXPECT_FALSE(connection->closing);
  bench.advance(3);
  EXPECT_TRUE(connection->closing);
  EXPECT_EQ(bench.broker->status().connections, 0u);
}

TEST(Publish, IsStoredWithItsSender) {
  Bench bench;
  TestClient client(bench, "neosensor-17", kV311, [](auto& connect) {
    connect.user = "u4";
    connect.password = "secret";
  });
  client.publish("u4/302/co2", "412", 1, 5);
  EXPECT_EQ(client.read(), "PUBACK(5)");
  EXPECT_EQ(bench.sink.accepted, std::vector<std::string>{"u4/302/co2=412"});
  EXPECT_EQ(bench.sink.users, std::vector<std::string>{"neosensor-17/u4"});
}

TEST(Publish, OfWhatMayBeLostIsAcknowledgedWhenItIsWritten) {
  Bench bench;
  TestClient client(bench, "c", kV5);
  const auto send = [&](uint16_t id, bool is_relaxed) {
    bench.sink.is_relaxed = is_relaxed;
    std::string packet;
    mqtt::encode_publish(packet, kV5, {.topic = "a", .payload = "1", .qos = 1, .packet_id = id});
    client.send_only(packet);
    bench.run(false);
  };
  send(1, true);
  EXPECT_EQ(client.connection->queue, "") << "it is not written yet";
  bench.journal.write();
  bench.run(false);
  EXPECT_EQ(client.read(), "PUBACK(1:10)");
  // Behind one that waits for the sync it waits as well [MQTT-4.6.0-2].
  send(2, false);
  send(3, true);
  bench.journal.write();
  bench.run(false);
  EXPECT_EQ(client.connection->queue, "");
  bench.run();
  EXPECT_EQ(client.read(), "PUBACK(2:10) PUBACK(3:10)");
  send(4, true);
  bench.journal.write();
  bench.run(false);
  EXPECT_EQ(client.read(), "PUBACK(4:10)");
}

TEST(Publish, IsAcknowledgedOnlyOnceItIsDurableAndInOrder) {
  Bench bench;
  TestClient client(bench, "c", kV5);
  std::string packets;
  mqtt::encode_publish(packets, kV5, {.topic = "a", .payload = "1", .qos = 1, .packet_id = 1});
  mqtt::encode_publish(packets, kV5, {.topic = "a", .payload = "2", .qos = 2, .packet_id = 2});
  mqtt::encode_publish(packets, kV5, {.topic = "a", .payload = "3", .qos = 1, .packet_id = 3});
  client.send_only(packets);
  bench.run(false);
  EXPECT_EQ(client.connection->queue, "");
  EXPECT_EQ(bench.sink.accepted.size(), 3u);
  bench.run();
  EXPECT_EQ(client.read(), "PUBACK(1:10) PUBREC(2:10) PUBACK(3:10)");  // [MQTT-4.6.0-2, 4.6.0-3]
  client.ack(PacketType::kPubrel, 2);
  EXPECT_EQ(client.read(), "PUBCOMP(2)");
}

TEST(Publish, SubscribersDoNotWaitForTheDisk) {
  Bench bench;
  TestClient sub(bench, "sub"), pub(bench, "pub");
  sub.subscribe("a");
  sub.read();
  std::string packet;
  mqtt::encode_publish(packet, kV311, {.topic = "a", .payload = "1", .qos = 1, .packet_id = 1});
  pub.send_only(packet);
  bench.run(false);
  EXPECT_NE(sub.connection->queue, "");
}

// [MQTT-4.3.3-10]
TEST(Publish, QoS2IsTakenOnce) {
  Bench bench;
  TestClient client(bench, "c", kV5, kept_for(1000));
  client.publish("a", "1", 2, 7);
  client.publish({.topic = "a", .payload = "1", .qos = 2, .duplicate = true, .packet_id = 7});
  EXPECT_EQ(client.read(), "PUBREC(7:10) PUBREC(7)");
  client.lose();
  TestClient again(bench, "c", kV5, kept_for(1000), 1);
  again.publish({.topic = "a", .payload = "1", .qos = 2, .duplicate = true, .packet_id = 7});
  EXPECT_EQ(again.read(), "PUBREC(7)");
  EXPECT_EQ(bench.sink.accepted.size(), 1u);
  again.ack(PacketType::kPubrel, 7);
  EXPECT_EQ(again.read(), "PUBCOMP(7)");
  again.ack(PacketType::kPubrel, 7);
  EXPECT_EQ(again.read(), "PUBCOMP(7:92)");
  again.publish("a", "2", 2, 7);
  EXPECT_EQ(again.read(), "PUBREC(7:10)");
  EXPECT_EQ(bench.sink.accepted.size(), 2u) << "the identifier is free again";
}

TEST(Publish, AFailedCommitIsNotAcknowledged) {
  Bench bench;
  TestClient v5(bench, "c", kV5);
  std::string packet;
  mqtt::encode_publish(packet, kV5, {.topic = "a", .payload = "1", .qos = 1, .packet_id = 1});
  v5.send_only(packet);
  bench.journal.fail_commit();
  bench.run(false);
  EXPECT_EQ(v5.read(), "DISCONNECT(83)");
  EXPECT_TRUE(v5.closed());
}

TEST(Publish, AnUnavailableStoreEndsTheConnection) {
  Bench bench;
  TestClient client(bench, "c");
  bench.sink.error = Error{ErrorCode::kIoError, "no space left on device"};
  client.publish("a", "1", 1, 1);
  EXPECT_EQ(client.read(), "");
  EXPECT_TRUE(client.closed());
}

TEST(Publish, AFullStoreSlowsTheSenderAndLosesNothing) {
  Bench bench;
  TestClient client(bench, "c"), sub(bench, "sub", kV311, [](auto& connect) { connect.keep_alive_s = 0; });
  sub.subscribe("#");
  sub.read();
  bench.sink.error = Error{ErrorCode::kOverloaded, "the journal is busy"};
  std::string packets;
  for (uint16_t id = 1; id <= 3; ++id) {
    mqtt::encode_publish(packets, kV311, {.topic = "a", .payload = std::to_string(id), .qos = 1, .retain = true, .packet_id = id});
  }
  client.send(packets);
  EXPECT_TRUE(client.connection->paused);
  const size_t records = bench.journal.records.size();
  bench.advance(200);
  EXPECT_FALSE(client.closed()) << "the broker's own silence is not the client's";
  EXPECT_EQ(bench.journal.records.size(), records) << "retrying writes nothing twice";
  EXPECT_EQ(client.read(), "");
  bench.sink.error.reset();
  bench.advance(1);
  EXPECT_EQ(client.read(), "PUBACK(1) PUBACK(2) PUBACK(3)");
  EXPECT_EQ(sub.read(), "PUBLISH(a=1) PUBLISH(a=2) PUBLISH(a=3)");
  EXPECT_EQ(bench.broker->status().messages_in, 3u);
}

TEST(Publish, UncommittedBytesOfAConnectionAreBounded) {
  BrokerOptions options;
  options.uncommitted_bytes_max = 1000;
  Bench bench(options);
  TestClient client(bench, "c");
  std::string packets;
  for (uint16_t id = 1; id <= 20; ++id) {
    mqtt::encode_publish(packets, kV311, {.topic = "a", .payload = std::string(200, 'x'), .qos = 1, .packet_id = id});
  }
  client.send_only(packets);
  bench.run(false);
  EXPECT_TRUE(client.connection->paused);
  EXPECT_LT(bench.sink.accepted.size(), 10u);
  bench.run();
  EXPECT_EQ(bench.sink.accepted.size(), 20u);
  EXPECT_FALSE(client.connection->paused);
  EXPECT_TRUE(client.read().ends_with("PUBACK(20)"));
}

TEST(Publish, TheBrokersOwnTopicsAreDenied) {
  Bench bench;
  TestClient sub(bench, "sub");
  sub.subscribe("$SYS/#");
  sub.read();
  TestClient v5(bench, "v5", kV5), v3(bench, "v3");
  v5.publish("$SYS/x", "1", 1, 1);
  v5.publish("$SYS/x", "1", 2, 2);
  v3.publish("$SYS/x", "1", 1, 1);
  EXPECT_EQ(v5.read(), "PUBACK(1:87) PUBREC(2:87)");
  EXPECT_EQ(v3.read(), "PUBACK(1)");
  EXPECT_EQ(sub.read(), "");
  EXPECT_TRUE(bench.sink.accepted.empty());
  v5.publish("$SYSTEM", "1", 1, 3);
  EXPECT_EQ(v5.read(), "PUBACK(3:10)");
}

TEST(Publish, MalformedPacketsEndTheirConnectionOnly) {
  Bench bench;
  TestClient good(bench, "good"), bad(bench, "bad", kV5);
  bad.send("\x30\x04\x00\x01#\x00"s);
  EXPECT_EQ(bad.read(), "DISCONNECT(90)");
  EXPECT_TRUE(bad.closed());
  good.publish("a", "1", 1, 1);
  EXPECT_EQ(good.read(), "PUBACK(1)");
  EXPECT_EQ(bench.broker->status().violations, 1u);
}

// [MQTT-3.14.4-1]
TEST(Publish, NothingIsAcknowledgedBehindADisconnect) {
  Bench bench;
  TestClient client(bench, "c", kV5);
  std::string packets;
  mqtt::encode_publish(packets, kV5, {.topic = "$SYS/x", .payload = "1", .qos = 1, .packet_id = 1});  // waits for no disk
  client.send(packets + "\x30\x04\x00\x01#\x00"s);
  EXPECT_EQ(client.read(), "DISCONNECT(90)");
}

TEST(Publish, MessagesThatComeTogetherHaveTimesOfTheirOwn) {
  Bench bench;
  TestClient client(bench, "c");
  std::string packets;
  for (const auto* payload : {"1", "2", "3"}) mqtt::encode_publish(packets, kV311, {.topic = "u4/302/temperature", .payload = payload});
  client.send(packets);
  ASSERT_EQ(bench.sink.times_ns.size(), 3u);
  EXPECT_LT(bench.sink.times_ns[0], bench.sink.times_ns[1]);
  EXPECT_LT(bench.sink.times_ns[1], bench.sink.times_ns[2]);
}

// The clock of the test stands still, and both loops read the same.
TEST(Publish, MessagesOfSeveralConnectionsAndLoopsHaveTimesOfTheirOwn) {
  Bench bench;
  TestClient a(bench, "a", kV311, {}, 0);
  TestClient b(bench, "b", kV311, {}, 0);
  TestClient c(bench, "c", kV311, {}, 1);
  std::string packets;
  for (const auto* payload : {"1", "2", "3"}) mqtt::encode_publish(packets, kV311, {.topic = "u4/302/temperature", .payload = payload});
  for (TestClient* client : {&a, &b, &c}) client->send(packets);
  ASSERT_EQ(bench.sink.times_ns.size(), 9u);
  const std::set<int64_t> different(bench.sink.times_ns.begin(), bench.sink.times_ns.end());
  EXPECT_EQ(different.size(), 9u);
}

TEST(Publish, APacketThatDripsIsEndedEvenWithoutKeepAlive) {
  BrokerOptions options;
  options.protocol.packet_timeout_s = 20;
  Bench bench(options);
  TestClient client(bench, "c", kV5, [](mqtt::OutgoingConnect& connect) { connect.keep_alive_s = 0; });
  bench.advance(1000);
  EXPECT_FALSE(client.closed());
  client.send("\x30\x05\x00"s);
  bench.advance(10);
  client.send("\x01"s);
  bench.advance(60);
  EXPECT_EQ(client.read(), "DISCONNECT(97)");
  EXPECT_TRUE(client.closed());
}

// The first bytes of a PUBLISH that says it has `size` of them.
std::string begun(size_t size, size_t sent) {
  std::string whole;
  const std::string payload(size, 'x');
  mqtt::encode_publish(whole, kV5, {.topic = "large", .payload = payload});
  return whole.substr(0, sent);
}

double metric(const Bench& bench, std::string_view name) {
  const std::string all = "\n" + bench.metrics.render();
  const size_t at = all.find("\n" + std::string(name) + " ");
  EXPECT_NE(at, std::string::npos) << name;
  return at == std::string::npos ? -1 : std::stod(all.substr(at + name.size() + 2));
}

TEST(InputMemory, PacketsThatAreBegunCannotTakeMoreThanThereIs) {
  BrokerOptions options;
  options.protocol.limits.packet_bytes_max = 1 << 20;
  options.input_memory_bytes_max = 4 << 20;
  Bench bench(options);
  TestClient small(bench, "small", kV5), reader(bench, "reader", kV5);
  reader.subscribe("#");
  reader.read();
  std::vector<std::unique_ptr<TestClient>> crowd;
  for (int i = 0; i < 40; ++i) crowd.push_back(std::make_unique<TestClient>(bench, "crowd-" + std::to_string(i), kV5));
  const std::string large = begun(1'000'000, 900'000);
  constexpr size_t kPortion = 60'000;
  for (size_t at = 0; at < large.size(); at += kPortion) {
    for (auto& one : crowd) {
      if (!one->closed()) one->send(std::string_view(large).substr(at, kPortion));
    }
    EXPECT_LE(metric(bench, "campanile_broker_input_bytes"), 4 << 20);
    small.publish("small", std::to_string(at), 0);
    EXPECT_EQ(reader.read(), "PUBLISH(small=" + std::to_string(at) + ")");
    small.publish("small", std::string(12'000, 'x'), 0);
    EXPECT_EQ(reader.read(), "PUBLISH(small=12000B)");
  }
  size_t ended = 0;
  for (auto& one : crowd) {
    if (!one->closed()) continue;
    ++ended;
    EXPECT_EQ(one->read(), "DISCONNECT(97)");
  }
  EXPECT_GT(ended, 30u);
  EXPECT_LT(ended, 40u) << "there is room for some";
  EXPECT_EQ(metric(bench, "campanile_broker_connections_cut_total{reason=\"input_memory\"}"), ended);
  const std::string rest = begun(1'000'000, 2'000'000).substr(large.size());
  for (auto& one : crowd) {
    if (!one->closed()) one->send(rest);
  }
  EXPECT_EQ(metric(bench, "campanile_broker_input_bytes"), 0);
  EXPECT_NE(reader.read().find("PUBLISH(large=1000000B)"), std::string::npos);
}

TEST(InputMemory, IsGivenBackByWhoeverLeavesAndNeverTooLittleForOnePacket) {
  BrokerOptions options;
  options.input_memory_bytes_max = 1 << 20;
  options.protocol.limits.packet_bytes_max = 8 << 20;
  Bench bench(options);
  for (int i = 0; i < 3; ++i) {
    TestClient client(bench, "c", kV5);
    client.send(begun(7'000'000, 6'900'000));
    EXPECT_FALSE(client.closed());
    EXPECT_EQ(metric(bench, "campanile_broker_input_bytes"), 8 << 20);
    client.lose();
    EXPECT_EQ(metric(bench, "campanile_broker_input_bytes"), 0);
  }
  TestClient stranger(bench, "s", kV5);
  stranger.send(begun(7'000'000, 6'900'000));
  TestClient another(bench, "t", kV311);
  another.send(begun(7'000'000, 6'900'000));
  EXPECT_TRUE(another.closed()) << "nothing is said to version 3";
}

TEST(InFlight, IsCounted) {
  BrokerOptions options;
  options.system_interval_s = 10;
  Bench bench(options);
  TestClient keeper(bench, "keeper", kV5, kept_for(1000)), passer(bench, "passer", kV5), pub(bench, "pub");
  for (TestClient* one : {&keeper, &passer}) one->subscribe("a", 2);
  pub.publish("a", "1", 1, 1);
  pub.publish("a", "2", 2, 2);
  EXPECT_EQ(metric(bench, "campanile_broker_in_flight_messages"), 4);
  keeper.ack(PacketType::kPuback, 1);
  keeper.ack(PacketType::kPubrec, 2);
  EXPECT_EQ(metric(bench, "campanile_broker_in_flight_messages"), 3);
  passer.lose();
  EXPECT_EQ(metric(bench, "campanile_broker_in_flight_messages"), 1) << "its session has ended";
  bench.restart();
  const auto told = [&] {
    bench.advance(11);
    return bench.retained->get("$SYS/broker/messages/inflight")->payload;
  };
  EXPECT_EQ(told(), "1") << "kept over a restart";
  TestClient back(bench, "keeper", kV5, kept_for(1000));
  back.ack(PacketType::kPubcomp, 2);
  EXPECT_EQ(told(), "0");
}

TEST(Subscribe, GrantsAndRefuses) {
  BrokerOptions options;
  options.subscriptions_per_session_max = 3;
  Bench bench(options);
  TestClient v5(bench, "v5", kV5), v3(bench, "v3");
  const mqtt::SubscribeEntry entries[] = {{.filter = "a/#", .qos = 0}, {.filter = "b/+", .qos = 2}, {.filter = "c#", .qos = 1},
                                          {.filter = "$share/x", .qos = 1}, {.filter = "$share/g/d", .qos = 1}, {.filter = "e", .qos = 1}};
  std::string packet;
  mqtt::encode_subscribe(packet, kV5, 9, entries);
  v5.send(packet);
  EXPECT_EQ(v5.read(), "SUBACK(9:0:2:143:143:1:151)");
  packet.clear();
  mqtt::encode_subscribe(packet, kV311, 9, entries);
  v3.send(packet);
  EXPECT_EQ(v3.read(), "SUBACK(9:0:2:128:128:1:128)");
  EXPECT_EQ(bench.broker->status().subscriptions, 6u);
}

// [MQTT-3.8.3-4]
TEST(Subscribe, NoLocalOnASharedSubscriptionIsAnError) {
  Bench bench;
  TestClient client(bench, "c", kV5);
  client.subscribe({.filter = "$share/g/a", .no_local = true});
  EXPECT_EQ(client.read(), "DISCONNECT(82)");
}

TEST(Unsubscribe, EndsDelivery) {
  Bench bench;
  TestClient client(bench, "c", kV5);
  client.subscribe("a");
  client.unsubscribe("a");
  client.unsubscribe("a");
  EXPECT_EQ(client.read(), "SUBACK(1:0) UNSUBACK(1:0) UNSUBACK(1:17)");
  client.publish("a", "1");
  EXPECT_EQ(client.read(), "");
  EXPECT_EQ(bench.broker->status().subscriptions, 0u);
}

TEST(Disconnect, EndsASessionWithoutExpiry) {
  Bench bench;
  TestClient client(bench, "c", kV5);
  client.subscribe("a");
  EXPECT_EQ(bench.broker->status().sessions, 1u);
  client.disconnect();
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(bench.broker->status().sessions, 0u);
  EXPECT_EQ(bench.broker->status().subscriptions, 0u);
  EXPECT_EQ(bench.broker->status().connections, 0u);
}

// [MQTT-3.14.2-2]
TEST(Disconnect, MayShortenTheExpiryButNotMakeOne) {
  Bench bench;
  mqtt::PropertyWriter properties;
  properties.u32(PropertyId::kSessionExpiryInterval, 0);
  std::string packet;
  mqtt::encode_disconnect(packet, kV5, ReasonCode::kSuccess, properties);
  TestClient client(bench, "c", kV5, kept_for(1000));
  client.send(packet);
  EXPECT_EQ(bench.broker->status().sessions, 0u);

  mqtt::PropertyWriter longer;
  longer.u32(PropertyId::kSessionExpiryInterval, 5);
  packet.clear();
  mqtt::encode_disconnect(packet, kV5, ReasonCode::kSuccess, longer);
  TestClient without(bench, "d", kV5);
  without.send(packet);
  EXPECT_EQ(without.read(), "DISCONNECT(82)");
  EXPECT_EQ(bench.broker->status().sessions, 0u);
}

TEST(ShutDown, TellsTheClients) {
  Bench bench;
  TestClient v5(bench, "v5", kV5), v3(bench, "v3", kV311, {}, 1);
  bench.broker->shut_down();
  bench.run();
  EXPECT_EQ(v5.read(), "DISCONNECT(8B)");
  EXPECT_TRUE(v5.closed() && v3.closed());
  EXPECT_EQ(TestClient(bench, "late", kV5).connack, "CONNACK(8B)");
}

TEST(PublishLocal, ReachesSubscribersAndIsRetained) {
  Bench bench;
  TestClient sub(bench, "sub", kV311, {}, 1);
  sub.subscribe("$SYS/#");
  sub.read();
  ASSERT_TRUE(bench.broker->publish_local("$SYS/uptime", "12", 0, true));
  bench.run();
  EXPECT_EQ(sub.read(), "PUBLISH($SYS/uptime=12)");
  EXPECT_TRUE(bench.sink.accepted.empty());
  EXPECT_EQ(bench.broker->status().retained_messages, 1u);
  EXPECT_EQ(bench.broker->publish_local("a/#", "", 0, false).error().code, ErrorCode::kInvalidArgument);
}

TEST(Memory, AnIdleLinkIsSmall) {
  // What one idle connection costs in the broker; net counts its own.
  EXPECT_LE(sizeof(Session), 400u);
}

}  // namespace
}  // namespace campanile::broker
