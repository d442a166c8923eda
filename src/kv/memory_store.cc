// The store in memory. Readers of a moment share the map of that moment; the first write after they came copies it. That is slow for a large
// map under constant reading, and plainly right, which is what tests want.

#include <map>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "kv/store.h"

namespace campanile::kv {
namespace {

using Map = std::map<std::string, std::string, std::less<>>;

class MemoryStore;

struct Version {
  Map map;
  size_t readers = 0;  // under the store's mutex
};

// Keeps a version unchanged while it lives.
class Reader {
 public:
  explicit Reader(const MemoryStore& store);
  Reader(const MemoryStore& store, std::shared_ptr<Version> version);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  const Map& map() const { return version_->map; }
  const std::shared_ptr<Version>& version() const { return version_; }

 private:
  const MemoryStore& store_;
  std::shared_ptr<Version> version_;
};

class MemorySnapshot final : public Snapshot {
 public:
  explicit MemorySnapshot(const MemoryStore& store) : reader(store) {}
  const Reader reader;
};

class MemoryStore final : public Store {
 public:
  Result<std::optional<std::string>> get(std::string_view key, const Snapshot* at) const override {
    if (at) return find(static_cast<const MemorySnapshot*>(at)->reader.map(), key);
    std::lock_guard lock(mutex_);
    return find(current_->map, key);
  }

  Result<void> write(const WriteBatch& batch, Durability) override {
    std::lock_guard lock(mutex_);
    if (current_->readers > 0) current_ = std::make_shared<Version>(Version{current_->map, 0});
    for (const auto& change : batch.changes()) apply(current_->map, change);
    return {};
  }

  std::unique_ptr<Iterator> iterate(std::string_view first, std::string_view last, const Snapshot* at) const override;
  std::shared_ptr<const Snapshot> snapshot() const override { return std::make_shared<MemorySnapshot>(*this); }
  Result<void> sync() override { return {}; }

  uint64_t disk_bytes() const override {
    std::lock_guard lock(mutex_);
    uint64_t bytes = 0;
    for (const auto& [key, value] : current_->map) bytes += key.size() + value.size();
    return bytes;
  }

  Result<void> checkpoint(const std::filesystem::path&) override { return fail(ErrorCode::kUnsupported, "a store in memory has no files to make a checkpoint of"); }

  StoreMemory memory() const override { return {.write_buffers = disk_bytes()}; }

 private:
  friend class Reader;

  static std::optional<std::string> find(const Map& map, std::string_view key) {
    const auto found = map.find(key);
    return found == map.end() ? std::nullopt : std::optional(found->second);
  }

  static void apply(Map& map, const WriteBatch::Change& change) {
    switch (change.kind) {
      case WriteBatch::Change::Kind::kPut: map.insert_or_assign(change.key, change.value); break;
      case WriteBatch::Change::Kind::kErase: map.erase(change.key); break;
      case WriteBatch::Change::Kind::kEraseRange:
        if (change.key < change.value) map.erase(map.lower_bound(change.key), map.lower_bound(change.value));
    }
  }

  mutable std::mutex mutex_;
  std::shared_ptr<Version> current_ = std::make_shared<Version>();
};

Reader::Reader(const MemoryStore& store) : store_(store) {
  std::lock_guard lock(store_.mutex_);
  version_ = store_.current_;
  ++version_->readers;
}

Reader::Reader(const MemoryStore& store, std::shared_ptr<Version> version) : store_(store), version_(std::move(version)) {
  std::lock_guard lock(store_.mutex_);
  ++version_->readers;
}

Reader::~Reader() {
  std::lock_guard lock(store_.mutex_);
  --version_->readers;
}

class MemoryIterator final : public Iterator {
 public:
  MemoryIterator(std::unique_ptr<Reader> reader, std::string_view first, std::string_view last)
      : reader_(std::move(reader)),
        begin_(reader_->map().lower_bound(first)),
        end_(last.empty() ? reader_->map().end() : reader_->map().lower_bound(std::max(first, last))),
        at_(begin_),
        valid_(at_ != end_),
        first_(first),
        last_(last) {}

  void seek(std::string_view key) override {
    at_ = key <= first_ ? begin_ : !last_.empty() && key >= last_ ? end_ : reader_->map().lower_bound(key);
    valid_ = at_ != end_;
  }

  void seek_for_previous(std::string_view key) override {
    at_ = key < first_ ? begin_ : !last_.empty() && key >= last_ ? end_ : reader_->map().upper_bound(key);
    valid_ = true;
    previous();
  }

  void next() override {
    CHECK(valid_);
    ++at_;
    valid_ = at_ != end_;
  }

  void previous() override {
    CHECK(valid_);
    valid_ = at_ != begin_ && begin_ != end_;
    if (valid_) --at_;
  }

  bool valid() const override { return valid_; }
  std::string_view key() const override { return at_->first; }
  std::string_view value() const override { return at_->second; }
  Result<void> status() const override { return {}; }

 private:
  std::unique_ptr<Reader> reader_;
  Map::const_iterator begin_;
  Map::const_iterator end_;
  Map::const_iterator at_;
  bool valid_;
  std::string first_;
  std::string last_;
};

std::unique_ptr<Iterator> MemoryStore::iterate(std::string_view first, std::string_view last, const Snapshot* at) const {
  auto reader = at ? std::make_unique<Reader>(*this, static_cast<const MemorySnapshot*>(at)->reader.version()) : std::make_unique<Reader>(*this);
  return std::make_unique<MemoryIterator>(std::move(reader), first, last);
}

}  // namespace

std::unique_ptr<Store> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace campanile::kv
