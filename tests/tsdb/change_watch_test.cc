#include "tsdb/change_watch.h"

#include <gtest/gtest.h>

#include "fake_journal.h"
#include "kv/store.h"
#include "tsdb/engine.h"

namespace campanile::tsdb {
namespace {

class Watch final : public ChangeWatch {
 public:
  void changed(Change change, BucketId, std::string_view measurement, std::string_view key, TimeRange range) override {
    told.push_back(fmt::format("{} {} {} {}..{}", change == Change::kWritten ? "written" : "changed", measurement, key, range.from_ns, range.to_ns));
  }
  Result<void> keep_changes() override {
    ++kept;
    return {};
  }
  std::vector<std::string> told;
  int kept = 0;
};

class ChangeWatchTest : public testing::Test {
 protected:
  ChangeWatchTest() {
    begin();
    engine_->start(journal_);
    EXPECT_TRUE(engine_->create_database("db"));
  }
  ~ChangeWatchTest() override { engine_->stop(); }
  void begin() {
    engine_ = Engine::open({.has_thread = false}, *store_, clock_).value();
    engine_->set_change_watch(watch_);
  }
  BucketId bucket() { return engine_->bucket("db", "").value(); }
  void write(std::string_view measurement, int64_t time_ns) {
    PointBatch batch;
    batch.begin_point(measurement);
    batch.add_tag("a", "b");
    batch.add_field("x", FieldValue::of_float(1));
    batch.set_time(time_ns);
    batch.end_point();
    ASSERT_TRUE(engine_->write(bucket(), batch, 0));
  }
  std::vector<std::string> told() { return std::exchange(watch_.told, {}); }

  ManualClock clock_{1'000'000};
  std::unique_ptr<kv::Store> store_ = kv::make_memory_store();
  FakeJournal journal_;
  Watch watch_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(ChangeWatchTest, TellsOfWhatComesBeforeTheTimeThatIsWatched) {
  write("m", 10);
  EXPECT_EQ(told(), std::vector<std::string>());
  EXPECT_TRUE(engine_->watch_changes(bucket(), "m", 100));
  EXPECT_TRUE(engine_->watch_changes(bucket(), "later", 100));
  EXPECT_FALSE(engine_->watch_changes(77, "m", 100));
  write("m", 99);
  write("m", 100);
  write("other", 5);
  write("later", 50);
  EXPECT_EQ(told(), (std::vector<std::string>{"written m m,a=b 99..99", "written later later,a=b 50..50"}));
  EXPECT_EQ(engine_->reader(bucket()).value()->measurements(), (std::vector<std::string>{"later", "m", "other"}));
}

TEST_F(ChangeWatchTest, TellsOfErasuresAndCorrectionsAndHasThemKept) {
  write("m", 10);
  ASSERT_TRUE(engine_->watch_changes(bucket(), "m", 100));
  const int before = watch_.kept;
  ASSERT_TRUE(engine_->correct(bucket(), {.points = {.measurements = {"m"}, .predicate = {}, .range = {0, 20}}, .field = "x", .correction = Correction::scale(2, 0)}));
  ASSERT_TRUE(engine_->erase(bucket(), {.measurements = {"m"}, .predicate = {}, .range = {5, 15}}));
  ASSERT_TRUE(engine_->erase(bucket(), {.measurements = {"m"}, .predicate = {}, .range = {200, 300}}));
  EXPECT_EQ(told(), (std::vector<std::string>{"changed m m,a=b 0..20", "changed m m,a=b 5..15"}));
  EXPECT_GE(watch_.kept, before + 2);
}

TEST_F(ChangeWatchTest, ReplayTellsAgainWhatNoCheckpointCovers) {
  write("m", 10);
  ASSERT_TRUE(engine_->checkpoint());
  const int kept = watch_.kept;
  EXPECT_GE(kept, 1);
  write("m", 20);
  ASSERT_TRUE(engine_->seal_all()) << "what is in chunks is told as well";
  engine_->stop();
  begin();
  ASSERT_TRUE(engine_->watch_changes(engine_->bucket("db", "").value(), "m", 100));
  for (const auto& record : journal_.records()) ASSERT_TRUE(engine_->replay({record.type, record.payload, record.lsn}));
  EXPECT_EQ(told(), (std::vector<std::string>{"written m m,a=b 20..20"}));
}

}  // namespace
}  // namespace campanile::tsdb
