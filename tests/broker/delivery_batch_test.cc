#include "broker/delivery_batch.h"

#include <array>
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "base/random.h"
#include "broker/session.h"

namespace campanile::broker {
namespace {

// The batch compares sessions and hands them on; it never looks into one.
std::shared_ptr<Session> stand_in(size_t number) {
  static std::array<std::byte, 64> places{};
  return std::shared_ptr<Session>(std::shared_ptr<void>(), reinterpret_cast<Session*>(&places.at(number)));
}

std::shared_ptr<const MatchResult> result_for(std::initializer_list<size_t> sessions) {
  auto result = std::make_shared<MatchResult>();
  for (const size_t number : sessions) result->targets.push_back({.session = stand_in(number)});
  return result;
}

struct HandedOut {
  std::map<const Session*, std::vector<std::string>> topics;
  int calls = 0;
};

HandedOut hand_out(DeliveryBatch& batch) {
  HandedOut seen;
  batch.hand_out([&](const std::shared_ptr<Session>& session, std::span<const Delivery> deliveries) {
    ++seen.calls;
    for (const Delivery& delivery : deliveries) {
      EXPECT_EQ(delivery.target->session, session);
      seen.topics[session.get()].emplace_back(delivery.publication->topic);
    }
  });
  return seen;
}

TEST(DeliveryBatch, HandsAllOfASessionOutAtOnceAndInOrder) {
  DeliveryBatch batch;
  const std::vector<std::string> topics = {"a", "b", "c"};
  for (const std::string& topic : topics) {
    const auto result = result_for({1, 2});
    batch.begin({.topic = topic}, result);
    for (const MatchTarget& target : result->targets) batch.add(target);
  }
  const HandedOut seen = hand_out(batch);
  EXPECT_EQ(seen.calls, 2);
  EXPECT_EQ(seen.topics.at(stand_in(1).get()), topics);
  EXPECT_EQ(seen.topics.at(stand_in(2).get()), topics);
  EXPECT_TRUE(batch.empty());
}

TEST(DeliveryBatch, KeepsResultsAliveUntilTheyAreHandedOut) {
  DeliveryBatch batch;
  std::weak_ptr<const MatchResult> weak;
  {
    const auto result = result_for({1});
    weak = result;
    batch.begin({.topic = "a"}, result);
    batch.add(result->targets[0]);
  }
  EXPECT_FALSE(weak.expired());
  hand_out(batch);
  EXPECT_TRUE(weak.expired());
}

TEST(DeliveryBatch, AMessageWithoutReceiversIsForgottenToo) {
  DeliveryBatch batch;
  for (size_t i = 0; i < DeliveryBatch::kMessagesMax; ++i) batch.begin({.topic = "a"}, result_for({}));
  EXPECT_TRUE(batch.full());
  EXPECT_EQ(hand_out(batch).calls, 0);
  EXPECT_FALSE(batch.full());
}

TEST(DeliveryBatch, IsFullBeforeADeliveryWouldPointIntoMovedMessages) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  DeliveryBatch batch;
  const std::vector<std::string> topics = {"a", "b", "c", "d", "e"};
  for (int round = 0; round < 20; ++round) {
    std::map<const Session*, std::vector<std::string>> wanted;
    for (uint64_t n = random.below(400); n > 0 && !batch.full(); --n) {
      auto result = std::make_shared<MatchResult>();
      for (uint64_t count = random.below(4); count > 0; --count) result->targets.push_back({.session = stand_in(10 * count + random.below(10))});
      const std::string& topic = topics[random.below(topics.size())];
      batch.begin({.topic = topic}, result);
      for (const MatchTarget& target : result->targets) {
        batch.add(target);
        wanted[target.session.get()].push_back(topic);
      }
    }
    EXPECT_EQ(hand_out(batch).topics, wanted);
  }
}

}  // namespace
}  // namespace campanile::broker
