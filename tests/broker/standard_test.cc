// What both standards ask of a server beyond one packet: agreements of CONNECT, request and response, bridges, limits of the client.
#include <gtest/gtest.h>

#include "fakes.h"

namespace campanile::broker {
namespace {

using namespace std::string_literals;
using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::ProtocolVersion;
using mqtt::ReasonCode;

constexpr auto kV31 = ProtocolVersion::kV31;
constexpr auto kV311 = ProtocolVersion::kV311;
constexpr auto kV5 = ProtocolVersion::kV5;

void keep_session(mqtt::OutgoingConnect& connect) {
  connect.clean_start = false;
  if (connect.version == kV5) connect.properties.u32(PropertyId::kSessionExpiryInterval, 1000);
}

// What CONNACK says, as bytes, to a client that sends `connect`.
std::string connack_of(Bench& bench, const mqtt::OutgoingConnect& connect) {
  auto connection = std::make_shared<FakeConnection>(*bench.loops[0], bench.broker->make_handler(*bench.loops[0]));
  bench.connections.push_back(connection);
  connection->open();
  std::string packet;
  mqtt::encode_connect(packet, connect);
  connection->feed(packet);
  bench.run();
  const std::string answer = connection->take();
  connection->lose("done");
  bench.run();
  return answer;
}

mqtt::Properties properties_of(const std::string& connack) {
  const auto frame = mqtt::next_frame(connack, SIZE_MAX);
  EXPECT_TRUE(frame && *frame);
  const auto packet = mqtt::decode_connack((*frame)->body, kV5);
  EXPECT_TRUE(packet);
  return packet ? packet->properties : mqtt::Properties{};
}

// [MQTT-3.1.2-28]
TEST(RequestResponse, InformationIsGivenToThoseWhoAsk) {
  Bench bench;
  EXPECT_FALSE(properties_of(connack_of(bench, {.version = kV5, .client_id = "quiet"})).has(PropertyId::kResponseInformation));
  mqtt::OutgoingConnect asks{.version = kV5, .client_id = "asks"};
  asks.properties.u8(PropertyId::kRequestResponseInformation, 1);
  std::string connack = connack_of(bench, asks);
  EXPECT_EQ(properties_of(connack).response_information, "responses/asks/");
  asks.client_id = "a+b";
  connack = connack_of(bench, asks);
  EXPECT_FALSE(properties_of(connack).has(PropertyId::kResponseInformation)) << "no topic can hold that name";
  mqtt::OutgoingConnect declines{.version = kV5, .client_id = "declines"};
  declines.properties.u8(PropertyId::kRequestResponseInformation, 0);
  EXPECT_FALSE(properties_of(connack_of(bench, declines)).has(PropertyId::kResponseInformation));
}

TEST(RequestResponse, TheSettingTurnsItOff) {
  BrokerOptions options;
  options.response_topics.clear();
  Bench bench(options);
  mqtt::OutgoingConnect asks{.version = kV5, .client_id = "asks"};
  asks.properties.u8(PropertyId::kRequestResponseInformation, 1);
  EXPECT_FALSE(properties_of(connack_of(bench, asks)).has(PropertyId::kResponseInformation));
}

// [MQTT-3.3.2-15], [MQTT-3.3.2-16]: a question and its answer.
TEST(RequestResponse, TopicAndCorrelationReachTheResponder) {
  Bench bench;
  TestClient asks(bench, "asks", kV5), answers(bench, "answers", kV5);
  asks.subscribe("responses/asks/#", 1);
  answers.subscribe("light/set", 1);
  asks.read(), answers.read();
  mqtt::PropertyWriter question;
  question.string(PropertyId::kResponseTopic, "responses/asks/1");
  question.string(PropertyId::kCorrelationData, "\x00\xFFkey"s);
  asks.publish({.topic = "light/set", .payload = "on", .qos = 1, .packet_id = 1, .properties = question.bytes()});
  const std::string sent = answers.connection->take();
  const auto frame = mqtt::next_frame(sent, SIZE_MAX);
  ASSERT_TRUE(frame && *frame);
  const auto packet = mqtt::decode_publish(**frame, kV5, {});
  ASSERT_TRUE(packet);
  const auto properties = mqtt::decode_properties(packet->properties, mqtt::PropertyOwner::kPublish);
  ASSERT_TRUE(properties);
  EXPECT_EQ(properties->response_topic, "responses/asks/1");
  EXPECT_EQ(properties->correlation_data, "\x00\xFFkey"s);
}

// [MQTT-3.1.2-29]: who wants no words about problems gets codes alone, but with the two packets that may always have them.
TEST(ProblemInformation, IsInConnackAndDisconnectOnly) {
  Bench bench;
  mqtt::OutgoingConnect connect{.version = kV5, .client_id = "c", .user = "u", .password = "wrong"};
  connect.properties.u8(PropertyId::kRequestProblemInformation, 0);
  EXPECT_FALSE(properties_of(connack_of(bench, connect)).reason_string.empty());
  TestClient client(bench, "c", kV5, [](auto& change) { change.properties.u8(PropertyId::kRequestProblemInformation, 0); });
  std::string packets;
  const mqtt::SubscribeEntry entry{.filter = "a#"};
  const std::string_view filter = "b";
  mqtt::encode_subscribe(packets, kV5, 1, {&entry, 1});
  mqtt::encode_unsubscribe(packets, kV5, 2, {&filter, 1});
  mqtt::encode_publish(packets, kV5, {.topic = "$SYS/x", .payload = "", .qos = 1, .packet_id = 3});
  mqtt::encode_publish(packets, kV5, {.topic = "$SYS/x", .payload = "", .qos = 2, .packet_id = 4});
  mqtt::encode_ack(packets, kV5, PacketType::kPubrel, 5);
  mqtt::encode_ack(packets, kV5, PacketType::kPubrec, 6);
  client.send(packets);
  // Each has a reason code other than success, and nothing behind it.
  EXPECT_EQ(client.connection->take(),
            "\x90\x04\x00\x01\x00\x8F\xB0\x04\x00\x02\x00\x11\x70\x03\x00\x05\x92\x40\x03\x00\x03\x87\x50\x03\x00\x04\x87\x62\x03\x00\x06\x92"s);
  client.send("\xC1\x00"s);
  const std::string end = client.connection->take();
  EXPECT_TRUE(end.starts_with("\xE0")) << testing::PrintToString(end);
  EXPECT_EQ(end[2], '\x81');
}

// [MQTT-3.1.2-24]: not even CONNACK may be larger than the client takes.
TEST(MaximumPacketSize, AConnackThatDoesNotFitRefusesTheClient) {
  Bench bench;
  for (uint32_t size = 1; size < 40; ++size) {
    mqtt::OutgoingConnect connect{.version = kV5, .client_id = "small"};
    connect.properties.u32(PropertyId::kMaximumPacketSize, size);
    const std::string connack = connack_of(bench, connect);
    EXPECT_LE(connack.size(), size);
    if (size < 5) {
      EXPECT_TRUE(connack.empty()) << size;
    } else {
      ASSERT_GE(connack.size(), 5u) << size;
      EXPECT_EQ(connack[3], size < 16 ? '\x95' : '\x00') << size;
    }
  }
  EXPECT_EQ(bench.broker->status().sessions, 0u);
}

// [MQTT-3.1.2-24]: the client would wait for an answer that cannot be sent.
TEST(MaximumPacketSize, AnAnswerThatDoesNotFitEndsTheConnection) {
  Bench bench;
  const auto small = [](auto& connect) { connect.properties.u32(PropertyId::kMaximumPacketSize, 30); };
  for (const size_t count : {20u, 40u}) {
    TestClient client(bench, "small", kV5, small);
    std::vector<mqtt::SubscribeEntry> entries(count, {.filter = "a"});
    std::string packet;
    mqtt::encode_subscribe(packet, kV5, 7, entries);
    client.send(packet);
    const std::string answer = client.read();
    if (count == 20) {
      EXPECT_TRUE(answer.starts_with("SUBACK(7:0:0")) << answer;
    } else {
      EXPECT_EQ(answer, "DISCONNECT(95)");
      EXPECT_EQ(bench.broker->status().subscriptions, 0u) << "nothing was done of it";
    }
  }
  TestClient client(bench, "small", kV5, small);
  const std::vector<std::string_view> filters(40, "a");
  std::string packet;
  mqtt::encode_unsubscribe(packet, kV5, 7, filters);
  client.send(packet);
  EXPECT_EQ(client.read(), "DISCONNECT(95)");
}

// [3.4.2.1], [3.5.2.1]
TEST(Publish, TellsVersion5WhereNobodySubscribes) {
  Bench bench;
  TestClient v5(bench, "v5", kV5), old(bench, "old"), sub(bench, "sub");
  sub.subscribe("wanted/#");
  v5.publish("a", "1", 1, 1);
  v5.publish("a", "2", 2, 2);
  v5.publish("wanted", "3", 1, 3);
  EXPECT_EQ(v5.read(), "PUBACK(1:10) PUBREC(2:10) PUBACK(3)");
  v5.ack(PacketType::kPubrel, 2);
  EXPECT_EQ(v5.read(), "PUBCOMP(2)");
  old.publish("a", "4", 1, 1);
  EXPECT_EQ(old.read(), "PUBACK(1)");
}

// A bridge of another broker says so in the protocol level: what it sends does not come back, and retained messages stay such.
TEST(Bridge, OfVersion3GetsNothingOfItsOwnAndTheRetainFlag) {
  Bench bench;
  for (const auto version : {kV31, kV311}) {
    TestClient bridge(bench, "bridge", version, [](auto& connect) { connect.bridge = true; });
    EXPECT_EQ(bridge.connack, "CONNACK(00)");
    bridge.subscribe("#", 1);
    bridge.read();
    bridge.publish("a", "own");
    TestClient pub(bench, "pub");
    pub.publish("b", "other", 0, 0, true);
    EXPECT_EQ(bridge.read(), "PUBLISH(b=other,retain)");
    pub.publish("b", "", 0, 0, true);
  }
}

// [MQTT-3.8.3-3]: the same client identifier, whatever became of the connection.
TEST(Wills, DoNotComeBackToTheirClientWhereItWantsNothingOfItsOwn) {
  Bench bench;
  const auto with_will = [](auto& connect) {
    keep_session(connect);
    connect.will = mqtt::OutgoingWill{.topic = "gone", .payload = "x"};
  };
  TestClient first(bench, "c", kV5, with_will);
  first.subscribe(mqtt::SubscribeEntry{.filter = "gone", .no_local = true});
  TestClient watch(bench, "watch");
  watch.subscribe("gone");
  watch.read();
  TestClient second(bench, "c", kV5, keep_session);
  EXPECT_EQ(watch.read(), "PUBLISH(gone=x)");
  EXPECT_EQ(second.read(), "");
}

}  // namespace
}  // namespace campanile::broker
