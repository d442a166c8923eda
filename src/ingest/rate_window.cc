#include "ingest/rate_window.h"

#include "base/clock.h"

namespace campanile::ingest {
namespace {

constexpr int64_t kSampleEveryNs = kNanosPerSecond;
constexpr int64_t kWindowNs = 10 * kNanosPerSecond;

}  // namespace

RateWindow::RateWindow(int64_t steady_ns) { samples_.push_back({steady_ns, {}}); }

RateWindow::Rates RateWindow::rates(int64_t steady_ns, const Values& values) {
  const std::lock_guard lock(mutex_);
  // The oldest one stays until the next is itself old enough to span the window.
  while (samples_.size() > 1 && steady_ns - samples_[1].steady_ns >= kWindowNs) samples_.pop_front();
  Rates rates{};
  const Sample& oldest = samples_.front();
  const double seconds = static_cast<double>(steady_ns - oldest.steady_ns) / static_cast<double>(kNanosPerSecond);
  for (size_t i = 0; seconds > 0 && i < kCounters; ++i) rates[i] = static_cast<double>(values[i] - oldest.values[i]) / seconds;
  if (steady_ns - samples_.back().steady_ns >= kSampleEveryNs) samples_.push_back({steady_ns, values});
  return rates;
}

}  // namespace campanile::ingest
