#include "journal/journal.h"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "base/log.h"
#include "journal/segment_format.h"
#include "journal/simulated_disk.h"
#include "journal_harness.h"
#include "temporary_directory.h"

namespace campanile::journal {
namespace {

TEST_F(JournalTest, AnEmptyJournalBeginsAtZero) {
  Replayed replayed;
  const auto journal = open(replayed.function());
  EXPECT_TRUE(replayed.payloads.empty());
  EXPECT_EQ(journal->end(), 0u);
  EXPECT_EQ(journal->durable(), 0u);
  EXPECT_EQ(segment_paths(), std::vector<std::string>{"/journal/00000000000000000000.log"});
}

TEST_F(JournalTest, WhatIsAppendedIsReplayedInOrder) {
  std::vector<std::string> payloads;
  std::vector<Lsn> lsns;
  for (int round = 0; round < 3; ++round) {
    Replayed replayed;
    const auto journal = open(replayed.function());
    EXPECT_EQ(replayed.payloads, payloads);
    EXPECT_EQ(replayed.lsns, lsns);
    if (!lsns.empty()) {
      EXPECT_GT(journal->end(), lsns.back());
    }
    for (int i = 0; i < 50; ++i) {
      const std::string payload = fmt::format("round {} record {}", round, i);
      const auto lsn = journal->append(RecordType::kSession, payload.substr(0, 5), payload.substr(5));
      ASSERT_TRUE(lsn);
      if (!lsns.empty()) {
        ASSERT_GT(*lsn, lsns.back());
      }
      payloads.push_back(payload);
      lsns.push_back(*lsn);
    }
    ASSERT_TRUE(journal->wait_durable(lsns.back()));
    EXPECT_EQ(journal->durable(), journal->end());
  }
  EXPECT_GT(segment_paths().size(), 3u) << "segments of 1000 bytes must have been changed";
}

TEST_F(JournalTest, AUnitIsReplayedInOrderWithOneLsn) {
  Lsn lsn = 0;
  {
    const auto journal = open();
    append(*journal, "before");
    const NewRecord unit[] = {{.type = RecordType::kPoints, .head = "po", .tail = "ints"}, {.type = RecordType::kSession, .head = "session"}};
    lsn = journal->append_together(unit).value();
    EXPECT_EQ(journal->end(), lsn);
    ASSERT_TRUE(journal->append_together({unit, 1}));
  }
  std::vector<std::string> records;
  std::vector<Lsn> lsns;
  const auto journal = open([&](const Record& record) -> Result<void> {
    records.push_back(fmt::format("{} {}", static_cast<int>(record.type), record.payload));
    lsns.push_back(record.lsn);
    return {};
  });
  EXPECT_EQ(records, (std::vector<std::string>{"2 before", "2 points", "6 session", "2 points"}));
  EXPECT_EQ(lsns[1], lsn);
  EXPECT_EQ(lsns[2], lsn);
  EXPECT_GT(lsns[3], lsn);
}

// Of a unit all is there or nothing, wherever the power is cut and the write torn.
TEST_F(JournalTest, AUnitSurvivesAPowerCutWholeOrNotAtAll) {
  Random random(7);
  size_t whole = 0;
  const int rounds = 300;
  for (int round = 0; round < rounds; ++round) {
    SimulatedDisk here;
    std::unique_ptr<SimulatedDisk> survivor;
    {
      auto journal = Journal::open(here, "/journal", options, [](const Record&) -> Result<void> { return {}; }).value();
      ASSERT_TRUE(journal->append(RecordType::kPoints, "before"));
      ASSERT_TRUE(journal->wait_durable(journal->end()));
      here.cut_power_at(here.changes() + random.below(2), random.next());  // before the write, or before the sync
      const std::string text(100 + random.below(350), 'x');
      const NewRecord unit[] = {{.type = RecordType::kPoints, .head = text}, {.type = RecordType::kSession, .head = text, .tail = "!"}};
      ASSERT_TRUE(journal->append_together(unit));
      ASSERT_TRUE(journal->wait_durable(journal->end()));
      survivor = here.cut_disk();
    }
    ASSERT_TRUE(survivor);
    Replayed replayed;
    ASSERT_TRUE(Journal::open(*survivor, "/journal", options, replayed.function()));
    ASSERT_TRUE(replayed.payloads.size() == 1 || replayed.payloads.size() == 3) << replayed.payloads.size() << " in round " << round;
    whole += replayed.payloads.size() == 3;
  }
  EXPECT_GT(whole, 0u);
  EXPECT_LT(whole, static_cast<size_t>(rounds));
}

TEST_F(JournalTest, AUnitThatFitsNoSegmentIsRefusedWhole) {
  const auto journal = open();
  const Lsn end = journal->end();
  const std::string half(options.segment_bytes / 2, 'x');
  const NewRecord unit[] = {{.type = RecordType::kPoints, .head = half}, {.type = RecordType::kSession, .head = half}};
  EXPECT_EQ(journal->append_together(unit).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(journal->end(), end);
}

TEST_F(JournalTest, ClosingWritesWhatIsPending) {
  {
    const auto journal = open();
    for (int i = 0; i < 100; ++i) append(*journal, "x");
  }
  Random random(1);
  const auto survivor = disk.after_power_cut(random);
  Replayed replayed;
  ASSERT_TRUE(Journal::open(*survivor, "/journal", options, replayed.function()));
  EXPECT_EQ(replayed.payloads.size(), 100u);
}

TEST_F(JournalTest, ABusyJournalWaitsForMoreToComeAlong) {
  options.gather_us = 600'000'000;  // as good as for ever
  options.gather_records = 1;
  auto journal = open();
  // Nobody was busy before: at once.
  ASSERT_TRUE(journal->wait_durable(append(*journal, "first")));
  const uint64_t syncs = journal->status().syncs;
  for (int i = 0; i < 100; ++i) append(*journal, "together");
  EXPECT_EQ(journal->status().syncs, syncs);
  journal.reset();  // does not wait
  Replayed replayed;
  open(replayed.function());
  EXPECT_EQ(replayed.payloads.size(), 101u);
}

TEST_F(JournalTest, RecordsOfEverySizeUpToTheLimit) {
  std::vector<std::string> payloads;
  for (const size_t size : {0, 1, 999, 1000, 1000, 0, 971, 970, 500}) payloads.emplace_back(size, 'x');
  {
    const auto journal = open();
    Lsn last = 0;
    for (const auto& payload : payloads) last = append(*journal, payload);
    ASSERT_TRUE(journal->wait_durable(last));
    const auto too_large = journal->append(RecordType::kPoints, std::string(900, 'x'), std::string(101, 'x'));
    ASSERT_FALSE(too_large);
    EXPECT_EQ(too_large.error().code, ErrorCode::kTooLarge);
    EXPECT_EQ(journal->end(), last) << "nothing was added";
  }
  Replayed replayed;
  (void)open(replayed.function());
  EXPECT_EQ(replayed.payloads, payloads);
}

TEST_F(JournalTest, AnErrorOfReplayStopsOpen) {
  { append(*open(), "x"); }
  const auto journal = Journal::open(disk, "/journal", options, [](const Record&) -> Result<void> { return fail(ErrorCode::kTypeConflict, "no"); });
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, ErrorCode::kTypeConflict);
}

TEST_F(JournalTest, OptionsOutsideTheirRangeAreRefused) {
  options.segment_bytes = 0;
  EXPECT_EQ(Journal::open(disk, "/journal", options, ignore).error().code, ErrorCode::kInvalidArgument);
  options.segment_bytes = 1000;
  options.pending_bytes_max = 1ull << 40;
  EXPECT_EQ(Journal::open(disk, "/journal", options, ignore).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(JournalTest, TheLimitOfPendingBytesAnswersOverloaded) {
  options.pending_bytes_max = 500;
  options.retry_ms = 60'000;
  options.sync_every_ms = 0;
  const auto journal = open();
  const Lsn first = append(*journal, std::string(900, 'x'));  // beyond the limit by itself, and alone
  ASSERT_TRUE(journal->wait_durable(first));
  // Appends are quicker than syncs; where they were not, nothing was ever held and the loop would not end.
  Result<Lsn> answer = 0;
  for (int i = 0; i < 1'000'000 && answer; ++i) answer = journal->append(RecordType::kPoints, std::string(100, 'x'));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kOverloaded);
  ASSERT_TRUE(journal->wait_durable(journal->end()));
  EXPECT_TRUE(journal->append(RecordType::kPoints, "room again"));
}

TEST_F(JournalTest, WaitingForWhatWasNeverAppendedIsRefused) {
  const auto journal = open();
  EXPECT_EQ(journal->wait_durable(1).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(journal->wait_durable(0));
}

TEST_F(JournalTest, TruncatingLetsGoOfWholeSegmentsOnly) {
  std::vector<Lsn> lsns;
  const auto journal = open();
  for (int i = 0; i < 40; ++i) lsns.push_back(append(*journal, std::string(100, 'x')));
  ASSERT_TRUE(journal->wait_durable(lsns.back()));
  const size_t before = segment_paths().size();
  ASSERT_GE(before, 4u);
  ASSERT_TRUE(journal->truncate_before(0));
  EXPECT_EQ(segment_paths().size(), before);
  ASSERT_TRUE(journal->truncate_before(lsns[20]));
  EXPECT_LT(segment_paths().size(), before);
  const JournalStatus status = journal->status();
  EXPECT_LE(status.begin, lsns[20]);
  EXPECT_GT(status.begin, 0u);
  EXPECT_EQ(status.kept_bytes, status.end - status.begin);

  Random random(1);
  auto survivor = disk.after_power_cut(random);
  Replayed replayed;
  ASSERT_TRUE(Journal::open(*survivor, "/journal", options, replayed.function()));
  EXPECT_LE(replayed.lsns.front(), lsns[20] + 200);
  EXPECT_EQ(replayed.lsns.back(), lsns.back());

  ASSERT_TRUE(journal->truncate_before(journal->end()));
  EXPECT_EQ(segment_paths().size(), 1u) << "the last stays";
  const Lsn next = append(*journal, "x");
  EXPECT_TRUE(journal->wait_durable(next));
}

// A journal made of the files as a backup copies them.
Replayed replay_copy(SimulatedDisk& from, const std::vector<SegmentFile>& files, const JournalOptions& options) {
  SimulatedDisk copy;
  EXPECT_TRUE(copy.create_directories("/journal"));
  for (const SegmentFile& file : files) {
    auto source = from.open(file.path);
    EXPECT_TRUE(source);
    const auto bytes = (*source)->read(0, file.bytes);
    EXPECT_TRUE(bytes);
    EXPECT_EQ(bytes->size(), file.bytes) << file.path;
    auto target = copy.create(file.path);
    EXPECT_TRUE(target);
    EXPECT_TRUE(write_fully(**target, 0, *bytes));
  }
  Replayed replayed;
  const auto opened = Journal::open(copy, "/journal", options, replayed.function());
  EXPECT_TRUE(opened) << opened.error().message;
  return replayed;
}

TEST_F(JournalTest, HeldSegmentsStayThroughTruncations) {
  const auto journal = open();
  for (int i = 0; i < 40; ++i) append(*journal, std::string(100, 'x'));
  auto hold = journal->hold_segments();
  ASSERT_TRUE(hold);
  auto second = journal->hold_segments();
  ASSERT_TRUE(second);
  const auto files = (*hold)->synced_files();
  ASSERT_TRUE(files) << files.error().message;
  ASSERT_GE(files->size(), 4u);
  ASSERT_TRUE(journal->truncate_before(journal->end()));
  EXPECT_EQ(replay_copy(disk, *files, options).payloads.size(), 40u);
  hold->reset();
  ASSERT_TRUE(journal->truncate_before(journal->end()));
  EXPECT_EQ(segment_paths().size(), files->size()) << "the second hold";
  second->reset();
  ASSERT_TRUE(journal->truncate_before(journal->end()));
  EXPECT_EQ(segment_paths().size(), 1u);
}

TEST_F(JournalTest, HeldFilesHoldEverythingAppendedBefore) {
  // While others append, whole segments come and go, and the machine starts anew now and then.
  const uint64_t seed = 20'260'726;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Random random(seed);
  std::vector<std::string> expected;
  for (int start = 0; start < 4; ++start) {
    const auto journal = open();
    std::atomic<bool> done = false;
    std::atomic<int> others = 0;
    std::thread other([&] {
      while (!done && others < 1000) others += journal->append(RecordType::kSession, std::string(30, 'o')).has_value();
    });
    for (int round = 0; round < 10; ++round) {
      for (uint64_t i = random.below(30); i > 0; --i) {
        expected.push_back(fmt::format("{} {}", expected.size(), std::string(random.below(200), 'x')));
        append(*journal, expected.back());
      }
      const auto hold = journal->hold_segments();
      ASSERT_TRUE(hold);
      const auto files = (*hold)->synced_files();
      ASSERT_TRUE(files) << files.error().message;
      Replayed copy = replay_copy(disk, *files, options);
      std::erase_if(copy.payloads, [](const std::string& payload) { return payload.starts_with('o'); });
      ASSERT_EQ(copy.payloads, expected) << "start " << start << ", round " << round;
    }
    done = true;
    other.join();
  }
}

TEST_F(JournalTest, HeldFilesAreSyncedAtOnceWhereSyncsAreRare) {
  options.sync_every_ms = 3'600'000;
  const auto journal = open();
  append(*journal, "x");
  const auto hold = journal->hold_segments();
  ASSERT_TRUE(hold);
  const auto files = (*hold)->synced_files();
  ASSERT_TRUE(files);
  EXPECT_EQ(replay_copy(disk, *files, options).payloads, std::vector<std::string>{"x"});
  EXPECT_EQ(journal->status().syncs, 1u);
}

TEST_F(JournalTest, AJournalThatCannotWriteHasNoFilesToCopy) {
  const auto journal = open();
  const auto hold = journal->hold_segments();
  ASSERT_TRUE(hold);
  disk.fail(Operation::kSync, EIO);
  append(*journal, "x");
  const auto files = (*hold)->synced_files();
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, ErrorCode::kIoError);
  disk.heal();
  append_when_healed(*journal, "y");
  const auto later = (*hold)->synced_files();
  ASSERT_TRUE(later) << later.error().message;
  EXPECT_EQ(replay_copy(disk, *later, options).payloads, (std::vector<std::string>{"x", "y"}));
}

TEST_F(JournalTest, StartsWithoutAppendsLeaveNoFilesBehind) {
  { append(*open(), "x"); }
  for (int i = 0; i < 5; ++i) (void)open();
  EXPECT_EQ(segment_paths().size(), 2u) << "one with the record, one to go on";
  Replayed replayed;
  (void)open(replayed.function());
  EXPECT_EQ(replayed.payloads.size(), 1u);
}

TEST_F(JournalTest, PositionsBeginAfterTheLeastOneAskedFor) {
  options.lsn_min = 1'000'000;
  Lsn first = 0;
  {
    const auto journal = open();
    EXPECT_EQ(journal->durable(), options.lsn_min);
    first = append(*journal, "first");
    EXPECT_GT(first, options.lsn_min);
  }
  options.lsn_min = 1ull << 50;
  {
    const auto journal = open();
    EXPECT_GT(append(*journal, "second"), options.lsn_min);
    EXPECT_LT(journal->status().kept_bytes, 1000u);
  }
  options.lsn_min = 5;
  Replayed replayed;
  const auto journal = open(replayed.function());
  EXPECT_EQ(replayed.payloads, (std::vector<std::string>{"first", "second"}));
  EXPECT_GT(journal->end(), 1ull << 50) << "it never goes back";
}

TEST_F(JournalTest, StatusCounts) {
  const auto journal = open();
  ASSERT_TRUE(journal->wait_durable(append(*journal, "hello")));
  const JournalStatus status = journal->status();
  EXPECT_EQ(status.end, journal->end());
  EXPECT_EQ(status.durable, status.end);
  EXPECT_EQ(status.begin, 0u);
  EXPECT_GE(status.syncs, 1u);
  EXPECT_EQ(status.bytes, status.end);
  EXPECT_EQ(status.kept_bytes, status.end);
  EXPECT_EQ(status.failure, "");
}

// Damage.

TEST_F(JournalTest, DamageInTheMiddleIsToldWithFileAndOffset) {
  {
    const auto journal = open();
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(journal->wait_durable(append(*journal, std::string(60, 'x'))));
  }
  const auto paths = segment_paths();
  ASSERT_GE(paths.size(), 3u);
  // In the first file the next file vouches for all of it; in the last one the marks do for all but the last group.
  for (const std::string& path : {paths.front(), paths[1], paths.back()}) {
    const std::string sound = disk.durable_bytes(path);
    std::string damaged = sound;
    damaged[kHeaderBytes + kMarkBytes + 20] ^= 1;
    disk.overwrite(path, damaged);
    const auto journal = Journal::open(disk, "/journal", options, ignore);
    ASSERT_FALSE(journal) << path;
    EXPECT_EQ(journal.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(journal.error().message.find(path), std::string::npos) << journal.error().message;
    EXPECT_NE(journal.error().message.find("no valid record at offset 4"), std::string::npos) << journal.error().message;
    disk.overwrite(path, sound);
  }
  EXPECT_NE(open(), nullptr);
}

TEST_F(JournalTest, AMissingOrRenamedFileIsTold) {
  {
    const auto journal = open();
    for (int i = 0; i < 30; ++i) append(*journal, std::string(100, 'x'));
  }
  const auto paths = segment_paths();
  ASSERT_GE(paths.size(), 4u);
  const std::string away = "/elsewhere/kept";
  ASSERT_TRUE(disk.rename(paths[1], away));
  auto journal = Journal::open(disk, "/journal", options, ignore);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(journal.error().message.find("missing"), std::string::npos) << journal.error().message;
  ASSERT_TRUE(disk.rename(away, "/journal/00000000000000000001.log"));
  journal = Journal::open(disk, "/journal", options, ignore);
  ASSERT_FALSE(journal);
  EXPECT_NE(journal.error().message.find("renamed"), std::string::npos) << journal.error().message;
}

TEST_F(JournalTest, OtherFilesAreLeftAlone) {
  ASSERT_TRUE(disk.create("/journal/notes.txt"));
  ASSERT_TRUE(disk.create("/journal/1.log"));
  ASSERT_TRUE(disk.create("/journal/00000000000000000007.log.new"));
  EXPECT_NE(open(), nullptr);
  const auto paths = disk.paths();
  EXPECT_EQ(std::count(paths.begin(), paths.end(), "/journal/notes.txt"), 1);
  EXPECT_EQ(std::count(paths.begin(), paths.end(), "/journal/1.log"), 1);
  EXPECT_EQ(paths.size(), 3u) << "the unfinished segment is removed";
}

// Faults.

TEST_F(JournalTest, AFaultIsReportedAndNothingAcknowledgedUntilItGoes) {
  for (const Operation operation : {Operation::kWrite, Operation::kSync}) {
    SimulatedDisk faulty;
    Replayed replayed;
    std::vector<std::string> payloads;
    {
      auto opened = Journal::open(faulty, "/journal", options, ignore);
      ASSERT_TRUE(opened);
      Journal& journal = **opened;
      std::atomic<int> failures = 0, successes = 0;
      std::atomic<Lsn> reported = 0;
      journal.add_listener([&](Lsn durable, const Result<void>& state) {
        reported = durable;
        state ? ++successes : ++failures;
      });
      const Lsn before = append(journal, "before");
      payloads.push_back("before");
      ASSERT_TRUE(journal.wait_durable(before));

      faulty.fail(operation, ENOSPC);
      const Lsn during = append(journal, "during");
      payloads.push_back("during");
      const auto waited = journal.wait_durable(during);
      ASSERT_FALSE(waited);
      EXPECT_EQ(waited.error().code, ErrorCode::kIoError);
      EXPECT_NE(waited.error().message.find("No space left"), std::string::npos) << waited.error().message;
      EXPECT_EQ(journal.durable(), before);
      EXPECT_NE(journal.status().failure, "");
      const auto refused = journal.append(RecordType::kPoints, "refused");
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, ErrorCode::kIoError);
      while (failures < 3) std::this_thread::yield();  // it goes on trying
      EXPECT_EQ(journal.durable(), before);

      faulty.heal();
      const Lsn after = append_when_healed(journal, "after");
      payloads.push_back("after");
      ASSERT_TRUE(journal.wait_durable(after));
      EXPECT_GE(journal.durable(), after);
      EXPECT_EQ(journal.status().failure, "");
      while (reported < after) std::this_thread::yield();
    }
    Random random(3);
    const auto survivor = faulty.after_power_cut(random);
    ASSERT_TRUE(Journal::open(*survivor, "/journal", options, replayed.function()));
    EXPECT_EQ(replayed.payloads, payloads);
  }
}

TEST_F(JournalTest, OpensOnAFullDiskToBeReadAndWritesWhenThereIsRoom) {
  { append(*open(), "stored"); }
  disk.fail(Operation::kAllocate, ENOSPC);
  Replayed replayed;
  const auto journal = open(replayed.function());
  EXPECT_EQ(replayed.payloads, std::vector<std::string>{"stored"});
  EXPECT_EQ(journal->append(RecordType::kPoints, "x").error().code, ErrorCode::kIoError);
  EXPECT_NE(journal->status().failure.find("No space left"), std::string::npos);
  disk.heal();
  EXPECT_TRUE(journal->wait_durable(append_when_healed(*journal, "y")));
}

TEST_F(JournalTest, StoppingWithABrokenDiskEnds) {
  const auto journal = open();
  disk.fail(Operation::kSync, EIO);
  (void)journal->append(RecordType::kPoints, "lost");
}

TEST_F(JournalTest, TruncationThatFailsSaysSoAndKeepsTheRest) {
  const auto journal = open();
  for (int i = 0; i < 40; ++i) append(*journal, std::string(100, 'x'));
  ASSERT_TRUE(journal->wait_durable(journal->end()));
  const size_t before = segment_paths().size();
  disk.fail(Operation::kRemove, EROFS, 1);
  EXPECT_EQ(journal->truncate_before(journal->end()).error().code, ErrorCode::kIoError);
  EXPECT_EQ(segment_paths().size(), before - 1);
  disk.heal();
  EXPECT_TRUE(journal->truncate_before(journal->end()));
  EXPECT_EQ(segment_paths().size(), 1u);
}

// The relaxation.

// Threads.

TEST_F(JournalTest, ManyThreadsAppendAndTheirOrderIsThatOfTheLsns) {
  constexpr int kThreads = 4, kAppends = 300;
  options.segment_bytes = 5000;
  std::mutex mutex;
  std::map<Lsn, std::string> appended;
  {
    const auto journal = open();
    std::atomic<Lsn> last_reported = 0;
    journal->add_listener([&](Lsn durable, const Result<void>& state) {
      EXPECT_TRUE(state);
      EXPECT_GE(durable, last_reported);
      last_reported = durable;
    });
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kAppends; ++i) {
          const std::string payload = fmt::format("thread {} record {}", t, i);
          const auto lsn = journal->append(RecordType::kPoints, payload);
          ASSERT_TRUE(lsn);
          if (i % 50 == 0) {
            EXPECT_TRUE(journal->wait_durable(*lsn));
          }
          if (i % 100 == 0) {
            // In this order: an argument list may be evaluated from its end, and the journal goes on meanwhile.
            const Lsn durable = journal->status().durable;
            EXPECT_LE(durable, journal->end());
          }
          std::lock_guard lock(mutex);
          appended[*lsn] = payload;
        }
      });
    }
    threads.clear();
    ASSERT_TRUE(journal->wait_durable(journal->end()));
    EXPECT_LE(journal->status().syncs, static_cast<uint64_t>(kThreads * kAppends)) << "commits are shared";
  }
  Replayed replayed;
  (void)open(replayed.function());
  ASSERT_EQ(replayed.payloads.size(), appended.size());
  size_t i = 0;
  for (const auto& [lsn, payload] : appended) {
    ASSERT_EQ(replayed.lsns[i], lsn);
    ASSERT_EQ(replayed.payloads[i], payload);
    ++i;
  }
}

