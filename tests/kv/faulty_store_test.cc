#include "kv/faulty_store.h"

#include <gtest/gtest.h>

namespace campanile::kv {
namespace {

Result<void> put(Store& store, std::string_view key, Durability durability = Durability::kBuffered) {
  WriteBatch batch;
  batch.put(key, key);
  return store.write(batch, durability);
}

bool has(const Store& store, std::string_view key) {
  const auto value = store.get(key);
  return value && *value;
}

TEST(FaultyStore, FailsTheWritesItWasToldTo) {
  FaultyStore store;
  store.fail_writes({ErrorCode::kIoError, "full"}, 1, 2);
  EXPECT_TRUE(put(store, "a"));
  const auto refused = put(store, "b");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "full");
  EXPECT_FALSE(store.sync());
  EXPECT_TRUE(put(store, "c"));
  EXPECT_TRUE(has(store, "a"));
  EXPECT_FALSE(has(store, "b"));
  EXPECT_TRUE(has(store, "c"));
  EXPECT_EQ(store.writes(), 2u);
}

TEST(FaultyStore, FailsReadsUntilHealed) {
  FaultyStore store;
  ASSERT_TRUE(put(store, "a"));
  store.fail_reads({ErrorCode::kCorrupt, "bad block"});
  EXPECT_FALSE(store.get("a"));
  const auto walk = store.iterate("", "");
  EXPECT_FALSE(walk->valid());
  EXPECT_FALSE(walk->status());
  store.heal();
  EXPECT_TRUE(has(store, "a"));
  EXPECT_TRUE(store.iterate("", "")->valid());
}

TEST(FaultyStore, CallsBeforeTheAttemptThatWasNamed) {
  FaultyStore store;
  int calls = 0;
  store.call_before(2, [&] {
    ++calls;
    EXPECT_FALSE(has(store, "c"));
    EXPECT_EQ(store.attempts(), 3u);
  });
  ASSERT_TRUE(put(store, "a"));
  ASSERT_TRUE(store.sync());
  EXPECT_EQ(calls, 0);
  ASSERT_TRUE(put(store, "c"));
  ASSERT_TRUE(put(store, "d"));
  EXPECT_EQ(calls, 1);
}

TEST(FaultyStore, APowerCutTakesUnsyncedWritesFromTheEnd) {
  size_t outcomes[3] = {};
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    FaultyStore store;
    ASSERT_TRUE(put(store, "a"));
    ASSERT_TRUE(put(store, "b", Durability::kSynced));
    ASSERT_TRUE(put(store, "c"));
    ASSERT_TRUE(put(store, "d"));
    const auto survivor = store.after_power_cut(random);
    EXPECT_TRUE(has(*survivor, "a"));
    EXPECT_TRUE(has(*survivor, "b"));
    EXPECT_TRUE(has(*survivor, "c") || !has(*survivor, "d"));
    ++outcomes[has(*survivor, "c") + has(*survivor, "d")];
    // What survived one cut survives the next.
    const auto again = survivor->after_power_cut(random);
    EXPECT_EQ(has(*survivor, "d"), has(*again, "d"));
  }
  for (const size_t outcome : outcomes) EXPECT_GT(outcome, 0u);
}

}  // namespace
}  // namespace campanile::kv
