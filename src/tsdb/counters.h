// Counters: what the engine tells /metrics that it did. They count from the start, also before they are registered.
//
// Threads: any.
#pragma once

#include "base/metrics.h"

namespace campanile::tsdb {

// A counter that can become one of the registry's without losing what it has counted.
class LateCounter {
 public:
  void add(uint64_t amount = 1) {
    own_.add(amount);
    if (Counter* const shown = shown_.load(std::memory_order_acquire)) shown->add(amount);
  }
  uint64_t value() const { return own_.value(); }
  // REQUIRES: called once. What others add at the very moment may be missing in what is shown.
  void show(Counter& counter) {
    counter.add(own_.value());
    shown_.store(&counter, std::memory_order_release);
  }

 private:
  Counter own_;
  std::atomic<Counter*> shown_{nullptr};
};

struct Counters {
  LateCounter points_written;
  LateCounter points_refused;
  LateCounter writes_refused;      // whole batches: overloaded, I/O error
  LateCounter chunks_sealed;
  LateCounter values_sealed;
  LateCounter seal_failures;
  LateCounter chunks_expired;
  LateCounter values_erased;
  LateCounter values_corrected;
  LateCounter series_removed;
};

}  // namespace campanile::tsdb
