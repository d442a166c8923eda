#include "query/executor.h"

#include <atomic>

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/worker_pool.h"
#include "influx.h"
#include "memory_engine.h"

namespace campanile::query {
namespace {

using testing::influx;
using testing::InfluxOptions;
using testing::MemoryEngine;

std::string many_points(size_t count) {
  std::string lines;
  for (size_t i = 0; i < count; ++i) lines += fmt::format("m,h={} f={},i={}i {}\n", i % 3, i % 17, i, (i + 1) * 1'000'000'000);
  return lines;
}

size_t decoded_by(MemoryEngine& engine, std::string_view query) {
  engine.memory("db0").blocks_decoded = 0;
  const std::string answer = influx(engine, query);
  EXPECT_EQ(answer.find("error"), std::string::npos) << answer;
  return engine.memory("db0").blocks_decoded;
}

TEST(Executor, AnswersFromStatisticsWhereTheySuffice) {
  MemoryEngine engine(10);
  engine.load("db0", many_points(300));
  for (const char* columns : {"count(f)", "sum(i)", "mean(f)", "spread(f)", "first(f)", "last(i)", "min(f), max(f)", "count(f), mean(i), last(f)"}) {
    EXPECT_EQ(decoded_by(engine, fmt::format("SELECT {} FROM m", columns)), 0u) << columns;
  }
  EXPECT_GT(decoded_by(engine, "SELECT median(f) FROM m"), 0u);
  EXPECT_GT(decoded_by(engine, "SELECT mean(f) FROM m WHERE f > 3"), 0u);
}

// A window that holds a block whole takes it whole; only blocks on an edge are decoded.
TEST(Executor, DecodesBlocksOnWindowEdgesOnly) {
  MemoryEngine engine(10);
  engine.load("db0", many_points(300));
  const size_t decoded = decoded_by(engine, "SELECT mean(f) FROM m WHERE time >= 0s AND time < 1000s GROUP BY time(100s)");
  EXPECT_GT(decoded, 0u);
  EXPECT_LE(decoded, 9u);
}

TEST(Executor, ReadsOneBlockForTheEdgeOfAColumn) {
  MemoryEngine engine(10);
  engine.load("db0", many_points(300));
  EXPECT_LE(decoded_by(engine, "SELECT last(f), i FROM m"), 6u);
  EXPECT_LE(decoded_by(engine, "SELECT first(f) FROM m WHERE f >= 0"), 6u);
  EXPECT_LE(decoded_by(engine, "SELECT f FROM m WHERE h = '1' ORDER BY time DESC LIMIT 3"), 1u);
}

TEST(Executor, StopsWhenCancelled) {
  MemoryEngine engine(10);
  engine.load("db0", many_points(300));
  int asked = 0;
  InfluxOptions options;
  options.context.cancelled = [&] { return ++asked > 5; };
  for (const char* query : {"SELECT mean(f) FROM m WHERE f > 3", "SELECT sum(f) FROM m", "SHOW SERIES WHERE h = '1'; SHOW SERIES WHERE h = '2'; SELECT f FROM m"}) {
    asked = query[1] == 'H' ? 4 : 0;
    EXPECT_NE(influx(engine, query, options).find("query interrupted"), std::string::npos) << query;
  }
}

// Threads that a query may ask for help.
class Helpers {
 public:
  explicit Helpers(size_t threads) : pool_({.threads = threads, .queue_max = 100}) {}
  InfluxOptions options() {
    InfluxOptions made;
    made.context.helpers_max = 3;
    made.context.help = [this](WorkerPool::Task task) { return pool_.submit(std::move(task)); };
    return made;
  }

 private:
  WorkerPool pool_;
};

std::string many_series(size_t series, size_t points) {
  std::string lines;
  for (size_t i = 0; i < series; ++i) {
    for (size_t k = 0; k < points; ++k) lines += fmt::format("m,h={},g={} f={} {}\n", i, i % 3, (i * 7 + k * 3) % 101 / 10.0, (k + 1) * 1'000'000'000);
  }
  return lines;
}

TEST(Executor, AnswersTheSameWithAndWithoutHelp) {
  MemoryEngine engine(10);
  engine.load("db0", many_series(150, 40));
  Helpers helpers(3);
  for (const char* query : {"SELECT mean(f) FROM m GROUP BY time(7s)", "SELECT mean(f), max(f), count(f) FROM m GROUP BY time(5s), h", "SELECT sum(f) FROM m GROUP BY g",
                            "SELECT median(f) FROM m GROUP BY time(10s), g", "SELECT max(f), h FROM m", "SELECT first(f) FROM m GROUP BY h LIMIT 1",
                            "SELECT distinct(f) FROM m", "SELECT mean(f) FROM m WHERE f > 3 GROUP BY time(10s) fill(0) ORDER BY time DESC"}) {
    const std::string alone = influx(engine, query);
    EXPECT_EQ(alone.find("error"), std::string::npos) << alone;
    for (int round = 0; round < 5; ++round) ASSERT_EQ(influx(engine, query, helpers.options()), alone) << query;
  }
}

TEST(Executor, HelpEndsWithTheQuery) {
  MemoryEngine engine(10);
  engine.load("db0", many_series(400, 20));
  Helpers helpers(3);
  for (int round = 0; round < 20; ++round) {
    InfluxOptions options = helpers.options();
    std::atomic<int> asked = 0;
    options.context.cancelled = [&] { return ++asked > 50 + round; };
    EXPECT_NE(influx(engine, "SELECT mean(f) FROM m GROUP BY h", options).find("query interrupted"), std::string::npos);
    options = helpers.options();
    options.context.limits.windows_max = 3;
    EXPECT_NE(influx(engine, "SELECT mean(f) FROM m GROUP BY time(1s)", options).find("max-select-buckets limit exceeded"), std::string::npos);
  }
}

// Nobody ever comes to help, or too late.
TEST(Executor, GetsOnWithoutTheHelpItAskedFor) {
  MemoryEngine engine(10);
  engine.load("db0", many_series(150, 10));
  const std::string alone = influx(engine, "SELECT mean(f) FROM m GROUP BY h");
  std::vector<WorkerPool::Task> late;
  InfluxOptions options;
  options.context.helpers_max = 2;
  options.context.help = [&](WorkerPool::Task task) {
    late.push_back(std::move(task));
    return true;
  };
  EXPECT_EQ(influx(engine, "SELECT mean(f) FROM m GROUP BY h", options), alone);
  EXPECT_EQ(late.size(), 2u);
  for (WorkerPool::Task& task : late) task();
}

TEST(Executor, KeepsItsLimits) {
  MemoryEngine engine(10);
  engine.load("db0", many_points(300));
  const auto error_with = [&](Limits limits, std::string_view query) {
    InfluxOptions options;
    options.context.limits = limits;
    return influx(engine, query, options);
  };
  EXPECT_NE(error_with({.series_max = 2}, "SELECT f FROM m").find("max-select-series limit exceeded: (3/2)"), std::string::npos);
  EXPECT_EQ(error_with({.series_max = 2}, "SELECT f FROM m WHERE h = '1' LIMIT 1").find("error"), std::string::npos);
  EXPECT_NE(error_with({.series_max = 2}, "SHOW SERIES").find("max-select-series"), std::string::npos);
  EXPECT_NE(error_with({.windows_max = 10}, "SELECT mean(f) FROM m GROUP BY time(1s)").find("max-select-buckets limit exceeded: (11/10)"), std::string::npos);
  EXPECT_NE(error_with({.values_max = 100}, "SELECT median(f) FROM m").find("more than 100 values"), std::string::npos);
  EXPECT_NE(error_with({.rows_max = 100}, "SELECT f FROM m").find("more than 100 rows"), std::string::npos);
  EXPECT_NE(error_with({.rows_max = 100}, "SELECT mean(f) FROM m WHERE time > 0 GROUP BY time(1s)").find("max-select-buckets limit exceeded: (101/100)"), std::string::npos);
  EXPECT_EQ(error_with({.rows_max = 100}, "SELECT f FROM m LIMIT 100").find("error"), std::string::npos);
  EXPECT_NE(error_with({.open_columns_max = 2}, "SELECT f FROM m").find("more than 2 columns"), std::string::npos);
  EXPECT_EQ(error_with({.open_columns_max = 2}, "SELECT f FROM m GROUP BY h").find("error"), std::string::npos);
}

// Windows are made one at a time, so that neither a LIMIT nor an OFFSET over an immense range costs more than it answers.
TEST(Executor, WalksImmenseRangesOnlyAsFarAsAsked) {
  MemoryEngine engine(10);
  engine.load("db0", many_points(30));
  const std::string all = "WHERE time >= '1900-01-01' AND time < '2200-01-01' GROUP BY time(1ms)";
  EXPECT_NE(influx(engine, "SELECT mean(f) FROM m " + all + " LIMIT 2").find("[-2208988800,null],[-2208988799,null]"), std::string::npos);
  InfluxOptions options;
  options.context.limits.rows_max = 1000;
  EXPECT_NE(influx(engine, "SELECT mean(f) FROM m " + all + " LIMIT 2 OFFSET 900000000000", options).find("max-select-buckets"), std::string::npos);
}

// The same answer must come by every way through the executor: from statistics, from decoded columns, and row by row.
TEST(Executor, AnswersTheSameByEveryWay) {
  const uint64_t seed = 7;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  std::string lines;
  for (int i = 0; i < 400; ++i) {
    lines += fmt::format("m,h={} f={},i={}i", random.below(3), random.between(-40, 40) / 8.0, random.between(-9, 9));
    if (random.one_in(2)) lines += fmt::format(",b={}", random.one_in(2));
    lines += fmt::format(" {}\n", random.between(0, 300) * 1'000'000'000);
  }
  // Sums of eighths are exact in any order.
  for (const char* columns : {"count(f), sum(f), mean(f), min(f), max(f), first(f), last(f), spread(f), median(f), stddev(f), mode(i)", "max(f)", "min(i)",
                              "first(i), h", "last(b)", "max(i), f, h", "count(b), first(b), last(b)", "distinct(i)"}) {
    for (const char* rest : {"", "GROUP BY h", "GROUP BY time(20s)", "GROUP BY time(7s, 3s), h fill(none)", "GROUP BY time(60s) fill(previous) ORDER BY time DESC"}) {
      const std::string plain = fmt::format("SELECT {} FROM m WHERE time >= 0s AND time < 290s {}", columns, rest);
      const std::string by_rows = fmt::format("SELECT {} FROM m WHERE i > -100 AND time >= 0s AND time < 290s {}", columns, rest);
      MemoryEngine reference(1'000'000);
      reference.load("db0", lines);
      const std::string expected = influx(reference, plain);
      EXPECT_EQ(influx(reference, by_rows), expected) << by_rows;
      for (const size_t block_points : {1, 2, 5, 64}) {
        MemoryEngine engine(block_points);
        engine.load("db0", lines);
        EXPECT_EQ(influx(engine, plain), expected) << plain << ", blocks of " << block_points;
        EXPECT_EQ(influx(engine, by_rows), expected) << by_rows << ", blocks of " << block_points;
      }
    }
  }
}

}  // namespace
}  // namespace campanile::query
