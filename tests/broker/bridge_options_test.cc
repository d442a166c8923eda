#include "broker/bridge_options.h"

#include <gtest/gtest.h>

namespace campanile::broker {
namespace {

BridgeOptions good() {
  return {.name = "city", .address = {"mqtt.example", 1883}, .tls = {}, .user = {}, .password = {}, .client_id = "campus.city",
          .topics = {{.pattern = "#", .local_prefix = "u4/", .remote_prefix = "campus/u4/"}}, .state_topic = "$SYS/broker/connection/campus.city/state"};
}

std::string said(const BridgeOptions& options) {
  const auto result = check(options);
  return result ? "" : result.error().message;
}

TEST(BridgeOptionsTest, AUsualBridgeIsFine) { EXPECT_EQ(said(good()), ""); }

TEST(BridgeOptionsTest, EveryMistakeIsNamed) {
  const auto with = [](auto change) {
    BridgeOptions options = good();
    change(options);
    return said(options);
  };
  const auto holds = [](const std::string& text, std::string_view part) { return text.contains(part) ? "" : text + " lacks " + std::string(part); };
  EXPECT_EQ(holds(with([](auto& o) { o.name = "a/b"; }), "name"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.name = ""; }), "name"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.address.port = 0; }), "address"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.client_id = ""; }), "client_id"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.password = "x"; }), "password"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.reconnect_min_s = 0; }), "reconnect_min_s"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.reconnect_min_s = 61; }), "reconnect_min_s"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.in_flight_max = 0; }), "in_flight_max"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.topics.clear(); }), "topics"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.state_topic = "a/+/b"; }), "state_topic"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.topics[0].qos = 3; }), "QoS"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.topics[0].local_prefix = "a/+/"; }), "prefix"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.topics[0].pattern = "a/#/b"; }), "no topic filter"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.topics[0] = {.pattern = "$share/g/a"}; }), "$share"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.topics[0] = {.pattern = ""}; }), "both prefixes"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.topics[0].pattern = "a\xff"; }), "no topic filter"), "");
  EXPECT_EQ(holds(with([](auto& o) { o.topic_levels_max = 2; o.state_topic = ""; o.topics[0].pattern = "a/b"; }), "at most 2 levels"), "");
}

TEST(BridgeOptionsTest, NamesOfItsOwn) {
  EXPECT_EQ(bridge_client_id("city"), "bridge/city");
  EXPECT_TRUE(is_bridge_client_id("bridge/city"));
  EXPECT_FALSE(is_bridge_client_id("bridge"));
  EXPECT_EQ(bridge_state_topic("campus.city"), "$SYS/broker/connection/campus.city/state");
}

}  // namespace
}  // namespace campanile::broker
