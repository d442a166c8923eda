#include "broker/in_flight.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/random.h"

namespace campanile::broker {
namespace {

TEST(InFlight, GivesIdentifiersInTurn) {
  InFlight in_flight;
  EXPECT_EQ(in_flight.add({.qos = 1}), 1);
  EXPECT_EQ(in_flight.add({.qos = 2}), 2);
  EXPECT_EQ(in_flight.find(2)->out.qos, 2);
  EXPECT_EQ(in_flight.find(3), nullptr);
  EXPECT_EQ(in_flight.find(0), nullptr);
  in_flight.finish(1);
  EXPECT_EQ(in_flight.find(1), nullptr);
  EXPECT_EQ(in_flight.size(), 1u);
  in_flight.finish(2);
  EXPECT_TRUE(in_flight.empty());
}

TEST(InFlight, IdentifiersWrapPastZero) {
  InFlight in_flight;
  for (uint32_t i = 0; i < 65'534; ++i) in_flight.finish(in_flight.add({.qos = 1}));
  EXPECT_EQ(in_flight.add({.qos = 1}), 65'535);
  EXPECT_EQ(in_flight.add({.qos = 1}), 1);
  EXPECT_NE(in_flight.find(65'535), nullptr);
  EXPECT_NE(in_flight.find(1), nullptr);
  in_flight.finish(1);
  in_flight.finish(65'535);
  EXPECT_EQ(in_flight.add({.qos = 1}), 2);
}

TEST(InFlight, AnEarlyMessageThatIsNeverAcknowledgedBoundsTheSpan) {
  InFlight in_flight;
  const uint16_t stuck = in_flight.add({.qos = 1});
  size_t sent = 1;
  for (; !in_flight.full(); ++sent) in_flight.finish(in_flight.add({.qos = 1}));
  EXPECT_EQ(sent, InFlight::kSpanMax);
  EXPECT_EQ(in_flight.size(), 1u);
  in_flight.finish(stuck);
  EXPECT_FALSE(in_flight.full());
}

TEST(InFlight, AgreesWithAMap) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  InFlight in_flight;
  std::map<uint64_t, uint16_t> live;  // in order of sending
  uint64_t order = 0;
  for (int i = 0; i < 200'000; ++i) {
    if (random.below(100) < 52 && in_flight.size() < 300 && !in_flight.resending()) {
      live[order++] = in_flight.add({.qos = 1});
    } else if (!live.empty()) {
      auto pick = live.begin();
      std::advance(pick, random.below(std::min<size_t>(live.size(), 20)));
      ASSERT_NE(in_flight.find(pick->second), nullptr);
      in_flight.finish(pick->second);
      live.erase(pick);
    }
    if (random.one_in(5000)) {
      in_flight.lose_link();
      ASSERT_EQ(in_flight.on_link(), 0u);
      auto expected = live.begin();
      uint16_t id = 0;
      while (in_flight.resend(id)) ASSERT_EQ(id, (expected++)->second);
      ASSERT_EQ(expected, live.end());
      ASSERT_FALSE(in_flight.resending());
    }
    ASSERT_EQ(in_flight.size(), live.size());
    ASSERT_EQ(in_flight.on_link(), live.size());
  }
}

}  // namespace
}  // namespace campanile::broker
