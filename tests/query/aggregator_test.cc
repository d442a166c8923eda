#include "query/aggregator.h"

#include <gtest/gtest.h>

namespace campanile::query {
namespace {

using tsdb::BlockStatistics;
using tsdb::ColumnValues;

ColumnValues floats(const std::vector<int64_t>& times, const std::vector<double>& values) {
  ColumnValues made;
  made.times_ns = times;
  made.floats = values;
  return made;
}

ColumnValues integers(const std::vector<int64_t>& times, const std::vector<int64_t>& values) {
  ColumnValues made;
  made.type = FieldType::kInteger;
  made.times_ns = times;
  made.integers = values;
  return made;
}

Value result_of(Function function, const std::vector<double>& values, double argument = 0) {
  const auto aggregator = make_aggregator(function, FieldType::kFloat, argument, true);
  std::vector<int64_t> times;
  for (size_t i = 0; i < values.size(); ++i) times.push_back(static_cast<int64_t>(i));
  aggregator->resize(1);
  aggregator->add(0, floats(times, values), nullptr, 0, values.size());
  return aggregator->rows(0) == 0 ? null_value() : aggregator->result(0, 0);
}

Value number(double value) { return FieldValue::of_float(value); }

TEST(Aggregator, ComputesEachFunction) {
  const std::vector<double> values = {4, 1, 3, 3};
  EXPECT_EQ(result_of(Function::kCount, values), Value(FieldValue::of_integer(4)));
  EXPECT_EQ(result_of(Function::kSum, values), number(11));
  EXPECT_EQ(result_of(Function::kMean, values), number(2.75));
  EXPECT_EQ(result_of(Function::kMin, values), number(1));
  EXPECT_EQ(result_of(Function::kMax, values), number(4));
  EXPECT_EQ(result_of(Function::kFirst, values), number(4));
  EXPECT_EQ(result_of(Function::kLast, values), number(3));
  EXPECT_EQ(result_of(Function::kSpread, values), number(3));
  EXPECT_EQ(result_of(Function::kMedian, values), number(3));
  EXPECT_EQ(result_of(Function::kMode, values), number(3));
  EXPECT_EQ(result_of(Function::kPercentile, values, 50), number(3));
  EXPECT_EQ(result_of(Function::kPercentile, values, 1), null_value());
  EXPECT_EQ(result_of(Function::kCountDistinct, values), Value(FieldValue::of_integer(3)));
  EXPECT_NEAR(result_of(Function::kStddev, values)->as_float(), 1.2583057392117916, 1e-15);
}

TEST(Aggregator, HasNoRowWithoutAValue) {
  for (const Function function : {Function::kCount, Function::kSum, Function::kMean, Function::kMin, Function::kLast, Function::kMedian, Function::kDistinct}) {
    const auto aggregator = make_aggregator(function, FieldType::kFloat, 0, true);
    aggregator->resize(1);
    EXPECT_EQ(aggregator->rows(0), 0u);
  }
  EXPECT_EQ(result_of(Function::kStddev, {1}), null_value());
}

TEST(Aggregator, HeedsTheMask) {
  const std::vector<int64_t> times = {1, 2, 3};
  const std::vector<double> values = {10, 20, 30};
  const std::vector<uint8_t> mask = {0, 1, 0};
  for (const Function function : {Function::kSum, Function::kFirst, Function::kLast, Function::kMax, Function::kMedian}) {
    const auto aggregator = make_aggregator(function, FieldType::kFloat, 0, true);
    aggregator->resize(1);
    aggregator->add(0, floats(times, values), mask.data(), 0, 3);
    EXPECT_EQ(aggregator->result(0, 0), number(20));
  }
}

// What several took of a window is what one would have taken.
TEST(Aggregator, MergesWhatOthersTook) {
  const std::vector<int64_t> times = {1, 2, 3, 4, 5, 6};
  const std::vector<double> values = {3, 8, 1, 8, 2, 1};
  for (int number = 0; number <= static_cast<int>(Function::kCountDistinct); ++number) {
    const auto function = static_cast<Function>(number);
    const auto make = [&](size_t cells) {
      auto made = make_aggregator(function, FieldType::kFloat, 40, true);
      made->resize(cells);
      return made;
    };
    const auto whole = make(2);
    whole->add(1, floats(times, values), nullptr, 0, 6);
    const auto merged = make(2);
    const auto later = make(1);
    later->add(0, floats(times, values), nullptr, 3, 6);
    const auto earlier = make(1);
    earlier->add(0, floats(times, values), nullptr, 0, 3);
    const size_t cell = 1;
    merged->merge(*later, {&cell, 1});
    merged->merge(*earlier, {&cell, 1});
    const auto empty = make(1);
    merged->merge(*empty, {&cell, 1});
    EXPECT_EQ(merged->rows(0), 0u) << number;
    ASSERT_EQ(merged->rows(1), whole->rows(1)) << number;
    for (size_t row = 0; row < whole->rows(1); ++row) EXPECT_EQ(merged->result(1, row), whole->result(1, row)) << number;
    EXPECT_EQ(merged->time_ns(1), whole->time_ns(1)) << number;
    EXPECT_EQ(merged->values_held(), whole->values_held()) << number;
  }
}

TEST(Aggregator, TakesTheEarliestOfEqualExtremes) {
  const auto aggregator = make_aggregator(Function::kMax, FieldType::kFloat, 0, true);
  aggregator->resize(1);
  const std::vector<int64_t> later = {5, 6};
  const std::vector<int64_t> earlier = {2, 3};
  const std::vector<double> values = {7, 7};
  aggregator->add(0, floats(later, values), nullptr, 0, 2);
  EXPECT_EQ(aggregator->picked(), 0u);
  aggregator->add(0, floats(earlier, values), nullptr, 0, 2);
  EXPECT_EQ(aggregator->time_ns(0), 2);
  aggregator->add(0, floats(later, values), nullptr, 0, 2);
  EXPECT_EQ(aggregator->picked(), std::nullopt);
}

TEST(Aggregator, TakesTheGreaterOfTwoFirsts) {
  const auto first = make_aggregator(Function::kFirst, FieldType::kFloat, 0, true);
  first->resize(1);
  const std::vector<int64_t> times = {1};
  first->add(0, floats(times, std::vector<double>{3}), nullptr, 0, 1);
  first->add(0, floats(times, std::vector<double>{5}), nullptr, 0, 1);
  first->add(0, floats(times, std::vector<double>{4}), nullptr, 0, 1);
  EXPECT_EQ(first->result(0, 0), number(5));
}

TEST(Aggregator, SumsWholeNumbersExactlyAndWithoutOverflow) {
  const auto sum = make_aggregator(Function::kSum, FieldType::kInteger, 0, false);
  sum->resize(1);
  const std::vector<int64_t> times = {1, 2};
  sum->add(0, integers(times, std::vector<int64_t>{INT64_MAX, 1}), nullptr, 0, 2);
  EXPECT_EQ(sum->result(0, 0), Value(FieldValue::of_integer(INT64_MIN)));
}

// Statistics are doubles: where they may have lost bits of whole numbers, the values must be asked for.
TEST(Aggregator, RefusesStatisticsThatMayBeInexact) {
  BlockStatistics block{.count = 2, .min_time_ns = 1, .max_time_ns = 2, .min = 9007199254740992.0, .max = 9007199254740993.0, .sum = 1.8014398509481984e16,
                        .first = FieldValue::of_integer(9007199254740993), .last = FieldValue::of_integer(9007199254740992)};
  for (const Function function : {Function::kSum, Function::kMean, Function::kMin, Function::kMax, Function::kSpread}) {
    const auto aggregator = make_aggregator(function, FieldType::kInteger, 0, false);
    aggregator->resize(1);
    EXPECT_FALSE(aggregator->add_block(0, block));
    EXPECT_EQ(aggregator->rows(0), 0u);
  }
  const auto last = make_aggregator(Function::kLast, FieldType::kInteger, 0, false);
  last->resize(1);
  EXPECT_TRUE(last->add_block(0, block));
  EXPECT_EQ(last->result(0, 0), Value(FieldValue::of_integer(9007199254740992)));
}

// The time of a maximum is not among the statistics; a block that cannot win need not be decoded all the same.
TEST(Aggregator, SkipsBlocksThatCannotHoldTheExtreme) {
  const auto max = make_aggregator(Function::kMax, FieldType::kFloat, 0, true);
  max->resize(1);
  const BlockStatistics low{.count = 2, .min_time_ns = 10, .max_time_ns = 20, .min = 1, .max = 2, .sum = 3, .first = FieldValue::of_float(1), .last = FieldValue::of_float(2)};
  EXPECT_FALSE(max->add_block(0, low));
  const std::vector<int64_t> times = {5};
  max->add(0, floats(times, std::vector<double>{2}), nullptr, 0, 1);
  EXPECT_TRUE(max->add_block(0, low));
  const auto without_times = make_aggregator(Function::kMax, FieldType::kFloat, 0, false);
  without_times->resize(1);
  EXPECT_TRUE(without_times->add_block(0, low));
}

TEST(Aggregator, KnowsWhatItAccepts) {
  EXPECT_FALSE(accepts(Function::kMean, FieldType::kString));
  EXPECT_FALSE(accepts(Function::kSum, FieldType::kBoolean));
  EXPECT_TRUE(accepts(Function::kMin, FieldType::kBoolean));
  EXPECT_FALSE(accepts(Function::kMax, FieldType::kString));
  EXPECT_TRUE(accepts(Function::kDistinct, FieldType::kString));
}

}  // namespace
}  // namespace campanile::query
