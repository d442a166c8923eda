#include "ingest/topic_pattern.h"

#include <gtest/gtest.h>

namespace campanile::ingest {
namespace {

// "no", or the captures as "a=1,b=2".
std::string match(std::string_view pattern, std::string_view topic) {
  const auto parsed = TopicPattern::parse(pattern);
  if (!parsed) return parsed.error().message;
  std::vector<Tag> captures;
  if (!parsed->matches(topic, captures)) return captures.empty() ? "no" : "captures were left behind";
  std::string out;
  for (const Tag& tag : captures) out += (out.empty() ? "" : ",") + std::string(tag.key) + "=" + std::string(tag.value);
  return out.empty() ? "yes" : out;
}

TEST(TopicPattern, MatchesLevels) {
  EXPECT_EQ(match("{building}/{room}/{kind}", "u4/302/temperature"), "building=u4,room=302,kind=temperature");
  EXPECT_EQ(match("{building}/{room}/{kind}", "u4/302"), "no");
  EXPECT_EQ(match("{building}/{room}/{kind}", "u4/302/temperature/command"), "no");
  EXPECT_EQ(match("{building}/{room}/{kind}", "u4//temperature"), "no");
  EXPECT_EQ(match("csiot/{station}", "csiot/7"), "station=7");
  EXPECT_EQ(match("a/+/c", "a/b/c"), "yes");
  EXPECT_EQ(match("a/+/c", "a//c"), "yes");
  EXPECT_EQ(match("a/b", "a/b/"), "no");
  EXPECT_EQ(match("a/b", "A/b"), "no");
  EXPECT_EQ(match("+", ""), "yes");
}

TEST(TopicPattern, NumberSignStandsForAnyLevels) {
  EXPECT_EQ(match("#", "a"), "yes");
  EXPECT_EQ(match("#", "a/b/c"), "yes");
  EXPECT_EQ(match("influx/#", "influx"), "yes");
  EXPECT_EQ(match("influx/#", "influx/a/b"), "yes");
  EXPECT_EQ(match("influx/#", "influxx"), "no");
  EXPECT_EQ(match("#/command", "command"), "yes");
  EXPECT_EQ(match("#/command", "a/b/command"), "yes");
  EXPECT_EQ(match("#/command", "a/command/b"), "no");
  EXPECT_EQ(match("#/{room}/x/#", "a/b/x/c"), "room=b");
  EXPECT_EQ(match("a/#/{last}", "a/b/c"), "last=c");
}

TEST(TopicPattern, StarStandsForAnyBytesOfALevel) {
  EXPECT_EQ(match("_*/#", "_lora/x/y"), "yes");
  EXPECT_EQ(match("_*/#", "lora"), "no");
  EXPECT_EQ(match("#/*camera*/#", "u4/ipcamera2/x"), "yes");
  EXPECT_EQ(match("#/*camera*/#", "u4/302/temperature"), "no");
  EXPECT_EQ(match("a/b*/c", "a/b/c/c"), "no");
}

TEST(TopicPattern, WildcardsLeaveDollarTopicsAlone) {
  EXPECT_EQ(match("#", "$SYS/broker/uptime"), "no");
  EXPECT_EQ(match("+/broker/uptime", "$SYS/broker/uptime"), "no");
  EXPECT_EQ(match("{a}/broker/uptime", "$SYS/broker/uptime"), "no");
  EXPECT_EQ(match("$SYS/#", "$SYS/broker/uptime"), "yes");
}

TEST(TopicPattern, SaysWhatIsWrong) {
  EXPECT_EQ(match("", "a"), "a topic pattern is empty; # stands for every topic");
  EXPECT_EQ(match("a/x{b}", "a"), "topic pattern 'a/x{b}': level 'x{b}' mixes text with a wildcard: {name}, + and # stand alone, * may be part of a word");
  EXPECT_EQ(match("a/b+", "a"), "topic pattern 'a/b+': level 'b+' mixes text with a wildcard: {name}, + and # stand alone, * may be part of a word");
  EXPECT_EQ(match("{}/b", "a"), "topic pattern '{}/b': '{}' has no name made of letters, digits, _ and -");
  EXPECT_EQ(match("{a}/{a}", "a"), "topic pattern '{a}/{a}' names two levels a");
  EXPECT_EQ(match("{time}", "a"), "topic pattern '{time}': a tag cannot be called time: call '{time}' something else");
  EXPECT_EQ(match("#/a/#/b/#", "a"), "topic pattern '#/a/#/b/#' has more than 2 levels that are #");
}

TEST(TopicPattern, LongTopicsTakeNoLongTime) {
  std::string topic;
  for (int i = 0; i < 5000; ++i) topic += "a/";
  EXPECT_EQ(match("#/*b*/#", topic), "no");
  const std::string deepest(65'534, '/');
  EXPECT_EQ(match("#/*b*/#", deepest + "a"), "no");
  EXPECT_EQ(match("#/+/{x}/#/b", deepest + "a"), "no");
  EXPECT_EQ(match("#/+/#/a", deepest + "a"), "yes");
  EXPECT_FALSE(glob_matches("*a*a*a*a*b", std::string(20'000, 'a')));
}

TEST(TopicPattern, Globs) {
  for (const auto& [glob, text] : {std::pair("*", ""), {"*", "x"}, {"a*", "a"}, {"*b", "ab"}, {"a*c*e", "abcde"}, {"a*b", "abab"}, {"**", "x"}}) {
    EXPECT_TRUE(glob_matches(glob, text)) << glob << " " << text;
  }
  for (const auto& [glob, text] : {std::pair("", "x"), {"a*", "ba"}, {"*b", "ba"}, {"a*c*e", "aec"}, {"ab", "a"}}) {
    EXPECT_FALSE(glob_matches(glob, text)) << glob << " " << text;
  }
}

}  // namespace
}  // namespace campanile::ingest
