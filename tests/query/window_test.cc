#include "query/window.h"

#include <gtest/gtest.h>

namespace campanile::query {
namespace {

constexpr int64_t kHour = 3'600'000'000'000;

TEST(Window, IsAlignedTo1970) {
  const Window window{.every_ns = 10};
  EXPECT_EQ(window.around(0).start_ns, 0);
  EXPECT_EQ(window.around(9).end_ns, 10);
  EXPECT_EQ(window.around(10).start_ns, 10);
  EXPECT_EQ(window.around(-1).start_ns, -10);
  EXPECT_EQ(window.around(-10).start_ns, -10);
}

TEST(Window, MovesByItsOffset) {
  const Window window{.every_ns = 10, .offset_ns = 3};
  EXPECT_EQ(window.around(2).start_ns, -7);
  EXPECT_EQ(window.around(3).start_ns, 3);
  const Window back{.every_ns = 10, .offset_ns = -3};
  EXPECT_EQ(back.around(6).start_ns, -3);
  EXPECT_EQ(back.around(7).start_ns, 7);
}

TEST(Window, StaysWithinTime) {
  const Window window{.every_ns = 1000, .offset_ns = 999};
  EXPECT_LE(window.around(INT64_MIN).start_ns, INT64_MIN + 1000);
  EXPECT_EQ(window.around(INT64_MAX).end_ns, INT64_MAX);
  EXPECT_GE(window.around(INT64_MIN).end_ns, INT64_MIN);
}

TEST(Window, FollowsTheDaysOfAPlace) {
  const Window day{.every_ns = 24 * kHour, .zone = *TimeZone::find("Europe/Paris")};
  // 2026-03-29, of 23 hours: from the 28th 23:00Z to the 29th 22:00Z.
  const int64_t noon = 1'774'778'400'000'000'000;
  EXPECT_EQ(day.around(noon).end_ns - day.around(noon).start_ns, 23 * kHour);
  EXPECT_EQ(day.around(day.around(noon).end_ns).end_ns - day.around(noon).end_ns, 24 * kHour);
}

TEST(Multiples, AreFoundOnBothSidesAndAtTheEndsOfTime) {
  EXPECT_EQ(floor_to(-1, 10), -10);
  EXPECT_EQ(floor_to(10, 10), 10);
  EXPECT_EQ(ceil_to(11, 10), 20);
  EXPECT_EQ(ceil_to(-11, 10), -10);
  EXPECT_EQ(floor_to(INT64_MIN, 10) % 10, 0);
  EXPECT_EQ(ceil_to(INT64_MAX, 10) % 10, 0);
}

}  // namespace
}  // namespace campanile::query
