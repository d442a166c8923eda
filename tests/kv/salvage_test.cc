#include "kv/salvage.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace campanile::kv {
namespace {

// A store whose walks end with an error where they come into damaged ranges of keys, as RocksDB's do.
class DamagedStore final : public Store {
 public:
  explicit DamagedStore(std::map<std::string, std::string> rows) : rows_(std::move(rows)) {}

  // Both keys belong to the range.
  void damage(std::string first, std::string last) { damages_.emplace_back(std::move(first), std::move(last)); }
  bool is_damaged(const std::string& key) const {
    for (const auto& [first, last] : damages_) {
      if (first <= key && key <= last) return true;
    }
    return false;
  }

  std::unique_ptr<Iterator> iterate(std::string_view first, std::string_view, const Snapshot*) const override {
    return std::make_unique<Walk>(*this, rows_.lower_bound(std::string(first)));
  }
  Result<std::optional<std::string>> get(std::string_view, const Snapshot*) const override { return std::nullopt; }
  Result<void> write(const WriteBatch&, Durability) override { return {}; }
  std::shared_ptr<const Snapshot> snapshot() const override { return nullptr; }
  Result<void> sync() override { return {}; }
  uint64_t disk_bytes() const override { return 0; }
  Result<void> checkpoint(const std::filesystem::path&) override { return {}; }
  StoreMemory memory() const override { return {}; }

 private:
  class Walk final : public Iterator {
   public:
    Walk(const DamagedStore& store, std::map<std::string, std::string>::const_iterator at) : store_(store), at_(at) { look(); }
    void seek(std::string_view) override {}
    void seek_for_previous(std::string_view) override {}
    void next() override {
      ++at_;
      look();
    }
    void previous() override {}
    bool valid() const override { return !failed_ && at_ != store_.rows_.end(); }
    std::string_view key() const override { return at_->first; }
    std::string_view value() const override { return at_->second; }
    Result<void> status() const override { return failed_ ? Result<void>(fail(ErrorCode::kCorrupt, "a block is damaged")) : Result<void>(); }

   private:
    void look() { failed_ = at_ != store_.rows_.end() && store_.is_damaged(at_->first); }
    const DamagedStore& store_;
    std::map<std::string, std::string>::const_iterator at_;
    bool failed_ = false;
  };

  std::map<std::string, std::string> rows_;
  std::vector<std::pair<std::string, std::string>> damages_;
};

std::map<std::string, std::string> random_rows(Random& random) {
  std::map<std::string, std::string> rows;
  for (uint64_t i = random.between(0, 300); i > 0; --i) {
    std::string key;
    for (uint64_t bytes = random.between(1, 31); bytes > 0; --bytes) key += static_cast<char>(random.one_in(3) ? random.below(256) : random.below(3));
    rows[key + 'x'] = std::to_string(i);  // keys that only zeros at their ends tell apart are nobody's
  }
  return rows;
}

TEST(Salvage, ReadsEverythingOfAWholeStore) {
  Random random(1);
  const auto rows = random_rows(random);
  std::map<std::string, std::string> read;
  EXPECT_TRUE(salvage(DamagedStore(rows), [&](std::string_view key, std::string_view value) { read.emplace(key, value); }).empty());
  EXPECT_EQ(read, rows);
  EXPECT_TRUE(salvage(DamagedStore({}), [](std::string_view, std::string_view) {}).empty());
}

// Of one damaged block nothing is lost but what is in it.
TEST(Salvage, LosesTheDamagedBlockAlone) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    auto rows = random_rows(random);
    if (rows.empty()) continue;
    DamagedStore store(rows);
    const uint64_t first = random.below(rows.size());
    const uint64_t last = std::min<uint64_t>(rows.size() - 1, first + random.below(20));
    store.damage(std::next(rows.begin(), static_cast<ptrdiff_t>(first))->first, std::next(rows.begin(), static_cast<ptrdiff_t>(last))->first);
    std::map<std::string, std::string> read;
    const auto lost = salvage(store, [&](std::string_view key, std::string_view value) { read.emplace(key, value); });
    ASSERT_EQ(lost.size(), 1u);
    EXPECT_EQ(lost[0].why, "a block is damaged");
    EXPECT_EQ(lost[0].before, last + 1 == rows.size() ? "" : std::next(rows.begin(), static_cast<ptrdiff_t>(last + 1))->first);
    std::erase_if(rows, [&](const auto& row) { return store.is_damaged(row.first); });
    EXPECT_EQ(read, rows);
  }
}

// Of several, what is between them may go too; what is before the first and behind the last is read.
TEST(Salvage, ComesPastSeveralDamagedBlocks) {
  std::map<std::string, std::string> rows;
  for (int i = 0; i < 100; ++i) rows[fmt::format("{:03}", i)] = "x";
  DamagedStore store(rows);
  for (const int at : {10, 40, 70}) store.damage(fmt::format("{:03}", at), fmt::format("{:03}", at + 4));
  std::map<std::string, std::string> read;
  const auto lost = salvage(store, [&](std::string_view key, std::string_view value) { read.emplace(key, value); });
  EXPECT_GE(lost.size(), 1u);
  EXPECT_LE(lost.size(), 3u);
  EXPECT_TRUE(read.contains("009"));
  EXPECT_TRUE(read.contains("075"));
  for (const auto& [key, value] : read) EXPECT_FALSE(store.is_damaged(key));
}

}  // namespace
}  // namespace campanile::kv
