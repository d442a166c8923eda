#include "mqtt/topic.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/random.h"

namespace campanile::mqtt {
namespace {

TEST(Topic, NamesHoldNoWildcards) {
  for (const char* good : {"a", "/", "a/", "/a", "a//b", "$SYS/x", "u4/302/temp érature"}) EXPECT_TRUE(is_valid_topic(good, 128)) << good;
  for (const char* bad : {"", "+", "a/+", "a#", "a/#/b"}) EXPECT_FALSE(is_valid_topic(bad, 128)) << bad;
}

TEST(Topic, LevelsAreLimited) {
  std::string text = "a";
  for (int i = 1; i < 128; ++i) text += "/a";
  EXPECT_EQ(topic_levels(text), 128u);
  EXPECT_TRUE(is_valid_topic(text, 128));
  EXPECT_TRUE(is_valid_filter(text, 128));
  EXPECT_FALSE(is_valid_topic(text + "/", 128));
  EXPECT_FALSE(is_valid_filter(text + "/", 128));
}

// The examples of section 4.7.1.
TEST(Filter, WildcardsStandAlone) {
  for (const char* good : {"#", "+", "sport/tennis/#", "sport/+/player1", "+/tennis/#", "/+", "+/+", "/", "a//+", "$SYS/#"}) {
    EXPECT_TRUE(is_valid_filter(good, 128)) << good;
  }
  for (const char* bad : {"", "sport/tennis#", "sport/tennis/#/ranking", "sport+", "a/b+/c", "#/", "++", "##", "a/+b"}) {
    EXPECT_FALSE(is_valid_filter(bad, 128)) << bad;
  }
}

TEST(Matches, TheExamplesOfTheStandard) {
  const struct { const char* filter; const char* topic; bool matches; } cases[] = {
      {"sport/tennis/player1/#", "sport/tennis/player1", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
      {"sport/#", "sport", true},
      {"sport/#", "sports", false},
      {"#", "sport/x", true},
      {"sport/tennis/+", "sport/tennis/player1", true},
      {"sport/tennis/+", "sport/tennis/player1/ranking", false},
      {"sport/+", "sport", false},
      {"sport/+", "sport/", true},
      {"+/+", "/finance", true},
      {"/+", "/finance", true},
      {"+", "/finance", false},
      {"+/tennis/#", "x/tennis", true},
      {"a/b", "a/b", true},
      {"a/b", "a/B", false},
      {"a", "a/", false},
      {"a/", "a", false},
      {"a/+/#", "a", false},
      {"a/+/#", "a/b", true},
      {"", "a", false},
      {"a//b", "a//b", true},
      {"a/+/b", "a//b", true},
  };
  for (const auto& c : cases) EXPECT_EQ(topic_matches(c.filter, c.topic), c.matches) << c.filter << " " << c.topic;
}

// [MQTT-4.7.2-1]
TEST(Matches, WildcardsInTheFirstLevelPassOverDollarTopics) {
  EXPECT_FALSE(topic_matches("#", "$SYS/broker"));
  EXPECT_FALSE(topic_matches("+/broker", "$SYS/broker"));
  EXPECT_FALSE(topic_matches("+", "$SYS"));
  EXPECT_TRUE(topic_matches("$SYS/#", "$SYS/broker"));
  EXPECT_TRUE(topic_matches("$SYS/+", "$SYS/broker"));
  EXPECT_TRUE(topic_matches("a/#", "a/$b")) << "'$' means nothing further on";
}

TEST(Shared, PrefixIsParsed) {
  const auto shared = parse_shared("$share/consumer1/sport/tennis/+");
  ASSERT_TRUE(shared);
  EXPECT_EQ(shared->group, "consumer1");
  EXPECT_EQ(shared->filter, "sport/tennis/+");
  EXPECT_EQ(parse_shared("$share/g//")->filter, "/");
  for (const char* bad : {"$share", "$share/", "$share/g", "$share/g/", "$share//a", "$share/g+/a", "$share/#/a", "share/g/a", "$SHARE/g/a"}) {
    EXPECT_FALSE(parse_shared(bad)) << bad;
  }
}

// The definition, level by level and recursively, against the loop.
bool matches_by_definition(const std::vector<std::string>& filter, size_t f, const std::vector<std::string>& topic, size_t t) {
  if (f < filter.size() && filter[f] == "#") return true;
  if (f == filter.size() || t == topic.size()) return f == filter.size() && t == topic.size();
  return (filter[f] == "+" || filter[f] == topic[t]) && matches_by_definition(filter, f + 1, topic, t + 1);
}

TEST(Matches, AgreesWithTheDefinition) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  const auto join = [](const std::vector<std::string>& levels) {
    std::string text = levels[0];
    for (size_t i = 1; i < levels.size(); ++i) text += "/" + levels[i];
    return text;
  };
  const char* const words[] = {"a", "b", "", "aa", "+"};
  for (int i = 0; i < 20000; ++i) {
    std::vector<std::string> filter(1 + random.below(4)), topic(1 + random.below(4));
    for (auto& level : filter) level = words[random.below(5)];
    if (random.one_in(3)) filter.back() = "#";
    for (auto& level : topic) level = words[random.below(4)];
    if (join(topic).empty() || join(filter).empty()) continue;
    ASSERT_EQ(topic_matches(join(filter), join(topic)), matches_by_definition(filter, 0, topic, 0)) << join(filter) << " | " << join(topic);
  }
}

}  // namespace
}  // namespace campanile::mqtt
