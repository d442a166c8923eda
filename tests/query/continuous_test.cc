#include "query/languages/influxql/continuous.h"

#include <gtest/gtest.h>

#include "influx.h"
#include "memory_engine.h"

namespace campanile::query::influxql {
namespace {

using testing::influx;
using testing::MemoryEngine;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMinute = 60 * kSecond;

ContinuousRun parsed(std::string_view resample, std::string_view window) {
  const auto run = parse_continuous(fmt::format("CREATE CONTINUOUS QUERY c ON db0 {} BEGIN SELECT mean(x) INTO y FROM m GROUP BY time({}) END", resample, window));
  EXPECT_TRUE(run) << (run ? "" : run.error().message);
  return run.value_or(ContinuousRun());
}

std::pair<int64_t, int64_t> ends(const tsdb::TimeRange& range) { return {range.from_ns, range.to_ns}; }

TEST(Continuous, CoversTheWindowThatHasEnded) {
  const ContinuousRun run = parsed("", "1m");
  EXPECT_EQ(run.boundary_before(10 * kMinute + 59 * kSecond), 10 * kMinute);
  EXPECT_EQ(ends(run.range_at(10 * kMinute)), (std::pair<int64_t, int64_t>{9 * kMinute, 10 * kMinute - 1}));
  EXPECT_EQ(run.boundary_before(-1), -kMinute);
}

TEST(Continuous, WindowsMayHaveAnOffset) {
  const ContinuousRun run = parsed("", "1m, 10s");
  EXPECT_EQ(run.boundary_before(10 * kMinute), 9 * kMinute + 10 * kSecond);
  EXPECT_EQ(ends(run.range_at(9 * kMinute + 10 * kSecond)), (std::pair<int64_t, int64_t>{8 * kMinute + 10 * kSecond, 9 * kMinute + 10 * kSecond - 1}));
}

TEST(Continuous, RunsMoreOftenThanWindowsEnd) {
  const ContinuousRun run = parsed("RESAMPLE EVERY 15s", "1m");
  EXPECT_EQ(run.boundary_before(10 * kMinute + 40 * kSecond), 10 * kMinute + 30 * kSecond);
  EXPECT_EQ(ends(run.range_at(10 * kMinute + 30 * kSecond)), (std::pair<int64_t, int64_t>{10 * kMinute, 11 * kMinute - 1})) << "the window as far as it has come";
  EXPECT_EQ(ends(run.range_at(11 * kMinute)), (std::pair<int64_t, int64_t>{10 * kMinute, 11 * kMinute - 1})) << "and once it is whole";
}

TEST(Continuous, GoesBackAsFarAsItIsTold) {
  const ContinuousRun run = parsed("RESAMPLE FOR 1h", "1m");
  EXPECT_EQ(ends(run.range_at(100 * kMinute)), (std::pair<int64_t, int64_t>{40 * kMinute, 100 * kMinute - 1}));
  const ContinuousRun seldom = parsed("RESAMPLE EVERY 1h", "1m");
  EXPECT_EQ(ends(seldom.range_at(120 * kMinute)), (std::pair<int64_t, int64_t>{60 * kMinute, 120 * kMinute - 1})) << "no window is left out";
}

TEST(Continuous, WritesWhatTheWindowsHold) {
  MemoryEngine engine(10);
  engine.load("db0", "m,h=a x=1 60000000000\nm,h=a x=3 90000000000\nm,h=b x=10 119000000000\nm,h=a x=100 120000000000\n");
  const auto run = parse_continuous("CREATE CONTINUOUS QUERY c ON db0 BEGIN SELECT mean(x) INTO y FROM m GROUP BY time(1m), h END").value();
  EXPECT_EQ(run_continuous(run, run.range_at(2 * kMinute), engine, {.now_ns = 1000 * kMinute}).value(), 2u);
  EXPECT_EQ(run_continuous(run, run.range_at(2 * kMinute), engine, {.now_ns = 1000 * kMinute}).value(), 2u) << "the same again";
  EXPECT_EQ(influx(engine, "SELECT * FROM y"),
            "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"y\",\"columns\":[\"time\",\"h\",\"mean\"],\"values\":[[60,\"a\",2],[60,\"b\",10]]}]}]}");
}

TEST(Continuous, KeepsTheQuerysOwnBounds) {
  MemoryEngine engine(10);
  engine.load("db0", "m x=1 60000000000\nm x=3 90000000000\n");
  const auto run = parse_continuous("CREATE CONTINUOUS QUERY c ON db0 BEGIN SELECT sum(x) INTO y FROM m WHERE time > 70s GROUP BY time(1m) END").value();
  EXPECT_EQ(run_continuous(run, run.range_at(2 * kMinute), engine, {.now_ns = 1000 * kMinute}).value(), 1u);
  EXPECT_NE(influx(engine, "SELECT * FROM y").find("[60,3]"), std::string::npos);
}

TEST(Continuous, IsNothingElse) {
  EXPECT_FALSE(parse_continuous("SELECT 1 FROM m"));
  EXPECT_FALSE(parse_continuous(""));
  EXPECT_FALSE(parse_continuous("CREATE CONTINUOUS QUERY c ON db0 BEGIN SELECT mean(x) INTO y FROM m END"));
}

}  // namespace
}  // namespace campanile::query::influxql
