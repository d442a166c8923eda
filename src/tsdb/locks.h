// Locks of the engine: a reader-writer mutex whose writers do not starve, and a one-byte lock for each of a million series.
//
//   std::shared_lock writing(gate);        // any number at once
//   std::unique_lock defining(gate);       // alone; waits only for those inside, not for those that come later
//
// Threads: that is what they are for. Neither is recursive, for readers either: a reader that enters twice can wait for ever.
#pragma once

#include <pthread.h>

#include <atomic>
#include <thread>

#include "base/check.h"

namespace campanile::tsdb {

// std::shared_mutex of glibc lets readers overtake waiting writers for ever; two busy event loops would never let a checkpoint in.
class FairSharedMutex {
 public:
  FairSharedMutex() {
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    CHECK(pthread_rwlock_init(&lock_, &attributes) == 0);
    pthread_rwlockattr_destroy(&attributes);
  }
  ~FairSharedMutex() { pthread_rwlock_destroy(&lock_); }
  FairSharedMutex(const FairSharedMutex&) = delete;
  FairSharedMutex& operator=(const FairSharedMutex&) = delete;

  void lock() { CHECK(pthread_rwlock_wrlock(&lock_) == 0); }
  void unlock() { pthread_rwlock_unlock(&lock_); }
  void lock_shared() { CHECK(pthread_rwlock_rdlock(&lock_) == 0); }
  void unlock_shared() { pthread_rwlock_unlock(&lock_); }

 private:
  pthread_rwlock_t lock_;
};

// Held for the time of an append or of a copy of at most one chunk of rows.
class SpinLock {
 public:
  void lock() {
    for (int spins = 0; taken_.exchange(true, std::memory_order_acquire); ++spins) {
      // The holder may have lost its processor: with two of them, spinning on would only keep it waiting.
      if (spins >= 32) std::this_thread::yield();
    }
  }
  void unlock() { taken_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> taken_{false};
};

}  // namespace campanile::tsdb
