#include "app/bench/load_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/bench/load_plan.h"

namespace campanile::app::bench {
namespace {

using testing::HasSubstr;

Result<LoadOptions> parse(std::vector<std::string> arguments) {
  CLI::App bench;
  bench.set_help_flag("--help");
  LoadFlags flags;
  add_mqtt_bench(bench, flags);
  arguments.insert(arguments.begin(), "mqtt");
  std::reverse(arguments.begin(), arguments.end());
  bench.parse(arguments);
  return check_load_flags(flags);
}

std::string refusal(std::vector<std::string> arguments) {
  const auto options = parse(std::move(arguments));
  return options ? "accepted" : options.error().message;
}

TEST(LoadOptions, Defaults) {
  const auto options = parse({});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->host, "localhost");
  EXPECT_EQ(options->port, 1883);
  EXPECT_EQ(options->publishers, 50u);
  EXPECT_EQ(options->subscribers, 1u);
  EXPECT_EQ(options->qos, 1);
  EXPECT_EQ(options->window, 50);
  EXPECT_EQ(options->filter, "bench/+/+/temperature");
  EXPECT_FALSE(options->user);
  EXPECT_FALSE(options->tls);
}

TEST(LoadOptions, FlagsByBothNames) {
  const auto options = parse({"-h", "broker", "-p", "1884", "-q", "2", "-u", "me", "-P", "secret", "-V", "5", "--in-flight", "7", "--rate", "2.5", "-k", "0",
                              "--source-addresses", "127.0.0.1-127.0.0.3", "--idle", "3", "--retain", "--json"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->host, "broker");
  EXPECT_EQ(options->port, 1884);
  EXPECT_EQ(options->qos, 2);
  EXPECT_EQ(options->user, "me");
  EXPECT_EQ(options->password, "secret");
  EXPECT_EQ(options->version, mqtt::ProtocolVersion::kV5);
  EXPECT_EQ(options->window, 7);
  EXPECT_EQ(options->rate, 2.5);
  EXPECT_EQ(options->keep_alive_s, 0);
  EXPECT_EQ(options->source_addresses.size(), 3u);
  EXPECT_EQ(options->connections(), 54u);
  EXPECT_TRUE(options->retain);
  EXPECT_TRUE(options->json);
}

TEST(LoadOptions, TheLastOfTwoCounts) {
  const auto options = parse({"--duration", "8", "--qos", "2", "--json", "--duration", "2", "--json", "-q", "0"});
  EXPECT_EQ(options->duration_s, 2);
  EXPECT_EQ(options->qos, 0);
  EXPECT_TRUE(options->json);
}

TEST(LoadOptions, TlsHasItsOwnPort) {
  EXPECT_EQ(parse({"--tls"})->port, 8883);
  const auto options = parse({"--cafile", "ca.pem", "-p", "9"});
  EXPECT_TRUE(options->tls);
  EXPECT_EQ(options->port, 9);
}

TEST(LoadOptions, TheFilterTakesInWhatThePatternGives) {
  EXPECT_EQ(parse({"--topic", "a/{p}/x{t}y/z"})->filter, "a/+/+/z");
  EXPECT_EQ(parse({"--topic", "/{t}"})->filter, "/+");
  EXPECT_EQ(parse({"--topic", "one/topic"})->filter, "one/topic");
  EXPECT_EQ(parse({"--topic", "one/topic"})->topics, 1u);
  EXPECT_EQ(parse({"--payload", "campus"})->filter, "+/+/temperature");
  EXPECT_EQ(parse({"--filter", "#"})->filter, "#");
}

TEST(LoadOptions, MistakesAreNamed) {
  EXPECT_THAT(refusal({"--qos", "3"}), HasSubstr("--qos"));
  EXPECT_THAT(refusal({"--window", "0"}), HasSubstr("--window"));
  EXPECT_THAT(refusal({"--window", "65536"}), HasSubstr("--window"));
  EXPECT_THAT(refusal({"--rate", "-1"}), HasSubstr("--rate"));
  EXPECT_THAT(refusal({"--rate", "nan"}), HasSubstr("--rate"));
  EXPECT_THAT(refusal({"--duration", "0"}), HasSubstr("--duration"));
  EXPECT_THAT(refusal({"--threads", "0"}), HasSubstr("--threads"));
  EXPECT_THAT(refusal({"--protocol", "4"}), HasSubstr("wanted 3.1.1 or 5"));
  EXPECT_THAT(refusal({"--payload", "sensible"}), HasSubstr("random, campus or file"));
  EXPECT_THAT(refusal({"--payload", "file"}), HasSubstr("--file"));
  EXPECT_THAT(refusal({"--file", "x"}), HasSubstr("--payload file"));
  EXPECT_THAT(refusal({"--topic", "a/#"}), HasSubstr("--topic"));
  EXPECT_THAT(refusal({"--filter", "a/#/b"}), HasSubstr("--filter"));
  EXPECT_THAT(refusal({"--password", "x"}), HasSubstr("--username"));
  EXPECT_THAT(refusal({"--cert", "x"}), HasSubstr("--key"));
  EXPECT_THAT(refusal({"--publishers", "0", "--subscribers", "0"}), HasSubstr("nothing to do"));
  EXPECT_THAT(refusal({"--topic", "{p}/{t}", "--publishers", "2000", "--topics", "1000"}), HasSubstr("--topics"));
}

TEST(LoadPlan, TopicsAreNamedByThePattern) {
  EXPECT_EQ(topic_name("b{b}/r{t}/{p}/{x}{", 80, 7), "b1/r80/7/{x}{");
  auto options = *parse({"--host", "127.0.0.1", "--topic", "{p}/{t}", "--publishers", "2", "--topics", "3", "--filter", "1/+"});
  const auto plan = LoadPlan::make(options);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(plan->topics, testing::ElementsAre("0/0", "0/1", "0/2", "1/0", "1/1", "1/2"));
  EXPECT_EQ(plan->topics[plan->topic_of(1, 4)], "1/1");
  EXPECT_FALSE(plan->all_matched);
  EXPECT_FALSE(plan->matched[0]);
  EXPECT_TRUE(plan->matched[3]);
}

TEST(LoadPlan, ErrorsNameTheFile) {
  auto options = *parse({"--host", "127.0.0.1", "--cafile", "/nowhere/ca.pem"});
  EXPECT_THAT(LoadPlan::make(options).error().message, HasSubstr("/nowhere/ca.pem"));
  options = *parse({"--host", "127.0.0.1", "--payload", "file", "--file", "/nowhere/payload"});
  EXPECT_THAT(LoadPlan::make(options).error().message, HasSubstr("/nowhere/payload"));
}

}  // namespace
}  // namespace campanile::app::bench
