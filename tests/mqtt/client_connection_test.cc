#include "mqtt/client_connection.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "mqtt/decode.h"
#include "mqtt/encode.h"

namespace campanile::mqtt {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

class Recorder : public ClientHandler {
 public:
  void on_connected(const ConnectResult& result) override { told += "connected(" + result.client_id + (result.session_present ? ",present) " : ") "); }
  void on_message(const IncomingMessage& message) override { told += "message(" + std::string(message.topic) + "=" + std::string(message.payload) + ") "; }
  void on_failed(ReasonCode reason, const Error& error) override {
    told += "failed(" + to_string(reason) + ") ";
    code = error.code;
  }
  std::string take() { return std::exchange(told, {}); }
  std::string told;
  ErrorCode code{};
};

class ClientConnectionTest : public testing::Test {
 protected:
  void start(ClientOptions options, std::string_view connack = "\x20\x02\x00\x00"sv) {
    client = std::make_unique<ClientConnection>(std::move(options), recorder);
    client->start(0);
    client->take_output();
    client->receive(connack, 0);
  }
  ClientConnection::PublishCallback note(std::string name) {
    return [this, name](const PublishResult& result) { recorder.told += name + "(" + to_string(result.reason) + ") "; };
  }
  Recorder recorder;
  std::unique_ptr<ClientConnection> client;
};

TEST_F(ClientConnectionTest, SendsConnectAndTakesConnack) {
  client = std::make_unique<ClientConnection>(ClientOptions{.client_id = "me", .user = "u", .password = "p"}, recorder);
  client->start(0);
  EXPECT_EQ(client->take_output(), "\x10\x14\x00\x04MQTT\x04\xC2\x00\x3C\x00\x02me\x00\x01u\x00\x01p"sv);
  EXPECT_FALSE(client->connected());
  EXPECT_EQ(client->receive("\x20\x02\x00"sv, 0), 0u);
  EXPECT_EQ(client->receive("\x20\x02\x00\x00"sv, 0), 4u);
  EXPECT_TRUE(client->connected());
  EXPECT_EQ(recorder.told, "connected(me) ");
}

TEST_F(ClientConnectionTest, ARefusalFailsWithItsReason) {
  start({.client_id = "me"}, "\x20\x02\x00\x05"sv);
  EXPECT_EQ(recorder.told, "failed(not authorized) ");
  EXPECT_EQ(recorder.code, ErrorCode::kPermissionDenied);
  EXPECT_FALSE(client->connected());
}

TEST_F(ClientConnectionTest, OptionsThatConnectCannotCarryFailAtOnce) {
  start({.clean_start = false});
  EXPECT_EQ(recorder.take(), "failed(malformed packet) ");
  start({.client_id = std::string(70000, 'x')});
  EXPECT_EQ(recorder.take(), "failed(malformed packet) ");
  start({.client_id = "a", .will = ClientWill{.topic = "#"}});
  EXPECT_EQ(recorder.take(), "failed(malformed packet) ");
}

TEST_F(ClientConnectionTest, QoS0IsDoneAtOnce) {
  start({.client_id = "me"});
  recorder.take();
  ASSERT_TRUE(client->publish({.topic = "a", .payload = "1"}, note("done")));
  EXPECT_EQ(client->take_output(), "\x30\x04\x00\x01" "a1"sv);
  EXPECT_EQ(recorder.told, "done(success) ");
}

TEST_F(ClientConnectionTest, QoS1IsDoneWithPuback) {
  start({.client_id = "me"});
  recorder.take();
  ASSERT_TRUE(client->publish({.topic = "a", .payload = "1", .qos = 1, .retain = true}, note("done")));
  EXPECT_EQ(client->take_output(), "\x33\x06\x00\x01" "a\x00\x01" "1"sv);
  EXPECT_EQ(client->in_flight(), 1u);
  client->receive("\x40\x02\x00\x02"sv, 0);  // not ours: ignored
  EXPECT_EQ(recorder.told, "");
  client->receive("\x40\x02\x00\x01"sv, 0);
  EXPECT_EQ(recorder.told, "done(success) ");
  EXPECT_EQ(client->in_flight(), 0u);
}

TEST_F(ClientConnectionTest, QoS2IsDoneWithPubcomp) {
  start({.client_id = "me"});
  recorder.take();
  ASSERT_TRUE(client->publish({.topic = "a", .payload = "1", .qos = 2}, note("done")));
  client->take_output();
  client->receive("\x50\x02\x00\x01"sv, 0);
  EXPECT_EQ(client->take_output(), "\x62\x02\x00\x01"sv);
  EXPECT_EQ(recorder.told, "");
  client->receive("\x70\x02\x00\x01"sv, 0);
  EXPECT_EQ(recorder.told, "done(success) ");
}

TEST_F(ClientConnectionTest, AnErrorInTheAcknowledgementIsToldAndEndsIt) {
  start({.version = ProtocolVersion::kV5, .client_id = "me"}, "\x20\x03\x00\x00\x00"sv);
  recorder.take();
  ASSERT_TRUE(client->publish({.topic = "a", .payload = "1", .qos = 2}, note("done")));
  client->take_output();
  client->receive("\x50\x03\x00\x01\x87"sv, 0);
  EXPECT_EQ(recorder.told, "done(not authorized) ");
  EXPECT_FALSE(client->has_output()) << "no PUBREL after an error";
}

TEST_F(ClientConnectionTest, IncomingMessagesAreAcknowledged) {
  start({.client_id = "me"});
  recorder.take();
  client->receive("\x30\x04\x00\x01" "a0"sv, 0);
  EXPECT_FALSE(client->has_output());
  client->receive("\x32\x06\x00\x01" "a\x00\x05" "1"sv, 0);
  EXPECT_EQ(client->take_output(), "\x40\x02\x00\x05"sv);
  client->receive("\x34\x06\x00\x01" "a\x00\x06" "2"sv, 0);
  EXPECT_EQ(client->take_output(), "\x50\x02\x00\x06"sv);
  client->receive("\x3C\x06\x00\x01" "a\x00\x06" "2"sv, 0);  // [MQTT-4.3.3-10]: the same again
  EXPECT_EQ(client->take_output(), "\x50\x02\x00\x06"sv);
  client->receive("\x62\x02\x00\x06"sv, 0);
  EXPECT_EQ(client->take_output(), "\x70\x02\x00\x06"sv);
  client->receive("\x34\x06\x00\x01" "a\x00\x06" "3"sv, 0);  // the identifier is free again
  EXPECT_EQ(recorder.told, "message(a=0) message(a=1) message(a=2) message(a=3) ");
}

TEST_F(ClientConnectionTest, SubscribeAndUnsubscribe) {
  start({.client_id = "me"});
  recorder.take();
  const auto reasons = [this](std::span<const ReasonCode> given) {
    for (const ReasonCode reason : given) recorder.told += to_string(reason) + ";";
  };
  const SubscribeRequest requests[] = {{.filter = "a/#", .qos = 1}, {.filter = "b", .qos = 2}};
  ASSERT_TRUE(client->subscribe(requests, reasons));
  EXPECT_EQ(client->take_output(), "\x82\x0C\x00\x01\x00\x03" "a/#\x01\x00\x01" "b\x02"sv);
  client->receive("\x90\x04\x00\x01\x01\x80"sv, 0);
  EXPECT_EQ(recorder.take(), "granted QoS 1;unspecified error;");
  const std::string_view filters[] = {"a/#"};
  ASSERT_TRUE(client->unsubscribe(filters, reasons));
  EXPECT_EQ(client->take_output(), "\xA2\x07\x00\x02\x00\x03" "a/#"sv);
  client->receive("\xB0\x02\x00\x02"sv, 0);
  EXPECT_EQ(recorder.take(), "success;");
  EXPECT_FALSE(client->subscribe({{{.filter = "a#"}}}, {}));
}

TEST_F(ClientConnectionTest, RefusesWhatCannotBeSent) {
  start({.client_id = "me", .in_flight_max = 1});
  EXPECT_EQ(client->publish({.topic = "a/+", .payload = ""}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(client->publish({.topic = "", .payload = ""}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(client->publish({.topic = "a", .payload = "", .qos = 3}).error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(client->publish({.topic = "a", .payload = "", .qos = 1}));
  EXPECT_FALSE(client->can_publish());
  EXPECT_EQ(client->publish({.topic = "a", .payload = "", .qos = 1}).error().code, ErrorCode::kOverloaded);
  client->connection_lost();
  EXPECT_EQ(client->publish({.topic = "a", .payload = ""}).error().code, ErrorCode::kUnavailable);
}

TEST_F(ClientConnectionTest, KeepsToWhatTheServerAllows) {
  PropertyWriter properties;
  properties.u16(PropertyId::kReceiveMaximum, 1);
  properties.u8(PropertyId::kMaximumQos, 1);
  properties.u8(PropertyId::kRetainAvailable, 0);
  properties.u32(PropertyId::kMaximumPacketSize, 50);
  properties.string(PropertyId::kAssignedClientIdentifier, "given");
  std::string connack;
  encode_connack(connack, ProtocolVersion::kV5, false, ReasonCode::kSuccess, properties);
  start({.version = ProtocolVersion::kV5}, connack);
  EXPECT_EQ(recorder.told, "connected(given) ");
  EXPECT_EQ(client->publish({.topic = "a", .payload = "", .qos = 2}).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(client->publish({.topic = "a", .payload = "", .retain = true}).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(client->publish({.topic = "a", .payload = std::string(50, 'x')}).error().code, ErrorCode::kTooLarge);
  ASSERT_TRUE(client->publish({.topic = "a", .payload = "", .qos = 1}));
  EXPECT_EQ(client->publish({.topic = "a", .payload = "", .qos = 1}).error().code, ErrorCode::kOverloaded);
  const SubscribeRequest long_filter{.filter = "a/filter/that/makes/a/packet/of/more/than/fifty/bytes"};
  EXPECT_EQ(client->subscribe({&long_filter, 1}).error().code, ErrorCode::kTooLarge);  // [MQTT-3.2.2-15]
  EXPECT_EQ(client->unsubscribe({&long_filter.filter, 1}).error().code, ErrorCode::kTooLarge);
}

// [MQTT-3.2.2-15]: so may its maximum packet size be smaller; what does not fit is given back.
TEST_F(ClientConnectionTest, ResumptionGivesBackWhatTheServerNoLongerTakes) {
  start({.version = ProtocolVersion::kV5, .client_id = "me", .clean_start = false}, "\x20\x03\x00\x00\x00"sv);
  recorder.take();
  ASSERT_TRUE(client->publish({.topic = "a", .payload = std::string(50, 'x'), .qos = 1}, note("large")));
  ASSERT_TRUE(client->publish({.topic = "a", .payload = "1", .qos = 1, .retain = true}, note("kept")));
  ASSERT_TRUE(client->publish({.topic = "a", .payload = "2", .qos = 2}, note("exact")));
  ASSERT_TRUE(client->publish({.topic = "a", .payload = "3", .qos = 1}, note("plain")));
  client->connection_lost();
  client->start(0);
  client->take_output();
  client->receive("\x20\x0C\x01\x00\x09\x27\x00\x00\x00\x20\x25\x00\x24\x01"sv, 0);
  EXPECT_EQ(recorder.take(), "large(packet too large) kept(retain not supported) exact(QoS not supported) connected(me,present) ");
  EXPECT_EQ(client->take_output(), "\x3A\x07\x00\x01" "a\x00\x04\x00" "3"sv);
}

// [MQTT-3.1.2-21], [MQTT-3.2.2-21]
TEST_F(ClientConnectionTest, TheServersKeepAliveCounts) {
  start({.version = ProtocolVersion::kV5, .client_id = "me", .keep_alive_s = 600}, "\x20\x06\x00\x00\x03\x13\x00\x08"sv);
  ASSERT_TRUE(client->connected());
  EXPECT_LE(client->next_timer_ns(), 8 * kNanosPerSecond);
  client->notify_timer(client->next_timer_ns());
  EXPECT_EQ(client->take_output(), "\xC0\x00"sv);
}

// [MQTT-3.3.4-8], [MQTT-4.9.0-3]
TEST_F(ClientConnectionTest, AFullWindowHoldsBackMessagesOnly) {
  start({.version = ProtocolVersion::kV5, .client_id = "me"}, "\x20\x06\x00\x00\x03\x21\x00\x01"sv);
  ASSERT_TRUE(client->publish({.topic = "a", .payload = "1", .qos = 1}));
  EXPECT_FALSE(client->can_publish());
  client->take_output();
  ASSERT_TRUE(client->publish({.topic = "a", .payload = "0"}));
  const SubscribeRequest request{.filter = "b"};
  ASSERT_TRUE(client->subscribe({&request, 1}));
  client->receive("\x32\x07\x00\x01" "b\x00\x09\x00" "x"sv, 0);
  EXPECT_EQ(client->take_output(), "\x30\x05\x00\x01" "a\x00" "0\x82\x07\x00\x02\x00\x00\x01" "b\x00\x40\x02\x00\x09"sv);
}

// [MQTT-2.2.1-3]
TEST_F(ClientConnectionTest, IdentifiersInUseArePassedOver) {
  start({.client_id = "me"});
  ASSERT_TRUE(client->publish({.topic = "a", .payload = "open", .qos = 1}));  // identifier 1, never acknowledged
  const SubscribeRequest request{.filter = "b"};
  ASSERT_TRUE(client->subscribe({&request, 1}));  // 2, never answered
  uint32_t last = 2;
  for (int i = 0; i < 70'000; ++i) {
    ASSERT_TRUE(client->publish({.topic = "a", .payload = "", .qos = 1}, [&](const PublishResult& result) {
      EXPECT_EQ(result.packet_id, last == 65'535 ? 3u : last + 1);
      last = result.packet_id;
    }));
    const std::string output = client->take_output();
    client->receive(std::string("\x40\x02", 2) + output.substr(output.size() - 2), 0);
  }
  EXPECT_EQ(client->in_flight(), 1u);
}

// [MQTT-3.8.3-4]
TEST_F(ClientConnectionTest, ASharedSubscriptionIsNotNoLocal) {
  start({.client_id = "me"});
  const SubscribeRequest request{.filter = "$share/g/a", .no_local = true};
  EXPECT_EQ(client->subscribe({&request, 1}).error().code, ErrorCode::kInvalidArgument);
}

// [3.3.4]: a server that sends more than the client said it takes.
TEST_F(ClientConnectionTest, TheReceiveMaximumIsEnforced) {
  start({.version = ProtocolVersion::kV5, .client_id = "me", .receive_maximum = 1}, "\x20\x03\x00\x00\x00"sv);
  client->receive("\x34\x07\x00\x01" "a\x00\x01\x00" "1"sv, 0);
  client->receive("\x32\x07\x00\x01" "a\x00\x03\x00" "2"sv, 0);  // QoS 1 is acknowledged at once
  client->receive("\x3C\x07\x00\x01" "a\x00\x01\x00" "1"sv, 0);  // the same again
  EXPECT_TRUE(client->connected());
  client->take_output();
  client->receive("\x34\x07\x00\x01" "a\x00\x02\x00" "3"sv, 0);
  EXPECT_EQ(client->take_output(), "\xE0\x01\x93"sv);
  EXPECT_EQ(recorder.told, "connected(me) message(a=1) message(a=2) failed(receive maximum exceeded) ");
}

// [MQTT-4.9.0-2]: the server may allow less after a reconnection than what is in flight.
TEST_F(ClientConnectionTest, ResumptionKeepsToTheServersReceiveMaximum) {
  const auto connack = [](bool present, uint16_t maximum) {
    PropertyWriter properties;
    properties.u16(PropertyId::kReceiveMaximum, maximum);
    std::string packet;
    encode_connack(packet, ProtocolVersion::kV5, present, ReasonCode::kSuccess, properties);
    return packet;
  };
  start({.version = ProtocolVersion::kV5, .client_id = "me", .clean_start = false}, connack(false, 10));
  for (int i = 1; i <= 4; ++i) ASSERT_TRUE(client->publish({.topic = "a", .payload = std::to_string(i), .qos = i == 2 ? uint8_t{2} : uint8_t{1}}));
  client->receive("\x50\x02\x00\x02"sv, 0);  // PUBREC of the second
  client->connection_lost();
  client->start(0);
  client->take_output();
  client->receive(connack(true, 1), 0);
  EXPECT_EQ(client->take_output(), "\x3A\x07\x00\x01" "a\x00\x01\x00" "1"sv);
  client->receive("\x40\x02\x00\x01"sv, 0);
  EXPECT_EQ(client->take_output(), "\x62\x02\x00\x02"sv) << "PUBREL counts until PUBCOMP";
  client->receive("\x70\x02\x00\x02"sv, 0);
  EXPECT_EQ(client->take_output(), "\x3A\x07\x00\x01" "a\x00\x03\x00" "3"sv);
  EXPECT_FALSE(client->can_publish());
  client->receive("\x40\x02\x00\x03"sv, 0);
  EXPECT_EQ(client->take_output(), "\x3A\x07\x00\x01" "a\x00\x04\x00" "4"sv);
  client->receive("\x40\x02\x00\x04"sv, 0);
  EXPECT_EQ(client->in_flight(), 0u);
  EXPECT_TRUE(client->can_publish());
}

// [MQTT-4.4.0-1], [MQTT-4.6.0-1]
TEST_F(ClientConnectionTest, UnacknowledgedMessagesGoOutAgain) {
  start({.client_id = "me", .clean_start = false});
  recorder.take();
  ASSERT_TRUE(client->publish({.topic = "a", .payload = "1", .qos = 1}, note("one")));
  ASSERT_TRUE(client->publish({.topic = "a", .payload = "2", .qos = 2}, note("two")));
  client->receive("\x50\x02\x00\x02"sv, 0);  // PUBREC of the second
  client->connection_lost();
  client->start(0);
  client->take_output();
  client->receive("\x20\x02\x01\x00"sv, 0);
  EXPECT_EQ(client->take_output(), "\x3A\x06\x00\x01" "a\x00\x01" "1\x62\x02\x00\x02"sv);
  client->receive("\x40\x02\x00\x01\x70\x02\x00\x02"sv, 0);
  EXPECT_EQ(recorder.told, "connected(me,present) one(success) two(success) ");
}

TEST_F(ClientConnectionTest, WithoutASessionMessagesAreNewToTheServer) {
  start({.client_id = "me"});
  ASSERT_TRUE(client->publish({.topic = "a", .payload = "1", .qos = 1}));
  client->connection_lost();
  client->start(0);
  client->take_output();
  client->receive("\x20\x02\x00\x00"sv, 0);
  EXPECT_EQ(client->take_output(), "\x32\x06\x00\x01" "a\x00\x01" "1"sv) << "no DUP";
}

TEST_F(ClientConnectionTest, PingsAndGivesUpOnASilentServer) {
  start({.client_id = "me", .keep_alive_s = 60});
  recorder.take();
  EXPECT_EQ(client->next_timer_ns(), 45 * kNanosPerSecond);
  client->notify_timer(44 * kNanosPerSecond);
  EXPECT_FALSE(client->has_output());
  client->notify_timer(45 * kNanosPerSecond);
  EXPECT_EQ(client->take_output(), "\xC0\x00"sv);
  client->receive("\xD0\x00"sv, 46 * kNanosPerSecond);
  client->notify_timer(90 * kNanosPerSecond);
  EXPECT_EQ(client->take_output(), "\xC0\x00"sv);
  client->notify_timer(149 * kNanosPerSecond);
  EXPECT_TRUE(client->connected());
  client->notify_timer(150 * kNanosPerSecond);
  EXPECT_EQ(recorder.told, "failed(keep alive timeout) ");
  EXPECT_EQ(recorder.code, ErrorCode::kTimeout);
}

TEST_F(ClientConnectionTest, NoConnackInTime) {
  client = std::make_unique<ClientConnection>(ClientOptions{.client_id = "me"}, recorder);
  client->start(0);
  client->notify_timer(10 * kNanosPerSecond);
  EXPECT_EQ(recorder.told, "failed(keep alive timeout) ");
}

TEST_F(ClientConnectionTest, AServerThatBreaksTheProtocolIsLeft) {
  for (const std::string_view bytes : {"\xC0\x00"sv, "\x00\x00"sv, "\x90\x03\x00\x09\x00"sv, "\x30\x03\x00\x01#"sv}) {
    start({.client_id = "me"});
    recorder.take();
    EXPECT_EQ(client->receive(bytes, 0), bytes.size());
    EXPECT_TRUE(recorder.told.starts_with("failed(")) << recorder.told;
    EXPECT_FALSE(client->connected());
  }
}

TEST_F(ClientConnectionTest, DisconnectIsSent) {
  start({.version = ProtocolVersion::kV5, .client_id = "me"}, "\x20\x03\x00\x00\x00"sv);
  client->disconnect(ReasonCode::kDisconnectWithWill);
  EXPECT_EQ(client->take_output(), "\xE0\x01\x04"sv);
  EXPECT_FALSE(client->connected());
}

TEST_F(ClientConnectionTest, AServersDisconnectIsAFailureWithItsReason) {
  start({.version = ProtocolVersion::kV5, .client_id = "me"}, "\x20\x03\x00\x00\x00"sv);
  recorder.take();
  client->receive("\xE0\x01\x8E"sv, 0);
  EXPECT_EQ(recorder.told, "failed(session taken over) ");
  EXPECT_EQ(recorder.code, ErrorCode::kUnavailable);
}

TEST_F(ClientConnectionTest, RequestsUnderWayEndWithTheConnection) {
  start({.client_id = "me"});
  recorder.take();
  ASSERT_TRUE(client->subscribe({{{.filter = "a"}}}, [&](std::span<const ReasonCode> reasons) { recorder.told += to_string(reasons[0]); }));
  client->connection_lost();
  EXPECT_EQ(recorder.told, "unspecified error");
}

}  // namespace
}  // namespace campanile::mqtt
