// What is too old goes, and nothing that is still needed goes with it.
#include <gtest/gtest.h>

#include "engine_harness.h"

namespace campanile::tsdb {
namespace {

constexpr int64_t kHour = 3600 * kSecond;

// A bucket that keeps a day.
BucketId day_bucket(EngineHarness& h) {
  EXPECT_TRUE(h.engine->create_database("campus"));
  EXPECT_TRUE(h.engine->create_retention_policy("campus", {.name = "day", .duration_ns = 24 * kHour, .is_default = true}));
  return h.engine->bucket("campus", "").value();
}

// Rows of the fields, at uneven times so that a block of them is worth sharing.
void write_rows(EngineHarness& h, BucketId bucket, const std::vector<std::string_view>& fields, int64_t from_ns, int count) {
  Random random(5);
  Points points;
  for (int i = 0; i < count; ++i) {
    std::vector<Field> made;
    for (const std::string_view field : fields) made.push_back({field, FieldValue::of_float(i)});
    points.add("data", {{"room", "302"}}, made, from_ns + i * kSecond + random.between(0, kSecond - 1));
  }
  h.write(bucket, points.batch);
  ASSERT_TRUE(h.engine->seal_all());
}

size_t chunks(EngineHarness& h) {
  size_t count = 0;
  for (const auto it = h.store->iterate("d", "e"); it->valid(); it->next()) ++count;
  return count;
}

TEST(Retention, KeepsTheTimesOfADamagedChunk) {
  EngineHarness h;
  const BucketId bucket = day_bucket(h);
  write_rows(h, bucket, {"a", "b"}, kNow, 200);
  ASSERT_EQ(chunks(h), 3u) << "times are shared";
  const OwnedColumn before = read_column(*h.reader(bucket), 1, "a");
  const std::string key = chunk_key({bucket, 1, 1, before.begin()->first, 1});
  const std::string mended = *h.store->get(key).value();
  std::string damaged = mended;
  damaged[damaged.size() / 2] ^= 1;
  kv::WriteBatch damage;
  damage.put(key, damaged);
  ASSERT_TRUE(h.store->write(damage, kv::Durability::kSynced));
  h.clock.advance_ns(48 * kHour);
  ASSERT_TRUE(h.engine->sealer().enforce_retention());
  EXPECT_EQ(chunks(h), 2u);
  kv::WriteBatch mending;
  mending.put(key, mended);
  ASSERT_TRUE(h.store->write(mending, kv::Durability::kSynced));
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "a"), before);
  ASSERT_TRUE(h.engine->sealer().enforce_retention());
  EXPECT_EQ(chunks(h), 0u);
}

TEST(Retention, AChunkBehindALongerOneDoesNotLoseItsTimesAlone) {
  EngineHarness h({.chunk_points_max = 201});  // so that the second chunks are not merged with the first
  const BucketId bucket = day_bucket(h);
  // A chunk that reaches far: "a" alone, first a moment before the others and then a day after them.
  Points far;
  far.add("data", {{"room", "302"}}, {{"a", FieldValue::of_float(-1)}}, kNow - kSecond);
  far.add("data", {{"room", "302"}}, {{"a", FieldValue::of_float(-2)}}, kNow + 24 * kHour);
  h.write(bucket, far.batch);
  ASSERT_TRUE(h.engine->seal_all());
  write_rows(h, bucket, {"a", "b"}, kNow, 200);
  ASSERT_EQ(chunks(h), 4u);
  h.clock.advance_ns(36 * kHour);
  ASSERT_TRUE(h.engine->sealer().enforce_retention());
  EXPECT_EQ(chunks(h), 1u);
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "a").size(), 2u);
}

}  // namespace
}  // namespace campanile::tsdb
