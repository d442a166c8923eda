// Retained messages: what subscribers get, and what survives.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "base/random.h"
#include "broker/retained_record.h"
#include "broker/retained_tree.h"
#include "fakes.h"
#include "journal/journal.h"
#include "journal/simulated_disk.h"
#include "kv/faulty_store.h"
#include "mqtt/topic.h"

namespace campanile::broker {
namespace {

using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::ProtocolVersion;

constexpr auto kV311 = ProtocolVersion::kV311;
constexpr auto kV5 = ProtocolVersion::kV5;

MessagePtr message(std::string topic, std::string payload = "x", int64_t expires_ns = 0) {
  return std::make_shared<const Message>(Message{.topic = std::move(topic), .payload = std::move(payload), .expires_ns = expires_ns, .retain = true});
}

TEST(RetainedRecord, RoundTrips) {
  const Message original{.topic = "u4/302/co2", .payload = std::string("4\0" "2", 3), .properties = std::string("\x01\x01", 2), .published_ns = -5,
                         .expires_ns = 7'000'000'000, .qos = 2, .retain = true};
  const auto record = decode_retained(encode_retained_head(original) + original.payload);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->topic, original.topic);
  EXPECT_EQ(record->message->payload, original.payload);
  EXPECT_EQ(record->message->properties, original.properties);
  EXPECT_EQ(record->message->published_ns, -5);
  EXPECT_EQ(record->message->expires_ns, 7'000'000'000);
  EXPECT_EQ(record->message->qos, 2);
  EXPECT_EQ(decode_retained(encode_retained_clear("a"))->message, nullptr);
}

TEST(RetainedRecord, RefusesWhatItDidNotWrite) {
  const std::string good = encode_retained_head({.topic = "a", .payload = ""});
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(decode_retained(good.substr(0, size))) << size;
  std::string later = good;
  later[0] = 2;
  EXPECT_EQ(decode_retained(later).error().code, ErrorCode::kUnsupported);
  std::string qos = good;
  qos[1] = 3;
  EXPECT_EQ(decode_retained(qos).error().code, ErrorCode::kCorrupt);
}

// A walk in portions finds what a scan finds, whatever changes between them.
TEST(RetainedTree, WalksAgreeWithTopicMatches) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  const char* const words[] = {"a", "b", "", "$c", "bb"};
  for (int round = 0; round < 300; ++round) {
    RetainedTree tree;
    std::set<std::string> topics;
    for (int i = 0; i < 60; ++i) {
      std::string topic = words[random.below(5)];
      for (size_t levels = random.below(4); levels > 0; --levels) topic += std::string("/") + words[random.below(5)];
      if (topic.empty()) continue;
      if (random.one_in(4)) {
        ASSERT_EQ(tree.erase(topic) != nullptr, topics.erase(topic) > 0);
      } else {
        ASSERT_EQ(tree.set(message(topic)) == nullptr, topics.insert(topic).second);
      }
    }
    ASSERT_EQ(tree.size(), topics.size());
    for (const char* filter : {"#", "+", "a", "a/#", "+/b", "+/+/#", "a/+/b", "$c/#", "/#", "+/bb/+", "b//#"}) {
      std::set<std::string> expected;
      for (const auto& topic : topics) {
        if (mqtt::topic_matches(filter, topic)) expected.insert(topic);
      }
      std::set<std::string> found;
      std::string after;
      for (;;) {
        std::vector<MessagePtr> portion;
        tree.collect(filter, after, 1 + random.below(5), 0, portion);
        if (portion.empty()) break;
        for (const auto& each : portion) ASSERT_TRUE(found.insert(each->topic).second) << filter << " twice " << each->topic;
        after = portion.back()->topic;
      }
      ASSERT_EQ(found, expected) << filter;
    }
  }
}

TEST(RetainedTree, TakesTheDeepestTopicsThereAre) {
  const std::string deepest(65'535, '/');
  std::vector<std::string> topics{deepest, std::string(65'534, '/') + "x", std::string(65'534, '/') + "!", std::string(40'000, '/') + "a", "a/b"};
  for (size_t slashes = 125; slashes <= 131; ++slashes) {
    for (const std::string_view last : {"", "x", "!", "x!", "x/", "x/y", "x/!"}) topics.push_back(std::string(slashes, '/').append(last));
  }
  std::ranges::sort(topics);
  const auto doubles = std::ranges::unique(topics);
  topics.erase(doubles.begin(), doubles.end());
  RetainedTree tree;
  for (const std::string& topic : topics) EXPECT_FALSE(tree.set(message(topic)));
  for (const std::string& topic : topics) EXPECT_EQ(tree.get(topic)->topic, topic);
  for (const std::string& filter : {std::string("#"), deepest, std::string(65'534, '/') + "+", std::string(65'534, '/') + "#", std::string(126, '/') + "#",
                                    std::string(127, '/') + "#", std::string(128, '/') + "#", std::string(128, '/') + "+", std::string(129, '/') + "+",
                                    "+" + std::string(128, '/') + "x/#", std::string(128, '/') + "x/y"}) {
    std::multiset<std::string> wanted, found;
    for (const std::string& topic : topics) {
      if (mqtt::topic_matches(filter, topic)) wanted.insert(topic);
    }
    std::string after;
    for (std::vector<MessagePtr> portion(1); !portion.empty();) {
      portion.clear();
      tree.collect(filter, after, 3, 0, portion);
      for (const MessagePtr& one : portion) found.insert(after = one->topic);
    }
    EXPECT_EQ(found, wanted) << filter.size() << " " << filter.substr(filter.size() - std::min<size_t>(filter.size(), 4));
  }
  for (const std::string& topic : topics) {
    EXPECT_TRUE(tree.erase(topic));
    EXPECT_FALSE(tree.erase(topic));
    EXPECT_FALSE(tree.get(topic));
  }
  EXPECT_EQ(tree.size(), 0u);
}

TEST(Retained, TopicsOf65535LevelsAreServed) {
  Bench bench;
  const std::string topic = std::string(65'534, '/') + "x";
  TestClient pub(bench, "pub", kV5), exact(bench, "exact", kV5), plus(bench, "plus", kV5), rest(bench, "rest", kV5);
  exact.subscribe(topic, 1);
  plus.subscribe(std::string(65'534, '/') + "+", 1);
  for (TestClient* one : {&exact, &plus}) EXPECT_EQ(one->read(), "SUBACK(1:1)");
  pub.publish(topic, "1", 1, 1, true);
  EXPECT_EQ(pub.read(), "PUBACK(1)");
  rest.subscribe(std::string(40'000, '/') + "#", 1);
  EXPECT_EQ(rest.read(), "SUBACK(1:1) PUBLISH(" + topic + "=1,q1,id1,retain)");
  for (TestClient* one : {&exact, &plus}) EXPECT_EQ(one->read(), "PUBLISH(" + topic + "=1,q1,id1)");
  plus.unsubscribe(std::string(65'534, '/') + "+");
  EXPECT_EQ(plus.read(), "UNSUBACK(1:0)");
  bench.restart();
  EXPECT_EQ(bench.broker->status().retained_messages, 1u);
  BrokerOptions shallow;
  shallow.protocol.limits.topic_levels_max = 3;
  Bench other(shallow);
  TestClient client(other, "c", kV5);
  client.publish("a/b/c/d", "1", 0);
  EXPECT_EQ(client.read(), "DISCONNECT(90)");
}

TEST(RetainedTree, GoesOnAfterATopicThatHasGone) {
  RetainedTree tree;
  for (const char* topic : {"a/1", "a/2", "a/3"}) tree.set(message(topic));
  tree.erase("a/2");
  std::vector<MessagePtr> rest;
  tree.collect("a/+", "a/2", 10, 0, rest);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0]->topic, "a/3");
}

TEST(Retained, NewSubscriptionsGetThem) {
  Bench bench;
  TestClient pub(bench, "pub");
  pub.publish("a/1", "one", 1, 1, true);
  pub.publish("a/2", "two", 0, 0, true);
  pub.publish("a/2", "two again", 0, 0, true);
  pub.publish("a/3", "not kept", 0);
  TestClient sub(bench, "sub", kV311, {}, 1);
  sub.subscribe("a/+", 2);
  EXPECT_EQ(sub.read(), "SUBACK(1:2) PUBLISH(a/1=one,q1,id1,retain) PUBLISH(a/2=two again,retain)");
  pub.publish("a/2", "live", 0, 0, true);
  EXPECT_EQ(sub.read(), "PUBLISH(a/2=live)") << "[MQTT-3.3.1-9 of 3.1.1]: not marked for a subscription that was there";
  pub.publish("a/2", "", 0, 0, true);
  EXPECT_EQ(sub.read(), "PUBLISH(a/2=)") << "[MQTT-3.3.1-6]: cleared, and delivered like any message";
  sub.subscribe("a/2");
  EXPECT_EQ(sub.read(), "SUBACK(1:0)");
  EXPECT_EQ(bench.broker->status().retained_messages, 1u);
}

// [MQTT-3.3.1-9], [MQTT-3.3.1-10], [MQTT-3.3.1-11]
TEST(Retained, RetainHandling) {
  Bench bench;
  TestClient client(bench, "c", kV5);
  client.publish("a", "kept", 0, 0, true);
  client.subscribe({.filter = "a", .retain_handling = 2});
  EXPECT_EQ(client.read(), "SUBACK(1:0)");
  client.subscribe({.filter = "a", .retain_handling = 1});
  EXPECT_EQ(client.read(), "SUBACK(1:0)") << "not new";
  client.subscribe({.filter = "a", .retain_handling = 0}, 5);
  EXPECT_EQ(client.read(), "SUBACK(1:0) PUBLISH(a=kept,retain,sub5)");
  client.subscribe({.filter = "+", .retain_handling = 1});
  EXPECT_EQ(client.read(), "SUBACK(1:0) PUBLISH(a=kept,retain)");
  client.subscribe({.filter = "$share/g/a"});
  EXPECT_EQ(client.read(), "SUBACK(1:0)");
}

TEST(Retained, Expire) {
  Bench bench;
  TestClient client(bench, "c", kV5);
  client.publish({.topic = "a", .payload = "1", .retain = true, .message_expiry_s = 30});
  bench.advance(10);
  client.subscribe("a");
  EXPECT_EQ(client.read(), "SUBACK(1:0) PUBLISH(a=1,retain,expires20)");
  bench.advance(20);
  client.subscribe("a");
  EXPECT_EQ(client.read(), "SUBACK(1:0)");
}

TEST(Retained, MoreThanAConnectionTakesAtOnce) {
  Bench bench;
  TestClient pub(bench, "pub");
  const std::string payload(2000, 'x');
  for (int i = 0; i < 1000; ++i) pub.publish("t/" + std::to_string(i), payload, i % 2, static_cast<uint16_t>(i + 1), true);
  TestClient sub(bench, "sub", kV5, [](auto& connect) { connect.properties.u16(PropertyId::kReceiveMaximum, 10); });
  sub.connection->blocked = true;
  sub.subscribe("#", 1);
  EXPECT_LT(sub.connection->queue.size(), 400'000u) << "two megabytes match, but go out in portions";
  std::string got;
  for (int i = 0; i < 500; ++i) {
    const std::string read = sub.read();
    got += read + " ";
    for (size_t at = read.find(",id"); at != std::string::npos; at = read.find(",id", at + 1)) {
      sub.ack(PacketType::kPuback, static_cast<uint16_t>(std::stoi(read.substr(at + 3))));
    }
  }
  std::set<std::string> topics;
  for (size_t at = got.find("(t/"); at != std::string::npos; at = got.find("(t/", at + 1)) topics.insert(got.substr(at, got.find('=', at) - at));
  EXPECT_EQ(topics.size(), 1000u);
  EXPECT_EQ(bench.broker->status().dropped, decltype(BrokerStatus::dropped){});
}

TEST(Retained, AreLimited) {
  BrokerOptions options;
  options.retained_messages_max = 2;
  options.retained_bytes_max = 100;
  Bench bench(options);
  TestClient pub(bench, "pub"), sub(bench, "sub");
  sub.subscribe("#");
  sub.read();
  for (const char* topic : {"a", "b", "c", "a"}) pub.publish(topic, "1", 1, 1, true);
  pub.publish("a", std::string(200, 'x'), 1, 1, true);
  EXPECT_EQ(pub.read(), "PUBACK(1) PUBACK(1) PUBACK(1) PUBACK(1) PUBACK(1)");
  EXPECT_EQ(sub.read(), "PUBLISH(a=1) PUBLISH(b=1) PUBLISH(c=1) PUBLISH(a=1) PUBLISH(a=200B)") << "delivered all the same";
  EXPECT_EQ(bench.broker->status().retained_messages, 2u);
  EXPECT_EQ(bench.broker->status().dropped[static_cast<size_t>(DropReason::kRetainedLimit)], 2u);
}

TEST(Retained, AFullJournalSlowsTheSender) {
  Bench bench;
  TestClient pub(bench, "pub");
  bench.journal.append_error = Error{ErrorCode::kOverloaded, "busy"};
  pub.publish("a", "1", 1, 1, true);
  EXPECT_EQ(pub.read(), "");
  bench.journal.append_error.reset();
  bench.advance(1);
  EXPECT_EQ(pub.read(), "PUBACK(1)");
  EXPECT_EQ(bench.sink.accepted.size(), 1u);
  bench.journal.append_error = Error{ErrorCode::kIoError, "no space left on device"};
  pub.publish("a", "2", 1, 1, true);
  EXPECT_TRUE(pub.closed());
}

struct Opened {
  std::unique_ptr<RetainedStore> retained;
  std::unique_ptr<journal::Journal> journal;
};

// As the program starts: what the checkpoint left, then the journal.
Opened open(kv::Store& store, journal::SimulatedDisk& disk, const journal::JournalOptions& journal_options = {}) {
  Opened opened;
  auto retained = RetainedStore::load(store, {});
  EXPECT_TRUE(retained) << retained.error().message;
  opened.retained = std::move(*retained);
  auto journal = journal::Journal::open(disk, "/journal", journal_options, [&](const journal::Record& record) {
    return opened.retained->owns(record.type) ? opened.retained->replay(record) : Result<void>();
  });
  EXPECT_TRUE(journal) << journal.error().message;
  opened.journal = std::move(*journal);
  opened.retained->attach(*opened.journal);
  return opened;
}

TEST(RetainedStore, CheckpointsAndReplaysToTheSameState) {
  const auto store = kv::make_memory_store();
  journal::SimulatedDisk disk;
  {
    Opened opened = open(*store, disk);
    for (const char* topic : {"a", "b", "c"}) {
      Publication publication{.topic = topic, .payload = "1", .retain = true};
      ASSERT_TRUE(opened.retained->set(publication));
    }
    ASSERT_TRUE(opened.retained->checkpoint());
    Publication cleared{.topic = "a", .payload = "", .retain = true}, changed{.topic = "b", .payload = "2", .retain = true};
    ASSERT_TRUE(opened.retained->set(cleared));
    ASSERT_TRUE(opened.retained->set(changed));
    EXPECT_EQ(*opened.retained->set(cleared), 0u) << "nothing to clear";
  }
  for (int start = 0; start < 2; ++start) {
    Opened opened = open(*store, disk);
    EXPECT_EQ(opened.retained->size(), 2u);
    EXPECT_EQ(opened.retained->get("a"), nullptr);
    EXPECT_EQ(opened.retained->get("b")->payload, "2");
    const auto lsn = opened.retained->checkpoint();
    ASSERT_TRUE(lsn);
    EXPECT_EQ(*lsn, opened.journal->end());
    EXPECT_FALSE(*store->get("Ra"));
  }
}

TEST(RetainedStore, AFailedCheckpointIsMadeUpForByTheNext) {
  kv::FaultyStore store;
  journal::SimulatedDisk disk;
  Opened opened = open(store, disk);
  Publication publication{.topic = "a", .payload = "1", .retain = true};
  ASSERT_TRUE(opened.retained->set(publication));
  store.fail_writes({ErrorCode::kIoError, "no space left on device"});
  EXPECT_FALSE(opened.retained->checkpoint());
  store.heal();
  ASSERT_TRUE(opened.retained->checkpoint());
  EXPECT_TRUE(*store.get("Ra"));
}

// What was acknowledged (durable) is there after a power cut at any moment; what was not may be.
TEST(RetainedStore, AcknowledgedMessagesSurvivePowerCuts) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int round = 0; round < 25; ++round) {
    auto store = std::make_unique<kv::FaultyStore>();
    auto disk = std::make_unique<journal::SimulatedDisk>();
    std::map<std::string, int> acknowledged;
    int number = 0;
    for (int life = 0; life < 3; ++life) {
      std::unique_ptr<journal::SimulatedDisk> next_disk;
      std::unique_ptr<kv::FaultyStore> next_store;
      {
        Opened opened = open(*store, *disk, {.segment_bytes = 4096});
        for (const auto& [topic, value] : acknowledged) {
          const MessagePtr found = opened.retained->get(topic);
          ASSERT_TRUE(found) << topic << " is gone";
          ASSERT_GE(std::stoi(found->payload), value) << topic << " is of the past";
        }
        for (int i = 0; i < 60; ++i) {
          const std::string topic = "t/" + std::to_string(random.below(8));
          const std::string payload = std::to_string(++number);
          Publication publication{.topic = topic, .payload = payload, .retain = true};
          const auto lsn = opened.retained->set(publication);
          ASSERT_TRUE(lsn) << lsn.error().message;
          if (random.one_in(3)) {
            ASSERT_TRUE(opened.journal->wait_durable(*lsn));
            // Everything before it is as safe.
            for (int t = 0; t < 8; ++t) {
              if (const auto kept = opened.retained->get("t/" + std::to_string(t))) acknowledged[kept->topic] = std::stoi(kept->payload);
            }
          }
          if (random.one_in(20)) {
            const auto from = opened.retained->checkpoint();
            ASSERT_TRUE(from);
            ASSERT_TRUE(opened.journal->truncate_before(*from));
          }
        }
        // The power goes while the journal is still open: what it writes when it closes comes too late.
        next_store = store->after_power_cut(random);
        next_disk = disk->after_power_cut(random);
      }
      store = std::move(next_store);
      disk = std::move(next_disk);
    }
  }
}

}  // namespace
}  // namespace campanile::broker
