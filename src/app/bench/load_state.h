// LoadState: what the threads of a load run and the one that directs them tell each other while it runs.
//
//   state.enter(Phase::kMeasuring);
//   uint64_t sent = state.total(Count::kSent);
//
// Threads: any. Each thread of the load has counters of its own that it alone writes, so that counting costs no locked instruction.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace campanile::app::bench {

enum class Phase : int {
  kConnecting,
  kWarmUp,
  kMeasuring,
  kDraining,  // nothing is published; what is under way is waited for
  kOver,
};

enum class Count : size_t {
  kConnected,     // publishers, subscribers and idle connections that are up; lost ones stay counted
  kSent,
  kAcknowledged,  // QoS 1 and 2
  kRefused,       // acknowledged with an error (MQTT 5)
  kDelivered,     // for the first time
  kDuplicates,
  kReordered,     // came after later messages of the same publisher
  kForeign,       // messages of somebody else
  kVisits,        // visitors that connected, subscribed and left
  kMissed,        // what the schedule gave up, being more than a second late
  kFailures,      // connections lost or refused after all were up
  kCounts,
};

class Counters {
 public:
  void add(Count count, uint64_t number = 1) {
    auto& counter = values_[static_cast<size_t>(count)];
    counter.store(counter.load(std::memory_order_relaxed) + number, std::memory_order_relaxed);
  }
  uint64_t get(Count count) const { return values_[static_cast<size_t>(count)].load(std::memory_order_relaxed); }

  // What was counted before is counted for whoever sees the phase.
  void follow(Phase phase) { followed_.store(phase, std::memory_order_release); }
  Phase followed() const { return followed_.load(std::memory_order_acquire); }

 private:
  alignas(64) std::array<std::atomic<uint64_t>, static_cast<size_t>(Count::kCounts)> values_{};
  std::atomic<Phase> followed_{Phase::kConnecting};
};

class LoadState {
 public:
  explicit LoadState(size_t threads) {
    for (size_t index = 0; index < threads; ++index) counters_.push_back(std::make_unique<Counters>());
  }

  Phase phase() const { return phase_.load(std::memory_order_acquire); }
  void enter(Phase phase) {
    // A failure has ended the run: it is not resumed.
    Phase current = phase_.load();
    while (current != Phase::kOver && !phase_.compare_exchange_weak(current, phase)) {
    }
  }
  // Every thread has seen the phase. Until all follow kDraining one of them may still publish.
  bool all_follow(Phase phase) const {
    return std::ranges::all_of(counters_, [phase](const auto& counters) { return counters->followed() == phase; });
  }
  // Latencies count for messages sent in this span of the steady clock.
  void measure_from(int64_t ns) { measured_from_.store(ns, std::memory_order_relaxed); }
  void measure_until(int64_t ns) { measured_until_.store(ns, std::memory_order_relaxed); }
  bool is_measured(int64_t sent_ns) const {
    return sent_ns >= measured_from_.load(std::memory_order_relaxed) && sent_ns < measured_until_.load(std::memory_order_relaxed);
  }

  Counters& counters(size_t thread) { return *counters_[thread]; }
  uint64_t total(Count count) const {
    uint64_t sum = 0;
    for (const auto& counters : counters_) sum += counters->get(count);
    return sum;
  }

  // Ends the run because it cannot go on; the first reason is kept.
  void give_up(std::string why) {
    {
      const std::lock_guard lock(mutex_);
      if (why_.empty()) why_ = std::move(why);
    }
    phase_.store(Phase::kOver, std::memory_order_release);
  }
  std::string why_given_up() const {
    const std::lock_guard lock(mutex_);
    return why_;
  }

 private:
  std::atomic<Phase> phase_{Phase::kConnecting};
  std::atomic<int64_t> measured_from_{INT64_MAX};
  std::atomic<int64_t> measured_until_{INT64_MAX};
  std::vector<std::unique_ptr<Counters>> counters_;
  mutable std::mutex mutex_;
  std::string why_;
};

}  // namespace campanile::app::bench
