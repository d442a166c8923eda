// What the program itself does with the broker: publishing, disconnecting clients, looking at topics.
#include "broker/broker.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace campanile::broker {
namespace {

using mqtt::ProtocolVersion;

// What publish() answered, or nothing yet.
struct Published {
  std::optional<Result<bool>> answer;
  std::function<void(Result<bool>)> take() {
    return [this](Result<bool> result) { answer = std::move(result); };
  }
  std::string text() const { return !answer ? "waits" : !*answer ? (*answer).error().message : **answer ? "retained" : "stored"; }
};

TEST(BrokerPublish, PassesTheSinkAndIsAnsweredOnceItIsDurable) {
  Bench bench;
  TestClient sub(bench, "sub");
  sub.subscribe("a", 1);
  sub.read();
  Published published;
  bench.broker->publish({.topic = "a", .payload = "1", .qos = 1, .client_id = "api", .user = "campus"}, published.take());
  bench.run(false);
  EXPECT_EQ(published.text(), "waits");
  bench.run();
  EXPECT_EQ(published.text(), "stored");
  EXPECT_EQ(bench.sink.accepted, std::vector<std::string>{"a=1"});
  EXPECT_EQ(bench.sink.users, std::vector<std::string>{"api/campus"});
  EXPECT_EQ(sub.read(), "PUBLISH(a=1,q1,id1)");
}

TEST(BrokerPublish, RetainsAndClears) {
  Bench bench;
  Published published;
  bench.broker->publish({.topic = "a", .payload = "1", .retain = true}, published.take());
  bench.run();
  EXPECT_EQ(published.text(), "retained");
  EXPECT_EQ(bench.retained->get("a")->payload, "1");
  bench.broker->publish({.topic = "a", .payload = "", .retain = true}, published.take());
  bench.run();
  EXPECT_EQ(bench.retained->get("a"), nullptr);
}

TEST(BrokerPublish, SaysWhyNot) {
  BrokerOptions options;
  options.local_messages_max = 1;
  options.retained_messages_max = 0;
  Bench bench(options);
  Published published;
  for (const std::string topic : {"", "a/+", "$SYS/broker/uptime"}) {
    bench.broker->publish({.topic = topic}, published.take());
    EXPECT_FALSE(*published.answer) << topic;
  }
  bench.broker->publish({.topic = "a", .qos = 3}, published.take());
  EXPECT_EQ(published.text(), "QoS 3: wanted 0, 1 or 2");

  Published first;
  bench.broker->publish({.topic = "a", .payload = "x", .retain = true}, first.take());
  bench.broker->publish({.topic = "b"}, published.take());
  EXPECT_EQ((*published.answer).error().code, ErrorCode::kOverloaded);
  bench.run();
  EXPECT_EQ(first.text(), "stored");  // and not retained: there is no room

  bench.sink.error = Error{ErrorCode::kOverloaded, "full"};
  bench.broker->publish({.topic = "a", .payload = "x"}, published.take());
  bench.run();
  EXPECT_EQ(published.text(), "full");
  bench.sink.error.reset();
  bench.broker->publish({.topic = "a", .payload = "x", .qos = 1}, published.take());
  bench.run(false);
  bench.journal.fail_commit();
  bench.run(false);
  EXPECT_EQ((*published.answer).error().code, ErrorCode::kIoError);
}

TEST(BrokerDisconnect, TellsTheClientAndKeepsItsSession) {
  Bench bench;
  TestClient client(bench, "c", ProtocolVersion::kV5, [](mqtt::OutgoingConnect& connect) { connect.properties.u32(mqtt::PropertyId::kSessionExpiryInterval, 60); });
  client.subscribe("a", 1);
  client.read();
  bool found = false;
  bench.broker->disconnect_client("c", false, [&](bool known) { found = known; });
  bench.run();
  EXPECT_TRUE(found);
  EXPECT_TRUE(client.closed());
  EXPECT_NE(client.read().find("DISCONNECT(98"), std::string::npos);
  EXPECT_EQ(bench.broker->status().sessions, 1u);
  EXPECT_EQ(bench.broker->status().subscriptions, 1u);

  bench.broker->disconnect_client("c", true, [&](bool known) { found = known; });
  bench.run();
  EXPECT_TRUE(found);
  EXPECT_EQ(bench.broker->status().sessions, 0u);
  EXPECT_EQ(bench.broker->status().subscriptions, 0u);
  bench.broker->disconnect_client("c", true, [&](bool known) { found = known; });
  EXPECT_FALSE(found);
}

TEST(BrokerDisconnect, EndsConnectionAndSessionAtOnce) {
  Bench bench;
  TestClient client(bench, "c", ProtocolVersion::kV311, [](mqtt::OutgoingConnect& connect) { connect.clean_start = false; });
  client.subscribe("a/#", 1);
  bench.broker->disconnect_client("c", true, [](bool) {});
  bench.run();
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(bench.broker->status().sessions, 0u);
  TestClient again(bench, "c", ProtocolVersion::kV311, [](mqtt::OutgoingConnect& connect) { connect.clean_start = false; });
  EXPECT_EQ(again.connack.find("present"), std::string::npos) << again.connack;
}

TEST(BrokerTopics, CountsFromTheFirstLookOn) {
  Bench bench;
  TestClient client(bench, "c");
  client.publish("u4/302/co2", "1");
  EXPECT_EQ(bench.broker->topics({.under = {""}}).topics, 0u);
  client.publish("u4/302/co2", "2");
  client.publish("u4/303/co2", "3");
  const TopicView view = bench.broker->topics({.under = {"u4/"}, .topic = "u4/302/co2"});
  ASSERT_EQ(view.paths[0].levels.size(), 2u);
  EXPECT_EQ(view.message->payload, "2");
  bench.advance(2 * TopicWatch::kLookS + 20);
  EXPECT_EQ(bench.broker->topics({}).topics, 0u);
}

}  // namespace
}  // namespace campanile::broker
