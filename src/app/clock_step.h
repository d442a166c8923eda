// ClockStep: whether the wall clock was set back, which it should not be while readings are stamped with it.
//
//   ClockStep step(clock);
//   if (const auto finding = step.look()) ...     // once a second
//
// Nothing is lost by it: stored points stay, retention and expiries wait until the clock is back where it was, sessions and time-outs count with a
// clock that cannot be set. But readings without a time of their own get times that lie before those of earlier ones. The finding ends when the clock
// has caught up, or after a day: then the earlier time was the wrong one.
// Threads: one at a time.
#pragma once

#include <optional>

#include "app/health_watch.h"
#include "base/clock.h"

namespace campanile::app {

class ClockStep {
 public:
  explicit ClockStep(const Clock& clock);
  std::optional<Finding> look();

 private:
  const Clock& clock_;
  int64_t latest_ns_;              // the latest that the clock has shown
  int64_t offset_ns_;              // of the wall clock from the steady one, at the last look
  int64_t stepped_at_ns_ = 0;      // steady
  int64_t stepped_by_ns_ = 0;
};

}  // namespace campanile::app
