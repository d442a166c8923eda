#include "app/bench/schedule.h"

#include <gtest/gtest.h>

namespace campanile::app::bench {
namespace {

constexpr int64_t kStart = 5'000'000'000;

TEST(Schedule, IsDueAtItsRateWithoutDrift) {
  Schedule schedule(3, kStart);
  EXPECT_EQ(schedule.due(kStart), 0u);
  EXPECT_EQ(schedule.due(kStart + kNanosPerSecond / 3 - 10), 0u);
  uint64_t done = 0;
  for (int64_t now = kStart; now <= kStart + 1000 * kNanosPerSecond; now += 7'000'000) {
    const uint64_t due = schedule.due(now);
    EXPECT_LE(due, 1u);
    schedule.done(due);
    done += due;
  }
  EXPECT_NEAR(static_cast<double>(done), 3000, 1);
  EXPECT_EQ(schedule.missed(), 0u);
}

TEST(Schedule, WhatIsNotDoneStaysDue) {
  Schedule schedule(100, kStart);
  const int64_t half = kStart + kNanosPerSecond / 2;
  EXPECT_EQ(schedule.due(half), 50u);
  schedule.done(20);
  EXPECT_EQ(schedule.due(half), 30u);
}

TEST(Schedule, MoreThanASecondBehindIsGivenUpAndCounted) {
  Schedule schedule(100, kStart);
  EXPECT_EQ(schedule.due(kStart + 10 * kNanosPerSecond), 100u);
  EXPECT_EQ(schedule.missed(), 900u);
  schedule.done(100);
  EXPECT_EQ(schedule.due(kStart + 10 * kNanosPerSecond), 0u);
  EXPECT_EQ(schedule.due(kStart + 11 * kNanosPerSecond), 100u);
}

TEST(Schedule, SlowRatesAreNeverGivenUpWhole) {
  Schedule schedule(0.1, kStart);
  EXPECT_EQ(schedule.due(kStart + 30 * kNanosPerSecond), 1u);
  EXPECT_EQ(schedule.missed(), 2u);
}

TEST(Schedule, NothingIsDueBeforeTheStart) { EXPECT_EQ(Schedule(1e6, kStart).due(kStart - 1), 0u); }

}  // namespace
}  // namespace campanile::app::bench
