#include "broker/bridge_topics.h"

#include <gtest/gtest.h>

namespace campanile::broker {
namespace {

std::string out(const BridgeTopics& topics, std::string_view local) {
  std::string name;
  return topics.to_remote(local, name) ? name : "-";
}
std::string in(const BridgeTopics& topics, std::string_view remote) {
  std::string name;
  return topics.to_local(remote, name) ? name : "-";
}

TEST(BridgeTopicsTest, WithoutPrefixesNamesStay) {
  const BridgeTopics topics({{.pattern = "u4/#", .direction = BridgeDirection::kBoth}});
  EXPECT_EQ(out(topics, "u4/302/co2"), "u4/302/co2");
  EXPECT_EQ(in(topics, "u4/302/co2"), "u4/302/co2");
  EXPECT_EQ(out(topics, "u3/302/co2"), "-");
}

TEST(BridgeTopicsTest, PrefixesAreExchangedOnTheWay) {
  const BridgeTopics topics({{.pattern = "#", .direction = BridgeDirection::kOut, .local_prefix = "u4/", .remote_prefix = "campus/u4/"},
                             {.pattern = "+/set", .direction = BridgeDirection::kIn, .local_prefix = "commands/", .remote_prefix = "city/"}});
  EXPECT_EQ(out(topics, "u4/302"), "campus/u4/302");
  EXPECT_EQ(out(topics, "commands/a/set"), "-");
  EXPECT_EQ(in(topics, "city/lamp/set"), "commands/lamp/set");
  EXPECT_EQ(in(topics, "city/lamp/get"), "-");
  EXPECT_EQ(in(topics, "campus/u4/302"), "-");
  EXPECT_EQ(topics.growth_out(), 7u);
  EXPECT_EQ(topics.growth_in(), 4u);
}

TEST(BridgeTopicsTest, TheParentLevelOfAHashIsCutAtTheSlash) {
  const BridgeTopics topics({{.pattern = "#", .direction = BridgeDirection::kOut, .local_prefix = "u4/", .remote_prefix = "there/"}});
  EXPECT_EQ(out(topics, "u4"), "there");
  const BridgeTopics to_the_root({{.pattern = "#", .direction = BridgeDirection::kOut, .local_prefix = "u4/", .remote_prefix = ""}});
  EXPECT_EQ(out(to_the_root, "u4"), "-") << "it would be empty";
  EXPECT_EQ(out(to_the_root, "u4/"), "-");
  EXPECT_EQ(out(to_the_root, "u4/x"), "x");
}

TEST(BridgeTopicsTest, TheFirstThatFitsDecides) {
  const BridgeTopics topics({{.pattern = "a/b", .direction = BridgeDirection::kOut, .remote_prefix = "first/"},
                             {.pattern = "a/#", .direction = BridgeDirection::kOut, .remote_prefix = "second/"}});
  EXPECT_EQ(out(topics, "a/b"), "first/a/b");
  EXPECT_EQ(out(topics, "a/c"), "second/a/c");
}

TEST(BridgeTopicsTest, WithoutAPatternThePrefixesAreTopics) {
  const BridgeTopics topics({{.pattern = "", .direction = BridgeDirection::kBoth, .local_prefix = "here", .remote_prefix = "far/there"}});
  EXPECT_EQ(out(topics, "here"), "far/there");
  EXPECT_EQ(in(topics, "far/there"), "here");
  EXPECT_EQ(out(topics, "here/below"), "-");
}

TEST(BridgeTopicsTest, WhatTheBrokersSayOfThemselvesPassesByNameOnly) {
  const BridgeTopics topics({{.pattern = "#", .direction = BridgeDirection::kBoth},
                             {.pattern = "broker/uptime", .direction = BridgeDirection::kIn, .local_prefix = "remote/$SYS/", .remote_prefix = "$SYS/"}});
  EXPECT_EQ(out(topics, "$SYS/broker/uptime"), "-");
  EXPECT_EQ(in(topics, "$SYS/broker/uptime"), "remote/$SYS/broker/uptime");
}

}  // namespace
}  // namespace campanile::broker
