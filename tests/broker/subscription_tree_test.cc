#include "broker/subscription_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "base/random.h"
#include "broker/match_cache.h"
#include "broker/session.h"
#include "fakes.h"
#include "mqtt/topic.h"

namespace campanile::broker {
namespace {

class SubscriptionTreeTest : public testing::Test {
 protected:
  std::shared_ptr<Session> session(const std::string& name) { return std::make_shared<Session>(name, environment, false); }
  static std::string names(const MatchResult& result) {
    std::set<std::string> found;
    for (const auto& target : result.targets) EXPECT_TRUE(found.insert(target.session->client_id()).second) << "one target a session";
    std::string text;
    for (const auto& name : found) text += name + " ";
    return text;
  }

  std::unique_ptr<kv::Store> store = kv::make_memory_store();
  BrokerOptions options;
  std::unique_ptr<RetainedStore> retained = std::move(*RetainedStore::load(*store, options));
  std::unique_ptr<SessionStore> session_store = std::move(*SessionStore::load(*store));
  SessionEnvironment environment{options, *retained, *session_store};
  SubscriptionTree tree;
};

TEST_F(SubscriptionTreeTest, FindsExactAndWildcardFilters) {
  const auto a = session("a"), b = session("b"), c = session("c"), d = session("d");
  EXPECT_TRUE(tree.add("u4/302/co2", {.session = a}));
  EXPECT_TRUE(tree.add("u4/+/co2", {.session = b}));
  EXPECT_TRUE(tree.add("u4/#", {.session = c}));
  EXPECT_TRUE(tree.add("#", {.session = d}));
  EXPECT_EQ(names(*tree.match("u4/302/co2")), "a b c d ");
  EXPECT_EQ(names(*tree.match("u4/303/co2")), "b c d ");
  EXPECT_EQ(names(*tree.match("u4")), "c d ");
  EXPECT_EQ(names(*tree.match("u4/302/co2/x")), "c d ");
  EXPECT_EQ(names(*tree.match("$SYS/x")), "");
  EXPECT_EQ(tree.size(), 4u);
}

std::string levels(size_t count, std::string_view level, std::string_view last) {
  std::string text;
  for (size_t i = 1; i < count; ++i) text.append(level).push_back('/');
  return text.append(last);
}

TEST_F(SubscriptionTreeTest, TakesTheDeepestTopicsThereAre) {
  // 65,535 bytes of slashes alone are 65,536 levels; with a byte in the last one there is room for 65,535.
  const std::string deepest(65'535, '/');
  const std::string with_end = levels(65'535, "", "x");
  std::vector<std::pair<std::string, std::shared_ptr<Session>>> filters;
  for (const std::string& filter : {deepest, with_end, levels(65'535, "", "+"), levels(65'535, "", "#"), "+" + with_end.substr(0, 65'533) + "x",
                                    levels(32'768, "+", "+"), levels(32'768, "+", "#"), levels(200, "", "#"), levels(128, "", "#"), levels(129, "", "#"),
                                    levels(130, "", "#"), levels(128, "", "+"), levels(129, "", "+"), levels(130, "+", "+"), std::string("#")}) {
    filters.emplace_back(filter, session("s" + std::to_string(filters.size())));
  }
  for (const auto& [filter, its] : filters) EXPECT_TRUE(tree.add(filter, {.session = its, .qos = 1}));
  for (const std::string& topic : {deepest, with_end, levels(32'768, "a", "a"), levels(127, "", ""), levels(128, "", ""), levels(129, "", ""), levels(130, "", ""),
                                   levels(131, "", "")}) {
    std::set<std::string> wanted;
    for (const auto& [filter, its] : filters) {
      if (mqtt::topic_matches(filter, topic)) wanted.insert(its->client_id());
    }
    std::string text;
    for (const auto& name : wanted) text += name + " ";
    EXPECT_EQ(names(*tree.match(topic)), text) << topic.size();
  }
  for (const auto& [filter, its] : filters) {
    EXPECT_TRUE(tree.find(filter, *its)) << filter.size();
    EXPECT_FALSE(tree.add(filter, {.session = its}));
    EXPECT_TRUE(tree.remove(filter, *its)) << filter.size();
    EXPECT_FALSE(tree.remove(filter, *its));
    EXPECT_FALSE(tree.find(filter, *its));
  }
  EXPECT_EQ(tree.size(), 0u);
  EXPECT_EQ(names(*tree.match(deepest)), "");
}

TEST_F(SubscriptionTreeTest, ReplacesAndRemoves) {
  const auto a = session("a");
  EXPECT_TRUE(tree.add("x/+", {.session = a, .qos = 0}));
  EXPECT_FALSE(tree.add("x/+", {.session = a, .qos = 2}));
  EXPECT_EQ(tree.match("x/1")->targets.at(0).terms.qos, 2);
  EXPECT_FALSE(tree.remove("x/#", *a));
  EXPECT_FALSE(tree.remove("x", *a));
  EXPECT_FALSE(tree.remove("x/+/y", *a));
  EXPECT_TRUE(tree.remove("x/+", *a));
  EXPECT_FALSE(tree.remove("x/+", *a));
  EXPECT_EQ(tree.size(), 0u);
  EXPECT_EQ(a.use_count(), 1);
}

TEST_F(SubscriptionTreeTest, MergesTheSubscriptionsOfASession) {
  const auto a = session("a");
  tree.add("x/y", {.session = a, .qos = 1, .no_local = true, .identifier = 1});
  tree.add("x/+", {.session = a, .qos = 2, .no_local = true, .identifier = 2});
  auto result = tree.match("x/y");
  ASSERT_EQ(result->targets.size(), 1u);
  EXPECT_EQ(result->targets[0].terms.qos, 2);
  EXPECT_TRUE(result->targets[0].no_local);
  EXPECT_EQ(result->targets[0].terms.subscription_ids.size(), 2u);
  tree.add("#", {.session = a, .qos = 0, .retain_as_published = true});
  result = tree.match("x/y");
  EXPECT_FALSE(result->targets[0].no_local);
  EXPECT_TRUE(result->targets[0].terms.retain_as_published);
}

TEST_F(SubscriptionTreeTest, SharedGroupsAreApart) {
  const auto a = session("a"), b = session("b");
  tree.add("$share/g/x/+", {.session = a});
  tree.add("$share/g/x/+", {.session = b});
  tree.add("$share/h/x/1", {.session = a});
  tree.add("x/1", {.session = a});
  const auto result = tree.match("x/1");
  EXPECT_EQ(names(*result), "a ");
  ASSERT_EQ(result->groups.size(), 2u);
  EXPECT_EQ(result->size(), 4u);
  EXPECT_TRUE(tree.remove("$share/g/x/+", *a));
  EXPECT_TRUE(tree.remove("$share/g/x/+", *b));
  EXPECT_FALSE(tree.remove("$share/g/x/+", *b));
  EXPECT_TRUE(tree.remove("$share/h/x/1", *a));
  EXPECT_TRUE(tree.match("x/1")->groups.empty());
}

TEST_F(SubscriptionTreeTest, StampsTellWhatHasAged) {
  const auto a = session("a");
  const uint64_t u4 = tree.stamp("u4/302"), bu = tree.stamp("bu/1");
  tree.add("u4/+", {.session = a});
  EXPECT_NE(tree.stamp("u4/302"), u4);
  EXPECT_EQ(tree.stamp("bu/1"), bu);
  tree.add("+/1", {.session = a});
  EXPECT_NE(tree.stamp("bu/1"), bu);
}

// Random subscriptions against the definition of a match, through the cache as well.
TEST_F(SubscriptionTreeTest, AgreesWithTopicMatches) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  MatchCache cache(tree, 20, 1000);
  std::vector<std::shared_ptr<Session>> sessions;
  for (int i = 0; i < 8; ++i) sessions.push_back(session("s" + std::to_string(i)));
  std::set<std::pair<std::string, size_t>> subscriptions;
  const char* const words[] = {"a", "b", "", "$c"};
  const auto text = [&](bool filter) {
    std::string made;
    const size_t levels = 1 + random.below(4);
    for (size_t i = 0; i < levels; ++i) {
      if (i > 0) made += '/';
      if (filter && random.one_in(4)) {
        made += i + 1 == levels && random.one_in(2) ? "#" : "+";
      } else {
        made += words[random.below(4)];
      }
    }
    return made.empty() ? std::string("a") : made;
  };
  for (int i = 0; i < 4'000; ++i) {
    const std::string filter = text(true);
    const size_t who = random.below(sessions.size());
    if (random.one_in(2)) {
      ASSERT_EQ(tree.add(filter, {.session = sessions[who]}), subscriptions.emplace(filter, who).second) << filter;
    } else {
      ASSERT_EQ(tree.remove(filter, *sessions[who]), subscriptions.erase({filter, who}) > 0) << filter;
    }
    ASSERT_EQ(tree.size(), subscriptions.size());
    const std::string topic = text(false);
    std::set<std::string> expected;
    for (const auto& [its_filter, its_session] : subscriptions) {
      if (mqtt::topic_matches(its_filter, topic)) expected.insert(sessions[its_session]->client_id());
    }
    std::string expected_text;
    for (const auto& name : expected) expected_text += name + " ";
    ASSERT_EQ(names(*tree.match(topic)), expected_text) << topic;
    ASSERT_EQ(names(*cache.find(topic)), expected_text) << topic;
    if (random.one_in(500)) cache.drop_aged();
  }
  for (const auto& [filter, who] : subscriptions) tree.remove(filter, *sessions[who]);
  cache.drop_aged();
  EXPECT_EQ(tree.size(), 0u);
}

TEST_F(SubscriptionTreeTest, TheCacheIsBounded) {
  const auto a = session("a");
  tree.add("#", {.session = a});
  MatchCache cache(tree, 100, 50);
  for (int i = 0; i < 10'000; ++i) {
    cache.find("t/" + std::to_string(i));
    ASSERT_LE(cache.size(), 51u);
  }
}

}  // namespace
}  // namespace campanile::broker
