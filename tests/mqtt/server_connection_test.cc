#include "mqtt/server_connection.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/clock.h"

namespace campanile::mqtt {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

const std::string kConnect311 = "\x10\x0D\x00\x04MQTT\x04\x02\x00\x3C\x00\x01x"s;
const std::string kConnect5 = "\x10\x0E\x00\x04MQTT\x05\x02\x00\x3C\x00\x00\x01x"s;

// Writes down what the connection tells.
class Recorder : public ServerHandler {
 public:
  void on_connect(const ConnectPacket& packet) override {
    told += "connect(" + std::string(packet.client_id) + ") ";
    if (refuse_with) {
      connection->refuse(out, *refuse_with, "no");
    } else {
      connection->accept(out, false, packet.keep_alive_s, {});
    }
  }
  Taken on_publish(const PublishPacket& packet) override {
    if (later) return Taken::kLater;
    told += "publish(" + std::string(packet.topic) + "=" + std::string(packet.payload) + ") ";
    return Taken::kYes;
  }
  void on_ack(const AckPacket& packet) override { told += std::string(to_string(packet.type)) + "(" + std::to_string(packet.packet_id) + ") "; }
  void on_release(const AckPacket& packet) override { told += "release(" + std::to_string(packet.packet_id) + ") "; }
  void on_subscribe(const SubscribePacket& packet) override { told += "subscribe(" + std::string(packet.entries[0].filter) + ") "; }
  void on_unsubscribe(const UnsubscribePacket& packet) override { told += "unsubscribe(" + std::string(packet.filters[0]) + ") "; }
  void on_disconnect(const DisconnectPacket&) override { told += "disconnect "; }
  void on_violation(const Violation& violation) override { told += "violation(" + to_string(violation.reason) + ") "; }

  size_t feed(std::string_view bytes, int64_t now_ns = 0) { return connection->receive(bytes, now_ns, out, *this); }
  std::string take_out() { return std::exchange(out, {}); }
  std::string take_told() { return std::exchange(told, {}); }

