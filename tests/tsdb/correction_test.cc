#include "tsdb/correction.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/random.h"
#include "tsdb/column_data.h"

namespace campanile::tsdb {
namespace {

ColumnData integers(std::vector<int64_t> values) {
  ColumnData data(FieldType::kInteger);
  for (size_t i = 0; i < values.size(); ++i) data.times_ns.push_back(static_cast<int64_t>(i));
  data.integers = std::move(values);
  return data;
}

TEST(Correction, ScalesFloatsWithOneRounding) {
  ColumnData data(FieldType::kFloat);
  data.times_ns = {1, 2, 3, 4};
  data.floats = {20, 21.5, -0.1, 1e300};
  const Correction correction = Correction::scale(1.02, -0.5).for_type(FieldType::kFloat).value();
  EXPECT_EQ(correction.apply(data, 1, 4), 0u);
  EXPECT_EQ(data.floats, (std::vector{20.0, std::fma(21.5, 1.02, -0.5), std::fma(-0.1, 1.02, -0.5), 1.02e300}));
}

TEST(Correction, RoundsIntegersHalvesAwayFromZero) {
  ColumnData data = integers({0, 1, 3, -1, -3, 1000});
  EXPECT_EQ(Correction::scale(0.5, 0).apply(data, 0, 6), 0u);
  EXPECT_EQ(data.integers, (std::vector<int64_t>{0, 1, 2, -1, -2, 500}));
}

TEST(Correction, KeepsLargeIntegersExact) {
  ColumnData data = integers({INT64_MAX - 1, INT64_MIN, (int64_t{1} << 53) + 1});
  EXPECT_EQ(Correction::scale(1, 1).apply(data, 0, 1), 0u);
  EXPECT_EQ(Correction::scale(1, 0).apply(data, 1, 3), 0u);
  EXPECT_EQ(data.integers, (std::vector<int64_t>{INT64_MAX, INT64_MIN, (int64_t{1} << 53) + 1}));
}

TEST(Correction, LeavesWhatHasNoResult) {
  ColumnData data = integers({INT64_MAX, 5, INT64_MIN});
  EXPECT_EQ(Correction::scale(2, 0).apply(data, 0, 3), 2u);
  EXPECT_EQ(data.integers, (std::vector<int64_t>{INT64_MAX, 10, INT64_MIN}));
  EXPECT_EQ(Correction::scale(2, 0).find_misfit(data.view(0, 3)), FieldValue::of_integer(INT64_MAX));
  EXPECT_EQ(Correction::scale(2, 0).find_misfit(data.view(1, 2)), std::nullopt);

  ColumnData counts(FieldType::kUnsigned);
  counts.times_ns = {1, 2};
  counts.unsigneds = {4, 10};
  EXPECT_EQ(Correction::scale(1, -5).apply(counts, 0, 2), 1u);
  EXPECT_EQ(counts.unsigneds, (std::vector<uint64_t>{4, 5}));

  ColumnData floats(FieldType::kFloat);
  floats.times_ns = {1, 2};
  floats.floats = {1e308, 1};
  EXPECT_EQ(Correction::scale(100, 0).apply(floats, 0, 2), 1u);
  EXPECT_EQ(floats.floats, (std::vector{1e308, 100.0}));
}

TEST(Correction, SetsEveryType) {
  ColumnData strings(FieldType::kString);
  strings.times_ns = {1, 2, 3};
  strings.strings = {"a", "b", "c"};
  {
    std::string text = "unknown";
    const Correction correction = Correction::set(FieldValue::of_string(text)).for_type(FieldType::kString).value();
    text = "gone";
    EXPECT_EQ(correction.apply(strings, 1, 3), 0u);
  }
  EXPECT_EQ(strings.strings, (std::vector<std::string_view>{"a", "unknown", "unknown"}));
  ColumnData booleans(FieldType::kBoolean);
  booleans.times_ns = {1, 2};
  booleans.booleans = {1, 1};
  Correction::set(FieldValue::of_boolean(false)).apply(booleans, 0, 1);
  EXPECT_EQ(booleans.booleans, (std::vector<uint8_t>{0, 1}));
}

TEST(Correction, TakesTheTypeOfItsColumnOrSaysWhyNot) {
  const auto fits = [](const Correction& correction, FieldType type) { return correction.for_type(type).has_value(); };
  const Correction whole = Correction::set(FieldValue::of_float(5));
  EXPECT_EQ(*whole.for_type(FieldType::kInteger)->constant(), FieldValue::of_integer(5));
  EXPECT_EQ(*whole.for_type(FieldType::kUnsigned)->constant(), FieldValue::of_unsigned(5));
  EXPECT_EQ(*Correction::set(FieldValue::of_integer(5)).for_type(FieldType::kFloat)->constant(), FieldValue::of_float(5));
  EXPECT_EQ(*Correction::set(FieldValue::of_unsigned(UINT64_MAX)).for_type(FieldType::kUnsigned)->constant(), FieldValue::of_unsigned(UINT64_MAX));
  EXPECT_FALSE(fits(Correction::set(FieldValue::of_float(5.5)), FieldType::kInteger));
  EXPECT_FALSE(fits(Correction::set(FieldValue::of_float(1e19)), FieldType::kInteger));
  EXPECT_FALSE(fits(Correction::set(FieldValue::of_integer(-1)), FieldType::kUnsigned));
  EXPECT_FALSE(fits(Correction::set(FieldValue::of_unsigned(UINT64_MAX)), FieldType::kInteger));
  EXPECT_FALSE(fits(Correction::set(FieldValue::of_float(std::numeric_limits<double>::quiet_NaN())), FieldType::kFloat));
  EXPECT_FALSE(fits(Correction::set(FieldValue::of_float(std::numeric_limits<double>::quiet_NaN())), FieldType::kInteger));
  EXPECT_FALSE(fits(Correction::set(FieldValue::of_boolean(true)), FieldType::kFloat));
  EXPECT_FALSE(fits(Correction::set(FieldValue::of_float(1)), FieldType::kBoolean));
  EXPECT_FALSE(fits(Correction::set(FieldValue::of_string("1")), FieldType::kFloat));
  EXPECT_FALSE(fits(Correction::set(FieldValue::of_string(std::string(70'000, 'x'))), FieldType::kString));
  EXPECT_FALSE(fits(Correction::scale(2, 0), FieldType::kBoolean));
  EXPECT_FALSE(fits(Correction::scale(2, 0), FieldType::kString));
  EXPECT_FALSE(fits(Correction::scale(std::numeric_limits<double>::infinity(), 0), FieldType::kFloat));
  EXPECT_TRUE(fits(Correction::scale(2, 0), FieldType::kUnsigned));
}

// What the headers say to be sure is what every single value says.
TEST(Correction, HeadersAreBelievedOnlyWhereTheyAreSure) {
  Random random(11);
  int sure = 0;
  for (int round = 0; round < 2000; ++round) {
    const int shift = static_cast<int>(random.below(64));
    std::vector<int64_t> values;
    for (int i = 0; i < 5; ++i) values.push_back(static_cast<int64_t>(random.next()) >> shift);
    const ColumnData data = integers(values);
    const Correction correction = Correction::scale(std::ldexp(1.0 + random.unit(), static_cast<int>(random.below(70)) - 5) * (random.one_in(2) ? 1 : -1), random.gaussian(0, 1e6));
    if (!correction.surely_fits(data.statistics(0, 5), FieldType::kInteger)) continue;
    ++sure;
    ASSERT_FALSE(correction.find_misfit(data.view(0, 5)).has_value()) << "round " << round;
  }
  EXPECT_GT(sure, 300);
}

}  // namespace
}  // namespace campanile::tsdb
