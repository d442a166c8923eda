// A bridge between two brokers in this process: real sessions, queues and retained messages on both sides, no sockets.
#include "broker/bridge.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "fakes.h"
#include "net/local_pair.h"

namespace campanile::broker {
namespace {

using mqtt::PacketType;
using mqtt::ProtocolVersion;

constexpr auto kV311 = ProtocolVersion::kV311;
constexpr auto kV5 = ProtocolVersion::kV5;

// Passes on what net would call, and lets the test cut the connection.
struct Cable {
  std::shared_ptr<net::TcpConnection> connection;
  int dials = 0;
  bool plugged = true;
  void cut() {
    if (connection) connection->abort();
  }
};

class BridgeTest : public testing::TestWithParam<ProtocolVersion> {
 protected:
  ~BridgeTest() override {
    for (auto& bridge : bridges) {
      bool stopped = false;
      bridge->stop([&] { stopped = true; });
      run();
      EXPECT_TRUE(stopped);
    }
  }

  BridgeOptions options_for(std::vector<BridgeTopic> topics) const {
    return {.name = "there", .address = {"there", 1883}, .tls = {}, .version = GetParam(), .user = {}, .password = {}, .client_id = "here.there",
            .topics = std::move(topics), .state_topic = bridge_state_topic("here.there")};
  }
  Bridge& add(const BridgeOptions& options, Bench& from, Bench& to, Cable& over) {
    EXPECT_TRUE(check(options));
    bridges.push_back(std::make_unique<Bridge>(
        options, BridgeParts{.loop = *from.loops[0],
                             .clock = from.clock,
                             .metrics = from.metrics,
                             .broker_id = from.broker->id(),
                             .local_handler = [&from](net::EventLoop& loop) { return from.broker->make_handler(loop); },
                             .publish_state = [&from](std::string_view topic, std::string_view payload) { EXPECT_TRUE(from.broker->publish_local(topic, payload, 1, true)); },
                             .filters_of = [&from](std::string_view client_id) { return from.broker->filters_of(client_id); },
                             .connect_remote = [&from, &to, &over](std::shared_ptr<net::TcpHandler> handler) -> std::shared_ptr<net::TcpConnection> {
                               ++over.dials;
                               over.connection = net::connect_local(*from.loops[0], to.broker->make_handler(*to.loops[0]), std::move(handler));
                               if (!over.plugged) over.connection->abort();
                               return over.connection;
                             }}));
    bridges.back()->start();
    return *bridges.back();
  }
  Bridge& connect(std::vector<BridgeTopic> topics) {
    Bridge& bridge = add(options_for(std::move(topics)), here, there, cable);
    run();
    EXPECT_EQ(bridge.status().state, BridgeState::kConnected) << bridge.status().last_error;
    return bridge;
  }
  void run() {
    for (int i = 0; i < 50; ++i) {
      here.run();
      there.run();
    }
  }
  void advance(int64_t seconds) {
    for (int64_t i = 0; i < seconds * 2; ++i) {
      here.clock.advance_ns(kNanosPerSecond / 2);
      there.clock.advance_ns(kNanosPerSecond / 2);
      run();
    }
  }
  std::string read(TestClient& client) {
    run();
    return client.read();
  }

