#include "net/event_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include "net/loop.h"
#include "raw_client.h"

namespace campanile::net {
namespace {

TEST(Loop, ALittleThatIsLeftDoesNotHoldALargeBuffer) {
  const auto loop = std::make_shared<Loop>(0);
  std::string buffer = std::string(1 << 20, 'x') + "rest";
  size_t used = 1 << 20;
  loop->fit_buffer(buffer, used);
  EXPECT_EQ(buffer, "rest");
  EXPECT_EQ(used, 0u);
  EXPECT_LE(buffer.capacity(), 64u * 1024);
  buffer.assign(1 << 20, 'x');
  used = 1000;
  loop->fit_buffer(buffer, used);
  EXPECT_EQ(buffer.size(), 1u << 20) << "most of it is still there: no copy";
  EXPECT_EQ(used, 1000u);
}

using std::chrono::milliseconds;

// Runs `work` on the loop and waits for it.
void on_loop(EventLoop& loop, Task work) {
  std::promise<void> done;
  loop.post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

TEST(EventLoop, RunsTasksOfEachThreadInOrder) {
  EventLoopPool loops(2);
  loops.start();
  constexpr int kThreads = 4;
  constexpr int kTasks = 20'000;
  std::vector<int> last(kThreads, -1);  // of loop 1 alone
  std::atomic<int> in_order = 0;
  std::atomic<int> elsewhere = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kTasks; ++i) {
          loops.at(1).post([&, t, i] {
            if (std::exchange(last[t], i) == i - 1) ++in_order;
            if (!loops.at(1).is_current() || loops.at(0).is_current()) ++elsewhere;
          });
        }
      });
    }
  }
  on_loop(loops.at(1), [] {});
  EXPECT_EQ(in_order, kThreads * kTasks);
  EXPECT_EQ(elsewhere, 0);
  EXPECT_FALSE(loops.at(1).is_current());
  EXPECT_EQ(loops.at(1).index(), 1u);
}

TEST(EventLoop, RunsWhatWasPostedBeforeTheStart) {
  EventLoopPool loops(1);
  std::atomic<bool> ran = false;
  loops.at(0).post([&] { ran = true; });
  loops.start();
  EXPECT_TRUE(eventually([&] { return ran.load(); }));
}

TEST(EventLoop, RunsTimersByDeadlineAndNotTheCancelledOnes) {
  EventLoopPool loops(1);
  loops.start();
  EventLoop& loop = loops.at(0);
  std::string order;
  std::promise<void> done;
  loop.post([&] {
    loop.run_after(milliseconds(40), [&] { order += 'c'; });
    loop.run_after(milliseconds(20), [&] { order += 'b'; });
    const TimerId never = loop.run_after(milliseconds(10), [&] { order += '!'; });
    loop.run_after(milliseconds(1), [&, never] {
      order += 'a';
      loop.cancel(never);
      loop.run_after(milliseconds(60), [&, never] {
        order += 'd';
        loop.cancel(never);  // once more: no harm
        done.set_value();
      });
    });
  });
  ASSERT_EQ(done.get_future().wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(order, "abcd");
}

TEST(EventLoop, ATimerMayCancelOneThatIsDueAsWell) {
  EventLoopPool loops(1);
  loops.start();
  EventLoop& loop = loops.at(0);
  std::string order;
  on_loop(loop, [&] {
    auto second = std::make_shared<TimerId>();
    loop.run_after(milliseconds(0), [&, second] {
      order += 'a';
      loop.cancel(*second);
    });
    *second = loop.run_after(milliseconds(0), [&] { order += 'b'; });
  });
  std::promise<void> done;
  loop.post([&] { loop.run_after(milliseconds(20), [&] { done.set_value(); }); });
  done.get_future().wait();
  EXPECT_EQ(order, "a");
}

TEST(EventLoop, StopRunsWhatWasPostedAndDropsWhatComesLater) {
  EventLoopPool loops(2);
  loops.start();
  std::atomic<int> ran = 0;
  for (int i = 0; i < 1000; ++i) loops.at(i % 2).post([&] { ++ran; });
  auto held = std::make_shared<int>(1);
  loops.at(0).post([&, held] { loops.at(0).run_after(std::chrono::hours(1), [held] {}); });
  loops.stop();
  EXPECT_EQ(ran, 1000);
  EXPECT_EQ(held.use_count(), 1) << "the timer of an hour went with its loop";
  loops.at(0).post([&, held] { ++ran; });
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(ran, 1000);
  loops.stop();  // again: no harm
}

TEST(EventLoop, PostsWhileStoppingNeitherHangNorRunLate) {
  for (int round = 0; round < 50; ++round) {
    EventLoopPool loops(2);
    loops.start();
    std::atomic<bool> stopped = false;
    std::atomic<bool> late = false;
    std::jthread poster([&](std::stop_token stop) {
      while (!stop.stop_requested()) {
        loops.at(0).post([&] { loops.at(1).post([&] { late = late || stopped; }); });
      }
    });
    loops.stop();
    stopped = true;
    poster.request_stop();
    poster.join();
    EXPECT_FALSE(late);
  }
}

TEST(EventLoop, APoolThatNeverStartedLetsGoOfItsTasks) {
  auto held = std::make_shared<int>(1);
  {
    EventLoopPool loops(1);
    loops.at(0).post([held] {});
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace campanile::net
