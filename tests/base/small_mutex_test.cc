#include "base/small_mutex.h"

#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace campanile {
namespace {

TEST(SmallMutex, IsSmall) { EXPECT_EQ(sizeof(SmallMutex), 4u); }

TEST(SmallMutex, KeepsOthersOutWhileHeld) {
  SmallMutex mutex;
  {
    std::lock_guard lock(mutex);
    EXPECT_FALSE(mutex.try_lock());
  }
  ASSERT_TRUE(mutex.try_lock());
  mutex.unlock();
}

TEST(SmallMutex, CountsRightlyFromManyThreads) {
  SmallMutex mutex;
  int64_t count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20'000; ++n) {
        std::lock_guard lock(mutex);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 8 * 20'000);
}

}  // namespace
}  // namespace campanile
