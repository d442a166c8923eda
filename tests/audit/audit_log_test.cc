#include "audit/audit_log.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "kv/faulty_store.h"
#include "tests/tsdb/fake_journal.h"

namespace campanile::audit {
namespace {

class Audit : public testing::Test {
 protected:
  void open(const AuditOptions& options = {}) {
    log_ = AuditLog::open(options, *store_, clock_).value();
    // As the program would after a crash: what the store holds, then the whole journal again.
    for (const auto& record : journal_.records()) ASSERT_TRUE(log_->replay({record.type, record.payload, record.lsn}));
    log_->start(journal_);
  }
  void checkpoint() {
    const auto lsn = log_->checkpoint();
    ASSERT_TRUE(lsn) << lsn.error().message;
    ASSERT_TRUE(journal_.truncate_before(*lsn));
  }
  AuditEntry begin(std::string kind = "delete") { return log_->begin({.kind = std::move(kind), .who = "campus", .what = "DELETE FROM data"}).value(); }
  void record(std::string kind = "delete") { log_->finish(begin(std::move(kind))); }
  std::string ids(const AuditFilter& filter = {}) {
    std::string out;
    const std::vector<AuditEntry> found = log_->list(filter).value();
    for (const AuditEntry& entry : found) out += (out.empty() ? "" : " ") + std::to_string(entry.id);
    return out;
  }

  std::unique_ptr<kv::FaultyStore> store_ = std::make_unique<kv::FaultyStore>();
  tsdb::FakeJournal journal_;
  ManualClock clock_{1'700'000'000'000'000'000};
  std::unique_ptr<AuditLog> log_;
};

TEST_F(Audit, TellsWhatWasBegunAndWhatCameOfIt) {
  open();
  AuditEntry entry = begin();
  ASSERT_EQ(log_->list({}).value().size(), 1u);
  EXPECT_EQ(log_->list({}).value()[0].state, State::kBegun);
  clock_.advance_ns(5);
  entry.values = 17;
  log_->finish(entry);
  const AuditEntry found = log_->list({}).value().at(0);
  EXPECT_EQ(found.state, State::kFinished);
  EXPECT_EQ(found.values, 17u);
  EXPECT_EQ(found.time_ns, 1'700'000'000'000'000'000);
  EXPECT_EQ(found.ended_ns, found.time_ns + 5);
}

TEST_F(Audit, ListsNewestFirstWhereverTheEntriesAre) {
  open();
  for (int i = 0; i < 4; ++i) record(i % 2 == 0 ? "delete" : "correction");
  const AuditEntry late = begin();
  checkpoint();
  clock_.advance_ns(1000);
  record("drop_database");
  log_->finish(late);  // newer than in the store
  EXPECT_EQ(ids(), "6 5 4 3 2 1");
  EXPECT_EQ(ids({.limit = 2}), "6 5");
  EXPECT_EQ(ids({.before = 5, .limit = 2}), "4 3");
  EXPECT_EQ(ids({.before = 1}), "");
  EXPECT_EQ(ids({.kind = "correction"}), "4 2");
  EXPECT_EQ(ids({.since_ns = clock_.now_ns()}), "6");
  EXPECT_EQ(log_->list({.before = 6, .limit = 1}).value()[0].state, State::kFinished);
  checkpoint();
  EXPECT_EQ(log_->list({.before = 6, .limit = 1}).value()[0].state, State::kFinished);
  EXPECT_EQ(ids(), "6 5 4 3 2 1");
}

TEST_F(Audit, IsThereAfterCrashesAndPowerCutsAtAnyMoment) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    store_ = std::make_unique<kv::FaultyStore>();
    journal_.lose();
    open();
    std::map<uint64_t, State> wanted;
    std::vector<AuditEntry> open_ones;
    for (int step = 0; step < 40; ++step) {
      switch (random.below(6)) {
        case 0: checkpoint(); break;
        case 1: open(); break;
        case 2:
          store_ = store_->after_power_cut(random);
          open();
          break;
        case 3:
          if (open_ones.empty()) break;
          wanted[open_ones.back().id] = State::kFinished;
          log_->finish(open_ones.back());
          open_ones.pop_back();
          break;
        default:
          open_ones.push_back(begin());
          ASSERT_TRUE(wanted.emplace(open_ones.back().id, State::kBegun).second);
      }
    }
    std::map<uint64_t, State> found;
    const std::vector<AuditEntry> entries = log_->list({.limit = 1000}).value();
    for (const AuditEntry& entry : entries) found[entry.id] = entry.state;
    ASSERT_EQ(found, wanted);
  }
}

