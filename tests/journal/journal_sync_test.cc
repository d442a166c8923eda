// When the journal syncs: a term for all records (sync_every_ms), one for some of them (append_within()), and who waits for it.
#include <gtest/gtest.h>

#include <cerrno>
#include <map>

#include "base/log.h"
#include "journal_harness.h"

namespace campanile::journal {
namespace {

TEST_F(JournalTest, SyncEveryMsRunsAheadOfTheDisk) {
  options.sync_every_ms = 3'600'000;
  auto journal = open();
  // The first commit syncs, there having been none before.
  ASSERT_TRUE(journal->wait_durable(append(*journal, "first")));
  const uint64_t syncs = journal->status().syncs;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(journal->wait_durable(append(*journal, "x")));
  EXPECT_EQ(journal->status().syncs, syncs) << "20 short records need no new segment";
  journal.reset();
  Random random(1);
  const auto survivor = disk.after_power_cut(random);
  Replayed replayed;
  ASSERT_TRUE(Journal::open(*survivor, "/journal", options, replayed.function()));
  EXPECT_EQ(replayed.payloads.size(), 21u) << "closing syncs";
}

TEST_F(JournalTest, SyncEveryMsSyncsInTime) {
  options.sync_every_ms = 1;
  const auto journal = open();
  ASSERT_TRUE(journal->wait_durable(append(*journal, "first")));
  const uint64_t syncs = journal->status().syncs;
  append(*journal, "second");
  while (journal->status().syncs == syncs) std::this_thread::yield();
}

TEST_F(JournalTest, SyncEveryMsWritesAgainWhatAFailedSyncLost) {
  options.sync_every_ms = 1;
  std::vector<std::string> payloads;
  {
    const auto journal = open();
    disk.fail(Operation::kSync, EIO, 1, 3);
    for (int i = 0; i < 200; ++i) {
      payloads.push_back(std::to_string(i));
      const Lsn lsn = append_when_healed(*journal, payloads.back());
      const Lsn durable = journal->durable();
      (void)journal->wait_durable(lsn);
      EXPECT_GE(journal->durable(), durable) << "it never goes back";
    }
  }
  Random random(1);
  const auto survivor = disk.after_power_cut(random);
  Replayed replayed;
  ASSERT_TRUE(Journal::open(*survivor, "/journal", options, replayed.function()));
  EXPECT_EQ(replayed.payloads, payloads);
}

// Records whose sync nobody waits for.

class JournalWithTerms : public JournalTest {
 protected:
  void SetUp() override {
    JournalTest::SetUp();
    options.clock = &clock;
  }

  Lsn append_within(Journal& journal, std::chrono::milliseconds within, std::string_view payload) {
    const auto lsn = journal.append_within(within, RecordType::kPoints, payload);
    EXPECT_TRUE(lsn) << lsn.error().message;
    return lsn.value_or(0);
  }
  // Until the journal has given it to the operating system, and looked whether a sync is due.
  static void wait_written(const Journal& journal, Lsn lsn) {
    while (journal.written() < lsn) std::this_thread::yield();
  }

