// SimulatedMachine: journal, engine and checkpoints as the program puts them together, on a disk and a store that fail and lose power as a seed says.
//
//   SimulatedMachine machine(seed, options);
//   ASSERT_TRUE(machine.start());
//   machine.cut_power_within(200, 30);      // of the journal's file operations, of the store's writes
//   ... machine.engine->write(...) ...      // goes on after the cut: what was said since was never heard
//   machine.lose_power();                   // what survived the cut; where there was none, it is now
//
// Everything happens on the caller's thread, so that a seed takes the same path again.
#pragma once

#include <array>
#include <cerrno>
#include <memory>

#include "base/clock.h"
#include "base/random.h"
#include "engine_harness.h"
#include "journal/checkpoint.h"
#include "journal/journal.h"
#include "journal/simulated_disk.h"
#include "kv/faulty_store.h"

namespace campanile::tsdb {

// The journal, counting what of each type was taken: a call that fails may have left its record or not.
class CountingJournal final : public journal::Journal {
 public:
  explicit CountingJournal(std::unique_ptr<journal::Journal> inner) : inner_(std::move(inner)) {}
  uint64_t taken(journal::RecordType type) const { return taken_[static_cast<size_t>(type)]; }

  Result<journal::Lsn> append(journal::RecordType type, std::string_view head, std::string_view tail) override { return count(type, inner_->append(type, head, tail)); }
  Result<journal::Lsn> append_together(std::span<const journal::NewRecord> records) override { return count(records.front().type, inner_->append_together(records)); }
  Result<journal::Lsn> append_within(std::chrono::milliseconds within, journal::RecordType type, std::string_view payload) override {
    return count(type, inner_->append_within(within, type, payload));
  }
  journal::Lsn written() const override { return inner_->written(); }
  void sync_to(journal::Lsn lsn) override { inner_->sync_to(lsn); }
  journal::Lsn durable() const override { return inner_->durable(); }
  journal::Lsn end() const override { return inner_->end(); }
  journal::JournalStatus status() const override { return inner_->status(); }
  void add_listener(journal::CommitListener listener) override { inner_->add_listener(std::move(listener)); }
  Result<void> wait_durable(journal::Lsn lsn) override { return inner_->wait_durable(lsn); }
  Result<void> truncate_before(journal::Lsn lsn) override { return inner_->truncate_before(lsn); }
  Result<std::unique_ptr<journal::SegmentHold>> hold_segments() override { return inner_->hold_segments(); }

 private:
  Result<journal::Lsn> count(journal::RecordType type, Result<journal::Lsn> lsn) {
    taken_[static_cast<size_t>(type)] += lsn.has_value();
    return lsn;
  }

  const std::unique_ptr<journal::Journal> inner_;
  std::array<uint64_t, 256> taken_{};
};

class SimulatedMachine {
 public:
  SimulatedMachine(uint64_t seed, EngineOptions engine_options, journal::JournalOptions journal_options)
      : random_(seed), engine_options_(std::move(engine_options)), journal_options_(journal_options) {
    engine_options_.has_thread = journal_options_.has_thread = false;
    journal_options_.clock = &clock;
  }
  ~SimulatedMachine() { stop(); }

  Result<void> start() {
    if (random_.one_in(4)) disk_->write_short(random_.next());
    engine.reset(static_cast<EngineImpl*>(TRY(Engine::open(engine_options_, *store_, clock)).release()));
    journal = std::make_unique<CountingJournal>(TRY(journal::Journal::open(*disk_, "/journal", journal_options_, [this](const journal::Record& record) { return engine->replay(record); })));
    if (engine->status().checkpoint_lsn < journal->status().let_go) return fail(ErrorCode::kCorrupt, "the journal has let go of what the store does not have");
    engine->start(*journal);
    checkpointer = std::make_unique<journal::Checkpointer>(*journal, std::vector<journal::Participant*>{engine.get()}, journal::CheckpointOptions{});
    return {};
  }
  // What the program does when it is killed, or cannot start: nothing more.
  void stop() {
    checkpointer.reset();
    if (engine) engine->stop();
    engine.reset();
    if (journal) {
      // The journal would write what is pending; a program that was killed does not.
      disk_->fail(journal::SimulatedDisk::Operation::kWrite, EIO);
      disk_->fail(journal::SimulatedDisk::Operation::kCreate, EIO);
    }
    journal.reset();
    heal();
  }

  void cut_power_within(uint64_t disk_changes, uint64_t store_writes) {
    const uint64_t seed = random_.next();
    if (random_.one_in(2)) {
      disk_->cut_power_at(disk_->changes() + random_.below(disk_changes), seed, [this] { cut_store_ = store_->after_power_cut(random_); });
    } else {
      store_->call_before(store_->attempts() + random_.below(store_writes), [this] {
        cut_store_ = store_->after_power_cut(random_);
        cut_disk_ = disk_->after_power_cut(random_);
      });
    }
  }
  bool is_cut() const { return cut_store_ != nullptr; }

  void lose_power() {
    if (!is_cut()) {
      cut_store_ = store_->after_power_cut(random_);
      cut_disk_ = disk_->after_power_cut(random_);
    }
    if (!cut_disk_) cut_disk_ = disk_->cut_disk();
    stop();
    store_ = std::move(cut_store_);
    disk_ = std::move(cut_disk_);
  }

  // One of the things that go wrong with disks: an operation fails a few times, or until heal(); the disk is full, or read-only.
  void break_something() {
    using Operation = journal::SimulatedDisk::Operation;
    const uint64_t times = random_.one_in(2) ? UINT64_MAX : 1 + random_.below(3);
    switch (random_.below(4)) {
      case 0:
        for (const Operation operation : {Operation::kCreate, Operation::kWrite, Operation::kAllocate}) disk_->fail(operation, ENOSPC, random_.below(3), times);
        store_->fail_writes({ErrorCode::kIoError, "no space left on device"}, random_.below(3), times);
        break;
      case 1: store_->fail_writes({ErrorCode::kIoError, "input/output error"}, random_.below(6), times); break;
      default: disk_->fail(static_cast<Operation>(random_.below(static_cast<uint64_t>(Operation::kCount))), random_.one_in(3) ? EROFS : EIO, random_.below(5), times);
    }
  }
  void heal() {
    disk_->heal();
    store_->heal();
  }

  ManualClock clock{kNow};
  std::unique_ptr<EngineImpl> engine;
  std::unique_ptr<CountingJournal> journal;
  std::unique_ptr<journal::Checkpointer> checkpointer;

 private:
  Random random_;
  EngineOptions engine_options_;
  journal::JournalOptions journal_options_;
  std::unique_ptr<kv::FaultyStore> store_ = std::make_unique<kv::FaultyStore>();
  std::unique_ptr<journal::SimulatedDisk> disk_ = std::make_unique<journal::SimulatedDisk>();
  std::unique_ptr<kv::FaultyStore> cut_store_;
  std::unique_ptr<journal::SimulatedDisk> cut_disk_;
};

}  // namespace campanile::tsdb
