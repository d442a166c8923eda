#include "journal/checkpoint.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/log.h"
#include "journal/simulated_disk.h"

namespace campanile::journal {
namespace {

class FakeParticipant final : public Participant {
 public:
  explicit FakeParticipant(const Journal& journal) : journal_(journal) {}
  std::string_view name() const override { return "fake"; }
  bool owns(RecordType) const override { return true; }
  Result<void> replay(const Record&) override { return {}; }
  Result<Lsn> checkpoint() override {
    ++checkpoints;
    if (failing) return fail(ErrorCode::kIoError, "no disk");
    return needs != 0 ? needs.load() : journal_.end();
  }

  std::atomic<int> checkpoints = 0;
  std::atomic<bool> failing = false;
  std::atomic<Lsn> needs = 0;

 private:
  const Journal& journal_;
};

class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    log::set_level(log::Level::kOff);
    auto opened = Journal::open(disk, "/journal", {.segment_bytes = 1000}, [](const Record&) -> Result<void> { return {}; });
    ASSERT_TRUE(opened);
    journal = std::move(*opened);
    first = std::make_unique<FakeParticipant>(*journal);
    second = std::make_unique<FakeParticipant>(*journal);
  }

  void append(int records) {
    for (int i = 0; i < records; ++i) ASSERT_TRUE(journal->append(RecordType::kPoints, std::string(100, 'x')));
    ASSERT_TRUE(journal->wait_durable(journal->end()));
  }

  SimulatedDisk disk;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<FakeParticipant> first, second;
};

TEST_F(CheckpointTest, LetsGoOfWhatNobodyNeeds) {
  Checkpointer checkpointer(*journal, {first.get(), second.get()}, {});
  append(15);
  const Lsn needed = journal->end();
  append(15);
  second->needs = needed;
  ASSERT_TRUE(checkpointer.run_once());
  EXPECT_EQ(first->checkpoints, 1);
  const Lsn begin = journal->status().begin;
  EXPECT_GT(begin, 0u);
  EXPECT_LE(begin, needed);
  second->needs = 0;
  ASSERT_TRUE(checkpointer.run_once());
  EXPECT_GT(journal->status().begin, needed);
}

TEST_F(CheckpointTest, KeepsEverythingWhereAParticipantFails) {
  Checkpointer checkpointer(*journal, {first.get(), second.get()}, {});
  append(30);
  first->failing = true;
  const auto failed = checkpointer.run_once();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "fake: no disk");
  EXPECT_EQ(journal->status().begin, 0u);
  EXPECT_EQ(checkpointer.failure(), "fake: no disk");
  first->failing = false;
  ASSERT_TRUE(checkpointer.run_once());
  EXPECT_EQ(checkpointer.failure(), "");
}

TEST_F(CheckpointTest, TheThreadBeginsWhenTheJournalIsLarge) {
  Checkpointer checkpointer(*journal, {first.get()}, {.journal_bytes = 2000, .interval_s = 1'000'000});
  checkpointer.start();
  append(5);
  EXPECT_EQ(first->checkpoints, 0);
  append(30);
  while (journal->status().begin == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_GE(first->checkpoints, 1);
  checkpointer.stop();
}

TEST_F(CheckpointTest, TheThreadBeginsWhenTheLastOneIsLongAgo) {
  Checkpointer checkpointer(*journal, {first.get()}, {.journal_bytes = 1 << 30, .interval_s = 0});
  append(1);
  checkpointer.start();
  while (first->checkpoints == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  checkpointer.stop();
  checkpointer.stop();
  const int checkpoints = first->checkpoints;
  append(1);
  EXPECT_EQ(first->checkpoints, checkpoints) << "stopped";
}

}  // namespace
}  // namespace campanile::journal
