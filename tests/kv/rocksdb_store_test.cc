// What only the store on disk does: it is there again after a reopening, refuses a second user and says what is wrong with its files.

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "base/random.h"
#include "kv/store.h"
#include "kv/stored_rows.h"
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

TEST(RocksDbStore, GivesBackTheRoomOfWhatWasOverwritten) {
  TemporaryDirectory directory;
  const auto store = open_rocksdb(directory.path(), {});
  ASSERT_TRUE(store);
  Random random(1);
  for (int round = 0; round < 4; ++round) {
    WriteBatch batch;
    for (int key = 0; key < 100; ++key) {
      std::string value(1000, '\0');
      for (char& byte : value) byte = static_cast<char>(random.next());
      batch.put(std::to_string(key), value);
    }
    ASSERT_TRUE((*store)->write(batch, Durability::kSynced));
  }
  EXPECT_GT((*store)->disk_bytes(), 400'000u);
  ASSERT_TRUE((*store)->compact());
  // RocksDB deletes files a moment later.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while ((*store)->disk_bytes() > 130'000 && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_LE((*store)->disk_bytes(), 130'000u);
  EXPECT_EQ((*store)->get("99").value()->size(), 1000u);
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

TEST(RocksDbStore, TellsWhatItHoldsInMemory) {
  TemporaryDirectory directory;
  const auto store = open_rocksdb(directory.path(), {});
  ASSERT_TRUE(store);
  const auto before = (*store)->memory().write_buffers;
  WriteBatch batch;
  batch.put("key", std::string(4u << 20, 'x'));
  ASSERT_TRUE((*store)->write(batch, Durability::kBuffered));
  EXPECT_GE((*store)->memory().write_buffers, before + (4u << 20));
}

// While it lives no file of this process takes another byte: a disk that answers with errors, to whoever needs no special rights.
class RefusingDisk {
 public:
  RefusingDisk() {
    std::signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  }
  ~RefusingDisk() { EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &before_), 0); }

 private:
  rlimit before_{};
};

// Faults that are no lack of space too: RocksDB by itself would not write again before it is opened anew.
TEST(RocksDbStore, WritesAgainOnceTheDiskDoes) {
  TemporaryDirectory directory;
  auto store = open_rocksdb(directory.path(), {});
  ASSERT_TRUE(store);
  const auto write = [&](int first, int count, Durability durability) {
    WriteBatch batch;
    for (int i = first; i < first + count; ++i) batch.put("key " + std::to_string(i), std::string(1000, 'x'));
    return (*store)->write(batch, durability);
  };
  int written = 0;
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(write(written, 200, round % 2 ? Durability::kSynced : Durability::kBuffered));
    written += 200;
    {
      const RefusingDisk refusing;
      const auto refused = write(1'000'000, 200, Durability::kSynced);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, ErrorCode::kIoError);
      EXPECT_FALSE(write(1'000'000, 1, Durability::kBuffered));
      EXPECT_TRUE((*store)->get("key 0").value().has_value());
    }
    if (round == 1) {
      // Well for a moment only, in which nothing but what was in memory is written.
      WriteBatch nothing;
      EXPECT_TRUE((*store)->write(nothing, Durability::kBuffered));
      const RefusingDisk refusing;
      EXPECT_FALSE(write(1'000'000, 1, Durability::kSynced));
      EXPECT_FALSE(write(1'000'000, 1, Durability::kSynced));
    }
    // Background work may still be told of the fault while the disk is well again.
    Result<void> again;
    for (int attempt = 0; attempt < 100 && !(again = write(written, 1, Durability::kSynced)); ++attempt) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    ASSERT_TRUE(again) << again.error().message;
    ++written;
  }
  store->reset();
  store = open_rocksdb(directory.path(), {});
  ASSERT_TRUE(store) << store.error().message;
  for (int i = 0; i < written; ++i) ASSERT_TRUE((*store)->get("key " + std::to_string(i)).value().has_value()) << i;
}

// With nothing in memory RocksDB would go on in the log that has failed, which ends the process.
TEST(RocksDbStore, WritesAgainWhereTheFirstWriteAfterAFlushWasRefused) {
  using Flush = std::function<Result<void>(Store&, const TemporaryDirectory&)>;
  const std::vector<Flush> flushes = {[](Store&, const TemporaryDirectory&) { return Result<void>(); },
                                      [](Store& store, const TemporaryDirectory&) { return store.compact(); },
                                      [](Store& store, const TemporaryDirectory& other) { return store.checkpoint(other.path() / "copy"); }};
  for (const Flush& flush : flushes) {
    TemporaryDirectory directory, other;
    auto store = open_rocksdb(directory.path(), {});
    ASSERT_TRUE(store);
    WriteBatch batch;
    batch.put("key", "value");
    if (&flush != &flushes[0]) {
      ASSERT_TRUE((*store)->write(batch, Durability::kBuffered));
    }
    ASSERT_TRUE(flush(**store, other));
    {
      const RefusingDisk refusing;
      EXPECT_FALSE((*store)->write(batch, Durability::kSynced));
    }
    Result<void> again;
    for (int attempt = 0; attempt < 100 && !(again = (*store)->write(batch, Durability::kSynced)); ++attempt) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ASSERT_TRUE(again) << again.error().message;
  }
}