TEST_F(Audit, LetsTheOldestGoByNumberAndCountsThem) {
  open({.entries_max = 3});
  for (int i = 0; i < 5; ++i) record();
  checkpoint();
  EXPECT_EQ(ids(), "5 4 3");
  EXPECT_EQ(log_->counts().kept, 3u);
  EXPECT_EQ(log_->counts().dropped, 2u);
  open({.entries_max = 3});
  EXPECT_EQ(log_->counts().dropped, 2u);
  record();
  EXPECT_EQ(ids({.limit = 1}), "6") << "an id is never given again";
}

TEST_F(Audit, LetsTheOldestGoByAge) {
  const AuditOptions options{.age_max_ns = 1000};
  open(options);
  record();
  record();
  checkpoint();
  clock_.advance_ns(1001);
  record();
  checkpoint();
  EXPECT_EQ(ids(), "3");
  EXPECT_EQ(log_->counts().dropped, 2u);
  open(options);
  EXPECT_EQ(ids(), "3");
}

TEST_F(Audit, ManyEntriesDoNotWaitForACheckpoint) {
  open();
  for (size_t i = 0; i <= AuditLog::kPendingMax; ++i) (void)begin();
  EXPECT_TRUE(store_->get(audit_key(1)).value().has_value());
  store_->fail_writes({ErrorCode::kIoError, "no space left on device"});
  Result<AuditEntry> refused = AuditEntry{};
  for (size_t i = 0; refused && i <= AuditLog::kPendingMax; ++i) refused = log_->begin({.kind = "delete"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kIoError);
  store_->heal();
  EXPECT_TRUE(log_->begin({.kind = "delete"}));
}

TEST_F(Audit, WhatCannotBeRecordedIsNotDone) {
  open();
  journal_.refuse(ErrorCode::kIoError);
  bool done = false;
  const Result<void> outcome = recorded(log_.get(), {.kind = "delete"}, [&done](AuditEntry&) -> Result<void> {
    done = true;
    return {};
  });
  EXPECT_EQ(outcome.error().code, ErrorCode::kIoError);
  EXPECT_FALSE(done);
  journal_.accept();
  EXPECT_EQ(ids(), "");
}

TEST_F(Audit, AFailureIsRecordedWithItsWords) {
  open();
  const Result<void> outcome = recorded(log_.get(), {.kind = "delete"}, [](AuditEntry& entry) -> Result<void> {
    entry.values = 3;
    return fail(ErrorCode::kCorrupt, "2 chunks are damaged");
  });
  EXPECT_EQ(outcome.error().message, "2 chunks are damaged");
  const AuditEntry entry = log_->list({}).value().at(0);
  EXPECT_EQ(entry.state, State::kFailed);
  EXPECT_EQ(entry.note, "2 chunks are damaged");
  EXPECT_EQ(entry.values, 3u);
  EXPECT_TRUE(recorded(nullptr, {}, [](AuditEntry&) -> Result<void> { return {}; }));
}

TEST_F(Audit, LongTextsAreCut) {
  open();
  log_->finish(log_->begin({.kind = "delete", .what = std::string(1'000'000, 'x')}).value());
  const std::string what = log_->list({}).value().at(0).what;
  EXPECT_LE(what.size(), AuditLog::kTextBytesMax + 16);
  EXPECT_GT(what.size(), AuditLog::kTextBytesMax / 2);
}

}  // namespace
}  // namespace campanile::audit
