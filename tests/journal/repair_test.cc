#include "journal/repair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/random.h"
#include "journal_harness.h"
#include "journal/segment_format.h"

namespace campanile::journal {
namespace {

class RepairTest : public JournalTest {
 protected:
  // Some starts with some records each, all synced; answers the payloads in their order and where they end.
  std::map<Lsn, std::string> fill(Random& random, int starts) {
    std::map<Lsn, std::string> written;
    for (int start = 0; start < starts; ++start) {
      auto journal = open();
      for (uint64_t i = random.between(1, 40); i > 0; --i) {
        const std::string payload = std::to_string(written.size()) + std::string(random.below(120), 'x');
        const Lsn lsn = append(*journal, payload);
        written[lsn] = payload;
        if (random.one_in(3)) {
          EXPECT_TRUE(journal->wait_durable(lsn));
        }
      }
      EXPECT_TRUE(journal->wait_durable(journal->end()));
    }
    return written;
  }

  RepairedJournal repair(RepairOptions repair_options = {}) {
    repair_options.aside = "/aside";
    auto done = repair_journal(disk, "/journal", repair_options);
    EXPECT_TRUE(done) << done.error().message;
    return done ? std::move(*done) : RepairedJournal{};
  }

  // Those of the journal, without what was put aside.
  std::vector<std::string> journal_paths() const {
    auto paths = segment_paths();
    std::erase_if(paths, [](const std::string& path) { return !path.starts_with("/journal/"); });
    return paths;
  }
  std::string content(const std::string& path) { return disk.open(path).value()->read(0, UINT64_MAX).value(); }
  void damage(const std::string& path, uint64_t offset, char with) { ASSERT_TRUE(write_fully(*disk.open(path).value(), offset, std::string_view(&with, 1))); }

  // Records as a start finds them, and how often a loss was told.
  struct Found {
    std::map<Lsn, std::string> records;
    int losses = 0;
    std::optional<Error> error;
    Lsn next = 0;  // that was given out afterwards
  };
  Found start() {
    Found found;
    Lsn last = 0;
    auto journal = Journal::open(disk, "/journal", options, [&](const Record& record) -> Result<void> {
      EXPECT_GE(record.lsn, last) << "the order of the records";
      last = record.lsn;
      if (record.type == RecordType::kLoss) {
        ++found.losses;
      } else {
        found.records[record.lsn] = record.payload;
      }
      return {};
    });
    if (!journal) {
      found.error = journal.error();
      return found;
    }
    found.next = append(**journal, "after");
    EXPECT_TRUE((*journal)->wait_durable(found.next));
    return found;
  }
};

TEST_F(RepairTest, WhatIsWholeStaysAsItIs) {
  Random random(3);
  const auto written = fill(random, 4);
  const uint64_t changes = disk.changes();
  const RepairedJournal done = repair();
  EXPECT_EQ(disk.changes(), changes);
  EXPECT_EQ(done.records, written.size());
  EXPECT_TRUE(done.losses.empty() && done.mended.empty() && done.changed.empty());
  EXPECT_EQ(start().records, written);
}

TEST_F(RepairTest, ADamagedRecordIsLostAlone) {
  auto journal = open();
  std::vector<Lsn> ends;
  for (const char* payload : {"first", "second", "third", "fourth"}) {
    ends.push_back(append(*journal, payload));
    ASSERT_TRUE(journal->wait_durable(ends.back()));
  }
  journal.reset();
  const std::string path = journal_paths().at(0);
  const size_t at = content(path).find("second");
  damage(path, at + 2, '!');
  ASSERT_TRUE(start().error);

  const RepairedJournal trial = repair({.is_trial = true});
  ASSERT_EQ(trial.losses.size(), 1u);
  EXPECT_TRUE(start().error) << "a trial changes nothing";
  const RepairedJournal done = repair();
  ASSERT_EQ(done.losses.size(), 1u);
  EXPECT_EQ(done.losses[0].what, trial.losses[0].what);
  EXPECT_NE(done.losses[0].what.find(path), std::string::npos);
  EXPECT_NE(done.losses[0].what.find(fmt::format("offset {}", at - kFrameHeadBytes)), std::string::npos) << done.losses[0].what;
  EXPECT_NE(content("/aside" + path.substr(path.rfind('/'))).find("se!ond"), std::string::npos) << "what was damaged is kept";
  const Found found = start();
  ASSERT_FALSE(found.error) << found.error->message;
  EXPECT_EQ(found.records, (std::map<Lsn, std::string>{{ends[0], "first"}, {ends[2], "third"}, {ends[3], "fourth"}}));
  EXPECT_EQ(found.losses, 1);
  EXPECT_GT(found.next, ends[3]);
}

TEST_F(RepairTest, AHeaderWithOneBadByteIsMended) {
  Random random(5);
  const auto written = fill(random, 2);
  for (const uint64_t offset : {0, 9, 17, 25, 33, 41}) {
    const std::string path = journal_paths().at(0);
    damage(path, offset, static_cast<char>(content(path)[offset] ^ 0x10));
    ASSERT_TRUE(Journal::open(disk, "/journal", options, ignore).error().code == ErrorCode::kCorrupt || offset == 9);
    const RepairedJournal done = repair();
    EXPECT_EQ(done.mended.size(), 1u) << offset;
    EXPECT_TRUE(done.losses.empty());
  }
  EXPECT_EQ(start().records, written);
}

// Whatever the place: a start finds every record but those of the damaged group, in their order, and gives no position out again.
TEST_F(RepairTest, OneDamagedByteAnywhereCostsLittle) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    for (const std::string& old : disk.paths()) ASSERT_TRUE(disk.remove(old));
    Random random(seed);
    const auto written = fill(random, static_cast<int>(random.between(1, 4)));
    const auto paths = journal_paths();
    const std::string path = paths[random.below(paths.size())];
    const std::string before = content(path);
    const size_t used = before.find_last_not_of('\0') + 1;
    const uint64_t offset = random.below(used);
    damage(path, offset, static_cast<char>(before[offset] ^ (1 << random.below(8))));
    const RepairedJournal done = repair();
    const Found found = start();
    ASSERT_FALSE(found.error) << found.error->message;
    for (const auto& [lsn, payload] : found.records) ASSERT_EQ(written.at(lsn), payload);
    EXPECT_GT(found.next, written.rbegin()->first);
    const size_t lost = written.size() - found.records.size();
    // The last group of all looks like a write that was cut off.
    EXPECT_TRUE(lost == 0 || !done.losses.empty() || path == paths.back()) << lost;
    EXPECT_LE(lost, 40u);
    const uint64_t changes = disk.changes();
    EXPECT_TRUE(repair().losses.empty()) << "what is repaired is whole";
    EXPECT_EQ(disk.changes(), changes);
  }
}

