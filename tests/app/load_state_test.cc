#include "app/bench/load_state.h"

#include <gtest/gtest.h>

namespace campanile::app::bench {
namespace {

TEST(LoadState, APhaseIsFollowedWhenEveryThreadHasSeenIt) {
  LoadState state(2);
  state.enter(Phase::kDraining);
  EXPECT_FALSE(state.all_follow(Phase::kDraining)) << "nobody has looked yet";
  state.counters(0).follow(Phase::kDraining);
  state.counters(1).follow(Phase::kMeasuring);
  EXPECT_FALSE(state.all_follow(Phase::kDraining)) << "the second may still publish";
  state.counters(1).add(Count::kSent);
  state.counters(1).follow(Phase::kDraining);
  EXPECT_TRUE(state.all_follow(Phase::kDraining));
  EXPECT_EQ(state.total(Count::kSent), 1u);
}

TEST(LoadState, WhatHasFailedIsNotResumed) {
  LoadState state(1);
  state.give_up("first");
  state.give_up("second");
  state.enter(Phase::kMeasuring);
  EXPECT_EQ(state.phase(), Phase::kOver);
  EXPECT_EQ(state.why_given_up(), "first");
}

}  // namespace
}  // namespace campanile::app::bench
