#include "broker/will_list.h"

#include <algorithm>

#include "broker/session_record.h"
#include "broker/session_rows.h"

namespace campanile::broker {
namespace {

constexpr size_t kOverheadBytes = 256;
constexpr size_t kBatchBytes = 1u << 20;

}  // namespace

size_t WillList::cost(const Will& will) { return will.message->bytes() + will.client_id.size() + will.user.size() + kOverheadBytes; }

// Which of them have a row is not known: the next checkpoint writes all.
void WillList::restore(std::vector<WillPtr> wills) {
  std::lock_guard lock(mutex_);
  for (WillPtr& will : wills) {
    dirty_.insert(will->number);
    const uint64_t number = will->number;
    place(std::move(will), true);
    wills_[number].row = true;
  }
}

void WillList::place(WillPtr will, bool recorded) {
  bytes_ += cost(*will);
  ++size_;
  const uint64_t number = will->number;
  wills_[number] = {.will = std::move(will), .recorded = recorded};
}

// A will that came and went between two checkpoints has no row.
void WillList::erase(uint64_t number) {
  const auto found = wills_.find(number);
  if (found == wills_.end()) return;
  bytes_ -= cost(*found->second.will);
  --size_;
  if (found->second.row) {
    dirty_.insert(number);
  } else {
    dirty_.erase(number);
  }
  wills_.erase(found);
}

Result<journal::Lsn> WillList::append(std::span<const journal::NewRecord> unit, const Change& change) {
  if (change.gone == 0 && !change.left) return unit.empty() ? journal::Lsn{0} : journal_->append_together(unit);
  std::vector<journal::NewRecord> records(unit.begin(), unit.end());
  std::string gone, left;
  if (change.left) {
    left = encode_will_left_head(*change.left);
    records.push_back({.type = journal::RecordType::kSession, .head = left, .tail = change.left->message->payload});
  }
  std::lock_guard lock(mutex_);
  if (const auto found = wills_.find(change.gone); found != wills_.end() && found->second.recorded) {
    gone = encode_will_gone(change.gone);
    records.push_back({.type = journal::RecordType::kSession, .head = gone});
  }
  const journal::Lsn lsn = records.empty() ? 0 : TRY(journal_->append_together(records));
  erase(change.gone);
  if (change.left) {
    place(change.left, true);
    dirty_.insert(change.left->number);
  }
  return lsn;
}

void WillList::keep(WillPtr will) {
  std::lock_guard lock(mutex_);
  unrecorded_.push_back(will->number);
  place(std::move(will), false);
}

void WillList::record(uint64_t number) {
  std::lock_guard lock(mutex_);
  const auto found = wills_.find(number);
  if (found == wills_.end()) return;
  const Will& will = *found->second.will;
  if (!journal_->append(journal::RecordType::kSession, encode_will_left_head(will), will.message->payload)) return unrecorded_.push_back(number);
  found->second.recorded = true;
  dirty_.insert(number);
}

void WillList::forget(uint64_t number) {
  if (append({}, {.gone = number})) return;
  std::lock_guard lock(mutex_);
  forgotten_.push_back(number);
}

void WillList::settle() {
  std::vector<uint64_t> forgotten, unrecorded;
  {
    std::lock_guard lock(mutex_);
    forgotten.swap(forgotten_);
    unrecorded.swap(unrecorded_);
  }
  for (const uint64_t number : forgotten) forget(number);
  for (const uint64_t number : unrecorded) record(number);
}

WillPtr WillList::find(uint64_t number) const {
  if (number == 0) return nullptr;
  std::lock_guard lock(mutex_);
  const auto found = wills_.find(number);
  return found == wills_.end() ? nullptr : found->second.will;
}

std::vector<uint64_t> WillList::numbers() const {
  std::vector<uint64_t> result;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [number, kept] : wills_) result.push_back(number);
  }
  std::ranges::sort(result);
  return result;
}

// append() holds the lock: what the journal holds now is in the list. Its rows must not know more than a power cut leaves of the journal.
Result<void> WillList::checkpoint(kv::Store& store) {
  std::vector<std::pair<uint64_t, WillPtr>> changes;
  journal::Lsn end = 0;
  {
    std::lock_guard lock(mutex_);
    end = journal_->end();
    for (const uint64_t number : dirty_) {
      const auto found = wills_.find(number);
      changes.emplace_back(number, found == wills_.end() ? nullptr : found->second.will);
      if (found != wills_.end()) found->second.row = true;
    }
    dirty_.clear();
  }
  if (changes.empty()) return {};
  Result<void> written = journal_->wait_durable(end);
  if (written) written = write(store, changes);
  if (written) return {};
  std::lock_guard lock(mutex_);
  for (const auto& [number, will] : changes) dirty_.insert(number);
  return written;
}

Result<void> WillList::write(kv::Store& store, const std::vector<std::pair<uint64_t, WillPtr>>& changes) {
  kv::WriteBatch batch;
  size_t bytes = 0;
  for (const auto& [number, will] : changes) {
    if (will) {
      batch.put(will_key(number), encode_will_row(*will));
    } else {
      batch.erase(will_key(number));
    }
    bytes += will ? cost(*will) : 32;
    if (bytes < kBatchBytes) continue;
    TRY(store.write(batch, kv::Durability::kBuffered));
    batch.clear();
    bytes = 0;
  }
  return batch.empty() ? Result<void>() : store.write(batch, kv::Durability::kBuffered);
}

}  // namespace campanile::broker
