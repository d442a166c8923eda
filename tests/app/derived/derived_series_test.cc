#include "app/derived/derived_series.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <random>
#include <thread>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "app/config/load.h"
#include "kv/store.h"
#include "query/languages/influxql/parser.h"
#include "query/languages/influxql/response.h"
#include "tests/tsdb/fake_journal.h"
#include "tsdb/engine_impl.h"

namespace campanile::app {
namespace {

constexpr int64_t kSecond = kNanosPerSecond;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kBegin = 20'000 * kDay;

constexpr std::string_view kTiers = R"(
tiers:
  - name: rooms
    database: campus
    measurements: ["r*"]
    levels: [{every_s: 1m, keep_s: 90d}, {every_s: 10m}, {every_s: 1h}]
)";

// A store, its engine and what is derived, over everything that the journal keeps.
class DerivedSeriesTest : public testing::Test {
 protected:
  ~DerivedSeriesTest() override {
    if (engine_) engine_->stop();
  }
  void open(std::string_view yaml) {
    config_ = parse_config(yaml, "test").value();
    begin_again();
    ASSERT_TRUE(engine_->create_database("campus"));
  }
  // As after a power cut: the engine and what is derived are made anew from the store and the journal.
  void begin_again() {
    if (engine_) engine_->stop();
    derived_.reset();
    engine_ = tsdb::Engine::open({.chunk_points_max = 64, .has_thread = false}, *store_, clock_).value();
    derived_ = DerivedSeries::open(config_, *store_, *engine_, clock_, metrics_).value();
    for (const auto& record : journal_.records()) ASSERT_TRUE(engine_->replay({record.type, record.payload, record.lsn}));
    engine_->start(journal_);
    derived_->prepare({}, [this](const std::string& database, const std::string& set, tsdb::TimeRange range) { wanted_jobs_.push_back({database + "/" + set, range}); });
  }
  // Until nothing is left to do.
  void work() {
    for (int i = 0; i < 50; ++i) {
      derived_->run_due();
      const auto all = derived_->status();
      if (std::ranges::all_of(all, [](const auto& each) { return each.stale_windows == 0 && each.stale_series == 0; })) return;
    }
    FAIL() << "work does not end";
  }
  void write(const std::string& measurement, const std::vector<std::pair<std::string, std::string>>& tags, const std::string& field, FieldValue value, int64_t time_ns) {
    PointBatch batch;
    batch.begin_point(measurement);
    for (const auto& [key, tag] : tags) batch.add_tag(key, tag);
    batch.add_field(field, value);
    batch.set_time(time_ns);
    batch.end_point();
    const auto outcome = engine_->write(*engine_->bucket("campus", ""), batch, clock_.now_ns());
    ASSERT_TRUE(outcome && outcome->errors.empty());
  }
  std::string query(const std::string& text, bool reads_tiers = true) {
    const auto parsed = query::influxql::parse(text);
    if (!parsed) return parsed.error().message;
    std::string body;
    const auto sink = query::influxql::make_response(query::influxql::Format::kJson, {.epoch_ns = kSecond}, [&](std::string piece) -> Result<void> {
      body += piece;
      return {};
    });
    EXPECT_TRUE(query::influxql::run(*parsed, *engine_, {.database = "campus", .now_ns = clock_.now_ns(), .tiers = derived_.get(), .reads_tiers = reads_tiers}, *sink));
    if (body.ends_with('\n')) body.pop_back();
    return body;
  }
  // The values of the first series of an answer, as they are told.
  std::string told(const std::string& text) {
    const std::string body = query(text);
    const size_t from = body.find("\"values\":");
    return from == std::string::npos ? body : body.substr(from + 9, body.find('}', from) - from - 9);
  }
  boost::json::array rows(const std::string& text, bool reads_tiers = true) {
    const auto answer = boost::json::parse(query(text, reads_tiers));
    const auto& result = answer.at("results").at(0).as_object();
    return result.contains("series") ? result.at("series").at(0).at("values").as_array() : boost::json::array();
  }
  DerivedSeries::Status status_of(const std::string& name) {
    for (auto& each : derived_->status()) {
      if (each.name == name) return each;
    }
    ADD_FAILURE() << name;
    return {};
  }

