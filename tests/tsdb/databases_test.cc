#include <gtest/gtest.h>

#include "engine_harness.h"

namespace campanile::tsdb {
namespace {

TEST(Databases, ComeWithAPolicyThatKeepsForEver) {
  EngineHarness h;
  EXPECT_TRUE(h.engine->create_database("campus"));
  EXPECT_TRUE(h.engine->create_database("campus")) << "exists: fine";
  EXPECT_TRUE(h.engine->create_database("air"));
  EXPECT_EQ(h.engine->databases(), (std::vector<std::string>{"air", "campus"}));
  const auto policies = h.engine->retention_policies("campus").value();
  ASSERT_EQ(policies.size(), 1u);
  EXPECT_EQ(policies[0].name, "autogen");
  EXPECT_EQ(policies[0].duration_ns, 0);
  EXPECT_TRUE(policies[0].is_default);
  EXPECT_EQ(h.engine->bucket("x", "").error().message, "database not found: \"x\"");
  EXPECT_EQ(h.engine->bucket("campus", "y").error().message, "retention policy not found: y");
  EXPECT_FALSE(h.engine->create_database(""));
  EXPECT_TRUE(h.engine->drop_database("never was"));
}

TEST(Databases, PoliciesAreBucketsOfTheirOwn) {
  EngineHarness h;
  const BucketId autogen = h.bucket();
  const RetentionPolicy month{.name = "month", .duration_ns = 30 * 86'400 * kSecond, .is_default = false};
  EXPECT_TRUE(h.engine->create_retention_policy("campus", month));
  EXPECT_TRUE(h.engine->create_retention_policy("campus", month)) << "the same again";
  const auto other = h.engine->create_retention_policy("campus", {.name = "month", .duration_ns = 7200 * kSecond});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(h.engine->create_retention_policy("x", month).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(h.engine->create_retention_policy("campus", {.name = "s", .duration_ns = 5}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(h.engine->bucket("campus", "").value(), autogen);
  EXPECT_NE(h.engine->bucket("campus", "month").value(), autogen);
}

TEST(Databases, APolicyIsDroppedWithItsPointsAndForGood) {
  EngineHarness h;
  const BucketId autogen = h.bucket();
  ASSERT_TRUE(h.engine->create_retention_policy("campus", {.name = "month", .duration_ns = 30 * 86'400 * kSecond}));
  const BucketId month = h.engine->bucket("campus", "month").value();
  h.write(month, Points().add("data", {}, {{"value", FieldValue::of_float(1)}}, kNow).batch);
  EXPECT_TRUE(h.engine->drop_retention_policy("campus", "never was"));
  EXPECT_TRUE(h.engine->drop_retention_policy("nowhere", "month"));
  ASSERT_TRUE(h.engine->drop_retention_policy("campus", "month"));
  for (const bool crashes : {false, true, true}) {
    if (crashes) h.crash();
    EXPECT_EQ(h.engine->bucket("campus", "month").error().code, ErrorCode::kNotFound);
    EXPECT_FALSE(h.engine->reader(month));
    EXPECT_EQ(h.engine->bucket("campus", "").value(), autogen);
  }
  ASSERT_TRUE(h.engine->drop_retention_policy("campus", "autogen"));
  EXPECT_EQ(h.engine->bucket("campus", "").error().message, "retention policy not found: autogen") << "there is no default one any more";
}

TEST(Databases, APolicyIsAlteredForTheWritesToCome) {
  EngineHarness h;
  h.bucket();
  constexpr int64_t kHour = 3600 * kSecond;
  ASSERT_TRUE(h.engine->create_retention_policy("campus", {.name = "day", .duration_ns = 24 * kHour}));
  EXPECT_EQ(h.engine->alter_retention_policy("campus", "x", kHour, false).error().message, "retention policy not found: x");
  EXPECT_EQ(h.engine->alter_retention_policy("x", "day", kHour, false).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(h.engine->alter_retention_policy("campus", "day", 5, false).error().code, ErrorCode::kInvalidArgument);
  const BucketId day = h.engine->bucket("campus", "day").value();
  const auto put = [&h, day] {
    const auto outcome = h.engine->write(day, Points().add("data", {}, {{"value", FieldValue::of_float(1)}}, kNow - 3 * kHour).batch, kNow);
    return outcome.value().points_stored;
  };
  EXPECT_EQ(put(), 1u);
  ASSERT_TRUE(h.engine->alter_retention_policy("campus", "day", 2 * kHour, false));
  EXPECT_EQ(put(), 0u) << "too old now";
  ASSERT_TRUE(h.engine->alter_retention_policy("campus", "day", std::nullopt, true));
  for (const bool crashes : {false, true}) {
    if (crashes) h.crash();
    const auto policies = h.engine->retention_policies("campus").value();
    ASSERT_EQ(policies.size(), 2u);
    EXPECT_EQ(policies[1].duration_ns, 2 * kHour);
    EXPECT_TRUE(policies[1].is_default);
    EXPECT_FALSE(policies[0].is_default);
  }
}

TEST(Databases, KeepContinuousQueriesUntilTheyAreDropped) {
  EngineHarness h;
  h.bucket();
  const ContinuousQuery hourly{.name = "hourly", .text = "CREATE …"};
  EXPECT_EQ(h.engine->create_continuous_query("nowhere", hourly).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(h.engine->create_continuous_query("campus", hourly));
  EXPECT_TRUE(h.engine->create_continuous_query("campus", hourly)) << "the same again";
  EXPECT_EQ(h.engine->create_continuous_query("campus", {.name = "hourly", .text = "x"}).error().code, ErrorCode::kAlreadyExists);
  ASSERT_TRUE(h.engine->create_continuous_query("campus", {.name = "daily", .text = "y"}));
  for (int round = 0; round < 3; ++round) {
    if (round == 1) h.crash();
    if (round == 2) {
      h.checkpoint();
      h.crash();
    }
    const auto queries = h.engine->continuous_queries("campus").value();
    ASSERT_EQ(queries.size(), 2u) << round;
    EXPECT_EQ(queries[0].text, "CREATE …");
    EXPECT_EQ(queries[1].name, "daily");
  }
  EXPECT_TRUE(h.engine->drop_continuous_query("campus", "never was"));
  ASSERT_TRUE(h.engine->drop_continuous_query("campus", "hourly"));
  h.crash();
  EXPECT_EQ(h.engine->continuous_queries("campus").value().size(), 1u);
  ASSERT_TRUE(h.engine->drop_database("campus"));
  h.bucket();
  EXPECT_TRUE(h.engine->continuous_queries("campus").value().empty()) << "they went with the database";
}

TEST(Databases, MayHavePointsAcknowledgedBeforeTheirSync) {
  using namespace std::chrono_literals;
  EngineHarness h({.sync_within = {{"metrics", 200ms}}});
  const auto put = [&h](std::string_view database) {
    const WriteOutcome outcome = h.write(h.bucket(database), Points().add("data", {}, {{"value", FieldValue::of_float(1)}}, kNow).batch);
    EXPECT_EQ(outcome.lsn, h.journal.end());
    return std::pair(outcome, h.journal.records().back().within);
  };
  for (int run = 0; run < 2; ++run) {
    const auto [relaxed, within] = put("metrics");
    EXPECT_EQ(relaxed.awaited.written, relaxed.lsn);
    EXPECT_EQ(relaxed.awaited.synced, 0u);
    EXPECT_EQ(within, 200ms);
    const auto [strict, none] = put("campus");
    EXPECT_EQ(strict.awaited.synced, strict.lsn);
    EXPECT_EQ(none, 0ms);
    h.checkpoint();
    h.crash();  // it is the same for databases that are loaded
  }
  // What is one unit with others is synced with them.
  const AppendPoints append = [&](const journal::NewRecord& points, std::span<const PointError>) { return h.journal.append(points.type, points.head, points.tail); };
  Points points;
  points.add("data", {}, {{"value", FieldValue::of_float(1)}}, kNow);
  const auto outcome = h.engine->write(h.bucket("metrics"), points.batch, kNow, &append);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->awaited.synced, outcome->lsn);
}

TEST(Databases, SurviveACrashWithAndWithoutCheckpoint) {
  EngineHarness h;
  h.bucket("one");
  h.checkpoint();
  h.bucket("two");
  ASSERT_TRUE(h.engine->drop_database("one"));
  h.crash();
  EXPECT_EQ(h.engine->databases(), (std::vector<std::string>{"two"}));
  h.checkpoint();
  h.crash();
  EXPECT_EQ(h.engine->databases(), (std::vector<std::string>{"two"}));
}

TEST(Databases, ADropErasesAndANewOneOfThatNameStartsEmpty) {
  EngineHarness h({.chunk_points_max = 4});
  const auto put = [&h](BucketId bucket, int count) {
    Points points;
    for (int i = 0; i < count; ++i) points.add("data", {}, {{"value", FieldValue::of_float(i)}}, i);
    h.write(bucket, points.batch);
  };
  const BucketId first = h.bucket();
  put(first, 30);
  ASSERT_TRUE(h.engine->seal_all());
  put(first, 3);
  const auto reader = h.reader(first);
  const auto cursor = reader->column(1, "value", {}, Order::kAscending).value();
  ASSERT_TRUE(h.engine->drop_database("campus"));
  EXPECT_EQ(h.engine->reader(first).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(h.engine->write(first, PointBatch(), kNow).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(reader->series("data", {}).value().empty());
  size_t count = 0;
  while (cursor->next().value()) count += cursor->statistics().count;
  EXPECT_EQ(count, 30u) << "a cursor that was open goes on";

  const BucketId second = h.bucket();
  EXPECT_NE(second, first);
  put(second, 6);
  ASSERT_TRUE(h.engine->seal_all());
  EXPECT_EQ(h.engine->status().series, 1u);
  for (const bool crashes : {false, true, true}) {
    // Replays the drop of the first one although the second has the name now.
    if (crashes) h.crash();
    const auto series = h.reader(second)->series("data", {}).value();
    ASSERT_EQ(series.size(), 1u);
    EXPECT_EQ(read_column(*h.reader(second), series[0].id, "value").size(), 6u);
  }
  // The background thread, or the next start, takes the rows away.
  h.crash();
  const auto rows = h.store->iterate(bucket_begin(BucketRows::kChunks, first), bucket_end(BucketRows::kChunks, first));
  EXPECT_FALSE(rows->valid());
  EXPECT_EQ(h.engine->status().head_points, 0u);
}

TEST(Databases, AJournalThatRefusesChangesNothing) {
  EngineHarness h;
  h.journal.refuse(ErrorCode::kIoError);
  EXPECT_FALSE(h.engine->create_database("campus"));
  EXPECT_TRUE(h.engine->databases().empty());
  h.journal.accept();
  EXPECT_TRUE(h.engine->create_database("campus"));
}

}  // namespace
}  // namespace campanile::tsdb
