#include "app/client/client_options.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include <fmt/format.h>

namespace campanile::app::client {
namespace {

using Arguments = std::vector<std::string>;

ToolOptions parsed(Tool tool, const Arguments& arguments) {
  const ParsedFlags flags = parse_client_flags(tool, arguments);
  EXPECT_EQ(flags.error, "");
  return flags.options;
}

std::string error_of(Tool tool, const Arguments& arguments) { return parse_client_flags(tool, arguments).error; }

TEST(ClientOptions, DefaultsAreThoseOfMosquitto) {
  const ToolOptions options = parsed(Tool::kPublish, {"-t", "a", "-m", "b"});
  EXPECT_EQ(options.host, "localhost");
  EXPECT_EQ(options.port, std::nullopt);
  EXPECT_EQ(options.version, mqtt::ProtocolVersion::kV311);
  EXPECT_EQ(options.keep_alive_s, 60);
  EXPECT_TRUE(options.clean);
  EXPECT_EQ(options.qos, 0);
  EXPECT_FALSE(options.tls);
  EXPECT_EQ(options.source, PayloadSource::kText);
}

TEST(ClientOptions, ValuesAreTakenAsTheyAre) {
  EXPECT_EQ(parsed(Tool::kPublish, {"-t", "a", "-m", "-5"}).payload, "-5");
  EXPECT_EQ(parsed(Tool::kPublish, {"-t", "a", "-m", "--help"}).payload, "--help");
  EXPECT_EQ(parsed(Tool::kPublish, {"-t", "a", "-m", ""}).payload, "");
  EXPECT_EQ(parsed(Tool::kPublish, {"--topic", "a", "--file", "b"}).source, PayloadSource::kFile);
}

TEST(ClientOptions, ReadsTheFlagsOfBothTools) {
  const ToolOptions options = parsed(Tool::kSubscribe, {"-h", "tower", "-p", "1884", "-t", "a/#", "-t", "+/b", "-q", "2", "-u", "me", "-P", "pw", "-i", "id",
                                                        "-k", "5", "-c", "-V", "mqttv5", "-x", "60", "-d", "-v", "-C", "3", "-W", "9", "-N", "-R", "-T", "a/b",
                                                        "-U", "old/#", "-F", "%t", "--quiet", "--will-topic", "w", "--will-payload", "gone", "--will-qos", "1",
                                                        "--will-retain"});
  EXPECT_EQ(options.host, "tower");
  EXPECT_EQ(options.port, 1884);
  EXPECT_EQ(options.topics, (Arguments{"a/#", "+/b"}));
  EXPECT_EQ(options.qos, 2);
  EXPECT_EQ(options.user, "me");
  EXPECT_EQ(options.password, "pw");
  EXPECT_EQ(options.client_id, "id");
  EXPECT_EQ(options.keep_alive_s, 5);
  EXPECT_FALSE(options.clean);
  EXPECT_EQ(options.version, mqtt::ProtocolVersion::kV5);
  EXPECT_EQ(options.session_expiry_s, 60u);
  EXPECT_TRUE(options.debug && options.verbose && options.no_stale && options.quiet && options.will_retain);
  EXPECT_EQ(options.message_count, 3u);
  EXPECT_EQ(options.timeout_s, 9u);
  EXPECT_FALSE(options.end_of_line);
  EXPECT_EQ(options.filtered_out, Arguments{"a/b"});
  EXPECT_EQ(options.unsubscribed, Arguments{"old/#"});
  EXPECT_EQ(options.format, "%t");
  EXPECT_EQ(options.will_topic, "w");
  EXPECT_EQ(options.will_payload, "gone");
  EXPECT_EQ(options.will_qos, 1);
}

TEST(ClientOptions, UrlsNameEverything) {
  const ToolOptions full = parsed(Tool::kPublish, {"-L", "mqtts://me:p:w@tower:9883/a/b", "-m", "x"});
  EXPECT_EQ(full.user, "me");
  EXPECT_EQ(full.password, "p:w");
  EXPECT_EQ(full.host, "tower");
  EXPECT_EQ(full.port, 9883);
  EXPECT_EQ(full.topics, Arguments{"a/b"});
  EXPECT_TRUE(full.tls);
  const ToolOptions short_form = parsed(Tool::kSubscribe, {"-L", "mqtt://[::1]/#"});
  EXPECT_EQ(short_form.host, "::1");
  EXPECT_EQ(short_form.port, std::nullopt);
  EXPECT_FALSE(short_form.tls);
  EXPECT_EQ(error_of(Tool::kPublish, {"-L", "http://x/y", "-m", "a"}), "unsupported URL scheme.");
  EXPECT_EQ(error_of(Tool::kPublish, {"-L", "mqtt://host", "-m", "a"}), "Invalid URL for -L argument specified - topic missing.");
  EXPECT_NE(error_of(Tool::kPublish, {"-L", "mqtt://host:x/t", "-m", "a"}), "");
}

TEST(ClientOptions, TlsFollowsFromItsFlags) {
  EXPECT_TRUE(parsed(Tool::kSubscribe, {"-t", "a", "--cafile", "ca"}).tls);
  EXPECT_TRUE(parsed(Tool::kSubscribe, {"-t", "a", "--cert", "c", "--key", "k"}).tls);
  EXPECT_TRUE(parsed(Tool::kSubscribe, {"-t", "a", "-p", "8883"}).tls);
  EXPECT_EQ(error_of(Tool::kSubscribe, {"-t", "a", "--cert", "c"}), "Both certfile and keyfile must be provided if one of them is set.");
}

TEST(ClientOptions, MistakesAreToldInMosquittosWords) {
  const std::pair<Arguments, std::string_view> cases[] = {
      {{"-t", "a"}, "Both topic and message must be supplied."},
      {{"-m", "a"}, "Both topic and message must be supplied."},
      {{"-t", "a/#", "-m", "a"}, "Invalid publish topic 'a/#', does it contain '+' or '#'?"},
      {{"-t", "a", "-m"}, "-m argument given but no message specified."},
      {{"-t", "a", "-m", "b", "-q", "3"}, "Invalid QoS given: 3"},
      {{"-t", "a", "-m", "b", "-p", "0"}, "Invalid port given: 0"},
      {{"-t", "a", "-m", "b", "--foo"}, "Unknown option '--foo'."},
      {{"-t", "a", "-m", "b", "-n"}, "Only one type of message can be sent at once."},
      {{"-t", "a", "-m", "b", "-V", "4"}, "Invalid protocol version argument given."},
      {{"-t", "a", "-m", "b", "-k", "3"}, "Invalid keepalive given, it must be between 5 and 65535 inclusive."},
      {{"-t", "a", "-m", "b", "--will-payload", "x"}, "Will payload given, but no will topic given."},
      {{"-t", "a", "-m", "b", "-P", "p"}, "Problem setting username and/or password."},
      {{"-t", "a", "-m", "b", "-c"}, "You must provide a client id if you are using the -c option."},
      {{"-t", "a", "-m", "b", "-v"}, "Unknown option '-v'."},
      {{"-t", "a\xff", "-m", "b"}, "Invalid publish topic 'a\\xff', does it contain '+' or '#'?"},
  };
  for (const auto& [arguments, error] : cases) EXPECT_EQ(error_of(Tool::kPublish, arguments), error);
  EXPECT_EQ(error_of(Tool::kSubscribe, {}), "You must specify a topic to subscribe to.");
  EXPECT_EQ(error_of(Tool::kSubscribe, {"-t", "a/#/b"}), "Invalid subscription topic 'a/#/b', are all '+' and '#' wildcards correct?");
  EXPECT_EQ(error_of(Tool::kSubscribe, {"-t", "a", "-W", "0"}), "Invalid timeout \"0\".");
  EXPECT_EQ(error_of(Tool::kSubscribe, {"-t", "a", "-F", "%k"}), "Invalid format specifier 'k'.");
  EXPECT_EQ(error_of(Tool::kSubscribe, {"-t", "a", "-m", "b"}), "Unknown option '-m'.");
  EXPECT_EQ(error_of(Tool::kSubscribe, {"-t", "$share/g/a/#"}), "");
}

TEST(ClientOptions, ASessionThatIsKeptNeverExpiresUnlessTold) {
  EXPECT_EQ(parsed(Tool::kSubscribe, {"-t", "a", "-c", "-i", "x"}).session_expiry_s, 0xFFFFFFFF);
  EXPECT_EQ(parsed(Tool::kSubscribe, {"-t", "a", "-x", "-1"}).session_expiry_s, 0xFFFFFFFF);
  EXPECT_EQ(parsed(Tool::kSubscribe, {"-t", "a", "-x", "∞"}).session_expiry_s, 0xFFFFFFFF);
  EXPECT_EQ(parsed(Tool::kSubscribe, {"-t", "a"}).session_expiry_s, std::nullopt);
  EXPECT_EQ(parsed(Tool::kSubscribe, {"-t", "a", "-I", "lab-"}).client_id, fmt::format("lab-{}", ::getpid()));
}

TEST(ClientOptions, EachFlagIsListedOnceAndInTheHelp) {
  std::set<std::string_view> names;
  for (const Flag& flag : flag_table()) {
    EXPECT_TRUE(names.insert(flag.name).second) << flag.name;
    for (const Tool tool : {Tool::kPublish, Tool::kSubscribe}) {
      const bool known = tool == Tool::kPublish ? flag.publish : flag.subscribe;
      EXPECT_EQ(client_help(tool).find(fmt::format("\n  {} ", flag.name)) != std::string::npos, known) << flag.name;
    }
  }
  EXPECT_TRUE(parsed(Tool::kPublish, {"--help"}).help);
}

}  // namespace
}  // namespace campanile::app::client
