#include "app/config/yaml_reader.h"

#include <gtest/gtest.h>

#include "app/config/load.h"

namespace campanile::app {
namespace {

// The first problem of a text as "line:column: message".
std::string first_problem(std::string_view yaml) {
  Config config;
  const auto problems = read_yaml(yaml, config);
  if (problems.empty()) return "";
  return fmt::format("{}:{}: {}", problems[0].line, problems[0].column, problems[0].message);
}

TEST(YamlReader, AnEmptyFileGivesTheDefaults) {
  for (const auto yaml : {"", "\n\n", "# only a comment\n", "---\n", "http:\nmqtt:\n", "\xef\xbb\xbfhttp:\n"}) {
    EXPECT_EQ(first_problem(yaml), "") << yaml;
  }
}

TEST(YamlReader, ReadsEveryKindOfValue) {
  Config config;
  const auto problems = read_yaml(R"(
http: {listen: "[::1]:9000", body_bytes_max: 1MiB, idle_timeout_s: 2m}
storage:
  sync: every
  sync_every_ms: 20
ingest:
  builtin_routes: false
  routes:
    - pattern: "greenhouse/{zone}/{kind}"
      decoder: json
      measurement: greenhouse
      tags: {site: north, "number": 5}
    - pattern: debug/#
      skip: true
auth:
  anonymous: none
  users:
    - {name: campus, password: 1234}
    - name: lab
      password_file: lab.password
places:
  - measurement: greenhouse
    place: "greenhouse/{zone}"
    skipped_fields: [battery, "rssi"]
log: {level: debug}
threads: 4
)",
                                  config);
  for (const auto& problem : problems) ADD_FAILURE() << problem.line << ": " << problem.message;
  EXPECT_EQ(config.http.listen.to_string(), "[::1]:9000");
  EXPECT_EQ(config.http.body_bytes_max, kMiB);
  EXPECT_EQ(config.http.idle_timeout_s, 120u);
  EXPECT_EQ(config.storage.sync, SyncMode::kEvery);
  EXPECT_EQ(config.storage.sync_every_ms, 20u);
  EXPECT_FALSE(config.ingest.builtin_routes);
  ASSERT_EQ(config.ingest.routes.size(), 2u);
  EXPECT_EQ(config.ingest.routes[0].pattern, "greenhouse/{zone}/{kind}");
  EXPECT_EQ(config.ingest.routes[0].tags, (TextPairs{{"site", "north"}, {"number", "5"}}));
  EXPECT_TRUE(config.ingest.routes[1].skip);
  ASSERT_EQ(config.auth.users.size(), 2u);
  EXPECT_EQ(config.auth.users[0].password, "1234");
  EXPECT_EQ(config.auth.users[1].password_file, "lab.password");
  ASSERT_EQ(config.places.size(), 1u);
  EXPECT_EQ(config.places[0].skipped_fields, (std::vector<std::string>{"battery", "rssi"}));
  EXPECT_EQ(config.log.level, log::Level::kDebug);
  EXPECT_EQ(config.threads, 4u);
}

TEST(YamlReader, NamesTheClosestKey) {
  EXPECT_EQ(first_problem("http:\n  lisen: 127.0.0.1:1\n"), "2:3: unknown key 'lisen' in http; did you mean 'listen'?");
  EXPECT_EQ(first_problem("htp: {}\n"), "1:1: unknown key 'htp' in the configuration; did you mean 'http'?");
  EXPECT_EQ(first_problem("http:\n  packet_bytes_max: 1\n"),
            "2:3: unknown key 'packet_bytes_max' in http; did you mean 'mqtt.packet_bytes_max', which stands below 'mqtt:'?");
  EXPECT_EQ(first_problem("http.listen: 127.0.0.1:1\n"),
            "1:1: unknown key 'http.listen' in the configuration; did you mean 'http.listen', which stands below 'http:'?");
  EXPECT_EQ(first_problem("log:\n  threads: 2\n"), "2:3: unknown key 'threads' in log; did you mean 'threads', which stands at the top level?");
  EXPECT_EQ(first_problem("live:\n  zzzzzzzzzzzzzzzz: 2\n"), "2:3: unknown key 'zzzzzzzzzzzzzzzz' in live; known are updates_per_s, pages_max, sensors_max");
  EXPECT_EQ(first_problem("auth:\n  users:\n    - {nam: x, password: y}\n"), "3:7: auth.users: 'name' is missing; it is a text of 1 to 4096 bytes");
}

TEST(YamlReader, NamesWrongTypes) {
  EXPECT_EQ(first_problem("http: 8086\n"),
            "1:7: http: found '8086', wanted a map of its settings: listen, body_bytes_max, header_bytes_max, connections_max, "
            "idle_timeout_s, read_timeout_s, websocket_queue_bytes_max, web_directory");
  EXPECT_EQ(first_problem("http:\n  listen: [a]\n").substr(0, 41), "2:11: http.listen: found a list, allowed ");
  EXPECT_EQ(first_problem("threads: {a: b}\n"), "1:10: threads: found a map, allowed is a whole number from 0 to 1024");
  EXPECT_EQ(first_problem("threads:\n").substr(5), "threads: found nothing, allowed is a whole number from 0 to 1024");
  EXPECT_EQ(first_problem("places: yes\n"), "1:9: places: found 'yes', allowed is a list of maps");
  EXPECT_EQ(first_problem("ingest:\n  routes:\n    - pattern: a\n      tags: [x]\n"),
            "4:13: ingest.routes.tags: found a list, allowed is a map such as {building: u4}");
  EXPECT_EQ(first_problem("ingest:\n  routes:\n    - pattern: a\n      tags: {x: [1]}\n"), "4:17: ingest.routes.tags.x: found a list, wanted a text");
  EXPECT_EQ(first_problem("- a\n- b\n").substr(0, 18), "1:1: found a list,");
  EXPECT_EQ(first_problem("just words\n").substr(0, 24), "1:1: found 'just words',");
  EXPECT_NE(first_problem("? [a]\n: b\n"), "");
}

TEST(YamlReader, RefusesAKeyThatStandsTwice) {
  EXPECT_EQ(first_problem("threads: 1\nthreads: 2\n"), "2:1: 'threads' stands twice in the configuration; remove one");
  EXPECT_EQ(first_problem("http:\n  listen: 127.0.0.1:1\n  listen: 127.0.0.1:1\n"), "3:3: 'listen' stands twice in http; remove one");
  EXPECT_EQ(first_problem("places:\n  - {place: a, place: b}\n"), "2:16: 'place' stands twice in places; remove one");
}

TEST(YamlReader, TellsAllMistakesAtOnceInTheirOrder) {
  Config config;
  const auto problems = read_yaml("http:\n  lisen: 1\n  connections_max: 0\nthreads: many\nnonsense: 1\n", config);
  ASSERT_EQ(problems.size(), 4u);
  for (size_t i = 0; i < problems.size(); ++i) EXPECT_EQ(problems[i].line, i + 2);
}

TEST(YamlReader, CountsMistakesBeyondTheLimit) {
  std::string yaml = "http:\n";
  for (int i = 0; i < 200; ++i) yaml += fmt::format("  key{}: 1\n", i);
  Config config;
  const auto problems = read_yaml(yaml, config);
  ASSERT_EQ(problems.size(), kProblemsMax + 1);
  EXPECT_EQ(problems.back().message, "and 150 more like these");
}

TEST(YamlReader, ExplainsWhatIsNoYaml) {
  EXPECT_EQ(first_problem("http:\n\tlisten: x\n"), "2:1: a tab in the indentation; YAML wants spaces");
  EXPECT_EQ(first_problem("http:\n  \tlisten: x\n"), "2:3: a tab in the indentation; YAML wants spaces");
  EXPECT_EQ(first_problem("# caf\xe9\n"), "1:1: '# caf\\xe9' is not UTF-8 text; save the file as UTF-8");
  EXPECT_NE(first_problem(std::string_view("thr\0eads: 1\n", 12)).find("not UTF-8"), std::string::npos);
  EXPECT_NE(first_problem("places:\n  - place: {building}/{room}\n").find("needs quotes"), std::string::npos);
  EXPECT_EQ(first_problem("http: [1,\n").substr(0, 14), "2:1: not YAML:");
  EXPECT_EQ(first_problem("a: *nowhere\n").find("1:4: not YAML"), 0u);
  EXPECT_EQ(first_problem("threads: 1\n---\nthreads: 2\n"), "2:1: this is behind the end of the settings: a configuration is one document, without '---' inside");
  EXPECT_EQ(first_problem(",threads: 1\n").substr(0, 12), "1:1: this is");
  EXPECT_EQ(first_problem("[1] 2\n").substr(0, 12), "1:5: this is");
  EXPECT_NE(first_problem(std::string(kConfigBytesMax + 1, '#')).find("a configuration has at most"), std::string::npos);
}

TEST(YamlReader, SurvivesNestingAndSelfReference) {
  EXPECT_NE(first_problem(std::string(100'000, '[')), "");
  EXPECT_NE(first_problem("http: &a [*a]\n"), "");
  EXPECT_NE(first_problem("ingest:\n  routes: &a [*a]\n"), "");
}

TEST(YamlReader, AccountsNeedOnePassword) {
  EXPECT_EQ(first_problem("auth:\n  users:\n    - name: a\n"), "3:7: auth.users: 'a' has no password; give one of password and password_file");
  EXPECT_EQ(first_problem("auth:\n  users:\n    - {name: a, password: b, password_file: c}\n"),
            "3:7: auth.users: 'a' has a password and a password_file; give one of password and password_file");
  EXPECT_EQ(first_problem("auth:\n  users:\n    - {name: a, password: b}\n    - {name: a, password: c}\n"), "4:7: auth.users: 'a' stands twice");
}

}  // namespace
}  // namespace campanile::app
