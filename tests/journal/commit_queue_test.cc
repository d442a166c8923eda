#include "journal/commit_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/log.h"
#include "journal/simulated_disk.h"

namespace campanile::journal {
namespace {

// A journal whose commits the test makes.
class FakeJournal final : public Journal {
 public:
  Result<Lsn> append(RecordType, std::string_view, std::string_view) override { return ++end_; }
  Result<Lsn> append_together(std::span<const NewRecord>) override { return ++end_; }
  Lsn durable() const override { return durable_; }
  Lsn written() const override { return std::max<Lsn>(written_, durable_); }
  void sync_to(Lsn lsn) override { asked = std::max(asked, lsn); }
  Lsn end() const override { return end_; }
  JournalStatus status() const override { return {}; }
  void add_listener(CommitListener listener) override { listeners_.push_back(std::move(listener)); }
  Result<void> wait_durable(Lsn) override { return {}; }
  Result<void> truncate_before(Lsn) override { return {}; }
  Result<std::unique_ptr<SegmentHold>> hold_segments() override { return fail(ErrorCode::kUnsupported, "a journal without files"); }

  void commit(Lsn lsn) {
    durable_ = lsn;
    for (auto& listener : listeners_) listener(lsn, {});
  }
  void write(Lsn lsn) {
    written_ = lsn;
    for (auto& listener : listeners_) listener(durable_, {});
  }
  Lsn asked = 0;  // to be synced
  void commit_silently(Lsn lsn) { durable_ = lsn; }
  void break_down() {
    for (auto& listener : listeners_) listener(durable_, fail(ErrorCode::kIoError, "broken"));
  }

 private:
  Lsn end_ = 0;
  std::atomic<Lsn> durable_ = 0;
  std::atomic<Lsn> written_ = 0;
  std::vector<CommitListener> listeners_;
};

class CommitQueueTest : public testing::Test {
 protected:
  CommitQueue::Callback note(int number) {
    return [this, number](const Result<void>& stored) { seen.push_back(stored ? number : -number); };
  }
  // Runs what was posted, as the loop would.
  size_t run_loop() {
    auto running = std::exchange(tasks, {});
    for (auto& task : running) task();
    return running.size();
  }

