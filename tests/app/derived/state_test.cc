#include "app/derived/state.h"

#include <gtest/gtest.h>

namespace campanile::app {
namespace {

TEST(DerivedState, MarksWholeWindowsThatAreWorkedOut) {
  DerivedState state;
  state.mark("k", {5, 5}, 10);
  EXPECT_TRUE(state.is_current()) << "nothing is worked out yet";
  state.complete_to_ns = 100;
  state.mark("k", {15, 15}, 10);
  state.mark("k", {95, 250}, 10);
  state.mark("k", {100, 250}, 10);
  state.mark("", {30, 39}, 10);
  EXPECT_EQ(state.series_stale.at("k").first(), (IntervalSet::Interval{10, 20}));
  EXPECT_EQ(state.series_stale.at("k").last(), (IntervalSet::Interval{90, 100}));
  EXPECT_EQ(state.stale.first(), (IntervalSet::Interval{30, 40}));
  state.take({10, 40});
  EXPECT_TRUE(state.stale.empty());
  EXPECT_EQ(state.series_stale.at("k").size(), 1u);
  const auto coverage = state.coverage();
  EXPECT_EQ(coverage->clean("k", 0, 200).size(), 2u) << "0 to 10, and 40 to 90";
  EXPECT_EQ(coverage->clean("other", 0, 200).last(), (IntervalSet::Interval{40, 100}));
  state.mark("", {INT64_MIN, INT64_MAX}, 10);
  EXPECT_LT(state.stale.first().from, INT64_MIN + 10);
  EXPECT_EQ(state.stale.first().to, 100);
}

TEST(DerivedState, MarksMoreRatherThanLessBeyondItsLimits) {
  DerivedState state;
  state.complete_to_ns = INT64_MAX - 10;
  for (int64_t i = 0; i < 3000; ++i) state.mark("k", {i * 100, i * 100}, 10);
  EXPECT_LE(state.series_stale.at("k").size(), DerivedState::kIntervalsMax);
  for (int64_t i = 0; i < 3000; ++i) EXPECT_TRUE(state.series_stale.at("k").contains(i * 100));
  for (size_t i = 0; i < DerivedState::kSeriesMax; ++i) state.mark("s" + std::to_string(i), {0, 0}, 10);
  EXPECT_EQ(state.series_stale.size(), DerivedState::kSeriesMax);
  EXPECT_TRUE(state.stale.contains(0)) << "one did not find room";
}

TEST(DerivedState, RoundTripsThroughItsRow) {
  DerivedState state{.database = "campus", .name = "m_1h", .source = "m", .meaning = "x", .target_bucket = 3, .complete_to_ns = 1000};
  state.missing.add(-50, 10);
  state.stale.add(20, 30);
  state.working.add(30, 40);
  state.mark("m,a=b", {500, 600}, 10);
  const std::string row = encode_state(state);
  const DerivedState back = decode_state(row).value();
  EXPECT_EQ(encode_state(back), row);
  EXPECT_EQ(back.stale.last(), (IntervalSet::Interval{20, 40})) << "what was worked on is to be worked on again";
  EXPECT_EQ(back.series_stale, state.series_stale);
  EXPECT_EQ(back.target_bucket, 3u);
  for (size_t size = 0; size < row.size(); ++size) EXPECT_FALSE(decode_state(std::string_view(row).substr(0, size))) << size;
  EXPECT_EQ(decode_state("\x09").error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace campanile::app
