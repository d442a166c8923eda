#include "kv/faulty_store.h"

#include <utility>

#include "base/check.h"

namespace campanile::kv {
namespace {

void apply(Store& store, const WriteBatch& batch) {
  const auto written = store.write(batch, Durability::kSynced);
  CHECK(written);  // memory does not refuse
}

class FailedIterator final : public Iterator {
 public:
  explicit FailedIterator(Error error) : error_(std::move(error)) {}
  void seek(std::string_view) override {}
  void seek_for_previous(std::string_view) override {}
  void next() override { CHECK(false); }
  void previous() override { CHECK(false); }
  bool valid() const override { return false; }
  std::string_view key() const override { return {}; }
  std::string_view value() const override { return {}; }
  Result<void> status() const override { return std::unexpected(error_); }

 private:
  Error error_;
};

}  // namespace

FaultyStore::FaultyStore() : current_(make_memory_store()), durable_(make_memory_store()) {}

void FaultyStore::fail_writes(Error error, uint64_t after, uint64_t times) {
  std::lock_guard lock(mutex_);
  write_fault_ = Fault{std::move(error), after, times};
}

void FaultyStore::fail_reads(Error error, uint64_t after, uint64_t times) {
  std::lock_guard lock(mutex_);
  read_fault_ = Fault{std::move(error), after, times};
}

void FaultyStore::heal() {
  std::lock_guard lock(mutex_);
  write_fault_.reset();
  read_fault_.reset();
}

uint64_t FaultyStore::writes() const {
  std::lock_guard lock(mutex_);
  return writes_;
}

void FaultyStore::call_before(uint64_t attempt, std::function<void()> before) {
  std::lock_guard lock(mutex_);
  call_before_ = {attempt, std::move(before)};
}

uint64_t FaultyStore::attempts() const {
  std::lock_guard lock(mutex_);
  return attempts_;
}

void FaultyStore::attempt() {
  std::function<void()> before;
  {
    std::lock_guard lock(mutex_);
    if (call_before_ && call_before_->first == attempts_) before = call_before_->second;
    ++attempts_;
  }
  if (before) before();
}

Result<void> FaultyStore::pass(std::optional<Fault>& fault) {
  if (!fault) return {};
  if (fault->after > 0) {
    --fault->after;
    return {};
  }
  Error error = fault->error;
  if (--fault->times == 0) fault.reset();
  return std::unexpected(std::move(error));
}

void FaultyStore::make_durable() {
  for (const WriteBatch& batch : unsynced_) apply(*durable_, batch);
  unsynced_.clear();
}

std::unique_ptr<FaultyStore> FaultyStore::after_power_cut(Random& random) const {
  std::lock_guard lock(mutex_);
  auto survivor = std::make_unique<FaultyStore>();
  WriteBatch all;
  for (const auto at = durable_->iterate("", ""); at->valid(); at->next()) all.put(at->key(), at->value());
  apply(*survivor->current_, all);
  const uint64_t kept = random.below(unsynced_.size() + 1);
  for (uint64_t i = 0; i < kept; ++i) apply(*survivor->current_, unsynced_[i]);
  WriteBatch found;
  for (const auto at = survivor->current_->iterate("", ""); at->valid(); at->next()) found.put(at->key(), at->value());
  apply(*survivor->durable_, found);
  return survivor;
}

Result<std::optional<std::string>> FaultyStore::get(std::string_view key, const Snapshot* at) const {
  {
    std::lock_guard lock(mutex_);
    TRY(pass(read_fault_));
  }
  return current_->get(key, at);
}

Result<void> FaultyStore::write(const WriteBatch& batch, Durability durability) {
  attempt();
  std::lock_guard lock(mutex_);
  TRY(pass(write_fault_));
  apply(*current_, batch);
  unsynced_.push_back(batch);
  ++writes_;
  if (durability == Durability::kSynced) make_durable();
  return {};
}

std::unique_ptr<Iterator> FaultyStore::iterate(std::string_view first, std::string_view last, const Snapshot* at) const {
  {
    std::lock_guard lock(mutex_);
    if (auto passed = pass(read_fault_); !passed) return std::make_unique<FailedIterator>(std::move(passed).error());
  }
  return current_->iterate(first, last, at);
}

std::shared_ptr<const Snapshot> FaultyStore::snapshot() const { return current_->snapshot(); }

Result<void> FaultyStore::sync() {
  attempt();
  std::lock_guard lock(mutex_);
  TRY(pass(write_fault_));
  make_durable();
  return {};
}

uint64_t FaultyStore::disk_bytes() const { return current_->disk_bytes(); }

Result<void> FaultyStore::checkpoint(const std::filesystem::path& directory) { return current_->checkpoint(directory); }

StoreMemory FaultyStore::memory() const { return current_->memory(); }

}  // namespace campanile::kv
