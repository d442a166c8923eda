// FaultyStore: a store in memory that fails when a test says so and forgets what was not synced when its power is cut.
//
//   FaultyStore store;
//   store.fail_writes({ErrorCode::kIoError, "no space left on device"}, /*after=*/3);
//   auto survivor = store.after_power_cut(random);
//
// Threads: every method from any thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/random.h"
#include "kv/store.h"

namespace campanile::kv {

class FaultyStore final : public Store {
 public:
  FaultyStore();

  // write() and sync() fail after `after` more successes, `times` times; nothing of a failed batch is applied.
  void fail_writes(Error error, uint64_t after = 0, uint64_t times = UINT64_MAX);
  // The same for get() and for making an iterator, whose status() then tells.
  void fail_reads(Error error, uint64_t after = 0, uint64_t times = UINT64_MAX);
  void heal();
  uint64_t writes() const;  // that succeeded

  // Calls `before` just before attempt number `attempt` of write() and sync() together, counted from 0, with nothing of it done.
  void call_before(uint64_t attempt, std::function<void()> before);
  uint64_t attempts() const;

  // What a start after a power cut would find: everything up to the last synced write, and some of the batches after it, in order.
  std::unique_ptr<FaultyStore> after_power_cut(Random& random) const;

  Result<std::optional<std::string>> get(std::string_view key, const Snapshot* at = nullptr) const override;
  Result<void> write(const WriteBatch& batch, Durability durability) override;
  std::unique_ptr<Iterator> iterate(std::string_view first, std::string_view last, const Snapshot* at = nullptr) const override;
  std::shared_ptr<const Snapshot> snapshot() const override;
  Result<void> sync() override;
  uint64_t disk_bytes() const override;
  Result<void> checkpoint(const std::filesystem::path& directory) override;
  StoreMemory memory() const override;

 private:
  struct Fault {
    Error error;
    uint64_t after;
    uint64_t times;
  };

  void attempt();
  // REQUIRES: mutex_ is held.
  static Result<void> pass(std::optional<Fault>& fault);
  void make_durable();

  mutable std::mutex mutex_;
  mutable std::optional<Fault> write_fault_;
  mutable std::optional<Fault> read_fault_;
  uint64_t writes_ = 0;
  uint64_t attempts_ = 0;
  std::optional<std::pair<uint64_t, std::function<void()>>> call_before_;
  std::unique_ptr<Store> current_;
  std::unique_ptr<Store> durable_;
  std::deque<WriteBatch> unsynced_;  // in current_, not in durable_
};

}  // namespace campanile::kv
