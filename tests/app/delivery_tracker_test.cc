#include "app/bench/delivery_tracker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/random.h"

namespace campanile::app::bench {
namespace {

using Seen = DeliveryTracker::Seen;

std::vector<uint64_t> missing(const DeliveryTracker& tracker, uint32_t publisher, uint64_t sent) {
  std::vector<uint64_t> out;
  tracker.each_missing(publisher, sent, [&](uint64_t sequence) { out.push_back(sequence); });
  return out;
}

TEST(DeliveryTracker, InOrderNothingIsMissing) {
  DeliveryTracker tracker;
  for (uint64_t sequence = 0; sequence < 100; ++sequence) EXPECT_EQ(tracker.note(3, sequence), Seen::kNew);
  EXPECT_TRUE(missing(tracker, 3, 100).empty());
  EXPECT_EQ(missing(tracker, 3, 102), (std::vector<uint64_t>{100, 101}));
}

TEST(DeliveryTracker, APublisherThatWasNeverHeardOfMissesAll) {
  EXPECT_EQ(missing(DeliveryTracker(), 9, 3), (std::vector<uint64_t>{0, 1, 2}));
}

TEST(DeliveryTracker, GapsAreKeptUntilTheyAreFilled) {
  DeliveryTracker tracker;
  EXPECT_EQ(tracker.note(0, 5), Seen::kNew);
  EXPECT_EQ(missing(tracker, 0, 6), (std::vector<uint64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(tracker.note(0, 2), Seen::kLate);
  EXPECT_EQ(tracker.note(0, 2), Seen::kDuplicate);
  EXPECT_EQ(tracker.note(0, 5), Seen::kDuplicate);
  EXPECT_EQ(missing(tracker, 0, 6), (std::vector<uint64_t>{0, 1, 3, 4}));
}

TEST(DeliveryTracker, PublishersAreApart) {
  DeliveryTracker tracker;
  tracker.note(1, 10);
  tracker.note(2, 0);
  EXPECT_EQ(tracker.note(2, 1), Seen::kNew);
  EXPECT_EQ(tracker.note(0, 0), Seen::kNew);
  EXPECT_EQ(missing(tracker, 1, 11).size(), 10u);
  EXPECT_TRUE(missing(tracker, 2, 2).empty());
}

TEST(DeliveryTracker, WhatIsNotExpectedIsNotMissed) {
  DeliveryTracker tracker([](uint32_t, uint64_t sequence) { return sequence % 3 == 0; });
  EXPECT_EQ(tracker.note(0, 0), Seen::kNew);
  EXPECT_EQ(tracker.note(0, 9), Seen::kNew);
  EXPECT_EQ(missing(tracker, 0, 14), (std::vector<uint64_t>{3, 6, 12}));
  EXPECT_EQ(tracker.note(0, 6), Seen::kLate);
  EXPECT_EQ(missing(tracker, 0, 10), (std::vector<uint64_t>{3}));
}

TEST(DeliveryTracker, AgreesWithASetOfWhatCame) {
  const uint64_t seed = 7;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Random random(seed);
  for (int round = 0; round < 50; ++round) {
    DeliveryTracker tracker;
    std::set<uint64_t> came;
    uint64_t newest = 0;
    for (int step = 0; step < 300; ++step) {
      const uint64_t sequence = random.one_in(4) ? random.below(newest + 1) : newest + random.below(4);
      const bool is_new = came.insert(sequence).second;
      const Seen seen = tracker.note(1, sequence);
      EXPECT_EQ(seen == Seen::kDuplicate, !is_new);
      newest = std::max(newest, sequence + 1);
    }
    std::vector<uint64_t> expected;
    for (uint64_t sequence = 0; sequence < newest + 5; ++sequence) {
      if (!came.contains(sequence)) expected.push_back(sequence);
    }
    EXPECT_EQ(missing(tracker, 1, newest + 5), expected);
  }
}

TEST(DeliveryTracker, TooManyGapsAreCountedOnly) {
  DeliveryTracker tracker;
  for (uint64_t sequence = 1; sequence < 2 * DeliveryTracker::kGapsMax + 20; sequence += 2) tracker.note(0, sequence);
  EXPECT_EQ(tracker.forgotten(), 10u);
  EXPECT_EQ(missing(tracker, 0, 0).size(), DeliveryTracker::kGapsMax);
}

}  // namespace
}  // namespace campanile::app::bench