  ManualClock clock_{kBegin + 6 * kHour};
  std::unique_ptr<kv::Store> store_ = kv::make_memory_store();
  tsdb::FakeJournal journal_;
  Metrics metrics_;
  Config config_;
  std::unique_ptr<tsdb::Engine> engine_;
  std::unique_ptr<DerivedSeries> derived_;
  std::vector<std::pair<std::string, tsdb::TimeRange>> wanted_jobs_;
};

TEST_F(DerivedSeriesTest, WorksOutWindowsThatAreOver) {
  open(kTiers);
  for (int i = 0; i < 120; ++i) write("rooms", {{"room", "1"}}, "t", FieldValue::of_float(i), kBegin + 6 * kHour - 20 * kMinute + i * 10 * kSecond);
  clock_.set_now_ns(kBegin + 6 * kHour + 10 * kSecond);
  work();
  EXPECT_EQ(told("SELECT count_t, sum_t, mean_t, min_t, max_t, first_t, last_t, median_t FROM rooms_downsample_10m"),
            R"([[1728020400,60,1770,29.5,0,59,0,59,29.5],[1728021000,60,5370,89.5,60,119,60,119,89.5]])");
  EXPECT_EQ(rows("SELECT count_t FROM rooms_downsample_1m").size(), 20u) << "found by its name alone, although it has a retention policy of its own";
  EXPECT_EQ(rows("SELECT count_t FROM keep_90d.rooms_downsample_1m").size(), 20u);
  EXPECT_EQ(told("SELECT count_t FROM rooms_downsample_1h"), R"([[1728018000,120]])");
  clock_.set_now_ns(kBegin + 6 * kHour + kMinute + 4 * kSecond);
  write("rooms", {{"room", "1"}}, "t", FieldValue::of_float(7), kBegin + 6 * kHour + 30 * kSecond);
  work();
  EXPECT_EQ(rows("SELECT count_t FROM rooms_downsample_1m").size(), 20u) << "points may still be on their way";
  clock_.set_now_ns(kBegin + 6 * kHour + kMinute + 5 * kSecond);
  work();
  EXPECT_EQ(rows("SELECT count_t FROM rooms_downsample_1m").size(), 21u);
}

TEST_F(DerivedSeriesTest, RefreshesJustTheWindowsAndSeriesThatChanged) {
  open(kTiers);
  for (int room = 0; room < 3; ++room) {
    for (int i = 0; i < 360; ++i) write("rooms", {{"room", std::to_string(room)}}, "t", FieldValue::of_float(i), kBegin + 5 * kHour + i * 10 * kSecond);
  }
  clock_.set_now_ns(kBegin + 6 * kHour + 10 * kSecond);
  work();
  const uint64_t before = status_of("rooms_downsample_1m").rows;
  EXPECT_EQ(before, 180u);
  write("rooms", {{"room", "1"}}, "t", FieldValue::of_float(1000), kBegin + 5 * kHour + 5 * kSecond);
  EXPECT_EQ(status_of("rooms_downsample_1m").stale_series, 1u);
  EXPECT_EQ(status_of("rooms_downsample_1h").stale_series, 1u);
  EXPECT_EQ(rows("SELECT max(t) FROM rooms WHERE time < " + std::to_string(kBegin + 6 * kHour))[0].at(1).to_number<double>(), 1000) << "stale, so points are read";
  work();
  EXPECT_EQ(status_of("rooms_downsample_1m").rows, before + 1);
  EXPECT_EQ(told("SELECT max_t FROM rooms_downsample_1h WHERE room = '1'"), R"([[1728018000,1000]])");
  // Corrected and erased.
  ASSERT_EQ(query("DELETE FROM rooms WHERE room = '2' AND time < " + std::to_string(kBegin + 5 * kHour + 10 * kMinute)), R"({"results":[{"statement_id":0}]})");
  work();
  EXPECT_EQ(rows("SELECT count_t FROM rooms_downsample_1m WHERE room = '2'").size(), 50u) << "what nothing stands behind any more is gone";
  EXPECT_EQ(told("SELECT count_t FROM rooms_downsample_1h WHERE room = '2'"), R"([[1728018000,300]])");
  EXPECT_EQ(status_of("rooms_downsample_10m").rows, 18u + 1) << "one window was written again, and one erased";
  ASSERT_EQ(query("DROP SERIES FROM rooms WHERE room = '2'"), R"({"results":[{"statement_id":0}]})");
  work();
  EXPECT_EQ(rows("SELECT count_t FROM rooms_downsample_1m WHERE room = '2'").size(), 0u);
  EXPECT_EQ(rows("SELECT count_t FROM rooms_downsample_1m WHERE room = '0'").size(), 60u);
}

TEST_F(DerivedSeriesTest, WhatWasThereBeforeIsFilledByAJob) {
  open(kTiers);
  for (int i = 0; i < 200; ++i) write("rooms", {}, "t", FieldValue::of_float(i), kBegin - 20 * kDay + i * kHour);
  work();
  ASSERT_FALSE(wanted_jobs_.empty());
  EXPECT_EQ(wanted_jobs_[0].first, "campus/rooms");
  EXPECT_EQ(wanted_jobs_[0].second.from_ns, kBegin - 20 * kDay);
  EXPECT_EQ(status_of("rooms_downsample_1h").missing_windows, 0u) << "few enough to be worked out at once";
  EXPECT_GT(status_of("rooms_downsample_1m").missing_windows, 1000u);
  EXPECT_EQ(rows("SELECT count_t FROM rooms_downsample_1m").size(), 0u);
  EXPECT_EQ(derived_->interval_of("campus", "rooms"), kHour);
  EXPECT_EQ(derived_->interval_of("campus", "rooms_downsample_10m"), 10 * kMinute);
  EXPECT_EQ(derived_->interval_of("campus", "other"), std::nullopt);
  ASSERT_TRUE(derived_->recompute("campus", "rooms", {kBegin - 10 * kDay, kBegin + 6 * kHour - 1}, {}));
  EXPECT_GT(status_of("rooms_downsample_1m").missing_windows, 1000u);
  ASSERT_TRUE(derived_->recompute("campus", "rooms", {kBegin - 20 * kDay, kBegin - 10 * kDay - 1}, {}));
  EXPECT_EQ(status_of("rooms_downsample_1m").missing_windows, 0u);
  EXPECT_EQ(rows("SELECT count_t FROM rooms_downsample_1m").size(), 200u);
}

TEST_F(DerivedSeriesTest, LateChangesAreKnownAfterAPowerCut) {
  open(kTiers);
  for (int i = 0; i < 360; ++i) write("rooms", {{"room", "1"}}, "t", FieldValue::of_float(i), kBegin + 5 * kHour + i * 10 * kSecond);
  clock_.set_now_ns(kBegin + 6 * kHour + 10 * kSecond);
  work();
  ASSERT_TRUE(engine_->checkpoint());
  write("rooms", {{"room", "1"}}, "t", FieldValue::of_float(5000), kBegin + 5 * kHour + kSecond);
  begin_again();
  EXPECT_EQ(status_of("rooms_downsample_1h").stale_series, 1u);
  work();
  EXPECT_EQ(told("SELECT max_t FROM rooms_downsample_1h"), R"([[1728018000,5000]])");
  // A mark that a checkpoint has let the journal forget.
  write("rooms", {{"room", "1"}}, "t", FieldValue::of_float(6000), kBegin + 5 * kHour + 2 * kSecond);
  ASSERT_TRUE(journal_.truncate_before(engine_->checkpoint().value()));
  begin_again();
  EXPECT_EQ(status_of("rooms_downsample_1h").stale_series, 1u);
  work();
  EXPECT_EQ(told("SELECT max_t FROM rooms_downsample_1h"), R"([[1728018000,6000]])");
}

TEST_F(DerivedSeriesTest, WhatWasDroppedBeforeThePowerCutLeavesNoRows) {
  open(kTiers);
  for (int i = 0; i < 360; ++i) write("rooms", {{"room", "1"}}, "t", FieldValue::of_float(i), kBegin + 5 * kHour + i * 10 * kSecond);
  clock_.set_now_ns(kBegin + 6 * kHour + 10 * kSecond);
  work();
  ASSERT_EQ(query("DROP MEASUREMENT rooms"), R"({"results":[{"statement_id":0}]})");
  ASSERT_TRUE(journal_.truncate_before(engine_->checkpoint().value()));
  begin_again();
  EXPECT_EQ(rows("SELECT count_t FROM rooms_downsample_10m").size(), 6u);
  work();
  EXPECT_EQ(rows("SELECT count_t FROM rooms_downsample_10m").size(), 0u);
  EXPECT_EQ(rows("SELECT count_t FROM rooms_downsample_1m").size(), 0u);
}

TEST_F(DerivedSeriesTest, RowsThatSomebodyErasedComeBack) {
  open(kTiers);
  for (int i = 0; i < 360; ++i) write("rooms", {{"room", "1"}}, "t", FieldValue::of_float(i), kBegin + 5 * kHour + i * 10 * kSecond);
  clock_.set_now_ns(kBegin + 6 * kHour + 10 * kSecond);
  work();
  const std::string question = "SELECT max(t) FROM rooms WHERE time >= " + std::to_string(kBegin + 5 * kHour) + " AND time < " + std::to_string(kBegin + 6 * kHour);
  ASSERT_EQ(query("DROP MEASUREMENT rooms_downsample_1h; DROP MEASUREMENT rooms_downsample_10m"), R"({"results":[{"statement_id":0},{"statement_id":1}]})");
  EXPECT_EQ(query(question), query(question, false)) << "the tier is not believed meanwhile";
  ASSERT_TRUE(journal_.truncate_before(engine_->checkpoint().value()));
  begin_again();
  EXPECT_EQ(query(question), query(question, false));
  work();
  EXPECT_EQ(told("SELECT max_t FROM rooms_downsample_1h"), "[[1728018000,359]]");
  EXPECT_EQ(rows("SELECT max_t FROM rooms_downsample_10m").size(), 6u);
  ASSERT_EQ(query("DROP RETENTION POLICY keep_90d ON campus"), R"({"results":[{"statement_id":0}]})");
  work();
  EXPECT_EQ(query(question), query(question, false));
  EXPECT_EQ(rows("SELECT max_t FROM rooms_downsample_1m").size(), 60u);
}

TEST_F(DerivedSeriesTest, AnotherMeaningBeginsAnew) {
  open(kTiers);
  for (int i = 0; i < 360; ++i) write("rooms", {{"room", "1"}}, "t", FieldValue::of_float(i), kBegin + 5 * kHour + i * 10 * kSecond);
  clock_.set_now_ns(kBegin + 6 * kHour + 10 * kSecond);
  work();
  config_ = parse_config(R"(
tiers:
  - {name: rooms, database: campus, measurements: [rooms], aggregates: [mean, max], levels: [{every_s: 10m}]}
)", "test").value();
  ASSERT_TRUE(journal_.truncate_before(engine_->checkpoint().value()));
  begin_again();
  EXPECT_EQ(status_of("rooms_downsample_10m").complete_to_ns, INT64_MIN);
  work();
  EXPECT_EQ(told("SELECT mean_t, max_t FROM rooms_downsample_10m WHERE time < " + std::to_string(kBegin + 5 * kHour + 10 * kMinute)), "[[1728018000,29.5,59]]");
}

TEST_F(DerivedSeriesTest, WhatWasNotConfiguredForAWhileBeginsAnew) {
  open(kTiers);
  for (int i = 0; i < 360; ++i) write("rooms", {{"room", "1"}}, "t", FieldValue::of_float(i), kBegin + 5 * kHour + i * 10 * kSecond);
  clock_.set_now_ns(kBegin + 6 * kHour + 10 * kSecond);
  work();
  const Config configured = std::exchange(config_, Config());
  ASSERT_TRUE(journal_.truncate_before(engine_->checkpoint().value()));
  begin_again();
  write("rooms", {{"room", "1"}}, "t", FieldValue::of_float(5000), kBegin + 5 * kHour + kSecond);
  config_ = configured;
  ASSERT_TRUE(journal_.truncate_before(engine_->checkpoint().value()));
  begin_again();
  work();
  EXPECT_EQ(told("SELECT max_t FROM rooms_downsample_1h"), "[[1728018000,5000]]");
}

TEST_F(DerivedSeriesTest, PointsThatHaveExpiredAreAnsweredFromTiers) {
  open(kTiers);
  ASSERT_TRUE(engine_->alter_retention_policy("campus", "autogen", 7 * kDay, false));
  config_ = parse_config(R"(
tiers:
  - {name: rooms, database: campus, measurements: [rooms], levels: [{every_s: 1h, keep_s: 3650d}]}
)", "test").value();
  begin_again();
  for (int i = 0; i < 48; ++i) write("rooms", {{"room", "1"}}, "t", FieldValue::of_float(i), kBegin - kDay + i * 30 * kMinute);
  work();
  write("rooms", {{"room", "2"}}, "t", FieldValue::of_float(1), kBegin + 20 * kDay);
  clock_.set_now_ns(kBegin + 20 * kDay + kHour);
  work();
  ASSERT_TRUE(engine_->seal_all());
  auto& sealer = static_cast<tsdb::EngineImpl&>(*engine_).sealer();
  ASSERT_TRUE(sealer.enforce_retention());
  ASSERT_TRUE(sealer.remove_empty_series());
  ASSERT_EQ(rows("SHOW SERIES FROM rooms").size(), 1u);
  const std::string text = "SELECT mean(t) FROM rooms WHERE time >= " + std::to_string(kBegin - kDay) + " AND time < " + std::to_string(kBegin + 21 * kDay) + " GROUP BY time(1h), room fill(none)";
  const auto answer = boost::json::parse(query(text)).at("results").at(0).at("series").as_array();
  ASSERT_EQ(answer.size(), 2u);
  EXPECT_EQ(answer[0].at("values").as_array().size(), 24u);
}

TEST_F(DerivedSeriesTest, TreesSumTheirSensorsAndRatiosDivideThem) {
  open(R"(
trees:
  - name: energy
    database: campus
    levels: [{every_s: 30s}, {every_s: 1m}]
    nodes:
      - {id: datacenter, root: true, children: [hardware_cluster, cooling]}
      - {id: hardware_cluster, children: [r1, r2]}
      - {id: r1, target: pdu-1}
      - {id: r2, target: pdu-2}
      - {id: cooling, target: cooler}
    ratios: [{id: pue, of: datacenter, to: hardware_cluster}]
)");
  for (const auto& [sensor, watt] : {std::pair("pdu-1", 100), std::pair("pdu-2", 200), std::pair("cooler", 60), std::pair("other", 9000)}) {
    for (int i = 0; i < 24; ++i) write("sensors", {{"sensor", sensor}}, "value", FieldValue::of_float(watt + (i < 12 ? 0 : 10)), kBegin + 6 * kHour + i * 5 * kSecond);
  }
  clock_.set_now_ns(kBegin + 6 * kHour + 2 * kMinute + 5 * kSecond);
  work();
  EXPECT_EQ(told("SELECT value FROM cq_hardware_cluster_30s"), "[[1728021600,300],[1728021630,300],[1728021660,320],[1728021690,320]]");
  EXPECT_EQ(told("SELECT value FROM cq_datacenter_1m"), "[[1728021600,360],[1728021660,390]]");
  EXPECT_EQ(told("SELECT value FROM cq_pue_1m"), "[[1728021600,1.2],[1728021660,1.21875]]");
  // A change goes up the tree, and to the ratio.
  write("sensors", {{"sensor", "cooler"}}, "value", FieldValue::of_float(60 + 30 * 7), kBegin + 6 * kHour + kSecond);
  write("sensors", {{"sensor", "other"}}, "value", FieldValue::of_float(1), kBegin + 6 * kHour + kSecond);
  EXPECT_EQ(status_of("cq_hardware_cluster_30s").stale_windows, 0u);
  EXPECT_EQ(status_of("cq_datacenter_30s").stale_windows, 1u);
  work();
  EXPECT_EQ(told("SELECT value FROM cq_datacenter_1m"), "[[1728021600,375],[1728021660,390]]");
  EXPECT_EQ(told("SELECT value FROM cq_pue_1m"), "[[1728021600,1.25],[1728021660,1.21875]]");
}

TEST_F(DerivedSeriesTest, ExplainSaysWhichTiersAreReadAndWhenNone) {
  open(kTiers);
  for (int i = 0; i < 360; ++i) write("rooms", {{"room", "1"}}, "t", FieldValue::of_float(i), kBegin + i * kMinute);
  work();
  const std::string range = " FROM rooms WHERE time >= " + std::to_string(kBegin) + " AND time < " + std::to_string(kBegin + 6 * kHour);
  const auto tiers = [&](const std::string& select, const std::string& rest, bool reads_tiers = true) {
    for (const auto& row : rows("EXPLAIN SELECT " + select + range + rest, reads_tiers)) {
      const std::string line(row.at(0).as_string());
      if (line.starts_with("TIERS OF rooms: ")) return line.substr(16, line.find(';') - 16);
    }
    return std::string();
  };
  const std::string hours = "1h of rooms_downsample_1h, then 10m of rooms_downsample_10m, then 1m of rooms_downsample_1m";
  EXPECT_EQ(tiers("mean(t)", " GROUP BY time(1h)"), hours);
  EXPECT_EQ(tiers("max(t), count(t)", ""), hours);
  EXPECT_EQ(tiers("mean(t)", " GROUP BY time(30m)"), "10m of rooms_downsample_10m, then 1m of rooms_downsample_1m");
  EXPECT_EQ(tiers("mean(t)", " GROUP BY time(1h, 10m)"), "10m of rooms_downsample_10m, then 1m of rooms_downsample_1m");
  EXPECT_EQ(tiers("mean(t)", " GROUP BY time(1d) tz('Asia/Kolkata')"), "10m of rooms_downsample_10m, then 1m of rooms_downsample_1m");
  EXPECT_EQ(tiers("median(t)", " GROUP BY time(1h), *"), "1h of rooms_downsample_1h");
  EXPECT_EQ(tiers("median(t)", " GROUP BY time(2h), *"), "");
  EXPECT_EQ(tiers("first(t)", " GROUP BY time(1h)"), "") << "which of several series' points was the first is not known";
  EXPECT_EQ(tiers("first(t)", " GROUP BY time(1h), room"), hours);
  EXPECT_EQ(tiers("mode(t)", " GROUP BY time(1h), room"), "");
  EXPECT_EQ(tiers("mean(t)", " AND t > 3 GROUP BY time(1h)"), "");
  EXPECT_EQ(tiers("derivative(mean(t), 1h)", " AND room = '1' GROUP BY time(1h)"), hours);
  EXPECT_EQ(tiers("mean(t)", " GROUP BY time(1h)", false), "");
  EXPECT_EQ(tiers("t", ""), "");
}

TEST_F(DerivedSeriesTest, WritesErasuresQueriesJobsAndCheckpointsGoOnMeanwhile) {
  open(kTiers);
  for (int i = 0; i < 360; ++i) write("rooms", {{"room", "0"}}, "t", FieldValue::of_float(i), kBegin + 5 * kHour + i * 10 * kSecond);
  work();
  std::atomic<bool> is_over{false};
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  const auto again_and_again = [&](auto what) {
    threads.emplace_back([&is_over, &done, what, seed = threads.size()]() mutable {
      std::mt19937_64 random(seed);
      // A little rest, so that nobody keeps the locks for himself.
      for (; !is_over; std::this_thread::sleep_for(std::chrono::microseconds(200)), ++done) what(random);
    });
  };
  for (int writer = 0; writer < 2; ++writer) {
    again_and_again([&](auto& random) { write("rooms", {{"room", std::to_string(random() % 4)}}, "t", FieldValue::of_float(static_cast<double>(random() % 100)), kBegin + 5 * kHour + static_cast<int64_t>(random() % 7200) * kSecond); });
  }
  again_and_again([&](auto& random) {
    const int64_t from_ns = kBegin + 5 * kHour + static_cast<int64_t>(random() % 7200) * kSecond;
    EXPECT_TRUE(engine_->erase(*engine_->bucket("campus", ""), {.measurements = {"rooms"}, .predicate = {}, .range = {from_ns, from_ns + kMinute}}));
  });
  again_and_again([&](auto&) { EXPECT_EQ(query("SELECT mean(t), max(t) FROM rooms WHERE time > " + std::to_string(kBegin) + " GROUP BY time(1h), room").find("error"), std::string::npos); });
  again_and_again([&](auto&) { EXPECT_TRUE(derived_->recompute("campus", "rooms", {kBegin + 5 * kHour, kBegin + 7 * kHour}, {})); });
  again_and_again([&](auto&) { EXPECT_TRUE(engine_->checkpoint()); });
  // A turn ends by the clock.
  again_and_again([&](auto&) { clock_.advance_ns(kSecond); });
  while (done < 3000) derived_->run_due();
  is_over = true;
  for (std::thread& thread : threads) thread.join();
  clock_.set_now_ns(kBegin + 8 * kHour);
  work();
  const std::string range = " WHERE time >= " + std::to_string(kBegin + 5 * kHour) + " AND time < " + std::to_string(kBegin + 7 * kHour);
  const std::string kept = told("SELECT sum(count_t), max(max_t) FROM rooms_downsample_10m" + range);
  EXPECT_EQ(kept, told("SELECT count(t), max(t) FROM rooms" + range));
  const std::string question = "SELECT count(t), min(t), max(t), sum(t) FROM rooms" + range + " GROUP BY time(1h), room";
  EXPECT_EQ(query(question), query(question, false));
}

// Whatever is written, late or not, erased or corrected, and whenever the program ends: answers are the same with tiers and without.
class AnyHistory : public DerivedSeriesTest, public testing::WithParamInterface<uint64_t> {
 protected:
  int64_t pick(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random_); }
  int64_t some_time() { return clock_.now_ns() - pick(0, pick(0, 3) == 0 ? 8 * kHour : 3 * kMinute); }
  void step() {
    const int64_t now_ns = clock_.now_ns();
    switch (pick(0, 15)) {
      case 0: return erase();
      case 1: return correct();
      case 2: ASSERT_TRUE(engine_->seal_all()); return;
      case 3: ASSERT_TRUE(journal_.truncate_before(engine_->checkpoint().value())); return;
      case 4: return begin_again();
      case 5:
      case 6:
      case 7: return derived_->run_due();
      case 8: return clock_.set_now_ns(now_ns + pick(1, 40) * kMinute);
      default:
        for (int64_t left = pick(1, 60); left > 0; --left) {
          const int64_t time_ns = some_time();
          const std::vector<std::pair<std::string, std::string>> tags = pick(0, 3) == 0 ? std::vector<std::pair<std::string, std::string>>{{"room", "0"}, {"side", "w"}}
                                                                                     : std::vector<std::pair<std::string, std::string>>{{"room", std::to_string(pick(0, 3))}};
          if (pick(0, 2) == 0) write("rooms", tags, "n", FieldValue::of_integer(pick(-9, 9)), time_ns);
          if (pick(0, 5) == 0) write("rooms", tags, "s", FieldValue::of_string(pick(0, 1) ? "on" : "off"), time_ns);
          write("rooms", tags, "t", FieldValue::of_float(static_cast<double>(pick(-400, 400)) / 8), time_ns);
        }
    }
  }
  void erase() {
    const int64_t from_ns = some_time();
    tsdb::PointSelection points{.measurements = {pick(0, 4) == 0 ? "rooms_downsample_1h" : "rooms"}, .predicate = {}, .range = {from_ns, from_ns + pick(0, 60) * kMinute}};
    if (pick(0, 1) == 0) points.predicate = {.kind = tsdb::TagPredicate::Kind::kEqual, .key = "room", .value = std::to_string(pick(0, 3)), .pattern = {}, .children = {}};
    if (pick(0, 9) == 0) points.range = {};
    ASSERT_TRUE(engine_->erase(*engine_->bucket("campus", ""), points));
  }
  void correct() {
    const int64_t from_ns = some_time();
    const tsdb::CorrectionRequest request{.points = {.measurements = {"rooms"}, .predicate = {}, .range = {from_ns, from_ns + pick(0, 60) * kMinute}}, .field = "t",
                                          .correction = tsdb::Correction::scale(1, 1)};
    (void)engine_->correct(*engine_->bucket("campus", ""), request);
  }
  std::string some_query() {
    const int64_t to_ns = clock_.now_ns() - pick(0, 3 * kHour);
    const int64_t from_ns = to_ns - pick(4 * kMinute, 9 * kHour);
    const auto one_of = [&](const std::vector<std::string>& words) { return words[static_cast<size_t>(pick(0, static_cast<int64_t>(words.size()) - 1))]; };
    const std::string select = one_of({"mean(t)", "sum(t), count(t)", "min(t), max(t)", "spread(n)", "sum(n)", "mean(n), max(t)", "median(t)", "stddev(t)", "first(t)", "last(s)", "count(s)",
                                       "max(n)", "mean(t) + max(n)", "derivative(mean(t))", "count(*)", "last(t), mean(t)", "max(t)", "min(n)"});
    const std::string where = one_of({"", "", " AND room = '1'", " AND room =~ /[02]/", " AND side = ''", " AND t > 0"});
    const std::string group = one_of({"", " GROUP BY room", " GROUP BY time(1m)", " GROUP BY time(10m), room", " GROUP BY time(1h), *", " GROUP BY time(10m), *", " GROUP BY time(2h)", " GROUP BY time(30m, 5m)",
                                      " GROUP BY time(1h), room tz('Asia/Kolkata')"});
    const std::string order = one_of({"", "", " ORDER BY time DESC"});
    // The time zone stands last.
    const size_t zone = group.find(" tz(");
    return fmt::format("SELECT {} FROM rooms WHERE time >= {} AND time < {}{}{}{}{}", select, from_ns, to_ns, where, group.substr(0, zone), order, zone == std::string::npos ? "" : group.substr(zone));
  }
  static bool is_same(const boost::json::value& a, const boost::json::value& b) {
    if (a.is_number() && b.is_number()) return std::abs(a.to_number<double>() - b.to_number<double>()) <= 1e-9 * std::max(1.0, std::abs(a.to_number<double>()));
    if (a.kind() != b.kind()) return false;
    if (a.is_array()) return std::equal(a.as_array().begin(), a.as_array().end(), b.as_array().begin(), b.as_array().end(), is_same);
    if (!a.is_object()) return a == b;
    return a.as_object().size() == b.as_object().size() && std::ranges::all_of(a.as_object(), [&](const auto& member) {
             const auto* const other = b.as_object().if_contains(member.key());
             return other != nullptr && is_same(member.value(), *other);
           });
  }