  ManualClock clock{0};
};

TEST_F(JournalWithTerms, AreWrittenAtOnceAndSyncedInTime) {
  const auto journal = open();
  const Lsn first = append_within(*journal, 200ms, "first");
  wait_written(*journal, first);
  EXPECT_EQ(journal->durable(), 0u) << "it could wait 200 ms";
  clock.advance_ns(150 * kNanosPerMilli);
  const Lsn second = append_within(*journal, 200ms, "second");
  wait_written(*journal, second);
  EXPECT_EQ(journal->durable(), 0u);
  clock.advance_ns(50 * kNanosPerMilli);
  const Lsn third = append_within(*journal, 200ms, "third");
  wait_written(*journal, third);
  EXPECT_EQ(journal->durable(), third) << "the first one's time was over, and one sync is for all";
  EXPECT_EQ(journal->status().syncs, 1u);
  // The next one has the whole of its time.
  clock.advance_ns(199 * kNanosPerMilli);
  wait_written(*journal, append_within(*journal, 200ms, "fourth"));
  EXPECT_EQ(journal->durable(), third);
}

TEST_F(JournalWithTerms, TheShortestTermCounts) {
  const auto journal = open();
  append_within(*journal, 10s, "long");
  append_within(*journal, 20ms, "short");
  clock.advance_ns(20 * kNanosPerMilli);
  const Lsn last = append_within(*journal, 10s, "long");
  wait_written(*journal, last);
  EXPECT_EQ(journal->durable(), last);
}

TEST_F(JournalWithTerms, WhoeverWaitsForTheSyncHasItAtOnceAndForAll) {
  const auto journal = open();
  const Lsn relaxed = append_within(*journal, 1h, "relaxed");
  ASSERT_TRUE(journal->wait_durable(relaxed));
  EXPECT_EQ(journal->durable(), relaxed);
  const Lsn again = append_within(*journal, 1h, "again");
  wait_written(*journal, again);
  journal->sync_to(again);
  while (journal->durable() < again) std::this_thread::yield();
  append_within(*journal, 1h, "with one that is waited for");
  const Lsn strict = append(*journal, "strict");
  while (journal->durable() < strict) std::this_thread::yield();
}

TEST_F(JournalWithTerms, AreSyncedWithoutAnythingThatComesAfter) {
  options.clock = nullptr;
  const auto journal = open();
  const Lsn lsn = append_within(*journal, 1ms, "alone");
  while (journal->durable() < lsn) std::this_thread::yield();
}

TEST_F(JournalWithTerms, AFailedSyncIsDoneAgain) {
  options.clock = nullptr;
  const auto journal = open();
  disk.fail(Operation::kSync, EIO, 0, 2);
  const Lsn lsn = append_within(*journal, 1ms, "kept");
  while (journal->durable() < lsn) std::this_thread::yield();
  EXPECT_GE(journal->written(), lsn);
  Random random(1);
  const auto survivor = disk.after_power_cut(random);
  Replayed replayed;
  ASSERT_TRUE(Journal::open(*survivor, "/journal", options, replayed.function()));
  EXPECT_EQ(replayed.payloads, std::vector<std::string>{"kept"});
}

TEST_F(JournalWithTerms, APowerCutTakesOnlyWhatIsYoungerThanItsTerm) {
  for (uint64_t seed = 1; seed <= 300 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    SimulatedDisk cut_disk;
    struct Kept {
      std::string payload;
      int64_t due_ns;
    };
    std::vector<Kept> appended;
    std::unique_ptr<SimulatedDisk> survivor;
    int64_t now_ns = 0;
    {
      auto journal = Journal::open(cut_disk, "/journal", options, ignore);
      ASSERT_TRUE(journal);
      for (uint64_t count = random.below(40); count > 0; --count) {
        clock.advance_ns(static_cast<int64_t>(random.below(60)) * kNanosPerMilli);
        const std::string payload = std::to_string(appended.size()) + std::string(random.below(100), 'x');
        // 0: one that is waited for.
        const auto within = std::chrono::milliseconds(random.one_in(8) ? 0 : 20 + random.below(200));
        appended.push_back({payload, clock.steady_ns() + within.count() * kNanosPerMilli});
        if (within.count() == 0) {
          ASSERT_TRUE((*journal)->wait_durable(append(**journal, payload)));
        } else {
          wait_written(**journal, append_within(**journal, within, payload));
        }
      }
      now_ns = clock.steady_ns();
      survivor = cut_disk.after_power_cut(random);
    }
    Replayed replayed;
    ASSERT_TRUE(Journal::open(*survivor, "/journal", options, replayed.function()));
    ASSERT_LE(replayed.payloads.size(), appended.size());
    for (size_t i = 0; i < replayed.payloads.size(); ++i) ASSERT_EQ(replayed.payloads[i], appended[i].payload);
    for (size_t i = replayed.payloads.size(); i < appended.size(); ++i) ASSERT_GT(appended[i].due_ns, now_ns) << appended[i].payload;
  }
}

TEST_F(JournalTest, WithoutAThreadWhoeverWaitsMakesTheCommit) {
  options.has_thread = false;
  {
    const auto journal = open();
    const uint64_t changes = disk.changes();
    const Lsn first = append(*journal, "a");
    const Lsn second = append(*journal, "b");
    EXPECT_EQ(disk.changes(), changes) << "nobody has waited";
    ASSERT_TRUE(journal->wait_durable(first));
    EXPECT_EQ(journal->durable(), second) << "one commit for all";
    disk.fail(SimulatedDisk::Operation::kSync, EIO);
    append(*journal, "c");
    EXPECT_FALSE(journal->wait_durable(journal->end()));
    disk.heal();
    EXPECT_TRUE(journal->wait_durable(journal->end()));
    append(*journal, "d");
  }
  Replayed replayed;
  open(replayed.function());
  EXPECT_EQ(replayed.payloads, (std::vector<std::string>{"a", "b", "c", "d"}));
}

// After a kill: what only the system has is told apart from what is on the disk.
TEST_F(JournalTest, ReplayTellsWhatAPowerCutMayStillTakeBack) {
  std::map<std::string, bool> is_synced;
  const auto note = [&](const Record& record) -> Result<void> {
    is_synced[std::string(record.payload)] = record.is_synced;
    return {};
  };
  options.has_thread = false;
  {
    const auto journal = open();
    append(*journal, "on disk");
    ASSERT_TRUE(journal->wait_durable(journal->end()));
    append(*journal, "on disk, as far as anybody can tell");
    ASSERT_TRUE(journal->wait_durable(journal->end()));
    append(*journal, "written");
    disk.fail(SimulatedDisk::Operation::kSync, EIO);
    EXPECT_FALSE(journal->wait_durable(journal->end()));
    // The program is killed.
    disk.fail(SimulatedDisk::Operation::kCreate, EIO);
  }
  disk.heal();
  open(note);
  EXPECT_EQ(is_synced, (std::map<std::string, bool>{{"on disk", true}, {"on disk, as far as anybody can tell", true}, {"written", false}}));
  open(note);
  EXPECT_TRUE(is_synced["written"]) << "the start before this one has seen to it";
}

}  // namespace
}  // namespace campanile::journal