TEST_F(JournalTest, EveryAcknowledgedRecordSurvivesAPowerCutUnderThreads) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    SimulatedDisk cut_disk;
    cut_disk.fail(Operation::kSync, EIO, random.below(20), 1);
    std::unique_ptr<SimulatedDisk> survivor;
    Lsn acknowledged = 0;
    std::vector<std::pair<Lsn, std::string>> appended;
    {
      auto journal = Journal::open(cut_disk, "/journal", options, ignore);
      ASSERT_TRUE(journal);
      const uint64_t count = random.below(60);
      for (uint64_t i = 0; i < count; ++i) {
        const std::string payload = std::to_string(i) + std::string(random.below(100), 'x');
        if (const auto lsn = (*journal)->append(RecordType::kPoints, payload)) appended.emplace_back(*lsn, payload);
        if (random.one_in(5)) std::this_thread::yield();
      }
      acknowledged = (*journal)->durable();
      survivor = cut_disk.after_power_cut(random);
    }
    Replayed replayed;
    ASSERT_TRUE(Journal::open(*survivor, "/journal", options, replayed.function()));
    ASSERT_LE(replayed.payloads.size(), appended.size());
    for (size_t i = 0; i < replayed.payloads.size(); ++i) {
      ASSERT_EQ(replayed.lsns[i], appended[i].first);
      ASSERT_EQ(replayed.payloads[i], appended[i].second);
    }
    for (size_t i = replayed.payloads.size(); i < appended.size(); ++i) ASSERT_GT(appended[i].first, acknowledged);
  }
}

