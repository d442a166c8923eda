#include "ingest/rejected.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "kv/faulty_store.h"
#include "tests/ingest/fakes.h"

namespace campanile::ingest {
namespace {

class Rejected : public testing::Test {
 protected:
  std::unique_ptr<RejectedStore> open(const RejectedOptions& options = {}) {
    auto rejected = RejectedStore::open(options, *store_);
    EXPECT_TRUE(rejected.has_value());
    return std::move(*rejected);
  }
  // As the program would after a crash: what the store holds, then the whole journal again.
  std::unique_ptr<RejectedStore> reopen(const RejectedOptions& options = {}) {
    auto rejected = open(options);
    for (size_t i = 0; i < journal_.records.size(); ++i) {
      EXPECT_TRUE(rejected->replay({journal_.records[i].first, journal_.records[i].second, i + 1}).has_value());
    }
    rejected->start(journal_, nullptr);
    return rejected;
  }
  static RejectedMessage message(int number, std::string reason = "value is null") {
    return {.time_ns = number, .topic = "t/" + std::to_string(number), .decoder = "json", .reason = std::move(reason), .payload = "payload"};
  }
  static std::string topics(const RejectedPage& page) {
    std::string out;
    for (const auto& kept : page.messages) out += (out.empty() ? "" : " ") + kept.topic;
    return out;
  }

