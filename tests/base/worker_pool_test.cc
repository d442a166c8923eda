#include "base/worker_pool.h"

#include <atomic>
#include <future>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace campanile {
namespace {

TEST(WorkerPool, RunsWhatItTakes) {
  std::promise<int> promise;
  WorkerPool pool({.threads = 1});
  ASSERT_TRUE(pool.submit([&] { promise.set_value(7); }));
  EXPECT_EQ(promise.get_future().get(), 7);
}

TEST(WorkerPool, RefusesBeyondItsQueue) {
  std::promise<void> started, gate;
  WorkerPool pool({.threads = 1, .queue_max = 1});
  ASSERT_TRUE(pool.submit([&] {
    started.set_value();
    gate.get_future().wait();
  }));
  started.get_future().wait();
  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_FALSE(pool.submit([] {}));
  gate.set_value();
}

TEST(WorkerPool, TakesMoreOnlyForIdleThreadsWhereAsked) {
  std::promise<void> gate;
  std::shared_future<void> opened = gate.get_future().share();
  WorkerPool pool({.threads = 2});
  std::atomic<int> running = 0;
  const auto occupy = [&] {
    ++running;
    opened.wait();
  };
  // Threads are idle once they have begun to wait.
  while (running < 2) {
    if (!pool.submit_if_idle(occupy)) std::this_thread::yield();
  }
  EXPECT_FALSE(pool.submit_if_idle([] {}));
  gate.set_value();
}

TEST(WorkerPool, StopDestroysWaitingTasksWithoutRunningThem) {
  std::promise<void> started, gate;
  std::atomic<bool> ran = false;
  auto owned = std::make_shared<int>(1);
  WorkerPool pool({.threads = 1});
  ASSERT_TRUE(pool.submit([&] {
    started.set_value();
    gate.get_future().wait();
  }));
  started.get_future().wait();
  ASSERT_TRUE(pool.submit([&ran, owned] { ran = true; }));
  std::thread stopper([&] { pool.stop(); });
  // What is refused may also be refused for a full queue; only stop() empties the queue while its one thread is held up.
  while (pool.waiting() > 0) std::this_thread::yield();
  gate.set_value();
  stopper.join();
  EXPECT_FALSE(ran);
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace campanile
