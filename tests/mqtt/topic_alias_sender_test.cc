#include "mqtt/topic_alias_sender.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/random.h"

namespace campanile::mqtt {
namespace {

// "3+" tells alias 3 together with the topic, "3" the alias alone, "-" none.
std::string use(TopicAliasSender& aliases, std::string_view topic, bool may_assign = true) {
  const auto use = aliases.use(topic, may_assign);
  return use.alias == 0 ? (use.with_topic ? "-" : "?") : std::to_string(use.alias) + (use.with_topic ? "+" : "");
}

TEST(TopicAliasSender, TheTopicGoesAlongOnce) {
  TopicAliasSender aliases(2);
  EXPECT_EQ(use(aliases, "u4/302/co2"), "1+");
  EXPECT_EQ(use(aliases, "u4/302/co2"), "1");
  EXPECT_EQ(use(aliases, "u4/303/co2"), "2+");
  EXPECT_EQ(use(aliases, "u4/302/co2"), "1");
  EXPECT_EQ(use(aliases, "u4/303/co2"), "2");
}

// [MQTT-3.1.2-27]
TEST(TopicAliasSender, AMaximumOfZeroMeansNone) {
  TopicAliasSender aliases(0);
  EXPECT_EQ(use(aliases, "u4/302/co2"), "-");
  EXPECT_EQ(use(aliases, "u4/302/co2"), "-");
}

TEST(TopicAliasSender, ShortAndVeryLongTopicsGoAsText) {
  TopicAliasSender aliases(4);
  EXPECT_EQ(use(aliases, "a/b/c"), "-");
  EXPECT_EQ(use(aliases, std::string(TopicAliasSender::kTopicBytesMax + 1, 'x')), "-");
  EXPECT_EQ(use(aliases, std::string(TopicAliasSender::kTopicBytesMax, 'x')), "1+");
}

TEST(TopicAliasSender, APacketWithoutRoomIsToldNoNewAlias) {
  TopicAliasSender aliases(4);
  EXPECT_EQ(use(aliases, "u4/302/co2", false), "-");
  EXPECT_EQ(use(aliases, "u4/302/co2"), "1+");
  EXPECT_EQ(use(aliases, "u4/302/co2", false), "1") << "shorter than without";
}

TEST(TopicAliasSender, BusyTopicsKeepTheirAlias) {
  TopicAliasSender aliases(2);
  use(aliases, "busy/one");
  use(aliases, "busy/two");
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(use(aliases, "busy/one"), "1");
    EXPECT_EQ(use(aliases, "busy/two"), "2");
    EXPECT_EQ(use(aliases, "rare/" + std::to_string(i)), "-") << i;
  }
  // The hand, which is at the first, clears its mark; the second has not been used since it came by.
  EXPECT_EQ(use(aliases, "rare/a"), "-");
  EXPECT_EQ(use(aliases, "rare/b"), "2+");
  EXPECT_EQ(use(aliases, "rare/b"), "2");
  EXPECT_EQ(use(aliases, "busy/one"), "1");
  EXPECT_EQ(use(aliases, "busy/two"), "-");
}

// Whatever the order: a peer that does what the standard says always sees the right topic, and no alias over the maximum.
TEST(TopicAliasSender, ThePeerAlwaysKnowsTheTopic) {
  for (const uint16_t maximum : {1, 3, 16, 300}) {
    const uint64_t seed = 20'261'125u + maximum;
    SCOPED_TRACE(seed);
    Random random(seed);
    TopicAliasSender aliases(maximum);
    std::map<uint16_t, std::string> peer;
    for (int i = 0; i < 5'000; ++i) {
      const std::string topic = "topic/" + std::to_string(random.below(i % 2 ? 5 : 400));
      const auto use = aliases.use(topic, random.below(10) > 0);
      ASSERT_LE(use.alias, std::min(maximum, TopicAliasSender::kAliasesMax));
      ASSERT_TRUE(use.with_topic || use.alias != 0);
      if (use.with_topic && use.alias != 0) peer[use.alias] = topic;
      if (!use.with_topic) {
        ASSERT_EQ(peer[use.alias], topic);
      }
    }
  }
}

}  // namespace
}  // namespace campanile::mqtt
