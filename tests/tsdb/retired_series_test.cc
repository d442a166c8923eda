#include "tsdb/retired_series.h"

#include <gtest/gtest.h>

#include <optional>

#include "tsdb/bucket.h"
#include "tsdb/series_table.h"

namespace campanile::tsdb {
namespace {

TEST(RetiredSeries, WaitForWhoWasThereWhenTheyWentAndForNobodyElse) {
  SeriesEntry one(1, 1, "a", nullptr), two(2, 1, "b", nullptr);
  RetiredSeries retired;
  std::optional<RetiredSeries::Hold> early(retired.hold());
  retired.add(nullptr, one);
  EXPECT_TRUE(retired.take(10).empty());
  std::optional<RetiredSeries::Hold> late(retired.hold());
  retired.add(nullptr, two);
  EXPECT_TRUE(retired.take(10).empty());
  EXPECT_EQ(retired.size(), 2u);
  early.reset();
  auto taken = retired.take(10);
  ASSERT_EQ(taken.size(), 1u) << "the second went while the later one was there";
  EXPECT_EQ(taken[0].second, &one);
  late.reset();
  taken = retired.take(10);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].second, &two);
  EXPECT_EQ(retired.size(), 0u);
}

TEST(RetiredSeries, AnEarlyHolderHoldsWhatWentLater) {
  SeriesEntry one(1, 1, "a", nullptr), two(2, 1, "b", nullptr);
  RetiredSeries retired;
  std::optional<RetiredSeries::Hold> early(retired.hold());
  retired.add(nullptr, one);
  EXPECT_TRUE(retired.take(10).empty());  // another era begins
  retired.add(nullptr, two);
  EXPECT_TRUE(retired.take(10).empty());
  early.reset();
  EXPECT_EQ(retired.take(1).size(), 1u);
  EXPECT_EQ(retired.take(10).size(), 1u);
}

TEST(SeriesTable, NumbersAreNeverGivenAgain) {
  SeriesEntry entry(1, 1, "a", nullptr);
  SeriesTable table;
  EXPECT_EQ(table.next(), 1u);
  for (uint64_t number = 1; number <= 5000; ++number) table.set(number, &entry);
  EXPECT_EQ(table.size(), 5000u);
  for (uint64_t number = 1; number <= 5000; ++number) {
    EXPECT_EQ(table.get(number), &entry);
    table.clear(number);
    table.clear(number);
    EXPECT_EQ(table.get(number), nullptr);
  }
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.next(), 5001u);
  table.take(9000);
  EXPECT_EQ(table.next(), 9001u);
  EXPECT_EQ(table.get(9000), nullptr);
  EXPECT_EQ(table.get(1'000'000), nullptr);
}

}  // namespace
}  // namespace campanile::tsdb