// On the operating system's files.

TEST(JournalOnDisk, IsThereAgain) {
  log::set_level(log::Level::kOff);
  TemporaryDirectory directory;
  for (int round = 0; round < 3; ++round) {
    Replayed replayed;
    auto journal = Journal::open(directory.path() / "journal", {}, replayed.function());
    ASSERT_TRUE(journal) << journal.error().message;
    EXPECT_EQ(replayed.payloads.size(), static_cast<size_t>(round));
    const auto lsn = (*journal)->append(RecordType::kPoints, "x");
    ASSERT_TRUE(lsn);
    ASSERT_TRUE((*journal)->wait_durable(*lsn));
  }
}

TEST(JournalOnDisk, ADirectoryThatCannotBeWrittenIsReported) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  log::set_level(log::Level::kOff);
  TemporaryDirectory directory;
  ASSERT_EQ(::chmod(directory.path().c_str(), 0500), 0);
  auto journal = Journal::open(directory.path(), {.retry_ms = 1}, ignore);
  ASSERT_TRUE(journal);
  const auto refused = (*journal)->append(RecordType::kPoints, "x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kIoError);
  ASSERT_EQ(::chmod(directory.path().c_str(), 0700), 0);
  while (!(*journal)->append(RecordType::kPoints, "x")) std::this_thread::yield();
}

TEST(JournalOnDisk, AFileWhereTheDirectoryShouldBeIsAnError) {
  TemporaryDirectory directory;
  std::ofstream(directory.path() / "file") << "x";
  const auto journal = Journal::open(directory.path() / "file", {}, ignore);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, ErrorCode::kIoError);
}

}  // namespace
}  // namespace campanile::journal
