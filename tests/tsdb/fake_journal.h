// FakeJournal: a journal in memory whose disk the test plays: what is durable, what fails, what a crash leaves.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "journal/journal.h"

namespace campanile::tsdb {

class FakeJournal final : public journal::Journal {
 public:
  struct Kept {
    journal::RecordType type;
    std::string payload;
    journal::Lsn lsn;
    std::chrono::milliseconds within = {};  // 0: its sync is waited for
  };

  Result<journal::Lsn> append(journal::RecordType type, std::string_view head, std::string_view tail) override {
    const journal::NewRecord record{.type = type, .head = head, .tail = tail};
    return append_together({&record, 1});
  }
  Result<journal::Lsn> append_together(std::span<const journal::NewRecord> records) override {
    const std::lock_guard lock(mutex_);
    if (refuses_) return fail(refusal_, "the fake journal was told to refuse");
    for (const journal::NewRecord& record : records) end_ += 16 + record.head.size() + record.tail.size();
    for (const journal::NewRecord& record : records) records_.push_back({record.type, std::string(record.head) + std::string(record.tail), end_, {}});
    return end_;
  }
  Result<journal::Lsn> append_within(std::chrono::milliseconds within, journal::RecordType type, std::string_view payload) override {
    const auto lsn = TRY(append(type, payload, {}));
    const std::lock_guard lock(mutex_);
    records_.back().within = within;
    return lsn;
  }
  journal::Lsn durable() const override { return end(); }
  journal::Lsn end() const override {
    const std::lock_guard lock(mutex_);
    return end_;
  }
  journal::JournalStatus status() const override { return {.end = end(), .durable = end()}; }
  void add_listener(journal::CommitListener) override {}
  Result<void> wait_durable(journal::Lsn) override {
    const std::lock_guard lock(mutex_);
    if (syncs_fail_) return fail(ErrorCode::kIoError, "the fake journal cannot sync");
    return {};
  }
  Result<void> truncate_before(journal::Lsn lsn) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(records_, [lsn](const Kept& record) { return record.lsn <= lsn; });
    return {};
  }
  Result<std::unique_ptr<journal::SegmentHold>> hold_segments() override { return fail(ErrorCode::kUnsupported, "a journal without files"); }

  void refuse(ErrorCode code) {
    const std::lock_guard lock(mutex_);
    refuses_ = true;
    refusal_ = code;
  }
  // Everything is gone, and it begins anew.
  void lose() {
    const std::lock_guard lock(mutex_);
    records_.clear();
    end_ = 0;
  }
  void fail_syncs(bool fail) {
    const std::lock_guard lock(mutex_);
    syncs_fail_ = fail;
  }
  void accept() {
    const std::lock_guard lock(mutex_);
    refuses_ = false;
  }
  std::vector<Kept> records() const {
    const std::lock_guard lock(mutex_);
    return records_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Kept> records_;
  journal::Lsn end_ = 0;
  bool refuses_ = false;
  bool syncs_fail_ = false;
  ErrorCode refusal_ = ErrorCode::kIoError;
};

}  // namespace campanile::tsdb
