#include "broker/system_topics.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/clock.h"

namespace campanile::broker {
namespace {

using Texts = std::map<std::string, std::string>;

Texts update(SystemTopics& topics, const SystemSample& sample, int64_t seconds) {
  Texts texts;
  for (const auto& change : topics.update(sample, seconds * kNanosPerSecond)) texts[std::string(change.topic)] = change.payload;
  return texts;
}

TEST(SystemTopics, SaysEverythingAtFirstAndThenWhatChanged) {
  SystemTopics topics("campanile version 1.2.3");
  SystemSample sample{.clients_connected = 2, .clients_away = 3, .heap_bytes = 1000};
  const Texts first = update(topics, sample, 0);
  EXPECT_EQ(first.at("$SYS/broker/version"), "campanile version 1.2.3");
  EXPECT_EQ(first.at("$SYS/broker/uptime"), "0 seconds");
  EXPECT_EQ(first.at("$SYS/broker/clients/total"), "5");
  EXPECT_EQ(first.at("$SYS/broker/clients/active"), "2");
  EXPECT_EQ(first.at("$SYS/broker/clients/inactive"), "3");
  EXPECT_EQ(first.at("$SYS/broker/load/sockets/15min"), "0.00");
  EXPECT_EQ(first.at("$SYS/broker/retained messages/count"), "0");
  EXPECT_EQ(first.at("$SYS/broker/heap/maximum"), "1000");

  sample.uptime_s = 10;
  sample.heap_bytes = 900;
  EXPECT_EQ(update(topics, sample, 10), (Texts{{"$SYS/broker/uptime", "10 seconds"}, {"$SYS/broker/heap/current", "900"}}));
  EXPECT_EQ(update(topics, sample, 20), Texts{});
}

TEST(SystemTopics, SaysNothingOfAHeapItDoesNotKnow) {
  SystemTopics topics("x");
  EXPECT_FALSE(update(topics, {}, 0).contains("$SYS/broker/heap/current"));
}

// Figures of Debian's mosquitto 2.0.11 with sys_interval 2: seven connections before the first calculation, then none.
TEST(SystemTopics, LoadsAreThoseOfMosquitto) {
  SystemTopics topics("x");
  update(topics, {}, 0);
  SystemSample sample{.connects = 7};
  Texts texts = update(topics, sample, 2);
  EXPECT_EQ(texts.at("$SYS/broker/load/connections/1min"), "6.88");
  EXPECT_EQ(texts.at("$SYS/broker/load/connections/5min"), "1.40");
  EXPECT_EQ(texts.at("$SYS/broker/load/connections/15min"), "0.47");
  std::vector<std::string> minute;
  for (int64_t seconds = 4; seconds <= 14; seconds += 2) minute.push_back(update(topics, sample, seconds).at("$SYS/broker/load/connections/1min"));
  EXPECT_EQ(minute, (std::vector<std::string>{"6.66", "6.44", "6.23", "6.03", "5.83", "5.64"}));
}

TEST(SystemTopics, WhatCameBeforeTheFirstLookCounts) {
  SystemTopics topics("x", 5 * kNanosPerSecond);
  EXPECT_EQ(update(topics, {.connects = 7}, 7).at("$SYS/broker/load/connections/1min"), "6.88");
}

TEST(SystemTopics, ASteadyRateIsReachedWhateverTheInterval) {
  for (const int64_t interval_s : {1, 7, 10, 60}) {
    SystemTopics topics("x");
    SystemSample sample;
    Texts texts = update(topics, sample, 0);
    for (int64_t seconds = interval_s; seconds <= 7200; seconds += interval_s) {
      sample.messages_in += static_cast<uint64_t>(interval_s) * 5;  // 300 a minute
      texts.merge(update(topics, sample, seconds));
      Texts newer = update(topics, sample, seconds);  // at the same moment: changes nothing
      EXPECT_TRUE(newer.empty());
    }
    SystemSample last = sample;
    last.messages_in += static_cast<uint64_t>(interval_s) * 5;
    last.uptime_s = 1;
    // Within a cent of it after two hours; the text no longer changes for the one-minute average.
    EXPECT_FALSE(update(topics, last, 7200 / interval_s * interval_s + interval_s).contains("$SYS/broker/load/publish/received/1min")) << interval_s;
  }
}

TEST(SystemTopics, CountsEachDropUnderItsReasonAndThoseOfLimitsTogether) {
  SystemTopics topics("x");
  SystemSample sample;
  for (size_t i = 0; i < kDropReasons; ++i) sample.dropped[i] = 100 + i;
  const Texts texts = update(topics, sample, 0);
  uint64_t at_limits = 0;
  for (size_t i = 0; i < kDropReasons; ++i) {
    const auto reason = static_cast<DropReason>(i);
    EXPECT_EQ(texts.at("$SYS/broker/publish/messages/dropped/" + std::string(to_string(reason))), std::to_string(100 + i));
    if (is_limit(reason)) at_limits += 100 + i;
  }
  EXPECT_EQ(texts.at("$SYS/broker/publish/messages/dropped"), std::to_string(at_limits));
  EXPECT_TRUE(is_limit(DropReason::kQueueFull));
  EXPECT_TRUE(is_limit(DropReason::kSlowConsumer));
  EXPECT_FALSE(is_limit(DropReason::kOffline));
}

// The topics of mosquitto(8), and of what mosquitto 2.0.11 publishes beside them.
TEST(SystemTopics, KnowsEveryNameOfTheManual) {
  SystemTopics topics("x");
  const Texts texts = update(topics, {.heap_bytes = 1}, 0);
  std::set<std::string> missing;
  const auto require = [&](const std::string& name) {
    if (!texts.contains("$SYS/broker/" + name)) missing.insert(name);
  };
  for (const std::string name : {"version", "uptime", "bytes/received", "bytes/sent", "clients/connected", "clients/active", "clients/expired", "clients/disconnected",
                                 "clients/inactive", "clients/maximum", "clients/total", "heap/current", "heap/maximum", "messages/inflight", "messages/received",
                                 "messages/sent", "messages/stored", "publish/messages/dropped", "publish/messages/received", "publish/messages/sent",
                                 "publish/bytes/received", "publish/bytes/sent", "retained messages/count", "store/messages/count", "store/messages/bytes",
                                 "subscriptions/count", "shared_subscriptions/count"}) {
    require(name);
  }
  for (const std::string load : {"connections", "sockets", "bytes/received", "bytes/sent", "messages/received", "messages/sent", "publish/dropped", "publish/received",
                                 "publish/sent"}) {
    for (const std::string minutes : {"1min", "5min", "15min"}) require("load/" + load + "/" + minutes);
  }
  EXPECT_EQ(missing, std::set<std::string>{});
}

}  // namespace
}  // namespace campanile::broker
