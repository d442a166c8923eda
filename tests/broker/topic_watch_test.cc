#include "broker/topic_watch.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace campanile::broker {
namespace {

constexpr int64_t kNow = 1'700'000'000 * kNanosPerSecond;

// A watch with a retained store beside it.
struct Watched {
  Watched() : store(kv::make_memory_store()), retained(std::move(*RetainedStore::load(*store, {}))) { retained->attach(journal); }
  void say(std::string_view topic, std::string_view payload) { watch.note({.topic = topic, .payload = payload, .qos = 1}, kNow); }
  void look(int64_t seconds = 0) { watch.look(seconds * kNanosPerSecond, *retained, kNow); }
  std::string levels(const std::string& under) const {
    std::string text;
    const TopicView view = watch.view({.under = {under}});
    for (const auto& level : view.paths.at(0).levels) {
      text += fmt::format("{}{}:{}/{} ", level.path, level.is_topic ? "=" + level.last : "", level.topics, level.messages);
    }
    return text;
  }

  std::unique_ptr<kv::Store> store;
  std::unique_ptr<RetainedStore> retained;
  FakeJournal journal;
  TopicWatch watch;
};

TEST(TopicWatch, CountsNothingWhileNobodyLooks) {
  Watched w;
  EXPECT_FALSE(w.watch.active());
  w.say("a", "1");
  EXPECT_EQ(w.watch.view({}).topics, 0u);
}

TEST(TopicWatch, ShowsTheLevelsBelowAPath) {
  Watched w;
  w.look();
  w.say("u4/302/co2", "700");
  w.say("u4/302/co2", "710");
  w.say("u4/302", "here too");
  w.say("u4/303/co2", "5");
  w.say("/odd//", "x");
  EXPECT_EQ(w.levels(""), "/:1/1 u4/:3/4 ");
  EXPECT_EQ(w.levels("u4/"), "u4/302/=here too:2/3 u4/303/:1/1 ");
  EXPECT_EQ(w.levels("u4/302/"), "u4/302/co2/=710:1/2 ");
  EXPECT_EQ(w.levels("/"), "/odd/:1/1 ");
  EXPECT_EQ(w.levels("/odd/"), "/odd//:1/1 ");
  EXPECT_EQ(w.levels("/odd//"), "/odd///=x:1/1 ");
  EXPECT_EQ(w.levels("u4/3"), "");  // no path
  EXPECT_EQ(w.levels("nowhere/"), "");
}

TEST(TopicWatch, ManyLevelsTakeNoLongTime) {
  Watched w;
  w.look();
  const std::string path(65'534, '/');
  for (int i = 0; i < 200; ++i) w.say(path.substr(0, 65'000 + static_cast<size_t>(i)) + "x", "1");
  EXPECT_EQ(w.levels(""), "/:200/200 ");
  EXPECT_EQ(w.levels(path.substr(0, 65'199)), path.substr(0, 65'199) + "x/=1:1/1 ");
}

TEST(TopicWatch, KeepsTheLastMessageOfATopic) {
  Watched w;
  w.look();
  w.say("a/b", "1");
  w.say("a/b", "22");
  const auto message = w.watch.view({.topic = "a/b"}).message;
  ASSERT_TRUE(message);
  EXPECT_EQ(message->payload, "22");
  EXPECT_EQ(message->messages, 2u);
  EXPECT_EQ(message->bytes, 3u);
  EXPECT_EQ(message->qos, 1);
  EXPECT_EQ(message->time_ns, kNow);
  EXPECT_FALSE(w.watch.view({.topic = "a"}).message);
}

TEST(TopicWatch, BeginsWithWhatIsRetained) {
  Watched w;
  Publication kept{.topic = "u4/302/light", .payload = "on", .published_ns = 5, .qos = 2, .retain = true};
  ASSERT_TRUE(w.retained->set(kept));
  Publication own{.topic = "$SYS/broker/version", .payload = "x", .published_ns = 5, .retain = true};
  ASSERT_TRUE(w.retained->set(own));
  w.look();
  const TopicView view = w.watch.view({.topic = "u4/302/light"});
  EXPECT_EQ(view.topics, 2u);
  ASSERT_TRUE(view.message);
  EXPECT_TRUE(view.message->retain);
  EXPECT_EQ(view.message->messages, 0u);
  EXPECT_EQ(view.message->time_ns, 5);
}

TEST(TopicWatch, LetsGoWhenNobodyHasLookedForAWhile) {
  Watched w;
  w.look(0);
  w.say("a", "1");
  w.watch.tick((TopicWatch::kLookS - 1) * kNanosPerSecond);
  EXPECT_TRUE(w.watch.active());
  w.look(TopicWatch::kLookS - 1);
  w.watch.tick((TopicWatch::kLookS + 1) * kNanosPerSecond);
  EXPECT_TRUE(w.watch.active());
  for (int64_t second = 0; second < 100; ++second) w.watch.tick((2 * TopicWatch::kLookS + second) * kNanosPerSecond);
  EXPECT_FALSE(w.watch.active());
  EXPECT_EQ(w.watch.view({}).topics, 0u);
  w.look(200);
  EXPECT_EQ(w.levels(""), "");
}

TEST(TopicWatch, ANewLookFindsNothingOfTheFormerOne) {
  Watched w;
  w.look(0);
  for (int i = 0; i < 1000; ++i) w.say(fmt::format("t/{}", i), "1");
  w.watch.tick(TopicWatch::kLookS * kNanosPerSecond);  // has begun to let go
  EXPECT_GT(w.watch.view({}).topics, 0u);
  w.look(TopicWatch::kLookS);
  EXPECT_EQ(w.watch.view({}).topics, 0u);
}

TEST(TopicWatch, LeavesOutTopicsBeyondItsLimitAndSaysSo) {
  Watched w;
  w.look();
  for (size_t i = 0; i < TopicWatch::kTopicsMax + 10; ++i) w.say(fmt::format("t/{}", i), "x");
  TopicView view = w.watch.view({.under = {"t/"}, .levels_max = 5});
  EXPECT_EQ(view.topics, TopicWatch::kTopicsMax);
  EXPECT_EQ(view.left_out, 10u);
  EXPECT_EQ(view.paths[0].levels.size(), 5u);
  EXPECT_EQ(view.paths[0].left_out, TopicWatch::kTopicsMax - 5);
  w.say("t/0", "y");  // a known one still counts
  EXPECT_EQ(w.watch.view({.topic = "t/0"}).message->messages, 2u);
}

TEST(TopicWatch, BoundsWhatItKeepsOfPayloads) {
  Watched w;
  w.look();
  const std::string large(1 << 20, 'x');
  w.say("large", large);
  const auto message = w.watch.view({.topic = "large"}).message;
  EXPECT_EQ(message->payload.size(), TopicWatch::kPayloadBytesMax);
  EXPECT_EQ(message->payload_bytes, large.size());
  size_t kept = 0;
  for (size_t i = 0; i < 6000; ++i) w.say(fmt::format("t/{}", i), large);
  for (size_t i = 0; i < 6000; ++i) kept += w.watch.view({.topic = fmt::format("t/{}", i)}).message->payload.size();
  EXPECT_LE(kept, TopicWatch::kBytesMax);
  EXPECT_GT(kept, TopicWatch::kBytesMax / 2);
}

}  // namespace
}  // namespace campanile::broker
