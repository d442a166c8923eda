#include "base/clock.h"

#include <ctime>

namespace campanile {
namespace {

int64_t read_ns(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<int64_t>(now.tv_sec) * kNanosPerSecond + now.tv_nsec;
}

}  // namespace

int64_t SystemClock::now_ns() const { return read_ns(CLOCK_REALTIME); }

int64_t SystemClock::steady_ns() const { return read_ns(CLOCK_MONOTONIC); }

}  // namespace campanile