  std::mt19937_64 random_{GetParam()};
};

TEST_P(AnyHistory, AnswersAreTheSameWithTiersAndWithout) {
  SCOPED_TRACE("replay it with CAMPANILE_SEED=" + std::to_string(GetParam()));
  open(kTiers);
  write("rooms", {{"room", "1"}}, "n", FieldValue::of_integer(1), clock_.now_ns());
  write("rooms", {{"room", "1"}}, "s", FieldValue::of_string("on"), clock_.now_ns());
  write("rooms", {{"room", "1"}}, "t", FieldValue::of_float(1), clock_.now_ns());
  for (int i = 0; i < 100; ++i) {
    step();
    if (HasFatalFailure()) return;
    for (int k = 0; k < 4; ++k) {
      const std::string text = some_query();
      const std::string with = query(text);
      const std::string without = query(text, false);
      ASSERT_TRUE(is_same(boost::json::parse(with), boost::json::parse(without))) << text << "\nwith tiers    " << with << "\nwithout tiers " << without;
    }
  }
  // In the end the tiers themselves are what their queries answer.
  work();
  for (const std::string level : {"1m", "10m", "1h"}) {
    const std::string columns = level == "1h" ? "count_t, sum_t, first_t, median_t, stddev_t, max_n" : "count_t, mean_t, last_t, count_s, min_n";
    const std::string calls = level == "1h" ? "count(t) AS count_t, sum(t) AS sum_t, first(t) AS first_t, median(t) AS median_t, stddev(t) AS stddev_t, max(n) AS max_n"
                                           : "count(t) AS count_t, mean(t) AS mean_t, last(t) AS last_t, count(s) AS count_s, min(n) AS min_n";
    const int64_t complete_ns = status_of("rooms_downsample_" + level).complete_to_ns;
    const auto kept = boost::json::parse(query(fmt::format("SELECT {} FROM rooms_downsample_{} WHERE time < {} GROUP BY *", columns, level, complete_ns)));
    const auto asked = boost::json::parse(query(fmt::format("SELECT {} FROM rooms WHERE time < {} GROUP BY time({}), * fill(none)", calls, complete_ns, level), false));
    const auto series_of = [](const boost::json::value& answer) {
      boost::json::array all;
      if (!answer.at("results").at(0).as_object().contains("series")) return all;
      for (const auto& series : answer.at("results").at(0).at("series").as_array()) all.push_back({series.at("tags"), series.at("values")});
      return all;
    };
    EXPECT_TRUE(is_same(series_of(kept), series_of(asked))) << level << "\nkept  " << boost::json::serialize(kept) << "\nasked " << boost::json::serialize(asked);
  }
}

// A failure names its seed: CAMPANILE_SEED runs that one alone, CAMPANILE_SEEDS that many.
uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}
const uint64_t kFirstSeed = from_environment("CAMPANILE_SEED", 1);
const uint64_t kSeeds = std::getenv("CAMPANILE_SEED") ? 1 : from_environment("CAMPANILE_SEEDS", 4);

INSTANTIATE_TEST_SUITE_P(Seeds, AnyHistory, testing::Range(kFirstSeed, kFirstSeed + kSeeds));

}  // namespace
}  // namespace campanile::app