  Bench here{{}, 1};
  Bench there{{}, 1};
  Cable cable;
  std::vector<std::unique_ptr<Bridge>> bridges;
};

TEST_P(BridgeTest, MessagesPassBothWaysUnderTheirNamesThere) {
  TestClient local(here, "local", kV5), remote(there, "remote", kV5);
  local.subscribe("commands/#", 2);
  remote.subscribe("campus/#", 2);
  local.read();
  remote.read();
  Bridge& bridge = connect({{.pattern = "#", .direction = BridgeDirection::kOut, .qos = 2, .local_prefix = "u4/", .remote_prefix = "campus/u4/"},
                            {.pattern = "#", .direction = BridgeDirection::kIn, .qos = 1, .local_prefix = "commands/", .remote_prefix = "city/"}});
  local.publish("u4/302/co2", "412", 0);
  EXPECT_TRUE(read(remote).starts_with("PUBLISH(campus/u4/302/co2=412"));
  local.publish("u4/302/co2", "413", 2, 7);
  EXPECT_EQ(read(local), "PUBREC(7)");
  local.ack(PacketType::kPubrel, 7);
  EXPECT_EQ(read(local), "PUBCOMP(7)");
  EXPECT_TRUE(read(remote).starts_with("PUBLISH(campus/u4/302/co2=413,q2,id1"));
  remote.publish("city/lamp", "on", 2, 1);
  EXPECT_TRUE(read(local).starts_with("PUBLISH(commands/lamp=on,q1,id1")) << "at most the QoS that the topic says";
  EXPECT_EQ(bridge.status().messages_out, 2u);
  EXPECT_EQ(bridge.status().messages_in, 1u);
}

TEST_P(BridgeTest, BothWaysDoesNotEcho) {
  TestClient local(here, "local", kV311), remote(there, "remote", kV311);
  connect({{.pattern = "#", .direction = BridgeDirection::kBoth}});
  local.subscribe("#", 1);
  remote.subscribe("#", 1);
  local.read();
  remote.read();
  local.publish("a", "1");
  remote.publish("b", "2");
  EXPECT_EQ(read(local), "PUBLISH(a=1) PUBLISH(b=2)");
  EXPECT_EQ(read(remote), "PUBLISH(a=1) PUBLISH(b=2)");
}

TEST_P(BridgeTest, WhatIsPublishedWhileTheLinkIsDownArrivesInOrder) {
  TestClient local(here, "local"), remote(there, "remote");
  remote.subscribe("a/#", 1);
  remote.read();
  Bridge& bridge = connect({{.pattern = "a/#", .direction = BridgeDirection::kBoth, .qos = 1}});
  cable.plugged = false;
  cable.cut();
  run();
  EXPECT_EQ(bridge.status().state, BridgeState::kWaiting);
  for (uint16_t i = 1; i <= 300; ++i) local.publish("a/x", std::to_string(i), 1, i);
  local.read();
  remote.publish("a/y", "back", 1, 1);
  remote.read();
  local.subscribe("a/y", 1);
  local.read();
  cable.plugged = true;
  advance(70);
  EXPECT_EQ(bridge.status().state, BridgeState::kConnected);
  std::string wanted;
  for (int i = 1; i <= 300; ++i) wanted += fmt::format("{}PUBLISH(a/x={},q1,id{})", i == 1 ? "" : " ", i, i + 1);
  EXPECT_EQ(read(remote), wanted) << "the echo of a/y came first, as id 1";
  EXPECT_EQ(read(local), "PUBLISH(a/y=back,q1,id1)");
}

TEST_P(BridgeTest, WhatIsPublishedBeforeTheFirstLinkWaitsToo) {
  TestClient local(here, "local"), remote(there, "remote");
  remote.subscribe("a/#", 1);
  remote.read();
  cable.plugged = false;
  Bridge& bridge = add(options_for({{.pattern = "a/#"}}), here, there, cable);
  run();
  EXPECT_EQ(bridge.status().state, BridgeState::kWaiting);
  local.publish("a/x", "early", 1, 1);
  cable.plugged = true;
  advance(5);
  EXPECT_TRUE(read(remote).starts_with("PUBLISH(a/x=early,q1,id1"));
}

// The link is cut at every step of many exchanges, both ways, by a seed: nothing is lost, and QoS 2 arrives once.
TEST_P(BridgeTest, CutAtAnyMomentNothingIsLostAndQoS2IsNotDoubled) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  BridgeOptions options = options_for({{.pattern = "#", .direction = BridgeDirection::kOut, .qos = 2, .local_prefix = "out/"},
                                       {.pattern = "#", .direction = BridgeDirection::kIn, .qos = 2, .remote_prefix = "in/"}});
  options.reconnect_max_s = 1;
  add(options, here, there, cable);
  run();
  TestClient local(here, "local"), remote(there, "remote");
  local.subscribe("#", 0);
  remote.subscribe("#", 0);
  local.read();
  remote.read();
  std::set<std::string> sent;
  for (uint16_t i = 1; i <= 400; ++i) {
    const uint8_t qos = 1 + i % 2;
    const std::string name = fmt::format("{}q{}", i, qos);
    sent.insert(name);
    const auto bytes_for = [&](std::string_view topic) {
      std::string bytes;
      mqtt::encode_publish(bytes, kV311, {.topic = topic, .payload = name, .qos = qos, .packet_id = i});
      if (qos == 2) mqtt::encode_ack(bytes, kV311, PacketType::kPubrel, i);
      return bytes;
    };
    local.send_only(bytes_for("out/x"));
    remote.send_only(bytes_for("in/x"));
    // A few turns only, so that the cut finds exchanges half done.
    for (uint64_t turns = random.below(12); turns > 0; --turns) (random.one_in(2) ? here : there).loops[0]->run_some();
    if (random.one_in(3)) here.journal.commit();
    if (random.one_in(3)) there.journal.commit();
    if (random.one_in(20)) cable.cut();
    if (random.one_in(20)) advance(1);
  }
  advance(5);
  const auto count = [](const std::string& text, const std::string& name) {
    size_t found = 0;
    for (size_t at = text.find("(x=" + name); at != std::string::npos; at = text.find("(x=" + name, at + 1)) ++found;
    return found;
  };
  const std::string at_local = read(local);
  const std::string at_remote = read(remote);
  for (const std::string& name : sent) {
    for (const std::string& text : {at_local, at_remote}) {
      EXPECT_GE(count(text, name), 1u) << name << " is lost";
      if (name.ends_with("q2")) {
        EXPECT_EQ(count(text, name), 1u) << name << " is doubled";
      }
    }
  }
  EXPECT_GT(cable.dials, 3);
}

TEST_P(BridgeTest, RetainedMessagesAreRetainedThere) {
  TestClient local(here, "local"), remote(there, "remote");
  local.publish("a/kept", "before", 1, 1, true);
  remote.publish("b/kept", "before", 1, 1, true);
  connect({{.pattern = "a/#", .direction = BridgeDirection::kOut}, {.pattern = "b/#", .direction = BridgeDirection::kIn}});
  local.publish("a/live", "now", 1, 2, true);
  remote.publish("b/live", "now", 1, 2, true);
  run();
  local.read();
  remote.read();
  remote.subscribe("a/#");
  local.subscribe("b/#");
  EXPECT_EQ(read(remote), "SUBACK(1:0) PUBLISH(a/kept=before,retain) PUBLISH(a/live=now,retain)");
  EXPECT_EQ(read(local), "SUBACK(1:0) PUBLISH(b/kept=before,retain) PUBLISH(b/live=now,retain)");
}

TEST_P(BridgeTest, ItsStateStandsOnATopicOnBothSides) {
  TestClient local(here, "local"), remote(there, "remote");
  const std::string topic = "$SYS/broker/connection/here.there/state";
  connect({{.pattern = "a/#"}});
  local.subscribe(topic);
  remote.subscribe(topic);
  EXPECT_EQ(read(local), "SUBACK(1:0) PUBLISH(" + topic + "=1,retain)");
  EXPECT_EQ(read(remote), "SUBACK(1:0) PUBLISH(" + topic + "=1,retain)");
  cable.plugged = false;
  cable.cut();
  EXPECT_EQ(read(local), "PUBLISH(" + topic + "=0)");
  EXPECT_EQ(read(remote), "PUBLISH(" + topic + "=0)") << "the will";
  cable.plugged = true;
  advance(5);
  EXPECT_EQ(read(local), "PUBLISH(" + topic + "=1)");
  EXPECT_EQ(read(remote), "PUBLISH(" + topic + "=1)");
}

TEST_P(BridgeTest, WaitsLongerAfterEachFailure) {
  cable.plugged = false;
  Bridge& bridge = add(options_for({{.pattern = "#"}}), here, there, cable);
  run();
  EXPECT_EQ(cable.dials, 1);
  advance(300);
  // 1, 2, 4 … 60 s, each between half and the whole.
  EXPECT_GE(cable.dials, 9);
  EXPECT_LE(cable.dials, 18);
  EXPECT_NE(bridge.status().last_error, "");
  cable.plugged = true;
  advance(61);
  EXPECT_EQ(bridge.status().state, BridgeState::kConnected);
}

TEST_P(BridgeTest, AFormerConfigurationsSubscriptionsGo) {
  connect({{.pattern = "old/#"}, {.pattern = "kept/#"}});
  bridges.back()->stop([] {});
  run();
  connect({{.pattern = "kept/#"}});
  EXPECT_EQ(here.broker->filters_of("bridge/there"), std::vector<std::string>{"kept/#"});
  TestClient local(here, "local"), remote(there, "remote");
  remote.subscribe("#");
  remote.read();
  local.publish("old/x", "1");
  local.publish("kept/x", "2");
  EXPECT_TRUE(read(remote).starts_with("PUBLISH(kept/x=2"));
}

INSTANTIATE_TEST_SUITE_P(Versions, BridgeTest, testing::Values(kV311, kV5), [](const auto& version) { return version.param == kV5 ? "V5" : "V311"; });

// Both brokers bridge to each other, which without marks would circle for ever.
class MutualBridgeTest : public BridgeTest {
 protected:
  void connect_back(std::vector<BridgeTopic> topics) {
    BridgeOptions back = options_for(std::move(topics));
    back.client_id = "there.here";
    back.state_topic = bridge_state_topic(back.client_id);
    Bridge& second = add(back, there, here, other);
    run();
    ASSERT_EQ(second.status().state, BridgeState::kConnected);
  }
  Cable other;
};

TEST_P(MutualBridgeTest, TwoBridgesOutwardsDeliverOnce) {
  connect({{.pattern = "#", .direction = BridgeDirection::kOut}});
  connect_back({{.pattern = "#", .direction = BridgeDirection::kOut}});
  TestClient local(here, "local"), remote(there, "remote");
  local.subscribe("#", 1);
  remote.subscribe("#", 1);
  local.read();
  remote.read();
  local.publish("a", "1");
  EXPECT_EQ(read(local), "PUBLISH(a=1)");
  EXPECT_EQ(read(remote), "PUBLISH(a=1)");
  remote.publish("b", "2");
  EXPECT_EQ(read(local), "PUBLISH(b=2)");
  EXPECT_EQ(read(remote), "PUBLISH(b=2)");
}

TEST_P(MutualBridgeTest, TwoBridgesForBothDirectionsDeliverOverEachAndStop) {
  connect({{.pattern = "#", .direction = BridgeDirection::kBoth}});
  connect_back({{.pattern = "#", .direction = BridgeDirection::kBoth}});
  TestClient local(here, "local"), remote(there, "remote");
  local.subscribe("#", 1);
  remote.subscribe("#", 1);
  local.read();
  remote.read();
  local.publish("a", "1");
  EXPECT_EQ(read(local), "PUBLISH(a=1)");
  EXPECT_EQ(read(remote), "PUBLISH(a=1) PUBLISH(a=1)");
}

// Three brokers in a ring.
TEST_P(MutualBridgeTest, ARingDeliversOnceToEach) {
  Bench third{{}, 1};
  const auto run_all = [&] {
    for (int i = 0; i < 20; ++i) {
      run();
      third.run();
    }
  };
  Cable to_third, from_third;
  const std::vector<BridgeTopic> all = {{.pattern = "#", .direction = BridgeDirection::kOut}};
  add(options_for(all), here, there, cable);
  add(options_for(all), there, third, to_third);
  add(options_for(all), third, here, from_third);
  run_all();
  TestClient local(here, "local"), remote(there, "remote"), last(third, "last");
  for (TestClient* client : {&local, &remote, &last}) client->subscribe("#", 1);
  for (TestClient* client : {&local, &remote, &last}) client->read();
  local.publish("a", "1");
  run_all();
  EXPECT_EQ(read(local), "PUBLISH(a=1)");
  EXPECT_EQ(read(remote), "PUBLISH(a=1)");
  EXPECT_EQ(read(last), "PUBLISH(a=1)");
  for (auto& bridge : bridges) bridge->stop([] {});
  run_all();
  bridges.clear();
}
INSTANTIATE_TEST_SUITE_P(Versions, MutualBridgeTest, testing::Values(kV5), [](const auto&) { return "V5"; });

TEST(BridgeSessionTest, NobodyElseTakesABridgesSession) {
  Bench bench;
  EXPECT_EQ(TestClient(bench, "bridge/there").connack, "CONNACK(85)");
  EXPECT_EQ(TestClient(bench, "bridge/there", kV5).connack, "CONNACK(85)");
}

TEST(BridgeWaitTest, DoublesBetweenItsLimitsWithJitter) {
  Random random(1);
  uint32_t delay_s = 0;
  for (const int64_t whole_s : {2, 4, 8, 10, 10}) {
    const int64_t wait_ms = next_wait_ms(delay_s, 2, 10, random);
    EXPECT_GE(wait_ms, whole_s * 500);
    EXPECT_LE(wait_ms, whole_s * 1000);
  }
}

}  // namespace
}  // namespace campanile::broker
