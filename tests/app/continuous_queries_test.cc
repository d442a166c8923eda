#include "app/continuous_queries.h"

#include <gtest/gtest.h>

#include "kv/store.h"
#include "tests/tsdb/fake_journal.h"

namespace campanile::app {
namespace {

constexpr int64_t kMinute = 60 * kNanosPerSecond;

class ContinuousQueriesTest : public testing::Test {
 protected:
  ContinuousQueriesTest() {
    engine_->start(journal_);
    EXPECT_TRUE(engine_->create_database("campus"));
  }
  ~ContinuousQueriesTest() override { engine_->stop(); }

  void create(const std::string& name, const std::string& select, const std::string& resample = "") {
    const std::string text = "CREATE CONTINUOUS QUERY " + name + " ON campus " + resample + " BEGIN " + select + " END";
    EXPECT_TRUE(engine_->create_continuous_query("campus", {name, text}));
  }
  void write(int64_t time_ns, double value) {
    PointBatch batch;
    batch.begin_point("m");
    batch.add_field("x", FieldValue::of_float(value));
    batch.set_time(time_ns);
    batch.end_point();
    EXPECT_TRUE(engine_->write(*engine_->bucket("campus", ""), batch, clock_.now_ns()));
  }
  // The times and values of a field, as "60:1.5 120:2".
  std::string stored(const std::string& measurement, const std::string& field) {
    std::string out;
    const auto reader = engine_->reader(*engine_->bucket("campus", "")).value();
    const auto all = reader->series(measurement, {}).value();
    for (const tsdb::Series& series : all) {
      const auto cursor = reader->column(series.id, field, {}, tsdb::Order::kAscending).value();
      while (cursor->next().value()) {
        const auto values = cursor->values().value();
        for (size_t i = 0; i < values.times_ns.size(); ++i) out += fmt::format("{}{}:{}", out.empty() ? "" : " ", values.times_ns[i] / kNanosPerSecond, values.at(i).as_number());
      }
    }
    return out;
  }

  ManualClock clock_{100 * kMinute + 30 * kNanosPerSecond};
  std::unique_ptr<kv::Store> store_ = kv::make_memory_store();
  tsdb::FakeJournal journal_;
  std::unique_ptr<tsdb::Engine> engine_ = tsdb::Engine::open({}, *store_, clock_).value();
  Metrics metrics_;
  ContinuousQueries queries_{*engine_, clock_, {}, std::chrono::seconds(10), metrics_};
};

TEST_F(ContinuousQueriesTest, RunForTheWindowThatEndedLastAndThenForEach) {
  create("c", "SELECT mean(x) INTO y FROM m GROUP BY time(1m)");
  write(98 * kMinute, 1);
  write(99 * kMinute, 2);
  write(99 * kMinute + 1, 4);
  write(100 * kMinute, 10);
  queries_.run_due();
  EXPECT_EQ(stored("y", "mean"), "5940:3") << "what was before the start is not made up for";
  queries_.run_due();
  EXPECT_EQ(queries_.status()[0].boundary_ns, 100 * kMinute);
  clock_.advance_ns(30 * kNanosPerSecond);
  queries_.run_due();
  EXPECT_EQ(stored("y", "mean"), "5940:3 6000:10");
}

TEST_F(ContinuousQueriesTest, MakeUpForBoundariesThatWereMissed) {
  create("c", "SELECT sum(x) INTO y FROM m GROUP BY time(1m)");
  queries_.run_due();
  for (int64_t minute = 100; minute < 105; ++minute) write(minute * kMinute, static_cast<double>(minute));
  clock_.advance_ns(5 * kMinute);
  queries_.run_due();
  EXPECT_EQ(stored("y", "sum"), "6000:100 6060:101 6120:102 6180:103 6240:104");
  EXPECT_EQ(queries_.status()[0].points, 5u);
}

TEST_F(ContinuousQueriesTest, TellWhatFailsAndTryAgainAtTheNextBoundary) {
  create("bad", "SELECT mean(x) INTO campus.nowhere.y FROM m GROUP BY time(1m)");
  create("good", "SELECT mean(x) INTO z FROM m GROUP BY time(1m)");
  write(99 * kMinute, 7);
  queries_.run_due();
  ASSERT_EQ(queries_.status().size(), 2u);
  EXPECT_NE(queries_.status()[0].error.find("retention policy not found: nowhere"), std::string::npos) << queries_.status()[0].error;
  EXPECT_EQ(stored("z", "mean"), "5940:7");
  ASSERT_TRUE(engine_->create_retention_policy("campus", {.name = "nowhere", .duration_ns = 0}));
  write(100 * kMinute, 8);
  clock_.advance_ns(kMinute);
  queries_.run_due();
  EXPECT_EQ(queries_.status()[0].error, "");
  EXPECT_EQ(queries_.status()[0].points, 1u);
}

TEST_F(ContinuousQueriesTest, OneThatIsReplacedRunsAsItIsNow) {
  create("c", "SELECT mean(x) INTO y FROM m GROUP BY time(1m)");
  write(99 * kMinute, 7);
  queries_.run_due();
  ASSERT_TRUE(engine_->drop_continuous_query("campus", "c"));
  create("c", "SELECT max(x) INTO z FROM m GROUP BY time(1m)");
  queries_.run_due();
  EXPECT_EQ(stored("z", "max"), "5940:7");
  ASSERT_TRUE(engine_->drop_continuous_query("campus", "c"));
  queries_.run_due();
  EXPECT_TRUE(queries_.status().empty());
}

TEST_F(ContinuousQueriesTest, TextThatCannotBeReadIsToldOnceAndLeftAlone) {
  EXPECT_TRUE(engine_->create_continuous_query("campus", {"odd", "no query at all"}));
  queries_.run_due();
  queries_.run_due();
  EXPECT_FALSE(queries_.status()[0].error.empty());
}

}  // namespace
}  // namespace campanile::app
