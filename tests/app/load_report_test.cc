#include "app/bench/load_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace campanile::app::bench {
namespace {

using testing::HasSubstr;
using testing::Not;

LoadReport example() {
  LoadReport report;
  report.broker_name = "127.0.0.1:1883";
  report.options.publishers = 50;
  report.options.subscribers = 1;
  report.options.qos = 1;
  report.options.size = 140;
  report.options.window = 50;
  report.options.broker_pid = 4711;
  report.measured_s = 10;
  report.connected = 51;
  report.sent = report.acknowledged = report.delivered = 1'000'000;
  report.sent_total = report.acknowledged_total = 1'234'567;
  report.delivered_total = 1'234'560;
  report.lost = 7;
  for (uint64_t ms = 1; ms <= 100; ++ms) report.delivery_latency.add(ms * 1'000'000);
  report.broker = LoadReport::Broker{.resident_before_bytes = 10'000'000, .resident_connected_bytes = 10'000'000 + 51 * 1024, .resident_after_bytes = 12'000'000, .cpu_s = 5};
  return report;
}

TEST(LoadReport, NumbersAreGrouped) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1'000), "1,000");
  EXPECT_EQ(with_commas(1'234'567), "1,234,567");
}

TEST(LoadReport, TheTableSaysWhatWasMeasured) {
  const std::string table = format_table(example());
  EXPECT_THAT(table, HasSubstr("127.0.0.1:1883: 50 publishers -> 1 subscriber, QoS 1, 140 B, 50 in flight each"));
  EXPECT_THAT(table, testing::ContainsRegex("sent +1,234,567 +100,000\n"));
  EXPECT_THAT(table, testing::ContainsRegex("lost +7 +acknowledged, but not delivered"));
  EXPECT_THAT(table, HasSubstr("CPU 5.00 s (50 % of a core), 5.00 us a message; memory 12.0 MB, 1.00 KB a connection"));
  EXPECT_THAT(table, testing::ContainsRegex("delivered +50\\.[0-9]+ +9[01]\\.[0-9]+"));
  EXPECT_THAT(table, Not(HasSubstr("what went wrong")));
}

TEST(LoadReport, JsonIsOneLineWithTheSameFigures) {
  const std::string line = format_json(example());
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  const auto json = boost::json::parse(line).as_object();
  EXPECT_EQ(json.at("sent").to_number<uint64_t>(), 1'234'567u);
  EXPECT_EQ(json.at("sent_per_s").to_number<double>(), 100'000);
  EXPECT_EQ(json.at("lost").to_number<uint64_t>(), 7u);
  EXPECT_NEAR(json.at("delivery_latency").at("p50_us").to_number<double>(), 50'000, 1'000);
  EXPECT_FALSE(json.contains("undelivered"));
}

TEST(LoadReport, ExitCodes) {
  LoadReport report = example();
  EXPECT_EQ(exit_code(report), kExitLost);
  report.lost = 0;
  EXPECT_EQ(exit_code(report), 0);
  report.failures = 1;
  EXPECT_EQ(exit_code(report), kExitFailures);
  report.failures = 0;
  report.unacknowledged = 1;
  EXPECT_EQ(exit_code(report), kExitFailures);
  report.unacknowledged = 0;
  report.lost.reset();
  report.undelivered = 100;  // QoS 0 promises nothing
  EXPECT_EQ(exit_code(report), 0);
}

TEST(LoadReport, ReasonsAreListed) {
  LoadReport report = example();
  report.failures = 3;
  report.reasons["closed by the broker"] = 3;
  EXPECT_THAT(format_table(report), testing::ContainsRegex("what went wrong\n +3  closed by the broker"));
}

}  // namespace
}  // namespace campanile::app::bench
