// Complaint: at most one line a minute in the log about a trouble that may come with every connection or message, and how often it came.
//
//   if (const uint64_t times = complaint.note(steady_ns)) log::warning("{} is refused ({} times since the last such line)", client, times);
//
// Threads: any; two that come at the same nanosecond of a due line write one.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace campanile {

class Complaint {
 public:
  static constexpr int64_t kEveryNs = 60 * kNanosPerSecond;

  // The trouble has come. How often since the last line, this time included, where a line is due; 0 where it is not.
  uint64_t note(int64_t steady_ns) {
    times_.fetch_add(1, std::memory_order_relaxed);
    int64_t due_ns = due_ns_.load(std::memory_order_relaxed);
    if (steady_ns < due_ns || !due_ns_.compare_exchange_strong(due_ns, steady_ns + kEveryNs, std::memory_order_relaxed)) return 0;
    return times_.exchange(0, std::memory_order_relaxed);
  }

 private:
  std::atomic<int64_t> due_ns_{INT64_MIN};
  std::atomic<uint64_t> times_{0};
};

}  // namespace campanile
