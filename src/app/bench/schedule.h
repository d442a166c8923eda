// Schedule: how many things are due by now, at a given rate from a given start.
//
//   Schedule schedule(2'000, now_ns);            // messages a second
//   for (uint64_t due = schedule.due(now_ns); due > 0; --due) send();
//
// What is due is counted from the start, so that no rounding adds up; what could not be done in time stays due and is caught up.
// Threads: one owner. Limit: at most one second's worth is ever behind; the rest is given up and counted by missed(), since a
// generator that was held up for long must not send in one burst what would have come over time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace campanile::app::bench {

class Schedule {
 public:
  // REQUIRES: rate > 0.
  Schedule(double rate, int64_t start_ns) : rate_(rate), start_ns_(start_ns) {}

  // How many are due and not done.
  uint64_t due(int64_t now_ns) {
    if (now_ns <= start_ns_) return 0;
    const auto total = static_cast<uint64_t>(static_cast<double>(now_ns - start_ns_) / kNanosPerSecond * rate_);
    const uint64_t settled = done_ + missed_;
    const uint64_t behind = total > settled ? total - settled : 0;
    const auto behind_max = std::max<uint64_t>(1, static_cast<uint64_t>(rate_));
    if (behind <= behind_max) return behind;
    missed_ += behind - behind_max;
    return behind_max;
  }
  void done(uint64_t count = 1) { done_ += count; }
  uint64_t missed() const { return missed_; }

 private:
  const double rate_;
  const int64_t start_ns_;
  uint64_t done_ = 0;
  uint64_t missed_ = 0;
};

}  // namespace campanile::app::bench
