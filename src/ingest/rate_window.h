// RateWindow: how fast counters move, for the page: the mean over about the last ten seconds.
//
//   RateWindow window(clock.steady_ns());
//   double per_s = window.rates(clock.steady_ns(), {messages, points})[0];
//
// It samples when it is asked, at most once a second; who asks seldom gets the mean since then.
// Threads: any; a lock of its own.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>

namespace campanile::ingest {

class RateWindow {
 public:
  static constexpr size_t kCounters = 4;
  using Values = std::array<uint64_t, kCounters>;
  using Rates = std::array<double, kCounters>;

  // The counters stand at zero at that moment.
  explicit RateWindow(int64_t steady_ns);

  // REQUIRES: values never fall.
  Rates rates(int64_t steady_ns, const Values& values);

 private:
  struct Sample {
    int64_t steady_ns;
    Values values;
  };
  std::mutex mutex_;
  std::deque<Sample> samples_;  // oldest first; never empty
};

}  // namespace campanile::ingest
