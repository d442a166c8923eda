#include "broker/client_list.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace campanile::broker {
namespace {

ClientPage page_of(Bench& bench, const ClientQuery& query) {
  ClientPage found;
  bool called = false;
  bench.broker->clients().page(query, [&](ClientPage page) {
    found = std::move(page);
    called = true;
  });
  bench.run();
  EXPECT_TRUE(called);
  return found;
}

std::string ids(const ClientPage& page) {
  std::string text;
  for (const auto& client : page.clients) text += client.client_id + " ";
  return text + std::to_string(page.matching) + (page.more ? " more" : "");
}

ClientDetails find(Bench& bench, std::string_view id, size_t subscriptions_max = 100) {
  ClientDetails found;
  bench.broker->clients().find(id, subscriptions_max, [&](ClientDetails details) { found = std::move(details); });
  bench.run();
  return found;
}

void keep_session(mqtt::OutgoingConnect& connect) { connect.clean_start = false; }

TEST(ClientList, GivesPagesInTheOrderOfIdentifiers) {
  Bench bench;
  std::vector<std::unique_ptr<TestClient>> clients;
  for (const std::string id : {"e", "a", "d", "b", "c"}) clients.push_back(std::make_unique<TestClient>(bench, id, mqtt::ProtocolVersion::kV311, TestClient::Change{}, clients.size() % 2));
  EXPECT_EQ(ids(page_of(bench, {})), "a b c d e 5");
  EXPECT_EQ(ids(page_of(bench, {.count_max = 2})), "a b 5 more");
  EXPECT_EQ(ids(page_of(bench, {.after = "b", .count_max = 2})), "c d 5 more");
  EXPECT_EQ(ids(page_of(bench, {.after = "d", .count_max = 2})), "e 5");
  EXPECT_EQ(ids(page_of(bench, {.after = "e"})), "5");
  EXPECT_EQ(ids(page_of(bench, {.contains = "c"})), "c 1");
}

TEST(ClientList, TellsThoseConnectedFromThoseAway) {
  Bench bench;
  TestClient here(bench, "here");
  {
    TestClient gone(bench, "gone", mqtt::ProtocolVersion::kV311, keep_session);
    gone.subscribe("a", 1);
    bench.advance(5);
    gone.lose();
  }
  here.publish("a", "12345", 1, 1);
  EXPECT_EQ(ids(page_of(bench, {.state = ClientQuery::State::kConnected})), "here 1");
  const ClientPage away = page_of(bench, {.state = ClientQuery::State::kAway});
  ASSERT_EQ(ids(away), "gone 1");
  EXPECT_FALSE(away.clients[0].connected);
  EXPECT_EQ(away.clients[0].since_ns, bench.clock.now_ns());
  EXPECT_EQ(away.clients[0].queued_messages, 1u);
  EXPECT_EQ(away.clients[0].queued_bytes, 6u);
  EXPECT_EQ(away.clients[0].peer, "");
}

TEST(ClientList, ShowsAConnectionAndItsSubscriptions) {
  Bench bench;
  TestClient client(bench, "c", mqtt::ProtocolVersion::kV5, [](mqtt::OutgoingConnect& connect) {
    connect.user = "campus";
    connect.password = "secret";
    connect.keep_alive_s = 30;
  });
  client.subscribe({.filter = "b/#", .qos = 1, .no_local = true}, 7);
  client.subscribe("a");
  client.subscribe("$share/g/+/x", 2);
  client.publish("b/1", "hello", 0);
  const ClientDetails details = find(bench, "c");
  ASSERT_TRUE(details.found);
  EXPECT_TRUE(details.client.connected);
  EXPECT_EQ(details.client.user, "campus");
  EXPECT_EQ(details.client.peer, "127.0.0.1:4711");
  EXPECT_EQ(details.client.listener, "mqtt");
  EXPECT_EQ(details.client.version, mqtt::ProtocolVersion::kV5);
  EXPECT_EQ(details.client.keep_alive_s, 30);
  EXPECT_EQ(details.client.subscriptions, 3u);
  EXPECT_EQ(details.client.messages_in, 1u);
  EXPECT_GT(details.client.bytes_in, 0u);
  EXPECT_GT(details.client.bytes_out, 0u);
  ASSERT_EQ(details.subscriptions.size(), 3u);
  EXPECT_EQ(details.subscriptions[0].filter, "$share/g/+/x");
  EXPECT_EQ(details.subscriptions[0].qos, 2);
  EXPECT_EQ(details.subscriptions[2].filter, "b/#");
  EXPECT_TRUE(details.subscriptions[2].no_local);
  EXPECT_EQ(details.subscriptions[2].identifier, 7u);
  EXPECT_TRUE(find(bench, "c", 2).more);
  EXPECT_FALSE(find(bench, "nobody").found);
}

TEST(ClientList, PagesThroughSubscriptionsAndFindsThem) {
  Bench bench;
  TestClient one(bench, "one");
  TestClient two(bench, "two");
  for (const std::string filter : {"c", "a/#", "b/+/x"}) one.subscribe(filter);
  for (const std::string filter : {"b", "a/#"}) two.subscribe(filter);
  std::string walked;
  SubscriptionQuery query{.count_max = 2};
  for (bool more = true; more;) {
    const SubscriptionPage page = bench.broker->clients().subscriptions(query);
    for (const auto& subscription : page.subscriptions) walked += subscription.client_id + ":" + subscription.filter + " ";
    more = page.more;
    query.after_client = page.subscriptions.back().client_id;
    query.after_filter = page.subscriptions.back().filter;
  }
  EXPECT_EQ(walked, "one:a/# one:b/+/x one:c two:a/# two:b ");
  EXPECT_EQ(bench.broker->clients().subscriptions({.contains = "b"}).subscriptions.size(), 2u);
  EXPECT_EQ(bench.broker->clients().subscriptions({.contains = "two"}).subscriptions.size(), 2u);
}

}  // namespace
}  // namespace campanile::broker
