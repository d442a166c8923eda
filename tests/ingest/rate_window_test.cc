#include "ingest/rate_window.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace campanile::ingest {
namespace {

TEST(RateWindow, IsTheMeanOfTheLastTenSeconds) {
  RateWindow window(0);
  uint64_t messages = 0;
  for (int second = 1; second <= 60; ++second) {
    messages += second <= 30 ? 100 : 10;
    const double rate = window.rates(second * kNanosPerSecond, {messages, 0, 0, 0})[0];
    if (second <= 30) {
      EXPECT_DOUBLE_EQ(rate, 100) << second;
    }
    if (second >= 40) {
      EXPECT_DOUBLE_EQ(rate, 10) << second;
    }
  }
}

TEST(RateWindow, WhoAsksSeldomGetsTheMeanSinceThen) {
  RateWindow window(0);
  EXPECT_DOUBLE_EQ(window.rates(100 * kNanosPerSecond, {1000, 0, 0, 0})[0], 10);
  EXPECT_DOUBLE_EQ(window.rates(200 * kNanosPerSecond, {1500, 0, 0, 0})[0], 5);
}

TEST(RateWindow, AskingOftenCostsNoSamplesAndNoDivisionByZero) {
  RateWindow window(5);
  EXPECT_DOUBLE_EQ(window.rates(5, {3, 0, 0, 0})[0], 0);
  for (int i = 1; i < 1000; ++i) window.rates(5 + i, {3, 0, 0, 0});
  EXPECT_DOUBLE_EQ(window.rates(5 + 2 * kNanosPerSecond, {4, 0, 0, 0})[0], 2);
}

}  // namespace
}  // namespace campanile::ingest
