// The contract of kv/store.h, run against every implementation.

#include "kv/store.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <thread>

#include "base/random.h"
#include "kv/faulty_store.h"
#include "../journal/temporary_directory.h"

namespace campanile::kv {
namespace {

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<Store>(const std::filesystem::path&)> make;
};

class StoreTest : public testing::TestWithParam<Implementation> {
 protected:
  void SetUp() override {
    store = GetParam().make(directory.path());
    ASSERT_NE(store, nullptr);
  }

  void put(std::string_view key, std::string_view value) {
    WriteBatch batch;
    batch.put(key, value);
    ASSERT_TRUE(store->write(batch, Durability::kBuffered));
  }

  std::string get(std::string_view key, const Snapshot* at = nullptr) {
    const auto value = store->get(key, at);
    EXPECT_TRUE(value);
    return value && *value ? **value : "(none)";
  }

  std::string keys(std::string_view first, std::string_view last, const Snapshot* at = nullptr) {
    std::string all;
    const auto walk = store->iterate(first, last, at);
    for (; walk->valid(); walk->next()) all += std::string(walk->key()) + " ";
    EXPECT_TRUE(walk->status());
    return all;
  }

  TemporaryDirectory directory;
  std::unique_ptr<Store> store;
};

INSTANTIATE_TEST_SUITE_P(Implementations, StoreTest,
                         testing::Values(Implementation{"rocksdb",
                                                        [](const std::filesystem::path& path) {
                                                          auto store = open_rocksdb(path / "store", {});
                                                          return store ? std::move(*store) : nullptr;
                                                        }},
                                         Implementation{"memory", [](const std::filesystem::path&) { return make_memory_store(); }},
                                         Implementation{"faulty",
                                                        [](const std::filesystem::path&) -> std::unique_ptr<Store> {
                                                          return std::make_unique<FaultyStore>();
                                                        }}),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(StoreTest, GivesBackWhatWasPut) {
  put("a", "1");
  put("a", "2");
  put("empty", "");
  EXPECT_EQ(get("a"), "2");
  EXPECT_EQ(get("empty"), "");
  EXPECT_EQ(get("missing"), "(none)");
}

TEST_P(StoreTest, KeysAndValuesAreAnyBytes) {
  const std::string zeros("\0\0", 2);
  const std::string high("\xFF\xFE", 2);
  put(zeros, high);
  put(high, zeros);
  put("m", std::string(1 << 20, '\0'));
  EXPECT_EQ(get(zeros), high);
  EXPECT_EQ(get(high), zeros);
  EXPECT_EQ(get("m").size(), 1u << 20);
  // Unsigned: 0xFF is last.
  const auto walk = store->iterate("", "");
  EXPECT_EQ(walk->key(), zeros);
  walk->seek_for_previous("\xFF\xFF");
  ASSERT_TRUE(walk->valid());
  EXPECT_EQ(walk->key(), high);
}

TEST_P(StoreTest, ABatchAppliesInOrder) {
  put("a", "old");
  put("b", "old");
  WriteBatch batch;
  batch.put("a", "1");
  batch.erase("a");
  batch.erase("b");
  batch.put("b", "2");
  batch.put("c1", "x");
  batch.put("c2", "x");
  batch.erase_range("c", "d");
  batch.put("c2", "after");
  batch.erase("never there");
  ASSERT_TRUE(store->write(batch, Durability::kSynced));
  EXPECT_EQ(get("a"), "(none)");
  EXPECT_EQ(get("b"), "2");
  EXPECT_EQ(get("c1"), "(none)");
  EXPECT_EQ(get("c2"), "after");
  EXPECT_TRUE(store->write(WriteBatch(), Durability::kSynced)) << "an empty batch changes nothing";
}

TEST_P(StoreTest, EraseRangeLeavesItsEdges) {
  for (const char* key : {"a", "b", "b1", "c", "d"}) put(key, key);
  WriteBatch batch;
  batch.erase_range("b", "c");
  batch.erase_range("d", "d");
  batch.erase_range("z", "a");
  batch.erase_range("a", "");
  ASSERT_TRUE(store->write(batch, Durability::kSynced));
  EXPECT_EQ(keys("", ""), "a c d ");
}

TEST_P(StoreTest, WalksARangeBothWays) {
  for (const char* key : {"a", "b", "d", "e", "f"}) put(key, key);
  EXPECT_EQ(keys("b", "e"), "b d ");
  EXPECT_EQ(keys("", "b"), "a ");
  EXPECT_EQ(keys("c", ""), "d e f ");
  EXPECT_EQ(keys("x", ""), "");
  EXPECT_EQ(keys("c", "c"), "");
  EXPECT_EQ(keys("d", "b"), "");

  const auto walk = store->iterate("b", "f");
  walk->seek_for_previous("z");
  ASSERT_TRUE(walk->valid());
  EXPECT_EQ(walk->key(), "e");
  walk->previous();
  EXPECT_EQ(walk->key(), "d");
  EXPECT_EQ(walk->value(), "d");
  walk->previous();
  EXPECT_EQ(walk->key(), "b");
  walk->previous();
  EXPECT_FALSE(walk->valid()) << "a is before the range";
}

TEST_P(StoreTest, SeeksStopAtTheEdgesOfTheRange) {
  for (const char* key : {"a", "c", "e", "g"}) put(key, key);
  const auto walk = store->iterate("b", "f");
  ASSERT_TRUE(walk->valid());
  EXPECT_EQ(walk->key(), "c") << "it begins on the first key";
  walk->seek("a");
  EXPECT_EQ(walk->key(), "c");
  walk->seek("d");
  EXPECT_EQ(walk->key(), "e");
  walk->seek("e");
  EXPECT_EQ(walk->key(), "e");
  walk->seek("f");
  EXPECT_FALSE(walk->valid());
  walk->seek_for_previous("e");
  EXPECT_EQ(walk->key(), "e");
  walk->seek_for_previous("d");
  EXPECT_EQ(walk->key(), "c");
  walk->next();
  EXPECT_EQ(walk->key(), "e");
  walk->next();
  EXPECT_FALSE(walk->valid());
  walk->seek_for_previous("b");
  EXPECT_FALSE(walk->valid());
  walk->seek_for_previous("a");
  EXPECT_FALSE(walk->valid());
  walk->seek("");
  EXPECT_EQ(walk->key(), "c") << "a seek leads back";
}

TEST_P(StoreTest, ASnapshotAndAnIteratorKeepTheirMoment) {
  put("a", "1");
  put("b", "1");
  const auto before = store->snapshot();
  const auto walk = store->iterate("", "");
  put("a", "2");
  put("c", "2");
  WriteBatch batch;
  batch.erase_range("b", "c");
  ASSERT_TRUE(store->write(batch, Durability::kBuffered));

  EXPECT_EQ(get("a"), "2");
  EXPECT_EQ(get("b"), "(none)");
  EXPECT_EQ(get("a", before.get()), "1");
  EXPECT_EQ(get("b", before.get()), "1");
  EXPECT_EQ(get("c", before.get()), "(none)");
  EXPECT_EQ(keys("", "", before.get()), "a b ");
  EXPECT_EQ(keys("", ""), "a c ");
  walk->seek("a");
  ASSERT_TRUE(walk->valid());
  EXPECT_EQ(walk->value(), "1");
  walk->next();
  ASSERT_TRUE(walk->valid());
  EXPECT_EQ(walk->key(), "b");
  walk->next();
  EXPECT_FALSE(walk->valid());
}

TEST_P(StoreTest, BehavesAsAMapUnderRandomUse) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    WriteBatch clear;
    clear.erase_range("", "\xFF");
    ASSERT_TRUE(store->write(clear, Durability::kBuffered));
    std::map<std::string, std::string> expected;
    const auto key = [&] { return std::to_string(random.below(60)); };
    std::shared_ptr<const Snapshot> moment;
    std::map<std::string, std::string> at_moment;
    for (int step = 0; step < 60; ++step) {
      WriteBatch batch;
      for (uint64_t n = random.below(4); n > 0; --n) {
        const std::string a = key(), b = key(), value = std::to_string(random.next());
        switch (random.below(6)) {
          case 0:
            batch.erase_range(a, b);
            if (a < b) expected.erase(expected.lower_bound(a), expected.lower_bound(b));
            break;
          case 1:
            batch.erase(a);
            expected.erase(a);
            break;
          default:
            batch.put(a, value);
            expected[a] = value;
        }
      }
      ASSERT_TRUE(store->write(batch, random.one_in(10) ? Durability::kSynced : Durability::kBuffered));
      if (random.one_in(10)) {
        moment = store->snapshot();
        at_moment = expected;
      }
      const bool at = moment && random.one_in(2);
      const auto& model = at ? at_moment : expected;
      const std::string first = random.one_in(4) ? "" : key(), last = random.one_in(4) ? "" : key();
      std::string wanted, got;
      for (const auto& [k, v] : model) {
        if (k >= first && (last.empty() || k < last)) wanted += k + "=" + v + " ";
      }
      const auto walk = store->iterate(first, last, at ? moment.get() : nullptr);
      for (; walk->valid(); walk->next()) got += std::string(walk->key()) + "=" + std::string(walk->value()) + " ";
      ASSERT_EQ(got, wanted) << "from \"" << first << "\" to \"" << last << '"';
      const std::string probe = key();
      ASSERT_EQ(get(probe, at ? moment.get() : nullptr), model.contains(probe) ? model.at(probe) : "(none)");
    }
  }
}

TEST_P(StoreTest, WritersAndReadersMayRunAtOnce) {
  constexpr int kWriters = 3, kBatches = 100;
  std::vector<std::jthread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      for (int i = 0; i < kBatches; ++i) {
        // Two keys that always change together.
        WriteBatch batch;
        batch.put("a" + std::to_string(writer), std::to_string(i));
        batch.put("b" + std::to_string(writer), std::to_string(i));
        EXPECT_TRUE(store->write(batch, Durability::kBuffered));
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < kBatches; ++i) {
      const auto moment = store->snapshot();
      for (int writer = 0; writer < kWriters; ++writer) {
        const auto a = store->get("a" + std::to_string(writer), moment.get());
        const auto b = store->get("b" + std::to_string(writer), moment.get());
        EXPECT_TRUE(a && b && *a == *b);
      }
      for (auto walk = store->iterate("", ""); walk->valid(); walk->next()) EXPECT_FALSE(walk->key().empty());
    }
  });
  threads.clear();
  EXPECT_EQ(keys("", ""), "a0 a1 a2 b0 b1 b2 ");
  EXPECT_TRUE(store->sync());
  EXPECT_GT(store->disk_bytes(), 0u);
}

}  // namespace
}  // namespace campanile::kv
