// Clock: the only way the program learns the time, so that tests and simulations can decide what it is.
//
//   SystemClock clock;
//   int64_t now = clock.now_ns();
//
// Threads: every implementation may be read from any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace campanile {

inline constexpr int64_t kNanosPerMicro = 1'000;
inline constexpr int64_t kNanosPerMilli = 1'000'000;
inline constexpr int64_t kNanosPerSecond = 1'000'000'000;

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time, nanoseconds since 1970-01-01T00:00:00Z. It may step backwards.
  virtual int64_t now_ns() const = 0;
  // Nanoseconds from an arbitrary start; never goes backwards. For durations and time-outs.
  virtual int64_t steady_ns() const = 0;
};

class SystemClock final : public Clock {
 public:
  int64_t now_ns() const override;
  int64_t steady_ns() const override;
};

// A clock that moves only when told to.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t now_ns) : now_ns_(now_ns) {}
  int64_t now_ns() const override { return now_ns_.load(std::memory_order_relaxed); }
  int64_t steady_ns() const override { return steady_ns_.load(std::memory_order_relaxed); }
  void advance_ns(int64_t duration_ns) {
    now_ns_ += duration_ns;
    steady_ns_ += duration_ns;
  }
  // Steps the wall clock alone, as an operator or NTP does.
  void set_now_ns(int64_t now_ns) { now_ns_ = now_ns; }

 private:
  std::atomic<int64_t> now_ns_;
  std::atomic<int64_t> steady_ns_{0};
};

}  // namespace campanile
