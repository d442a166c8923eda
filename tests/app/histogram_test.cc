#include "app/bench/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace campanile::app::bench {
namespace {

TEST(Histogram, NothingHasPercentileZero) {
  const Histogram empty;
  EXPECT_EQ(empty.percentile(0.5), 0u);
  EXPECT_EQ(empty.largest(), 0u);
}

TEST(Histogram, SmallDurationsAreExact) {
  Histogram histogram;
  for (uint64_t value = 1; value <= 100; ++value) histogram.add(value);
  EXPECT_EQ(histogram.percentile(0), 1u);
  EXPECT_EQ(histogram.percentile(0.5), 50u);
  EXPECT_EQ(histogram.percentile(0.99), 99u);
  EXPECT_EQ(histogram.percentile(1), 100u);
}

TEST(Histogram, PercentilesAreAtMostOneSixtyFourthTooHigh) {
  const uint64_t seed = 20261125;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Random random(seed);
  Histogram histogram;
  std::vector<uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(random.next() >> (22 + random.below(40)));
    histogram.add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double share : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999}) {
    const auto index = static_cast<size_t>(share * static_cast<double>(values.size()) + 0.999999) - 1;
    const uint64_t found = histogram.percentile(share);
    EXPECT_GE(found, values[index]) << share;
    EXPECT_LE(found, values[index] + values[index] / 64) << share;
  }
  EXPECT_EQ(histogram.percentile(1), values.back());
}

TEST(Histogram, ReachesItsLargestDurationAndNoFurther) {
  Histogram histogram;
  histogram.add(Histogram::kLargestNs);
  histogram.add(UINT64_MAX);
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_EQ(histogram.largest(), Histogram::kLargestNs);
  EXPECT_EQ(histogram.percentile(0.5), Histogram::kLargestNs);
}

TEST(Histogram, MergedIsAsIfAddedToOne) {
  Histogram one, two, both;
  for (uint64_t value = 1; value < 1'000'000; value = value * 3 / 2 + 1) {
    (value % 2 ? one : two).add(value);
    both.add(value);
  }
  one.merge(two);
  EXPECT_EQ(one.count(), both.count());
  for (const double share : {0.1, 0.5, 0.9, 1.0}) EXPECT_EQ(one.percentile(share), both.percentile(share));
}

}  // namespace
}  // namespace campanile::app::bench
