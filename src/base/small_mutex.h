// SmallMutex: a mutex of four bytes, for objects of which there are a hundred thousand, each locked for a moment.
//
//   std::lock_guard lock(mutex_);
//
// std::mutex has 40 bytes. This is the classic futex mutex (Drepper, "Futexes Are Tricky", mutex 2): an uncontended lock and unlock are
// one atomic operation each, a contended one sleeps in the kernel.
// Threads: any. Not recursive, not fair.
#pragma once

#include <atomic>
#include <cstdint>

namespace campanile {

class SmallMutex {
 public:
  SmallMutex() = default;
  SmallMutex(const SmallMutex&) = delete;
  SmallMutex& operator=(const SmallMutex&) = delete;

  void lock() {
    uint32_t expected = kFree;
    if (state_.compare_exchange_strong(expected, kLocked, std::memory_order_acquire, std::memory_order_relaxed)) return;
    lock_contended();
  }
  bool try_lock() {
    uint32_t expected = kFree;
    return state_.compare_exchange_strong(expected, kLocked, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void unlock() {
    if (state_.exchange(kFree, std::memory_order_release) == kWaitedFor) state_.notify_one();
  }

 private:
  enum : uint32_t { kFree, kLocked, kWaitedFor };

  void lock_contended() {
    // The holder is about to be done: looking again is cheaper than sleeping.
    for (int i = 0; i < 64; ++i) {
      if (state_.load(std::memory_order_relaxed) == kFree && try_lock()) return;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    while (state_.exchange(kWaitedFor, std::memory_order_acquire) != kFree) state_.wait(kWaitedFor, std::memory_order_relaxed);
  }

  std::atomic<uint32_t> state_{kFree};
};

}  // namespace campanile