TEST_F(RepairTest, AMissingFileIsALoss) {
  Random random(8);
  auto written = fill(random, 3);
  const auto paths = journal_paths();
  ASSERT_GT(paths.size(), 4u);
  ASSERT_TRUE(disk.remove(paths[2]));
  ASSERT_TRUE(start().error);
  const RepairedJournal done = repair();
  ASSERT_EQ(done.losses.size(), 1u);
  EXPECT_NE(done.losses[0].what.find("missing"), std::string::npos);
  const Found found = start();
  ASSERT_FALSE(found.error) << found.error->message;
  EXPECT_LT(found.records.size(), written.size());
  EXPECT_EQ(found.losses, 1);
}

TEST_F(RepairTest, TheLastFileWithoutAHeaderIsLeftOutAndItsPositionsAreNotGivenOutAgain) {
  Random random(9);
  const auto written = fill(random, 3);
  const std::string path = journal_paths().back();
  ASSERT_TRUE(write_fully(*disk.open(path).value(), 0, "nothing of a header is left"));
  const RepairedJournal done = repair();
  ASSERT_EQ(done.losses.size(), 1u);
  const Found found = start();
  ASSERT_FALSE(found.error) << found.error->message;
  EXPECT_LT(found.records.size(), written.size());
  EXPECT_GT(found.next, written.rbegin()->first);
}

TEST_F(RepairTest, WhatTheStoreHasLostIsTold) {
  Random random(10);
  fill(random, 1);
  {
    auto journal = open();
    ASSERT_TRUE(journal->truncate_before(journal->end()));
    ASSERT_GT(journal->status().let_go, 10u);
  }
  const RepairedJournal done = repair({.store_reached = 10});
  ASSERT_EQ(done.losses.size(), 1u);
  EXPECT_EQ(done.losses[0].from, 10u);
  EXPECT_EQ(start().losses, 1);
}

TEST_F(RepairTest, ALaterFormatIsLeftAlone) {
  Random random(11);
  fill(random, 1);
  const std::string path = journal_paths().front();
  std::string header = content(path).substr(0, kHeaderBytes);
  header[8] = 77;
  header[40] = static_cast<char>(header[40] ^ 1);  // more than one byte is not as it should be
  ASSERT_TRUE(write_fully(*disk.open(path).value(), 0, header));
  const auto refused = repair_journal(disk, "/journal", {.aside = "/aside"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace campanile::journal