  std::string out;
  std::string told;
  bool later = false;
  std::optional<ReasonCode> refuse_with;
  ServerSettings settings;
  std::unique_ptr<ServerConnection> connection = std::make_unique<ServerConnection>(settings, 0);
};

class ServerConnectionTest : public testing::Test {
 protected:
  void connect(const std::string& packet) {
    recorder.feed(packet);
    ASSERT_TRUE(recorder.connection->connected());
    recorder.take_out();
    recorder.take_told();
  }
  Recorder recorder;
};

TEST_F(ServerConnectionTest, AnswersConnect) {
  EXPECT_EQ(recorder.feed(kConnect311), kConnect311.size());
  EXPECT_EQ(recorder.take_out(), "\x20\x02\x00\x00"sv);
  EXPECT_EQ(recorder.take_told(), "connect(x) ");
}

TEST_F(ServerConnectionTest, TakesBytesInAnyPortions) {
  const std::string stream = kConnect311 + "\x82\x06\x00\x01\x00\x01" "a\x00"s + "\x30\x05\x00\x01" "axy"s + "\xC0\x00"s + "\xE0\x00"s;
  for (size_t step = 1; step <= stream.size(); ++step) {
    Recorder fresh;
    std::string kept;
    for (size_t i = 0; i < stream.size(); i += step) {
      kept.append(stream.substr(i, step));
      kept.erase(0, fresh.feed(kept));
    }
    EXPECT_EQ(fresh.told, "connect(x) subscribe(a) publish(a=xy) disconnect ") << step;
    EXPECT_EQ(fresh.out, "\x20\x02\x00\x00\xD0\x00"sv) << step;
  }
}

// [MQTT-3.1.0-1]: and nothing is sent [MQTT-3.1.4-1 of 3.1.1].
TEST_F(ServerConnectionTest, TheFirstPacketMustBeConnect) {
  recorder.feed("\xC0\x00"sv);
  EXPECT_EQ(recorder.told, "violation(protocol error) ");
  EXPECT_TRUE(recorder.connection->closed());
  EXPECT_TRUE(recorder.out.empty());
}

// [MQTT-3.1.0-2]
TEST_F(ServerConnectionTest, ASecondConnectEndsTheConnection) {
  connect(kConnect5);
  recorder.feed(kConnect5);
  EXPECT_TRUE(recorder.connection->closed());
  EXPECT_EQ(recorder.out.substr(0, 3), "\xE0\x15\x82"sv);
}

// [MQTT-3.1.2-2]
TEST_F(ServerConnectionTest, AnotherProtocolLevelIsRefusedInWordsThatAllVersionsRead) {
  recorder.feed("\x10\x0D\x00\x04MQTT\x06\x02\x00\x3C\x00\x01x"sv);
  EXPECT_EQ(recorder.out, "\x20\x02\x00\x01"sv);
  EXPECT_TRUE(recorder.connection->closed());
}

TEST_F(ServerConnectionTest, AMalformedConnectIsAnsweredToVersion5Only) {
  recorder.feed("\x10\x0D\x00\x04MQTT\x04\x03\x00\x3C\x00\x01x"sv);
  EXPECT_TRUE(recorder.out.empty());
  Recorder v5;
  v5.feed("\x10\x0E\x00\x04MQTT\x05\x03\x00\x3C\x00\x00\x01x"sv);
  EXPECT_EQ(v5.out[0], '\x20');
  EXPECT_EQ(v5.out[3], '\x81');
}

// [MQTT-4.12.0-1]
TEST_F(ServerConnectionTest, EnhancedAuthenticationIsRefused) {
  recorder.feed("\x10\x13\x00\x04MQTT\x05\x02\x00\x3C\x05\x15\x00\x02XX\x00\x01x"sv);
  EXPECT_EQ(recorder.out[3], '\x8C');
  EXPECT_TRUE(recorder.connection->closed());
  Recorder later;
  later.feed(kConnect5);
  later.take_out();
  later.feed("\xF0\x00"sv);
  EXPECT_EQ(later.out[2], '\x82');
}

TEST_F(ServerConnectionTest, ARefusalIsToldInTheClientsVersion) {
  recorder.refuse_with = ReasonCode::kNotAuthorized;
  recorder.feed(kConnect311);
  EXPECT_EQ(recorder.out, "\x20\x02\x00\x05"sv);
  Recorder v5;
  v5.refuse_with = ReasonCode::kNotAuthorized;
  v5.feed(kConnect5 + "\xC0\x00"s);
  EXPECT_EQ(v5.out, "\x20\x08\x00\x87\x05\x1F\x00\x02no"sv);
  Recorder untold;
  untold.refuse_with = ReasonCode::kImplementationSpecificError;  // version 3 has no code for it
  untold.feed(kConnect311);
  EXPECT_TRUE(untold.out.empty() && untold.connection->closed());
}

TEST_F(ServerConnectionTest, AnOversizePacketIsRefusedByItsHeader) {
  connect(kConnect5);
  recorder.feed("\x30\x80\x80\x80\x01"sv);
  EXPECT_EQ(recorder.out[2], '\x95');
  EXPECT_TRUE(recorder.connection->closed());
}

TEST_F(ServerConnectionTest, APacketForLaterStaysInTheInput) {
  connect(kConnect311);
  const std::string two = "\x30\x04\x00\x01" "a1"s + "\x30\x04\x00\x01" "a2"s;
  recorder.later = true;
  EXPECT_EQ(recorder.feed(two), 0u);
  recorder.later = false;
  EXPECT_EQ(recorder.feed(two), two.size());
  EXPECT_EQ(recorder.told, "publish(a=1) publish(a=2) ");
}

TEST_F(ServerConnectionTest, TopicAliases) {
  connect(kConnect5);
  recorder.feed("\x30\x08\x00\x01" "a\x03\x23\x00\x02" "1"sv);
  recorder.feed("\x30\x07\x00\x00\x03\x23\x00\x02" "2"sv);
  recorder.feed("\x30\x08\x00\x01" "b\x03\x23\x00\x02" "3"sv);  // the alias changes hands
  recorder.feed("\x30\x07\x00\x00\x03\x23\x00\x02" "4"sv);
  EXPECT_EQ(recorder.take_told(), "publish(a=1) publish(a=2) publish(b=3) publish(b=4) ");
  recorder.feed("\x30\x07\x00\x00\x03\x23\x00\x01" "5"sv);
  EXPECT_EQ(recorder.told, "violation(protocol error) ");
}

// [MQTT-3.3.2-9]
TEST_F(ServerConnectionTest, ATopicAliasOverTheMaximumIsInvalid) {
  connect(kConnect5);
  recorder.feed("\x30\x08\x00\x01" "a\x03\x23\x00\x41" "1"sv);
  EXPECT_EQ(recorder.out[2], '\x94');
}

TEST_F(ServerConnectionTest, AnAliasOfAPacketForLaterIsNotSetYet) {
  connect(kConnect5);
  recorder.later = true;
  recorder.feed("\x30\x08\x00\x01" "a\x03\x23\x00\x01" "1"sv);
  recorder.later = false;
  recorder.feed("\x30\x07\x00\x00\x03\x23\x00\x01" "2"sv);
  EXPECT_EQ(recorder.told, "violation(protocol error) ");
}

// [MQTT-3.3.4-6]
TEST_F(ServerConnectionTest, AClientsMessageHasNoSubscriptionIdentifier) {
  connect(kConnect5);
  recorder.feed("\x30\x07\x00\x01" "a\x02\x0B\x01" "1"sv);
  EXPECT_EQ(recorder.out[2], '\x82');
}

// [MQTT-3.14.2-3]
TEST_F(ServerConnectionTest, TheReasonStringIsLeftOutWhereItDoesNotFit) {
  connect("\x10\x13\x00\x04MQTT\x05\x02\x00\x3C\x05\x27\x00\x00\x00\x14\x00\x01x"s);
  recorder.feed("\xF0\x00"sv);
  EXPECT_EQ(recorder.out, "\xE0\x01\x82"sv);
}

// [MQTT-3.3.4-7]
TEST_F(ServerConnectionTest, TheReceiveMaximumIsEnforced) {
  recorder.settings.limits.receive_maximum = 2;
  recorder.connection = std::make_unique<ServerConnection>(recorder.settings, 0);
  connect(kConnect5);
  const auto publish = [&](char id) { recorder.feed("\x32\x07\x00\x01" "a\x00"s + id + "\x00z"s); };
  publish(1);
  publish(2);
  recorder.connection->release_receive();
  publish(3);
  EXPECT_TRUE(recorder.connection->connected());
  publish(4);
  EXPECT_EQ(recorder.out[2], '\x93');
}

TEST_F(ServerConnectionTest, KeepAlive) {
  EXPECT_EQ(recorder.connection->deadline_ns(), 10 * kNanosPerSecond) << "for the CONNECT";
  recorder.feed(kConnect5, 1 * kNanosPerSecond);
  recorder.take_out();
  EXPECT_EQ(recorder.connection->deadline_ns(), 91 * kNanosPerSecond) << "[MQTT-3.1.2-22]: 1.5 times 60 s";
  recorder.feed("\xC0"sv, 50 * kNanosPerSecond);
  EXPECT_EQ(recorder.connection->deadline_ns(), 91 * kNanosPerSecond) << "half a packet is none";
  recorder.feed("\xC0\x00"sv, 60 * kNanosPerSecond);
  EXPECT_EQ(recorder.connection->deadline_ns(), 150 * kNanosPerSecond);
  recorder.take_out();
  recorder.connection->notify_timer(149 * kNanosPerSecond, recorder.out, recorder);
  EXPECT_TRUE(recorder.connection->connected());
  recorder.connection->notify_timer(150 * kNanosPerSecond, recorder.out, recorder);
  EXPECT_EQ(recorder.out[2], '\x8D');
  EXPECT_TRUE(recorder.connection->closed());
}

TEST_F(ServerConnectionTest, KeepAliveZeroIsNever) {
  recorder.feed("\x10\x0D\x00\x04MQTT\x04\x02\x00\x00\x00\x01x"sv);
  EXPECT_EQ(recorder.connection->deadline_ns(), std::numeric_limits<int64_t>::max());
}

TEST_F(ServerConnectionTest, APacketThatIsBegunHasToBeCompleted) {
  recorder.feed("\x10\x0E\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x01x"sv);
  recorder.take_out();
  recorder.feed("\x30"sv, 1'000 * kNanosPerSecond);
  recorder.feed("\x30\x05"sv, 1'050 * kNanosPerSecond);
  EXPECT_EQ(recorder.connection->deadline_ns(), 1'060 * kNanosPerSecond) << "however many bytes drip in";
  recorder.feed("\x30\x04\x00\x01" "a\x00\x30"sv, 1'055 * kNanosPerSecond);
  EXPECT_EQ(recorder.connection->deadline_ns(), 1'115 * kNanosPerSecond) << "the next one has its own time";
  recorder.connection->excuse_silence(1'100 * kNanosPerSecond);
  recorder.connection->notify_timer(1'159 * kNanosPerSecond, recorder.out, recorder);
  EXPECT_TRUE(recorder.connection->connected());
  recorder.connection->notify_timer(1'160 * kNanosPerSecond, recorder.out, recorder);
  EXPECT_TRUE(recorder.connection->closed());
  EXPECT_EQ(recorder.out[2], '\x97');
}

TEST_F(ServerConnectionTest, NoConnectInTime) {
  recorder.connection->notify_timer(10 * kNanosPerSecond, recorder.out, recorder);
  EXPECT_TRUE(recorder.connection->closed());
  EXPECT_TRUE(recorder.out.empty());
}

TEST_F(ServerConnectionTest, NothingIsReadAfterTheEnd) {
  connect(kConnect311);
  const std::string rest = "\xE0\x00\x30\x04\x00\x01" "a1\xFF\xFF"s;
  EXPECT_EQ(recorder.feed(rest), rest.size());
  EXPECT_EQ(recorder.told, "disconnect ");
  EXPECT_EQ(recorder.feed("xx"), 2u);
}

TEST_F(ServerConnectionTest, PacketsOfServersAreViolations) {
  for (const std::string& packet : {"\x20\x02\x00\x00"s, "\x90\x03\x00\x01\x00"s, "\xB0\x02\x00\x01"s, "\xD0\x00"s}) {
    Recorder fresh;
    fresh.feed(kConnect311);
    fresh.feed(packet);
    EXPECT_TRUE(fresh.connection->closed());
    EXPECT_EQ(fresh.told, "connect(x) violation(protocol error) ");
  }
}

// MQTT 3.1 repeats SUBSCRIBE, UNSUBSCRIBE and PUBREL with DUP; later versions reserve these flags [MQTT-3.8.1-1, 3.10.1-1, 3.6.1-1].
TEST_F(ServerConnectionTest, Version31MayRepeatRequests) {
  const std::string packets[] = {"\x8A\x06\x00\x01\x00\x01" "a\x00"s, "\xAA\x05\x00\x01\x00\x01" "a"s, "\x6A\x02\x00\x01"s};
  connect("\x10\x0F\x00\x06MQIsdp\x03\x02\x00\x3C\x00\x01x"s);
  for (const std::string& packet : packets) recorder.feed(packet);
  EXPECT_EQ(recorder.told, "subscribe(a) unsubscribe(a) release(1) ");
  for (const std::string& packet : packets) {
    Recorder later;
    later.feed(kConnect311);
    later.feed(packet);
    EXPECT_EQ(later.told, "connect(x) violation(malformed packet) ");
  }
}

// [MQTT-3.1.2-24], [MQTT-3.2.2-19]
TEST_F(ServerConnectionTest, ARefusalIsAsSmallAsTheClientWants) {
  for (const char size : {4, 5, 11, 12, 30}) {
    Recorder fresh;
    fresh.refuse_with = ReasonCode::kNotAuthorized;
    fresh.feed("\x10\x13\x00\x04MQTT\x05\x02\x00\x3C\x05\x27\x00\x00\x00"s + size + "\x00\x01x"s);
    EXPECT_LE(fresh.out.size(), static_cast<size_t>(size));
    EXPECT_EQ(fresh.out.empty(), size < 5);
    EXPECT_TRUE(fresh.connection->closed());
  }
}

// [MQTT-3.14.0-1], [MQTT-3.1.4-6]
TEST_F(ServerConnectionTest, NothingOfARefusedClientIsRead) {
  recorder.refuse_with = ReasonCode::kNotAuthorized;
  recorder.feed(kConnect5 + "\x30\x05\x00\x01" "a\x00y"s + "\xE0\x00"s);
  EXPECT_EQ(recorder.take_told(), "connect(x) ");
  EXPECT_EQ(recorder.out[0], '\x20');
  recorder.take_out();
  recorder.connection->disconnect(recorder.out, ReasonCode::kServerShuttingDown, "");
  EXPECT_TRUE(recorder.out.empty()) << "no DISCONNECT without a CONNACK that accepts";
}

TEST(ServerConnection, IsSmallWhileIdle) { EXPECT_LE(sizeof(ServerConnection), 64u); }

}  // namespace
}  // namespace campanile::mqtt
