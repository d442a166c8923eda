#include "audit/audit_log.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/log.h"
#include "base/text.h"

namespace campanile::audit {
namespace {

bool is_wanted(const AuditEntry& entry, const AuditFilter& filter) {
  return entry.time_ns >= filter.since_ns && (filter.kind.empty() || entry.kind == filter.kind);
}

void cut(std::string& text) {
  if (text.size() > AuditLog::kTextBytesMax) text = excerpt(text, AuditLog::kTextBytesMax);
}

}  // namespace

Result<std::unique_ptr<AuditLog>> AuditLog::open(const AuditOptions& options, kv::Store& store, const Clock& clock) {
  AuditTotals totals;
  if (const auto bytes = TRY(store.get(kAuditTotalsKey))) totals = TRY(decode_totals(*bytes));
  return std::unique_ptr<AuditLog>(new AuditLog(options, store, clock, totals));
}

Result<journal::Lsn> AuditLog::append(const AuditEntry& entry) {
  CHECK(journal_ != nullptr);
  auto bytes = std::make_shared<const std::string>(encode_entry(entry));
  const journal::Lsn lsn = TRY(journal_->append(journal::RecordType::kAudit, *bytes));
  pending_[entry.id] = std::move(bytes);
  return lsn;
}

Result<AuditEntry> AuditLog::begin(AuditEntry entry) {
  for (std::string* const text : {&entry.kind, &entry.who, &entry.what, &entry.why, &entry.database}) cut(*text);
  entry.time_ns = clock_.now_ns();
  entry.state = State::kBegun;
  bool is_many = false;
  {
    const std::lock_guard lock(mutex_);
    is_many = pending_.size() >= kPendingMax;
  }
  // What cannot be kept track of is not done.
  if (is_many) TRY(flush(kv::Durability::kBuffered));
  const std::lock_guard lock(mutex_);
  entry.id = totals_.next_id;
  TRY(append(entry));
  ++totals_.next_id;
  return entry;
}

void AuditLog::finish(AuditEntry entry) {
  cut(entry.note);
  entry.ended_ns = clock_.now_ns();
  if (entry.state == State::kBegun) entry.state = State::kFinished;
  const auto recorded = [&]() -> Result<void> {
    journal::Lsn lsn = 0;
    {
      const std::lock_guard lock(mutex_);
      lsn = TRY(append(entry));
    }
    return journal_->wait_durable(lsn);
  }();
  if (!recorded) log::warning("audit entry {} ({} by {}) could not be finished: {}", entry.id, entry.kind, excerpt(entry.who), recorded.error().message);
}

// The oldest go by number, then by age.
Result<uint64_t> AuditLog::first_to_keep(const AuditTotals& totals) const {
  uint64_t first = std::max(totals.first_id, totals.next_id - std::min(totals.next_id, options_.entries_max));
  if (options_.age_max_ns <= 0) return first;
  const int64_t now_ns = clock_.now_ns();
  const auto rows = store_.iterate(audit_key(first), kAuditKeysEnd);
  for (; rows->valid(); rows->next()) {
    const AuditEntry entry = TRY(decode_entry(rows->value()));
    if (entry.time_ns >= now_ns - options_.age_max_ns) break;
    first = entry.id + 1;
  }
  TRY(rows->status());
  return first;
}

Result<void> AuditLog::flush(kv::Durability durability) {
  const std::lock_guard one_at_a_time(flush_mutex_);
  std::vector<std::pair<uint64_t, std::shared_ptr<const std::string>>> moving;
  AuditTotals totals;
  journal::Lsn end = 0;
  {
    const std::lock_guard lock(mutex_);
    moving.assign(pending_.begin(), pending_.end());
    totals = totals_;
    end = journal_->end();
  }
  // A power cut must not take back in the journal what the store tells.
  if (!moving.empty()) TRY(journal_->wait_durable(end));
  kv::WriteBatch batch;
  for (const auto& [id, bytes] : moving) batch.put(audit_key(id), *bytes);
  const uint64_t first = TRY(first_to_keep(totals));
  if (first > totals.first_id) batch.erase_range(audit_key(totals.first_id), audit_key(first));
  totals.dropped += first - totals.first_id;
  totals.first_id = first;
  batch.put(kAuditTotalsKey, encode_totals(totals));
  TRY(store_.write(batch, durability));
  const std::lock_guard lock(mutex_);
  for (const auto& [id, bytes] : moving) {
    // One that was finished meanwhile stays for the next time.
    if (const auto found = pending_.find(id); found != pending_.end() && (found->second == bytes || id < first)) pending_.erase(found);
  }
  totals_.first_id = totals.first_id;
  totals_.dropped = totals.dropped;
  return {};
}

Result<journal::Lsn> AuditLog::checkpoint() {
  journal::Lsn end = 0;
  {
    // Under the lock no append is under way, so every record of ours up to the journal's end is in pending_ or in the store.
    const std::lock_guard lock(mutex_);
    end = journal_->end();
  }
  TRY(flush(kv::Durability::kSynced));
  return end;
}

Result<void> AuditLog::replay(const journal::Record& record) {
  const AuditEntry entry = TRY(decode_entry(record.payload));
  const std::lock_guard lock(mutex_);
  if (entry.id < totals_.first_id) return {};  // gone for its age
  pending_[entry.id] = std::make_shared<const std::string>(record.payload);
  totals_.next_id = std::max(totals_.next_id, entry.id + 1);
  return {};
}

Result<std::vector<AuditEntry>> AuditLog::list(const AuditFilter& filter) const {
  std::map<uint64_t, std::shared_ptr<const std::string>> pending;
  std::unique_ptr<kv::Iterator> rows;
  uint64_t end = 0;
  {
    const std::lock_guard lock(mutex_);
    pending = pending_;
    end = filter.before == 0 ? totals_.next_id : std::min(filter.before, totals_.next_id);
    // Of the same moment: what a flush moves is seen here or there.
    rows = store_.iterate(audit_key(totals_.first_id), audit_key(end));
  }
  std::vector<AuditEntry> out;
  const auto take = [&](AuditEntry entry) {
    if (is_wanted(entry, filter)) out.push_back(std::move(entry));
  };
  rows->seek_for_previous(audit_key(end));
  auto newest = std::make_reverse_iterator(pending.lower_bound(end));
  while (out.size() < filter.limit && (rows->valid() || newest != pending.rend())) {
    std::optional<AuditEntry> stored;
    if (rows->valid()) stored = TRY(decode_entry(rows->value()));
    if (newest != pending.rend() && (!stored || newest->first >= stored->id)) {
      if (stored && newest->first == stored->id) rows->previous();  // what is pending is newer
      take(TRY(decode_entry(*(newest++)->second)));
    } else {
      take(std::move(*stored));
      rows->previous();
    }
  }
  TRY(rows->status());
  return out;
}

AuditLog::Counts AuditLog::counts() const {
  const std::lock_guard lock(mutex_);
  return {.kept = totals_.next_id - totals_.first_id, .dropped = totals_.dropped};
}

}  // namespace campanile::audit