  FakeJournal journal;
  std::vector<CommitQueue::Task> tasks;
  std::vector<int> seen;
  std::unique_ptr<CommitQueue> queue = std::make_unique<CommitQueue>(journal, [this](CommitQueue::Task task) { tasks.push_back(std::move(task)); });
};

TEST_F(CommitQueueTest, RunsAtOnceWhatIsDurableAlready) {
  journal.commit(5);
  queue->when_durable(5, note(1));
  queue->when_durable(0, note(2));
  EXPECT_EQ(seen, (std::vector{1, 2}));
  EXPECT_EQ(queue->waiting(), 0u);
  EXPECT_TRUE(tasks.empty());
}

TEST_F(CommitQueueTest, RunsInOrderAndWakesTheLoopOnce) {
  queue->when_durable(1, note(1));
  queue->when_durable(3, note(2));
  queue->when_durable(2, note(3));
  queue->when_durable(9, note(4));
  EXPECT_EQ(queue->waiting(), 4u);
  journal.commit(2);
  journal.commit(3);
  EXPECT_EQ(run_loop(), 1u);
  EXPECT_EQ(seen, (std::vector{1, 2, 3}));
  EXPECT_EQ(queue->waiting(), 1u);
  journal.commit(9);
  EXPECT_EQ(run_loop(), 1u);
  EXPECT_EQ(seen, (std::vector{1, 2, 3, 4}));
}

TEST_F(CommitQueueTest, NeverOvertakesWhatWaits) {
  queue->when_durable(2, note(1));
  journal.commit(1);
  queue->when_durable(1, note(2));
  EXPECT_TRUE(seen.empty());
  journal.commit(2);
  run_loop();
  EXPECT_EQ(seen, (std::vector{1, 2}));
}

TEST_F(CommitQueueTest, ACommitNobodyWaitsForWakesNobody) {
  journal.commit(1);
  EXPECT_TRUE(tasks.empty());
}

TEST_F(CommitQueueTest, ACommitBetweenTheLookAndTheEntryIsNotMissed) {
  queue->when_durable(1, note(1));
  journal.commit_silently(1);
  queue->when_durable(1, note(2));
  EXPECT_EQ(seen, (std::vector{1, 2}));
}

TEST_F(CommitQueueTest, AFaultIsToldToAllThatWait) {
  queue->when_durable(1, note(1));
  queue->when_durable(5, note(2));
  queue->when_durable(1, note(3));
  journal.commit_silently(1);
  journal.break_down();
  run_loop();
  EXPECT_EQ(seen, (std::vector{1, -2, 3}));
  // What was appended after the fault is not touched by it once the journal writes again.
  journal.commit(6);
  queue->when_durable(7, note(4));
  run_loop();
  EXPECT_EQ(queue->waiting(), 1u);
  journal.commit(7);
  run_loop();
  EXPECT_EQ(seen, (std::vector{1, -2, 3, 4}));
}

TEST_F(CommitQueueTest, AFaultThatIsOverBeforeTheLoopRunsIsNone) {
  queue->when_durable(1, note(1));
  journal.break_down();
  journal.commit(1);
  EXPECT_EQ(run_loop(), 1u);
  EXPECT_EQ(seen, std::vector{1});
}

TEST_F(CommitQueueTest, ACallbackMayWaitAgain) {
  queue->when_durable(1, [this](const Result<void>&) {
    seen.push_back(1);
    queue->when_durable(1, note(3));
    queue->when_durable(2, note(4));
  });
  queue->when_durable(1, note(2));
  journal.commit(1);
  run_loop();
  EXPECT_EQ(seen, (std::vector{1, 2, 3}));
  journal.commit(2);
  run_loop();
  EXPECT_EQ(seen, (std::vector{1, 2, 3, 4}));
}

TEST_F(CommitQueueTest, ACallbackMayEndTheQueue) {
  queue->when_durable(1, [this](const Result<void>&) { queue.reset(); });
  queue->when_durable(1, note(2));
  journal.commit(1);
  run_loop();
  EXPECT_TRUE(seen.empty());
  journal.commit(2);
  EXPECT_TRUE(tasks.empty());
}

TEST_F(CommitQueueTest, AfterItsEndNothingRuns) {
  queue->when_durable(1, note(1));
  journal.commit(1);
  queue.reset();
  EXPECT_EQ(run_loop(), 1u);
  EXPECT_TRUE(seen.empty());
  journal.commit(2);
  EXPECT_TRUE(tasks.empty());
}

TEST_F(CommitQueueTest, WhatNeedsNoSyncWaitsForTheWriteAlone) {
  queue->when_safe({.written = 3}, note(1));
  queue->when_durable(2, note(2));
  queue->when_safe({.written = 5}, note(3));
  EXPECT_EQ(queue->waiting(), 3u);
  EXPECT_EQ(journal.asked, 2u) << "the others ask for no sync";
  journal.write(3);
  EXPECT_EQ(run_loop(), 1u);
  EXPECT_EQ(seen, std::vector{1}) << "the second one is written, not synced";
  journal.write(5);
  run_loop();
  EXPECT_EQ(seen, (std::vector{1, 3})) << "it does not wait for the other one's sync";
  journal.commit(5);
  run_loop();
  EXPECT_EQ(seen, (std::vector{1, 3, 2}));
  queue->when_safe({.written = 4}, note(4));
  EXPECT_EQ(seen.back(), 4);
}

TEST_F(CommitQueueTest, WhatNeedsBothHasBoth) {
  queue->when_safe({.synced = 2, .written = 7}, note(1));
  EXPECT_EQ(journal.asked, 7u);
  journal.commit(2);
  run_loop();
  EXPECT_TRUE(seen.empty());
  journal.write(7);
  run_loop();
  EXPECT_EQ(seen, std::vector{1});
}

TEST_F(CommitQueueTest, AFaultIsToldToThoseThatWaitForTheWriteToo) {
  queue->when_safe({.written = 3}, note(1));
  queue->when_safe({.synced = 4, .written = 3}, note(2));
  journal.break_down();
  run_loop();
  EXPECT_EQ(seen, (std::vector{-1, -2}));
  EXPECT_EQ(queue->waiting(), 0u);
}

// A loop of its own, as net's are.
class Loop {
 public:
  void post(CommitQueue::Task task) {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    wake_.notify_one();
  }
  // Runs tasks until `done`.
  void run(const std::function<bool()>& done) {
    while (!done()) {
      std::vector<CommitQueue::Task> running;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return !tasks_.empty(); });
        running.swap(tasks_);
      }
      for (auto& task : running) task();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<CommitQueue::Task> tasks_;
};

TEST(CommitQueueWithJournal, EveryCallbackRunsOnItsLoopInOrder) {
  log::set_level(log::Level::kOff);
  SimulatedDisk disk;
  auto journal = Journal::open(disk, "/journal", {.segment_bytes = 5000, .retry_ms = 1}, [](const Record&) -> Result<void> { return {}; });
  ASSERT_TRUE(journal);
  constexpr size_t kLoops = 3, kAppends = 400;
  std::array<Loop, kLoops> loops;
  std::vector<std::unique_ptr<CommitQueue>> queues;
  for (auto& loop : loops) {
    queues.push_back(std::make_unique<CommitQueue>(**journal, [&loop](CommitQueue::Task task) { loop.post(std::move(task)); }));
  }
  disk.fail(SimulatedDisk::Operation::kSync, EIO, 30, 2);
  std::vector<std::jthread> threads;
  for (size_t l = 0; l < kLoops; ++l) {
    threads.emplace_back([&, l] {
      size_t done = 0, sent = 0;
      const auto self = std::this_thread::get_id();
      std::function<void()> send = [&] {
        if (sent == kAppends) return;
        const auto lsn = (*journal)->append(RecordType::kPoints, "x");
        if (lsn) {
          const size_t number = sent++;
          queues[l]->when_durable(*lsn, [&, number, lsn = *lsn](const Result<void>& stored) {
            EXPECT_EQ(std::this_thread::get_id(), self);
            EXPECT_EQ(number, done);
            EXPECT_TRUE(!stored || (*journal)->durable() >= lsn);
            ++done;
          });
        }
        loops[l].post([&] { send(); });
      };
      send();
      loops[l].post([&] { send(); });
      loops[l].run([&] { return done == kAppends; });
      queues[l]->close();
    });
  }
  threads.clear();
}

}  // namespace
}  // namespace campanile::journal
