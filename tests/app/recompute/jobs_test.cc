#include "app/recompute/jobs.h"

#include <gtest/gtest.h>

#include "kv/store.h"
#include "tests/tsdb/fake_journal.h"

namespace campanile::app {
namespace {

constexpr int64_t kMinute = 60 * kNanosPerSecond;
constexpr int64_t kHour = 60 * kMinute;

TEST(Job, RoundTripsThroughItsRow) {
  Job job{.id = 7, .database = "campus", .query = "q", .text = "t", .who = "ada", .from_ns = -5, .to_ns = 100, .left_to_ns = 40, .slice_ns = 3, .priority = -2};
  job.state = JobState::kPaused;
  job.points = 12;
  job.error = "e";
  const Job back = decode_job(encode_job(job)).value();
  EXPECT_EQ(encode_job(back), encode_job(job));
  EXPECT_EQ(back.left_to_ns, 40);
  EXPECT_EQ(back.state, JobState::kPaused);
  const std::string row = encode_job(job);
  for (size_t size = 0; size < row.size(); ++size) EXPECT_FALSE(decode_job(std::string_view(row).substr(0, size))) << size;
  EXPECT_EQ(decode_job("\x09").error().code, ErrorCode::kUnsupported);
  EXPECT_LT(job_key(255), job_key(256));
}

class JobsTest : public testing::Test {
 protected:
  JobsTest() {
    engine_->start(journal_);
    EXPECT_TRUE(engine_->create_database("campus"));
    create("c", "SELECT mean(x) INTO y FROM m GROUP BY time(1m)");
    open();
  }
  ~JobsTest() override { engine_->stop(); }

  void open() { jobs_ = Jobs::open(*store_, *engine_, nullptr, clock_, {}, metrics_).value(); }
  void create(const std::string& name, const std::string& select) {
    EXPECT_TRUE(engine_->create_continuous_query("campus", {name, "CREATE CONTINUOUS QUERY " + name + " ON campus BEGIN " + select + " END"}));
  }
  // A point each minute of the hours.
  void write(int64_t hours) {
    PointBatch batch;
    for (int64_t minute = 0; minute < hours * 60; ++minute) {
      batch.begin_point("m");
      batch.add_field("x", FieldValue::of_float(static_cast<double>(minute)));
      batch.set_time(minute * kMinute + 1);
      batch.end_point();
    }
    EXPECT_TRUE(engine_->write(*engine_->bucket("campus", ""), batch, clock_.now_ns()));
  }
  std::vector<int64_t> minutes_written() {
    std::vector<int64_t> minutes;
    const auto reader = engine_->reader(*engine_->bucket("campus", "")).value();
    const auto all = reader->series("y", {}).value();
    for (const tsdb::Series& series : all) {
      const auto cursor = reader->column(series.id, "mean", {}, tsdb::Order::kAscending).value();
      while (cursor->next().value()) {
        const tsdb::ColumnValues values = cursor->values().value();
        for (const int64_t time_ns : values.times_ns) minutes.push_back(time_ns / kMinute);
      }
    }
    return minutes;
  }
  Job job(uint64_t id) {
    for (const Job& each : jobs_->list()) {
      if (each.id == id) return each;
    }
    return {};
  }
  Result<Job> add(int64_t from_ns, int64_t to_ns, int64_t priority = 0, const std::string& query = "c") {
    return jobs_->add({.database = "campus", .query = query, .from_ns = from_ns, .to_ns = to_ns, .priority = priority, .who = "ada"});
  }

