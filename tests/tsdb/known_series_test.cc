#include <gtest/gtest.h>

#include <mutex>

#include "engine_harness.h"

namespace campanile::tsdb {
namespace {

Points one(std::string_view room, double value, int64_t time_ns) {
  Points points;
  points.add("data", {{"room", room}}, {{"value", FieldValue::of_float(value)}}, time_ns);
  return points;
}

// A point as a decoder makes it that has found its series.
PointBatch of_found(const KnownSeries::Found& found, std::string_view key, double value, int64_t time_ns) {
  PointBatch batch;
  batch.begin_point(found.measurement);
  batch.set_series_key(key);
  batch.set_series(found.handle);
  batch.add_field("value", FieldValue::of_float(value));
  batch.set_time(time_ns);
  batch.end_point();
  return batch;
}

KnownSeries::Found find(KnownSeries& known, std::string_view key) {
  const std::lock_guard lock(known);
  return known.find(key);
}

TEST(KnownSeries, AreThoseOfTheBucket) {
  EngineHarness h;
  const BucketId bucket = h.bucket();
  const BucketId other = h.bucket("other");
  h.write(bucket, one("302", 1, kNow).batch);
  const auto known = h.engine->known_series(bucket);
  const auto found = find(*known, "data,room=302");
  ASSERT_NE(found.handle, nullptr);
  EXPECT_EQ(found.measurement, "data");
  EXPECT_EQ(find(*known, "data,room=303").handle, nullptr);
  EXPECT_EQ(find(*known, "").handle, nullptr);
  EXPECT_EQ(find(*h.engine->known_series(other), "data,room=302").handle, nullptr);
  EXPECT_EQ(h.engine->known_series(999), nullptr);
}

TEST(KnownSeries, PointsGoToTheSeriesThatWasFound) {
  EngineHarness h;
  const BucketId bucket = h.bucket();
  h.write(bucket, one("302", 1, kNow).batch);
  const auto known = h.engine->known_series(bucket);
  EXPECT_EQ(h.write(bucket, of_found(find(*known, "data,room=302"), "data,room=302", 2, kNow + 1)).points_stored, 1u);
  for (const bool restarted : {false, true}) {
    if (restarted) h.crash();
    const auto reader = h.reader(bucket);
    const auto series = reader->series("data", {}).value();
    ASSERT_EQ(series.size(), 1u);
    EXPECT_EQ(read_column(*reader, series[0].id, "value").size(), 2u);
  }
}

TEST(KnownSeries, OneThatWentMeanwhileIsDefinedAnew) {
  EngineHarness h;
  const BucketId bucket = h.short_bucket();
  h.write(bucket, one("302", 1, kNow).batch);
  const auto known = h.engine->known_series(bucket);
  const auto found = find(*known, "data,room=302");
  h.clock.advance_ns(25 * 3600 * kSecond);
  h.pass();
  EXPECT_EQ(h.engine->status().series, 0u);
  // Another one, which would take its place if nobody had found it.
  h.write(bucket, one("303", 3, h.clock.now_ns()).batch);
  h.pass();
  EXPECT_EQ(h.write(bucket, of_found(found, "data,room=302", 2, h.clock.now_ns())).points_stored, 1u);
  for (const bool restarted : {false, true}) {
    if (restarted) h.crash();
    const auto reader = h.reader(bucket);
    EXPECT_EQ(reader->tag_values("data", "room"), (std::vector<std::string>{"302", "303"}));
    const auto all = reader->series("data", {}).value();
    for (const Series& series : all) EXPECT_EQ(read_column(*reader, series.id, "value").size(), 1u);
  }
}

TEST(KnownSeries, OfADroppedDatabaseTakeNoMorePoints) {
  EngineHarness h;
  const BucketId bucket = h.bucket();
  h.write(bucket, one("302", 1, kNow).batch);
  const auto known = h.engine->known_series(bucket);
  const auto found = find(*known, "data,room=302");
  ASSERT_TRUE(h.engine->drop_database("campus"));
  const auto outcome = h.engine->write(bucket, of_found(found, "data,room=302", 2, kNow + 1), h.clock.now_ns());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace campanile::tsdb
