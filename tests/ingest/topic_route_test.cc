#include "ingest/topic_route.h"

#include <gtest/gtest.h>

namespace campanile::ingest {
namespace {

// "unrouted", "skip", or "decoder database.measurement tag=…".
std::string describe(const TopicRoutes& routes, std::string_view topic) {
  const RoutedTopic routed = routes.find(topic);
  if (routed.route == nullptr) return "unrouted";
  if (routed.route->skip) return "skip";
  std::string out(routed.route->decoder->name());
  out += " " + routed.route->database + "." + routed.route->measurement;
  for (const Tag& tag : routed.tags) out += " " + std::string(tag.key) + "=" + std::string(tag.value);
  return out;
}

std::string builtin(std::string_view topic) {
  static const TopicRoutes routes = TopicRoutes::compile(default_routes(), {}).value();
  return describe(routes, topic);
}

std::string compile_error(RouteConfig config) {
  const auto routes = TopicRoutes::compile(std::vector{std::move(config)}, {});
  return routes ? "none" : routes.error().message;
}

TEST(TopicRoutes, BuiltInOnesKnowTheCampus) {
  EXPECT_EQ(builtin("u4/302/temperature"), "neocampus campanile.data building=u4 kind=temperature room=302");
  EXPECT_EQ(builtin("u4/302/device"), "neocampus campanile.data building=u4 kind=device room=302");
  EXPECT_EQ(builtin("outside/ambient/rain"), "neocampus campanile.data kind=rain");
  EXPECT_EQ(builtin("abroad/nice/s1/lab/co2"), "neocampus campanile.data building=s1 kind=co2 location=nice room=lab");
  EXPECT_EQ(builtin("csiot/station7"), "json campanile.csiot station=station7");
  EXPECT_EQ(builtin("influx/anything/at/all"), "line_protocol campanile.data");
}

TEST(TopicRoutes, BuiltInOnesSkipWhatHoldsNoReadings) {
  for (const std::string_view topic : {"_lora/0011/up", "_weather", "TestTopic/neoSensor_1234", "TestTopic", "u4/302/temperature/command", "u4/302/command",
                                       "u4/302/camera", "u4/hall/accesscontrol", "u4/302/display", "x/attendance/y/z", "$SYS/broker/load/publish/sent/1min"}) {
    EXPECT_EQ(builtin(topic), "skip") << topic;
  }
}

TEST(TopicRoutes, BrokerLoadIsWhatTheCampusCollectorStores) {
  const TopicRoutes routes = TopicRoutes::compile(broker_load_routes(), {}).value();
  EXPECT_EQ(describe(routes, "$SYS/broker/load/publish/received/1min"), "value campanile.mqtt avg=1min direction=received kind=publish");
  EXPECT_EQ(describe(routes, "$SYS/broker/load/bytes/sent/15min"), "value campanile.mqtt avg=15min direction=sent kind=bytes");
  for (const std::string_view topic : {"$SYS/broker/load/messages/sent/1min", "$SYS/broker/load/publish/dropped/1min", "$SYS/broker/uptime", "broker/load/bytes/sent/1min"}) {
    EXPECT_EQ(describe(routes, topic), "unrouted") << topic;
  }
}

TEST(TopicRoutes, OthersAreUnrouted) {
  for (const std::string_view topic : {"a", "a/b", "a/b/c/d", "abroad/nice/s1/lab", "csiot/a/b/c", "/u4/302/temperature", "$other/a/b"}) {
    EXPECT_EQ(builtin(topic), "unrouted") << topic;
  }
}

TEST(TopicRoutes, TheFirstMatchDecides) {
  const std::vector<RouteConfig> configs{{.pattern = "a/b", .skip = true}, {.pattern = "a/{x}", .decoder = "value", .measurement = "m", .database = "lab", .tags = {{"b", "1"}, {"z", "2"}}}};
  const auto routes = TopicRoutes::compile(configs, {}).value();
  EXPECT_EQ(describe(routes, "a/b"), "skip");
  EXPECT_EQ(describe(routes, "a/c"), "value lab.m b=1 x=c z=2");
}

TEST(TopicRoutes, TagsLiveWithTheRoutedTopic) {
  const auto routes = TopicRoutes::compile(default_routes(), {}).value();
  RoutedTopic routed;
  {
    std::string topic = "building-with-a-long-name/room-with-a-long-name/temperature";
    routed = routes.find(topic);
    topic.assign(topic.size(), 'x');
  }
  EXPECT_EQ(routed.tags[0].value, "building-with-a-long-name");
}

TEST(TopicRoutes, SaysWhatIsWrong) {
  EXPECT_EQ(compile_error({.pattern = "a/{b}", .decoder = "neocampu"}),
            "route 1 (a/{b}): there is no decoder 'neocampu', maybe neocampus was meant; there are json, line_protocol, neocampus, value");
  EXPECT_EQ(compile_error({.pattern = "a/b{"}),
            "route 1 (a/b{): topic pattern 'a/b{': level 'b{' mixes text with a wildcard: {name}, + and # stand alone, * may be part of a word");
  EXPECT_EQ(compile_error({.pattern = "a/{b}", .tags = {{"b", "1"}}}), "route 1 (a/{b}): tag b is given twice");
  EXPECT_EQ(compile_error({.pattern = "a", .tags = {{"time", "1"}}}), "route 1 (a): a tag cannot be called time");
  EXPECT_EQ(compile_error({.pattern = "a", .tags = {{"b", ""}}}), "route 1 (a): tag 'b' has an empty value");
  EXPECT_EQ(compile_error({.pattern = "a", .tags = {{"b", "x\\"}}}), "route 1 (a): tag b=x\\ ends in a backslash");
  EXPECT_EQ(compile_error({.pattern = "a", .field = "time"}), "route 1 (a): a field cannot be called 'time'");
  EXPECT_EQ(compile_error({.pattern = "a", .measurement = "m\\"}), "route 1 (a): measurement 'm\\' cannot be");
}

}  // namespace
}  // namespace campanile::ingest