  ManualClock clock_{100 * kHour};
  std::unique_ptr<kv::Store> store_ = kv::make_memory_store();
  tsdb::FakeJournal journal_;
  std::unique_ptr<tsdb::Engine> engine_ = tsdb::Engine::open({}, *store_, clock_).value();
  Metrics metrics_;
  std::unique_ptr<Jobs> jobs_;
};

TEST_F(JobsTest, DoesTheNewestFirstInSlicesThatGrow) {
  write(10);
  const Job made = add(30 * kNanosPerSecond, 5 * kHour - 1).value();
  EXPECT_EQ(made.from_ns, 0) << "whole windows";
  EXPECT_EQ(made.to_ns, 5 * kHour);
  ASSERT_TRUE(jobs_->run_slice());
  EXPECT_EQ(minutes_written().front(), 240) << "the last hour";
  EXPECT_EQ(minutes_written().size(), 60u);
  EXPECT_DOUBLE_EQ(job(1).progress(), 0.2);
  ASSERT_TRUE(jobs_->run_slice());
  EXPECT_EQ(minutes_written().size(), 180u) << "it took no time, so the next one is twice as long";
  ASSERT_TRUE(jobs_->run_slice());
  EXPECT_EQ(job(1).state, JobState::kFinished);
  EXPECT_EQ(job(1).points, 300u);
  EXPECT_EQ(minutes_written().size(), 300u);
  EXPECT_FALSE(jobs_->run_slice());
}

TEST_F(JobsTest, GoesOnAfterTheProgramEnded) {
  write(5);
  ASSERT_TRUE(add(0, 5 * kHour));
  ASSERT_TRUE(jobs_->run_slice());
  open();
  EXPECT_EQ(job(1).state, JobState::kWaiting);
  EXPECT_DOUBLE_EQ(job(1).progress(), 0.2);
  while (jobs_->run_slice()) {
  }
  EXPECT_EQ(job(1).state, JobState::kFinished);
  EXPECT_EQ(job(1).points, 300u) << "nothing was done twice";
  EXPECT_EQ(add(0, kHour).value().id, 2u);
}

TEST_F(JobsTest, PausesResumesAndCancels) {
  write(5);
  ASSERT_TRUE(add(0, 5 * kHour));
  ASSERT_TRUE(jobs_->run_slice());
  ASSERT_TRUE(jobs_->change(1, JobAction::kPause));
  EXPECT_FALSE(jobs_->run_slice());
  open();
  EXPECT_EQ(job(1).state, JobState::kPaused) << "a restart resumes nothing";
  EXPECT_EQ(jobs_->change(1, JobAction::kPause).error().message, "job 1 is paused");
  ASSERT_TRUE(jobs_->change(1, JobAction::kResume));
  EXPECT_TRUE(jobs_->run_slice());
  ASSERT_TRUE(jobs_->change(1, JobAction::kCancel));
  EXPECT_FALSE(jobs_->run_slice());
  EXPECT_EQ(jobs_->change(1, JobAction::kResume).error().message, "job 1 is cancelled");
  EXPECT_EQ(jobs_->change(9, JobAction::kCancel).error().code, ErrorCode::kNotFound);
}

TEST_F(JobsTest, TheGreatestPriorityGoesFirst) {
  write(5);
  ASSERT_TRUE(add(0, 5 * kHour));
  ASSERT_TRUE(jobs_->run_slice());
  ASSERT_TRUE(add(0, kHour, 5));
  ASSERT_TRUE(jobs_->run_slice());
  EXPECT_EQ(job(2).state, JobState::kFinished);
  EXPECT_EQ(job(1).state, JobState::kWaiting);
}

TEST_F(JobsTest, OneThatFailsSaysWhyAndLetsTheOthersRun) {
  write(1);
  create("bad", "SELECT mean(x) INTO campus.nowhere.y FROM m GROUP BY time(1m)");
  ASSERT_TRUE(add(0, kHour, 1, "bad"));
  ASSERT_TRUE(add(0, kHour));
  ASSERT_TRUE(jobs_->run_slice());
  EXPECT_EQ(job(1).state, JobState::kFailed);
  EXPECT_EQ(job(1).error, "retention policy not found: nowhere");
  ASSERT_TRUE(jobs_->run_slice());
  EXPECT_EQ(job(2).state, JobState::kFinished);
}

TEST_F(JobsTest, KeepsTheQueryThatItWasMadeFor) {
  write(1);
  ASSERT_TRUE(add(0, kHour));
  ASSERT_TRUE(engine_->drop_continuous_query("campus", "c"));
  ASSERT_TRUE(jobs_->run_slice());
  EXPECT_EQ(job(1).points, 60u);
}

TEST_F(JobsTest, WindowsMayBeCenturies) {
  create("long", "SELECT mean(x) INTO z FROM m GROUP BY time(15000w)");
  create("middling", "SELECT mean(x) INTO w FROM m GROUP BY time(300w)");
  write(1);
  for (const char* query : {"long", "middling"}) {
    const Result<Job> made = add(INT64_MIN, INT64_MAX, 0, query);
    ASSERT_TRUE(made) << made.error().message;
    for (int slices = 0; jobs_->run_slice(); ++slices) ASSERT_LT(slices, 1000);
    EXPECT_EQ(job(made->id).state, JobState::kFinished) << job(made->id).error;
  }
}

TEST_F(JobsTest, RefusesWhatMakesNoSense) {
  EXPECT_EQ(add(0, kHour, 0, "nothing").error().message, "database \"campus\" has no continuous query, tier or tree \"nothing\"");
  EXPECT_EQ(add(kHour, kHour).error().message, "start is not before end");
  EXPECT_EQ(jobs_->add({.database = "nowhere", .query = "c", .from_ns = 0, .to_ns = 1}).error().code, ErrorCode::kNotFound);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(add(0, kHour));
  EXPECT_EQ(add(0, kHour).error().code, ErrorCode::kTooLarge);
}

TEST_F(JobsTest, ForgetsTheOldestOfThoseThatAreOver) {
  for (int i = 0; i < 105; ++i) {
    const Job made = add(0, kHour).value();
    ASSERT_TRUE(jobs_->change(made.id, JobAction::kCancel));
  }
  EXPECT_EQ(jobs_->list().size(), 100u);
  open();
  EXPECT_EQ(jobs_->list().size(), 100u);
  EXPECT_EQ(jobs_->list().back().id, 6u);
}

TEST_F(JobsTest, RunsByItselfAndStopsInTheMiddle) {
  write(50);
  jobs_->start();
  ASSERT_TRUE(add(0, 50 * kHour));
  jobs_->stop();
  open();
  while (jobs_->run_slice()) {
  }
  EXPECT_EQ(minutes_written().size(), 3000u);
}

}  // namespace
}  // namespace campanile::app
