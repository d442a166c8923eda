#include "query/languages/influxql/time_text.h"

#include <gtest/gtest.h>

namespace campanile::query::influxql {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t time_of(std::string_view text, const TimeZone* zone = nullptr) {
  const auto parsed = parse_time(text, zone);
  EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().message);
  return parsed.value_or(-1);
}

TEST(Durations, AddUpTheirParts) {
  EXPECT_EQ(*parse_duration("1h30m"), 5400 * kSecond);
  EXPECT_EQ(*parse_duration("1w2d"), 9 * 86400 * kSecond);
  EXPECT_EQ(*parse_duration("10ms5u3ns"), 10'005'003);
  EXPECT_EQ(*parse_duration("7µ"), 7'000);
  EXPECT_EQ(*parse_duration("-5s"), -5 * kSecond);
}

TEST(Durations, RefuseWhatIsNone) {
  for (const char* text : {"", "1", "h", "1x", "1h2", "1y", "1.5h", "99999999999999999999s", "300000w"}) EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Times, TakeTheFormsOfInfluxDb) {
  EXPECT_EQ(time_of("1970-01-01"), 0);
  EXPECT_EQ(time_of("1970-01-01 00:00:01.5"), 1'500'000'000);
  EXPECT_EQ(time_of("1970-01-01T00:00:01Z"), kSecond);
  EXPECT_EQ(time_of("1970-01-01T01:00:01.000000001+01:00"), kSecond + 1);
  EXPECT_EQ(time_of("1969-12-31T23:59:59Z"), -kSecond);
  EXPECT_EQ(time_of("2024-02-29T00:00:00Z"), 1'709'164'800 * kSecond);
}

TEST(Times, RefuseWhatIsNone) {
  for (const char* text : {"1970-13-01", "1970-02-30", "2023-02-29", "1970-01-01 25:00:00", "1970-01-01T00:00:00", "1970-01-01T00:00:00+1", "1970-01-01 00:00",
                           "1970-01-01 00:00:00.", "1970-01-01x", "9999-01-01", "1500-01-01"}) {
    EXPECT_FALSE(parse_time(text, nullptr)) << text;
  }
}

TEST(Times, AreReadAndShownInAZone) {
  const auto zone = *TimeZone::find("Europe/Paris");
  EXPECT_EQ(time_of("2026-07-01 02:00:00", zone.get()), time_of("2026-07-01T00:00:00Z"));
  EXPECT_EQ(time_of("2026-07-01T02:00:00Z", zone.get()), time_of("2026-07-01T02:00:00Z"));
  EXPECT_EQ(format_time(time_of("2026-07-01T00:00:00.25Z"), *zone), "2026-07-01T02:00:00.25+02:00");
  EXPECT_FALSE(TimeZone::find("Europe/Nowhere"));
  EXPECT_FALSE(TimeZone::find("../../etc/passwd"));
}

TEST(Times, AreShownAsShortAsTheyAre) {
  EXPECT_EQ(format_time(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time(1), "1970-01-01T00:00:00.000000001Z");
  EXPECT_EQ(format_time(-1), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(format_time(INT64_MIN), "1677-09-21T00:12:43.145224192Z");
  EXPECT_EQ(format_time(INT64_MAX), "2262-04-11T23:47:16.854775807Z");
}

}  // namespace
}  // namespace campanile::query::influxql