  std::unique_ptr<kv::Store> store_ = kv::make_memory_store();
  FakeJournal journal_;
};

TEST_F(Rejected, ListsNewestFirstInPages) {
  const auto rejected = open();
  rejected->start(journal_, nullptr);
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(rejected->add(message(i)).value(), static_cast<journal::Lsn>(i));
  EXPECT_EQ(topics(rejected->list(2, 0).value()), "t/5 t/4");
  const auto page = rejected->list(2, 4).value();
  EXPECT_EQ(topics(page), "t/3 t/2");
  EXPECT_EQ(page.messages[0].id, 3u);
  EXPECT_EQ(page.messages[0].payload_bytes, 7u);
  EXPECT_EQ(page.total, 5u);
  EXPECT_EQ(page.kept, 5u);
  EXPECT_EQ(topics(rejected->list(10, 1).value()), "");
}

// No checkpoint and no further message is needed for it, so that the program is well again when the disk is.
TEST_F(Rejected, MovesAgainWhatTheDiskRefused) {
  auto owned = std::make_unique<kv::FaultyStore>();
  kv::FaultyStore& disk = *owned;
  store_ = std::move(owned);
  WorkerPool workers({.threads = 1});
  const auto rejected = open();
  rejected->start(journal_, &workers);
  disk.fail_writes({ErrorCode::kIoError, "read-only file system"});
  ASSERT_TRUE(rejected->add(message(1)).has_value());
  EXPECT_FALSE(rejected->flush(kv::Durability::kBuffered));
  EXPECT_EQ(rejected->failure(), "read-only file system");
  EXPECT_EQ(topics(rejected->list(10, 0).value()), "t/1");
  disk.heal();
  const uint64_t before = disk.writes();
  while (!rejected->failure().empty()) {
    rejected->flush_again();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(disk.writes(), before + 1);
  rejected->flush_again();
  workers.stop();
  EXPECT_EQ(disk.writes(), before + 1);
  EXPECT_EQ(topics(rejected->list(10, 0).value()), "t/1");
}

TEST_F(Rejected, PagesRunFromMemoryIntoTheStore) {
  const auto rejected = open();
  rejected->start(journal_, nullptr);
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(rejected->add(message(i)).has_value());
  ASSERT_TRUE(rejected->flush(kv::Durability::kBuffered).has_value());
  for (int i = 4; i <= 5; ++i) ASSERT_TRUE(rejected->add(message(i)).has_value());
  EXPECT_EQ(topics(rejected->list(10, 0).value()), "t/5 t/4 t/3 t/2 t/1");
  EXPECT_EQ(topics(rejected->list(3, 5).value()), "t/4 t/3 t/2");
  EXPECT_EQ(topics(rejected->list(3, 2).value()), "t/1");
  EXPECT_EQ(topics(rejected->list(0, 0).value()), "");
}

TEST_F(Rejected, SurvivesACrashAtAnyPoint) {
  for (int flushed = 0; flushed <= 4; ++flushed) {
    SCOPED_TRACE(flushed);
    store_ = kv::make_memory_store();
    journal_.records.clear();
    {
      const auto rejected = open();
      rejected->start(journal_, nullptr);
      for (int i = 1; i <= 4; ++i) {
        ASSERT_TRUE(rejected->add(message(i, i % 2 == 0 ? "even" : "odd")).has_value());
        if (i == flushed) {
          ASSERT_TRUE(rejected->flush(kv::Durability::kBuffered).has_value());
        }
      }
    }
    const auto rejected = reopen();
    const auto page = rejected->list(10, 0).value();
    EXPECT_EQ(topics(page), "t/4 t/3 t/2 t/1");
    EXPECT_EQ(page.total, 4u);
    EXPECT_EQ(page.by_reason, (std::vector<std::pair<std::string, uint64_t>>{{"even", 2}, {"odd", 2}}));
    ASSERT_TRUE(rejected->add(message(5)).has_value());
    EXPECT_EQ(rejected->list(1, 0).value().messages[0].id, 5u);
  }
}

TEST_F(Rejected, ACheckpointLetsGoOfTheJournal) {
  {
    const auto rejected = open();
    rejected->start(journal_, nullptr);
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(rejected->add(message(i)).has_value());
    EXPECT_EQ(rejected->checkpoint().value(), 3u);
  }
  journal_.records.clear();
  EXPECT_EQ(topics(reopen()->list(10, 0).value()), "t/3 t/2 t/1");
}

TEST_F(Rejected, TheOldestGoBeyondTheLimitsAndAreCounted) {
  const auto rejected = open({.bytes_max = 1 << 20, .count_max = 10});
  rejected->start(journal_, nullptr);
  for (int i = 1; i <= 25; ++i) {
    ASSERT_TRUE(rejected->add(message(i)).has_value());
    if (i % 4 == 0) {
      ASSERT_TRUE(rejected->flush(kv::Durability::kBuffered).has_value());
    }
  }
  ASSERT_TRUE(rejected->checkpoint().has_value());
  const auto counts = rejected->counts();
  EXPECT_EQ(counts.total, 25u);
  EXPECT_LE(counts.kept, 10u);
  EXPECT_GE(counts.kept, 9u);
  EXPECT_EQ(counts.kept + counts.dropped, 25u);
  const auto page = rejected->list(100, 0).value();
  EXPECT_EQ(page.messages.size(), counts.kept);
  EXPECT_EQ(page.messages.front().topic, "t/25");
  const auto again = reopen({.bytes_max = 1 << 20, .count_max = 10});
  EXPECT_EQ(again->counts().kept, counts.kept);
  EXPECT_EQ(again->counts().dropped, counts.dropped);
}

TEST_F(Rejected, OneFlushMayDropWhatItBrings) {
  const auto rejected = open({.bytes_max = 2000, .count_max = 1000});
  rejected->start(journal_, nullptr);
  for (int i = 1; i <= 100; ++i) ASSERT_TRUE(rejected->add(message(i)).has_value());
  ASSERT_TRUE(rejected->checkpoint().has_value());
  const auto page = rejected->list(1000, 0).value();
  EXPECT_GT(page.messages.size(), 10u);
  EXPECT_LT(page.messages.size(), 60u);
  EXPECT_EQ(page.messages.front().topic, "t/100");
  EXPECT_EQ(page.messages.size(), rejected->counts().kept);
}

TEST_F(Rejected, LargePayloadsAreCutAndSaySo) {
  const auto rejected = open();
  rejected->start(journal_, nullptr);
  auto large = message(1);
  large.payload.assign(RejectedStore::kPayloadBytesKeptMax + 5, 'x');
  ASSERT_TRUE(rejected->add(large).has_value());
  const auto page = rejected->list(1, 0).value();
  EXPECT_EQ(page.messages[0].payload.size(), RejectedStore::kPayloadBytesKeptMax);
  EXPECT_EQ(page.messages[0].payload_bytes, RejectedStore::kPayloadBytesKeptMax + 5);
}

TEST_F(Rejected, RefusesWhenTheJournalDoesAndLosesNoId) {
  const auto rejected = open();
  rejected->start(journal_, nullptr);
  journal_.failure = Error{ErrorCode::kOverloaded, "full"};
  EXPECT_EQ(rejected->add(message(1)).error().code, ErrorCode::kOverloaded);
  EXPECT_EQ(rejected->counts().total, 0u);
  journal_.failure.reset();
  ASSERT_TRUE(rejected->add(message(2)).has_value());
  EXPECT_EQ(rejected->list(10, 0).value().messages[0].id, 1u);
}

TEST_F(Rejected, MemoryIsBoundedWhileNothingFlushes) {
  const auto rejected = open();
  rejected->start(journal_, nullptr);
  auto large = message(1);
  large.payload.assign(RejectedStore::kPayloadBytesKeptMax, 'x');
  int added = 0;
  while (rejected->add(large).has_value()) ASSERT_LT(++added, 100);
  EXPECT_EQ(rejected->add(large).error().code, ErrorCode::kOverloaded);
  ASSERT_TRUE(rejected->flush(kv::Durability::kBuffered).has_value());
  EXPECT_TRUE(rejected->add(large).has_value());
}

TEST_F(Rejected, WorkersFlushWhileThreadsAddAndList) {
  WorkerPool workers({.threads = 1, .queue_max = 16});
  const auto rejected = open({.bytes_max = 4 << 20, .count_max = 100'000});
  rejected->start(journal_, &workers);
  auto add_many = [&] {
    for (int i = 0; i < 300; ++i) {
      auto one = message(i);
      one.payload.assign(20'000, 'x');
      ASSERT_TRUE(rejected->add(std::move(one)).has_value());
    }
  };
  std::thread a(add_many);
  std::thread b(add_many);
  for (int i = 0; i < 50; ++i) {
    const auto page = rejected->list(20, 0).value();
    for (size_t k = 1; k < page.messages.size(); ++k) ASSERT_EQ(page.messages[k].id + 1, page.messages[k - 1].id);
  }
  a.join();
  b.join();
  workers.stop();
  ASSERT_TRUE(rejected->checkpoint().has_value());
  EXPECT_EQ(rejected->counts().total, 600u);
  EXPECT_EQ(rejected->counts().kept + rejected->counts().dropped, 600u);
  EXPECT_EQ(rejected->list(1000, 0).value().messages.size(), rejected->counts().kept);
}

TEST_F(Rejected, ReasonsAreBoundedInNumber) {
  const auto rejected = open();
  rejected->start(journal_, nullptr);
  for (int i = 0; i < 200; ++i) {
    std::string reason = "reason ";
    for (int k = 0; k <= i; ++k) reason += 'a';
    ASSERT_TRUE(rejected->add(message(i, reason)).has_value());
  }
  const auto page = rejected->list(0, 0).value();
  EXPECT_EQ(page.by_reason.size(), RejectedStore::kReasonsMax + 1);
  EXPECT_EQ(page.by_reason[0].first, "other reasons");
  uint64_t sum = 0;
  for (const auto& [reason, count] : page.by_reason) sum += count;
  EXPECT_EQ(sum, 200u);
}

TEST(ReasonClass, LeavesOutWhatDiffers) {
  EXPECT_EQ(reason_class("value 'abc' is not a number, which temperature has to be"), "value '…' is not a number, which temperature has to be");
  EXPECT_EQ(reason_class("line 12: unable to parse 'it's 5 o'clock': missing fields"), "line N: unable to parse '…': missing fields");
  EXPECT_EQ(reason_class("don't"), "don't");
  EXPECT_EQ(reason_class(""), "");
}

}  // namespace
}  // namespace campanile::ingest
