#include "broker/system_publisher.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace campanile::broker {
namespace {

BrokerOptions with_interval(uint32_t seconds) {
  BrokerOptions options;
  options.system_interval_s = seconds;
  options.version = "1.2.3";
  return options;
}

std::string retained(const Bench& bench, const std::string& topic) {
  const MessagePtr message = bench.retained->get("$SYS/broker/" + topic);
  return message ? message->payload : "none";
}

TEST(SystemPublisher, CountsWhatClientsDo) {
  Bench bench(with_interval(10));
  {
    TestClient sub(bench, "sub");
    sub.subscribe("a/#", 1);
    sub.subscribe("$share/group/b", 1);
    TestClient pub(bench, "pub");
    pub.publish("a/b", "hello", 1, 1);
    pub.publish("a/c", "world", 0, 0, true);
    pub.send(std::string("\xc0\0", 2));  // PINGREQ
    bench.advance(11);
    EXPECT_EQ(retained(bench, "version"), "campanile version 1.2.3");
    EXPECT_EQ(retained(bench, "clients/connected"), "2");
    EXPECT_EQ(retained(bench, "clients/maximum"), "2");
    EXPECT_EQ(retained(bench, "clients/disconnected"), "0");
    EXPECT_EQ(retained(bench, "subscriptions/count"), "1");
    EXPECT_EQ(retained(bench, "shared_subscriptions/count"), "1");
    EXPECT_EQ(retained(bench, "publish/messages/received"), "2");
    EXPECT_EQ(retained(bench, "publish/bytes/received"), "10");
    EXPECT_EQ(retained(bench, "publish/messages/sent"), "2");
    EXPECT_EQ(retained(bench, "publish/bytes/sent"), "10");
    EXPECT_EQ(retained(bench, "messages/received"), "7");  // 2 CONNECT, 2 SUBSCRIBE, 2 PUBLISH, PINGREQ
    EXPECT_EQ(retained(bench, "messages/sent"), "8");      // 2 CONNACK, 2 SUBACK, 2 PUBLISH, PUBACK, PINGRESP
    bench.advance(20);
    EXPECT_EQ(retained(bench, "messages/inflight"), "1");
  }
  bench.advance(11);
  EXPECT_EQ(retained(bench, "clients/connected"), "0");
  EXPECT_EQ(retained(bench, "clients/maximum"), "2");
}

TEST(SystemPublisher, IsReadByWhoeverAsksForIt) {
  Bench bench(with_interval(10));
  bench.run();  // starts the timer
  bench.advance(1);
  TestClient sub(bench, "sub");
  sub.subscribe("$SYS/broker/version");
  EXPECT_EQ(sub.read(), "SUBACK(1:0) PUBLISH($SYS/broker/version=campanile version 1.2.3,retain)");
  sub.subscribe("$SYS/broker/uptime");
  sub.read();
  bench.advance(10);
  EXPECT_EQ(sub.read(), "PUBLISH($SYS/broker/uptime=11 seconds)");
  TestClient all(bench, "all");
  all.subscribe("#");
  EXPECT_EQ(all.read(), "SUBACK(1:0)");
}

TEST(SystemPublisher, WritesNothingToTheJournalNorToTheStore) {
  Bench bench(with_interval(10));
  bench.advance(60);
  EXPECT_GT(bench.retained->size(), 50u);
  EXPECT_TRUE(bench.journal.records.empty());
  ASSERT_TRUE(bench.retained->checkpoint());
  EXPECT_FALSE([&] {
    const auto found = bench.store->iterate("R", "S");
    found->seek("R");
    return found->valid();
  }());
}

TEST(SystemPublisher, OffersTheSinkWhatItWants) {
  Bench bench(with_interval(10));
  bench.sink.wanted_own = "$SYS/broker/load/bytes/sent/";
  bench.run();
  bench.advance(1);
  TestClient busy(bench, "busy");
  EXPECT_EQ(bench.sink.accepted, std::vector<std::string>{});  // zero from the start
  bench.advance(10);
  EXPECT_EQ(bench.sink.accepted, (std::vector<std::string>{"$SYS/broker/load/bytes/sent/1min=" + retained(bench, "load/bytes/sent/1min"),
                                                           "$SYS/broker/load/bytes/sent/5min=" + retained(bench, "load/bytes/sent/5min"),
                                                           "$SYS/broker/load/bytes/sent/15min=" + retained(bench, "load/bytes/sent/15min")}));
  bench.sink.error = Error{ErrorCode::kOverloaded, "full"};
  const std::string before = retained(bench, "load/bytes/sent/1min");
  bench.advance(10);  // nothing waits for room
  EXPECT_NE(retained(bench, "load/bytes/sent/1min"), before);
}

TEST(SystemPublisher, IsSilentWhereItIsSwitchedOff) {
  Bench bench(with_interval(0));
  bench.advance(60);
  EXPECT_EQ(bench.retained->size(), 0u);
}

}  // namespace
}  // namespace campanile::broker
