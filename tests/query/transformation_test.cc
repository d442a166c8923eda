#include "query/transformation.h"

#include <gtest/gtest.h>

namespace campanile::query {
namespace {

using Kind = Transform::Kind;

constexpr int64_t kSecond = 1'000'000'000;

Value number(double value) { return FieldValue::of_float(value); }
Value whole(int64_t value) { return FieldValue::of_integer(value); }

std::vector<Value> run(const Transform& transform, const std::vector<std::pair<int64_t, FieldValue>>& points, bool ascending = true) {
  const auto made = make_transformation(transform, ascending);
  std::vector<Value> results;
  for (const auto& [time_ns, value] : points) results.push_back(made->add(time_ns, value));
  return results;
}

std::vector<std::pair<int64_t, FieldValue>> seconds(std::initializer_list<double> values) {
  std::vector<std::pair<int64_t, FieldValue>> points;
  for (const double value : values) points.emplace_back(static_cast<int64_t>(points.size()) * kSecond, FieldValue::of_float(value));
  return points;
}

TEST(Transformation, DifferencesKeepWholeNumbersWhole) {
  EXPECT_EQ(run({.kind = Kind::kDifference, .type = FieldType::kInteger}, {{1, FieldValue::of_integer(INT64_MIN)}, {2, FieldValue::of_integer(1)}}),
            (std::vector<Value>{null_value(), whole(static_cast<int64_t>(1 - static_cast<uint64_t>(INT64_MIN)))}));
  EXPECT_EQ(run({.kind = Kind::kNonNegativeDifference}, seconds({3, 2, 5})), (std::vector<Value>{null_value(), null_value(), number(3)}));
}

TEST(Transformation, OfSeveralValuesAtOneTimeTheFirstCountsForAChange) {
  EXPECT_EQ(run({.kind = Kind::kDifference}, {{1, FieldValue::of_float(1)}, {2, FieldValue::of_float(4)}, {2, FieldValue::of_float(100)}, {3, FieldValue::of_float(6)}}),
            (std::vector<Value>{null_value(), number(3), null_value(), number(2)}));
}

TEST(Transformation, DerivativesArePerUnitInEitherDirection) {
  const Transform perMinute{.kind = Kind::kDerivative, .unit_ns = 60 * kSecond};
  EXPECT_EQ(run(perMinute, seconds({1, 2, 4})), (std::vector<Value>{null_value(), number(60), number(120)}));
  EXPECT_EQ(run(perMinute, {{2 * kSecond, FieldValue::of_float(4)}, {0, FieldValue::of_float(2)}}, false), (std::vector<Value>{null_value(), number(-60)}));
}

TEST(Transformation, TimesFurtherApartThanSixtyFourBitsHold) {
  EXPECT_EQ(run({.kind = Kind::kElapsed, .unit_ns = kSecond}, {{INT64_MIN, FieldValue::of_string("a")}, {INT64_MAX, FieldValue::of_string("b")}}),
            (std::vector<Value>{null_value(), whole(18446744073)}));
}

TEST(Transformation, MovingAverageBeginsWhenThereAreEnough) {
  EXPECT_EQ(run({.kind = Kind::kMovingAverage, .period = 2}, seconds({1, 3, 7})), (std::vector<Value>{null_value(), number(2), number(5)}));
}

TEST(Transformation, HoldSaysHowManyAnswersAreKeptBack) {
  const std::vector<Value> results = run({.kind = Kind::kExponentialMovingAverage, .period = 3, .hold = 0}, seconds({4, 1}));
  EXPECT_EQ(results, (std::vector<Value>{number(4), number(4 + 2.0 / 3 * -3)}));
  EXPECT_EQ(run({.kind = Kind::kExponentialMovingAverage, .period = 3, .hold = 5}, seconds({4, 1, 2, 3, 4})), std::vector<Value>(5));
}

TEST(Transformation, WhatIsNoFiniteNumberIsNoAnswer) {
  // Nothing rises or falls: neither part of none.
  EXPECT_EQ(run({.kind = Kind::kRelativeStrengthIndex, .period = 1, .hold = 0}, seconds({0, 0})), std::vector<Value>(2));
}

TEST(Transformation, ForecastFollowsALine) {
  const auto made = make_transformation({.kind = Kind::kHoltWinters, .unit_ns = kSecond, .predictions = 2}, true);
  for (const auto& [time_ns, value] : seconds({10, 20, 30, 40, 50, 60, 70, 80})) EXPECT_EQ(made->add(time_ns, value), null_value());
  const auto found = made->finish({});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].first, 8 * kSecond);
  EXPECT_NEAR(found[0].second, 90, 5);
  EXPECT_NEAR(found[1].second, 100, 8);
}

TEST(Transformation, ForecastStopsWhenItIsTold) {
  const auto made = make_transformation({.kind = Kind::kHoltWinters, .unit_ns = kSecond, .predictions = 1, .season = 4}, true);
  for (int64_t i = 0; i < 100'000; ++i) made->add(i * kSecond, FieldValue::of_float(static_cast<double>(i % 7)));
  uint64_t asked = 0;
  made->finish([&] { return ++asked > 3; });
  EXPECT_GT(asked, 3u);
}

TEST(Transformation, SaysHowMuchItHolds) {
  for (const Kind kind : {Kind::kMovingAverage, Kind::kChandeMomentumOscillator, Kind::kKaufmansEfficiencyRatio, Kind::kKaufmansAdaptiveMovingAverage}) {
    const auto made = make_transformation({.kind = kind, .period = 1'000'000'000, .warmup = Transform::Warmup::kNone}, true);
    for (int i = 0; i < 100; ++i) made->add(i, FieldValue::of_float(i));
    EXPECT_GE(made->values_held(), 99u);
  }
}

TEST(Transformation, ForecastsOfCenturiesEndWhereTimeEnds) {
  const auto made = make_transformation({.kind = Kind::kHoltWintersWithFit, .unit_ns = INT64_MAX / 4, .predictions = 50}, true);
  for (int64_t i = 0; i < 4; ++i) made->add(i * (INT64_MAX / 4), FieldValue::of_float(1));
  EXPECT_LE(made->finish({}).size(), 5u);
}

TEST(Transformation, SaysWhatItTakes) {
  EXPECT_TRUE(accepts(Kind::kElapsed, FieldType::kString));
  EXPECT_FALSE(accepts(Kind::kDifference, FieldType::kString));
  EXPECT_FALSE(accepts(Kind::kHoltWinters, FieldType::kUnsigned));
  EXPECT_EQ(result_type(Kind::kCumulativeSum, FieldType::kInteger), FieldType::kInteger);
  EXPECT_EQ(result_type(Kind::kDerivative, FieldType::kInteger), FieldType::kFloat);
}

}  // namespace
}  // namespace campanile::query