TEST(RocksDbStore, ACheckpointIsAStoreOfThatMoment) {
  TemporaryDirectory directory;
  auto store = open_rocksdb(directory.path() / "store", {});
  ASSERT_TRUE(store);
  const auto put = [&](std::string_view key, std::string_view value) {
    WriteBatch batch;
    batch.put(key, value);
    ASSERT_TRUE((*store)->write(batch, Durability::kBuffered));
  };
  put("a", "before");
  const auto made = (*store)->checkpoint(directory.path() / "checkpoint");
  ASSERT_TRUE(made) << made.error().message;
  put("a", "after");
  put("b", "after");

  ASSERT_TRUE(check_rocksdb(directory.path() / "checkpoint"));
  auto copy = open_rocksdb(directory.path() / "checkpoint", {});
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ((*copy)->get("a").value(), "before");
  EXPECT_EQ((*copy)->get("b").value(), std::nullopt);
  EXPECT_EQ((*store)->get("a").value(), "after");
}

TEST(RocksDbStore, ACheckpointOverAnotherIsRefusedAndHarmsNeither) {
  TemporaryDirectory directory;
  auto store = open_rocksdb(directory.path() / "store", {});
  ASSERT_TRUE(store);
  WriteBatch batch;
  batch.put("a", "1");
  ASSERT_TRUE((*store)->write(batch, Durability::kSynced));
  ASSERT_TRUE((*store)->checkpoint(directory.path() / "checkpoint"));
  EXPECT_FALSE((*store)->checkpoint(directory.path() / "checkpoint"));
  EXPECT_TRUE(check_rocksdb(directory.path() / "checkpoint"));
  EXPECT_TRUE((*store)->write(batch, Durability::kSynced)) << "the store goes on";
  EXPECT_TRUE((*store)->checkpoint(directory.path() / "another"));
}

TEST(RocksDbStore, ACheckFindsADamagedTable) {
  TemporaryDirectory directory;
  {
    auto store = open_rocksdb(directory.path() / "store", {});
    ASSERT_TRUE(store);
    WriteBatch batch;
    for (int i = 0; i < 1000; ++i) batch.put("key " + std::to_string(i), std::string(100, static_cast<char>('a' + i % 26)));
    ASSERT_TRUE((*store)->write(batch, Durability::kSynced));
    ASSERT_TRUE((*store)->checkpoint(directory.path() / "checkpoint"));
  }
  std::filesystem::path table;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path() / "checkpoint")) {
    if (entry.path().extension() == ".sst") table = entry.path();
  }
  ASSERT_FALSE(table.empty());
  ASSERT_TRUE(check_rocksdb(directory.path() / "checkpoint"));
  std::fstream(table, std::ios::in | std::ios::out).seekp(200) << "damage";
  const auto checked = check_rocksdb(directory.path() / "checkpoint");
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::kCorrupt) << checked.error().message;
}

TEST(RocksDbStore, RowsAreReadInOrderWithoutWriting) {
  TemporaryDirectory directory;
  {
    auto store = open_rocksdb(directory.path() / "store", {});
    ASSERT_TRUE(store);
    WriteBatch batch;
    batch.put("b", "2");
    batch.put("a", "1");
    batch.put("c", "3");
    batch.erase("b");
    ASSERT_TRUE((*store)->write(batch, Durability::kSynced));
  }
  const auto names = [&] {
    std::set<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path() / "store")) out.insert(entry.path().filename().string());
    return out;
  };
  const auto before = names();
  std::string rows;
  ASSERT_TRUE(read_stored_rows(directory.path() / "store", [&](std::string_view key, std::string_view value) { rows += fmt::format("{}={} ", key, value); }));
  EXPECT_EQ(rows, "a=1 c=3 ");
  EXPECT_EQ(names(), before);
  EXPECT_FALSE(read_stored_rows(directory.path() / "nothing", [](std::string_view, std::string_view) {}));
}

TEST(RocksDbStore, SaysWhereItCannotBe) {
  TemporaryDirectory directory;
  std::ofstream(directory.path() / "file") << "not a directory";
  const auto store = open_rocksdb(directory.path() / "file", {});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kIoError);
}

// A store that has been closed, with "1" under "a" in a table.
void make_store(const std::filesystem::path& path) {
  auto store = open_rocksdb(path, {});
  ASSERT_TRUE(store);
  WriteBatch batch;
  batch.put("a", "1");
  ASSERT_TRUE((*store)->write(batch, Durability::kSynced));
  ASSERT_TRUE((*store)->compact());
}

TEST(RocksDbStore, CallsDamageCorrupt) {
  TemporaryDirectory directory;
  make_store(directory.path());
  std::ofstream(directory.path() / "CURRENT") << "MANIFEST-nonsense\n";
  const auto store = open_rocksdb(directory.path(), {});
  ASSERT_FALSE(store);
  EXPECT_TRUE(store.error().code == ErrorCode::kCorrupt || store.error().code == ErrorCode::kIoError) << store.error().message;
}

// Without CURRENT and a log RocksDB would begin anew, and remove the tables.
TEST(RocksDbStore, TablesWithoutAListAreNotTakenForNothing) {
  TemporaryDirectory directory;
  make_store(directory.path());
  std::vector<std::filesystem::path> gone = {directory.path() / "CURRENT"};
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    if (entry.path().extension() == ".log") gone.push_back(entry.path());
  }
  for (const auto& path : gone) std::filesystem::remove(path);
  const auto refused = open_rocksdb(directory.path(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(refused.error().message.find("CURRENT is missing"), std::string::npos) << refused.error().message;
  ASSERT_TRUE(repair_rocksdb(directory.path()));
  const auto repaired = open_rocksdb(directory.path(), {});
  ASSERT_TRUE(repaired);
  EXPECT_EQ((*repaired)->get("a").value(), std::optional<std::string>("1"));
  EXPECT_EQ((*repaired)->get("b").value(), std::nullopt);
}

}  // namespace
}  // namespace campanile::kv
