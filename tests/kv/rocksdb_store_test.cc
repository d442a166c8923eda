// What only the store on disk does: it is there again after a reopening, refuses a second user and says what is wrong with its files.

#include <gtest/gtest.h>

#include <fstream>

#include "kv/store.h"
#include "../journal/temporary_directory.h"

namespace campanile::kv {
namespace {

TEST(RocksDbStore, IsThereAgainAfterAReopening) {
  TemporaryDirectory directory;
  for (int round = 0; round < 3; ++round) {
    auto store = open_rocksdb(directory.path() / "a" / "b", {});
    ASSERT_TRUE(store) << store.error().message;
    for (int earlier = 0; earlier < round; ++earlier) {
      const auto value = (*store)->get("round " + std::to_string(earlier));
      ASSERT_TRUE(value && *value) << earlier;
    }
    WriteBatch batch;
    batch.put("round " + std::to_string(round), "x");
    ASSERT_TRUE((*store)->write(batch, round % 2 ? Durability::kSynced : Durability::kBuffered));
  }
}

TEST(RocksDbStore, IsBusyForASecondUser) {
  TemporaryDirectory directory;
  const auto first = open_rocksdb(directory.path(), {});
  ASSERT_TRUE(first);
  const auto second = open_rocksdb(directory.path(), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(second.error().message.find(directory.path().string()), std::string::npos) << second.error().message;
}

TEST(RocksDbStore, SaysWhereItCannotBe) {
  TemporaryDirectory directory;
  std::ofstream(directory.path() / "file") << "not a directory";
  const auto store = open_rocksdb(directory.path() / "file", {});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kIoError);
}

TEST(RocksDbStore, CallsDamageCorrupt) {
  TemporaryDirectory directory;
  {
    auto store = open_rocksdb(directory.path(), {});
    ASSERT_TRUE(store);
    WriteBatch batch;
    batch.put("a", "1");
    ASSERT_TRUE((*store)->write(batch, Durability::kSynced));
  }
  std::ofstream(directory.path() / "CURRENT") << "MANIFEST-nonsense\n";
  const auto store = open_rocksdb(directory.path(), {});
  ASSERT_FALSE(store);
  EXPECT_TRUE(store.error().code == ErrorCode::kCorrupt || store.error().code == ErrorCode::kIoError) << store.error().message;
}

}  // namespace
}  // namespace campanile::kv
