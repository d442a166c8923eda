#include "app/clock_step.h"

#include <algorithm>

#include <fmt/chrono.h>

namespace campanile::app {
namespace {

// Slewing and small corrections are everyday life.
constexpr int64_t kToleranceNs = kNanosPerSecond;
constexpr int64_t kLongestNs = 24 * 3600 * kNanosPerSecond;

}  // namespace

ClockStep::ClockStep(const Clock& clock) : clock_(clock), latest_ns_(clock.now_ns()), offset_ns_(latest_ns_ - clock.steady_ns()) {}

std::optional<Finding> ClockStep::look() {
  const int64_t now_ns = clock_.now_ns();
  const int64_t steady_ns = clock_.steady_ns();
  const int64_t back_ns = offset_ns_ - (now_ns - steady_ns);
  offset_ns_ = now_ns - steady_ns;
  if (back_ns > kToleranceNs) {
    stepped_by_ns_ = back_ns;
    stepped_at_ns_ = steady_ns;
    latest_ns_ = std::max(latest_ns_, now_ns + back_ns);
  }
  if (now_ns >= latest_ns_ || steady_ns - stepped_at_ns_ >= kLongestNs) {
    latest_ns_ = now_ns;
    stepped_by_ns_ = 0;
  }
  if (stepped_by_ns_ == 0) return std::nullopt;
  return Finding{.message = fmt::format("the clock was set back by {} s; until it shows {:%FT%TZ} again, readings without a time of their own get times "
                                        "that were there before",
                                        stepped_by_ns_ / kNanosPerSecond, fmt::gmtime(static_cast<time_t>(latest_ns_ / kNanosPerSecond)))};
}

}  // namespace campanile::app
