// Series without points leave the index. That it never costs a point is engine_model_test.cc's to show, which erases and writes again.
#include <gtest/gtest.h>

#include <shared_mutex>

#include "engine_harness.h"

namespace campanile::tsdb {
namespace {

constexpr int64_t kHour = 3600 * kSecond;

void write_one(EngineHarness& h, BucketId bucket, std::string_view job, int64_t time_ns) {
  Points points;
  points.add("load", {{"job", job}, {"host", "a"}}, {{"value", FieldValue::of_float(1)}}, time_ns);
  h.write(bucket, points.batch);
}

TEST(EmptySeries, LeaveWithTheirLastChunkAndComeAgainUnderAnotherNumber) {
  EngineHarness h;
  const BucketId bucket = h.short_bucket();
  for (int job = 0; job < 1000; ++job) write_one(h, bucket, std::to_string(job), kNow);
  write_one(h, bucket, "stays", kNow);
  h.pass();
  ASSERT_EQ(h.engine->status().series, 1001u);
  h.clock.advance_ns(23 * kHour);
  write_one(h, bucket, "stays", h.clock.now_ns());
  h.clock.advance_ns(2 * kHour);
  h.pass();
  EXPECT_EQ(h.engine->status().series, 1u);
  EXPECT_EQ(h.engine->status().columns, 1u);
  for (const bool restarted : {false, true}) {
    if (restarted) h.crash();
    const auto reader = h.reader(bucket);
    ASSERT_EQ(reader->series("load", {}).value().size(), 1u);
    EXPECT_EQ(reader->tag_values("load", "job"), (std::vector<std::string>{"stays"}));
    EXPECT_EQ(reader->tag_values("load", "host"), (std::vector<std::string>{"a"}));
  }
  write_one(h, bucket, "7", h.clock.now_ns());
  for (const bool restarted : {false, true}) {
    if (restarted) {
      h.checkpoint();
      h.crash();
    }
    const auto reader = h.reader(bucket);
    const auto series = reader->series("load", {.kind = TagPredicate::Kind::kEqual, .key = "job", .value = "7", .pattern = nullptr, .children = {}}).value();
    ASSERT_EQ(series.size(), 1u);
    EXPECT_GT(series[0].id, 1001u);
    EXPECT_EQ(read_column(*reader, series[0].id, "value").size(), 1u);
  }
}

TEST(EmptySeries, OneWithAPointInMemoryStays) {
  EngineHarness h;
  const BucketId bucket = h.short_bucket();
  write_one(h, bucket, "a", kNow);
  ASSERT_TRUE(h.engine->seal_all());
  h.clock.advance_ns(25 * kHour);
  write_one(h, bucket, "a", h.clock.now_ns());
  ASSERT_TRUE(h.engine->sealer().enforce_retention());
  ASSERT_TRUE(h.engine->sealer().remove_empty_series());
  const auto reader = h.reader(bucket);
  const auto series = reader->series("load", {}).value();
  ASSERT_EQ(series.size(), 1u);
  EXPECT_EQ(read_column(*reader, series[0].id, "value").size(), 1u);
}

TEST(EmptySeries, TheirMemoryGoesToThoseThatComeAfter) {
  EngineHarness h;
  const BucketId bucket = h.short_bucket();
  const auto places = [&] {
    const std::shared_lock lock(h.engine->index().gate);
    return h.engine->index().bucket(bucket)->entries().size();
  };
  constexpr int kJobs = 300;
  for (int generation = 0; generation < 20; ++generation) {
    for (int job = 0; job < kJobs; ++job) write_one(h, bucket, std::to_string(generation * kJobs + job), h.clock.now_ns());
    h.clock.advance_ns(25 * kHour);
    h.pass();
    EXPECT_EQ(h.engine->status().series, 0u);
    EXPECT_EQ(places(), static_cast<size_t>(kJobs)) << "generation " << generation;
    if (generation % 7 == 6) {
      h.checkpoint();
      h.crash();
    }
  }
}

TEST(EmptySeries, WhoFoundThemBeforeNeverMeetsAnotherInTheirPlace) {
  EngineHarness h;
  const BucketId bucket = h.short_bucket();
  for (int job = 0; job < 100; ++job) write_one(h, bucket, "old" + std::to_string(job), kNow);
  const auto reader = h.reader(bucket);
  const auto before = reader->series("load", {}).value();
  ASSERT_EQ(before.size(), 100u);
  auto cursor = reader->column(before[0].id, "value", {}, Order::kAscending).value();
  h.clock.advance_ns(25 * kHour);
  h.pass();
  for (int job = 0; job < 100; ++job) write_one(h, bucket, "new" + std::to_string(job), h.clock.now_ns());
  h.pass();
  for (const Series& series : before) {
    EXPECT_EQ(series.name->tag("job").substr(0, 3), "old");
    EXPECT_FALSE(reader->has_field(series.id, "value"));
    EXPECT_TRUE(read_column(*reader, series.id, "value").empty());
  }
  ASSERT_TRUE(cursor->next().value()) << "it was opened while there was one";
  EXPECT_EQ(cursor->values().value().times_ns[0], kNow);
  const auto jobs = h.reader(bucket)->tag_values("load", "job");
  ASSERT_EQ(jobs.size(), 100u);
  EXPECT_EQ(jobs[0].substr(0, 3), "new");
}

TEST(EmptySeries, ARowThatTheDiskWouldNotEraseIsNotASecondSeries) {
  EngineHarness h;
  const BucketId bucket = h.short_bucket();
  write_one(h, bucket, "a", kNow);
  h.pass();
  const std::string key = series_row_key(BucketRows::kSeries, bucket, 1);
  const std::string row = *h.store->get(key).value();
  h.clock.advance_ns(25 * kHour);
  h.pass();
  ASSERT_FALSE(h.store->get(key).value());
  write_one(h, bucket, "a", h.clock.now_ns());
  h.checkpoint();
  kv::WriteBatch left_over;
  left_over.put(key, row);
  ASSERT_TRUE(h.store->write(left_over, kv::Durability::kSynced));
  h.crash();
  const auto reader = h.reader(bucket);
  const auto series = reader->series("load", {}).value();
  ASSERT_EQ(series.size(), 1u);
  EXPECT_EQ(series[0].id, 2u);
  EXPECT_EQ(read_column(*reader, 2, "value").size(), 1u);
}

TEST(Postings, LetGoOfASeries) {
  Postings few;
  few.add(1);
  few.add(2);
  few.remove(1);
  few.add(9);
  Bitmap out;
  few.add_to(out);
  EXPECT_EQ(out, Bitmap::bitmapOf(2, 2, 9));
  few.add(10);
  for (const uint32_t series : {2u, 9u, 10u}) {
    EXPECT_FALSE(few.empty());
    few.remove(series);
  }
  EXPECT_TRUE(few.empty());
  few.add(3);
  EXPECT_FALSE(few.empty());
}

}  // namespace
}  // namespace campanile::tsdb
