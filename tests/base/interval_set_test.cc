#include "base/interval_set.h"

#include <gtest/gtest.h>

#include <bitset>

#include "base/random.h"

namespace campanile {
namespace {

std::vector<IntervalSet::Interval> intervals_of(const IntervalSet& set) {
  std::vector<IntervalSet::Interval> out;
  for (const auto& [from, to] : set) out.push_back({from, to});
  return out;
}

TEST(IntervalSet, JoinsWhatTouchesAndCutsWhatIsTakenAway) {
  IntervalSet set;
  set.add(10, 20);
  set.add(30, 40);
  set.add(20, 30);
  set.add(5, 5);
  EXPECT_EQ(intervals_of(set), (std::vector<IntervalSet::Interval>{{10, 40}}));
  set.subtract(15, 25);
  EXPECT_EQ(intervals_of(set), (std::vector<IntervalSet::Interval>{{10, 15}, {25, 40}}));
  EXPECT_TRUE(set.contains(10));
  EXPECT_FALSE(set.contains(15));
  EXPECT_EQ(intervals_of(set.within(12, 26)), (std::vector<IntervalSet::Interval>{{12, 15}, {25, 26}}));
  EXPECT_EQ(set.first(), (IntervalSet::Interval{10, 15}));
  EXPECT_EQ(set.last(), (IntervalSet::Interval{25, 40}));
  set.add(INT64_MIN, INT64_MAX);
  EXPECT_EQ(set.size(), 1u);
  set.subtract(INT64_MIN, INT64_MAX);
  EXPECT_TRUE(set.empty());
}

TEST(IntervalSet, FillsTheSmallestGapsFirst) {
  IntervalSet set;
  for (const int64_t from : {0, 10, 11, 30, 33, 100}) set.add(from * 10, from * 10 + 1);
  set.coarsen(3);
  EXPECT_EQ(intervals_of(set), (std::vector<IntervalSet::Interval>{{0, 111}, {300, 331}, {1000, 1001}}));
  set.coarsen(1);
  EXPECT_EQ(intervals_of(set), (std::vector<IntervalSet::Interval>{{0, 1001}}));
}

TEST(IntervalSet, IsTheSetThatItStandsFor) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    IntervalSet set;
    std::bitset<64> model;
    for (int step = 0; step < 60; ++step) {
      const auto from = static_cast<int64_t>(random.below(64));
      const auto to = static_cast<int64_t>(random.below(65));
      const bool adds = random.below(2) == 0;
      adds ? set.add(from, to) : set.subtract(from, to);
      for (int64_t i = from; i < to; ++i) model[static_cast<size_t>(i)] = adds;
      for (int64_t i = 0; i < 64; ++i) ASSERT_EQ(set.contains(i), model[static_cast<size_t>(i)]) << i;
      int64_t end = -1;
      for (const auto& [begin, stop] : set) {
        ASSERT_LT(end, begin) << "neither overlap nor touch";
        ASSERT_LT(begin, stop);
        end = stop;
      }
      const IntervalSet part = set.within(10, 50);
      for (int64_t i = 0; i < 64; ++i) ASSERT_EQ(part.contains(i), i >= 10 && i < 50 && model[static_cast<size_t>(i)]) << i;
    }
  }
}

}  // namespace
}  // namespace campanile
