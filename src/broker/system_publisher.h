// SystemPublisher: takes the broker's counters every options.system_interval_s and publishes the $SYS topics that have changed, retained
// and with QoS 0.
//
//   publisher.tick(loop, steady_ns);      // each second, on one loop, always the same
//
// Those that the sink wants (load averages, by a route) pass it like any message, but for the zeros of the first time; what it has no room for is left out.
// Threads: its loop's. Ownership: the shared state that holds it outlives it.
#pragma once

#include <cstdint>
#include <functional>

#include "broker/system_topics.h"

namespace campanile::broker {

class BrokerLoop;
struct SharedState;

class SystemPublisher {
 public:
  // `memory_bytes` may be empty: then nothing is said of the heap.
  SystemPublisher(SharedState& shared, std::function<uint64_t()> memory_bytes);
  void tick(BrokerLoop& loop, int64_t steady_ns);

 private:
  SystemSample sample(int64_t steady_ns) const;

  SharedState& shared_;
  const std::function<uint64_t()> memory_bytes_;
  const int64_t started_ns_;
  int64_t due_ns_;
  SystemTopics topics_;
  bool said_ = false;
};

}  // namespace campanile::broker
