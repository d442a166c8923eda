#include "ingest/rejected.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"

namespace campanile::ingest {
namespace {

constexpr std::string_view kOtherReasons = "other reasons";

void count(RejectedTotals& totals, const RejectedMessage& message, size_t bytes) {
  ++totals.total;
  totals.kept_bytes += bytes;
  totals.next_id = message.id + 1;
  const std::string reason = reason_class(message.reason);
  const auto known = totals.by_reason.find(reason);
  if (known != totals.by_reason.end()) {
    ++known->second;
  } else {
    ++totals.by_reason[totals.by_reason.size() < RejectedStore::kReasonsMax ? reason : std::string(kOtherReasons)];
  }
}

}  // namespace

std::string reason_class(std::string_view reason) {
  std::string out;
  const size_t first = reason.find('\'');
  const size_t last = reason.rfind('\'');
  for (size_t i = 0; i < reason.size(); ++i) {
    if (i == first && last > first) {
      out += "'…'";
      i = last;
    } else if (reason[i] >= '0' && reason[i] <= '9') {
      if (!out.ends_with('N')) out += 'N';
    } else {
      out += reason[i];
    }
  }
  return out;
}

RejectedStore::RejectedStore(const RejectedOptions& options, kv::Store& store, RejectedTotals totals)
    : options_(options), store_(store), stored_(totals), totals_(std::move(totals)) {}

Result<std::unique_ptr<RejectedStore>> RejectedStore::open(const RejectedOptions& options, kv::Store& store) {
  RejectedTotals totals;
  if (const auto bytes = TRY(store.get(kRejectedTotalsKey))) totals = TRY(decode_totals(*bytes));
  return std::unique_ptr<RejectedStore>(new RejectedStore(options, store, std::move(totals)));
}

void RejectedStore::start(journal::Journal& journal, WorkerPool* workers) {
  journal_ = &journal;
  workers_ = workers;
}

void RejectedStore::remember(const RejectedMessage& message, std::string bytes) {
  count(totals_, message, bytes.size());
  pending_bytes_ += bytes.size();
  pending_.push_back({message.id, std::make_shared<const std::string>(std::move(bytes))});
}

Result<journal::Lsn> RejectedStore::add(RejectedMessage message, const journal::AppendFunction* append) {
  CHECK(journal_ != nullptr);
  message.payload_bytes = std::max<uint64_t>(message.payload_bytes, message.payload.size());
  if (message.payload.size() > kPayloadBytesKeptMax) message.payload.resize(kPayloadBytesKeptMax);
  journal::Lsn lsn = 0;
  bool starts_flush = false;
  {
    // Ids have to be in the order of the journal's records, so the append is under the lock too.
    const std::lock_guard lock(mutex_);
    if (pending_bytes_ > kPendingBytesMax) {
      return fail(ErrorCode::kOverloaded, "{} bytes of rejected messages wait to be written", pending_bytes_);
    }
    message.id = totals_.next_id;
    std::string bytes = encode_rejected(message);
    const journal::NewRecord record{.type = journal::RecordType::kRejected, .head = bytes};
    lsn = TRY(append ? (*append)({&record, 1}) : journal_->append(record.type, record.head));
    remember(message, std::move(bytes));
    starts_flush = pending_bytes_ > kFlushBytes && !flush_is_queued_;
    if (starts_flush) flush_is_queued_ = true;
  }
  if (starts_flush) flush_in_background();
  return lsn;
}

void RejectedStore::flush_in_background() {
  const auto flush_now = [this] {
    // Buffered is enough: until the next checkpoint the journal still holds them.
    (void)flush(kv::Durability::kBuffered);  // failure() tells
    const std::lock_guard lock(mutex_);
    flush_is_queued_ = false;
  };
  if (workers_ != nullptr && workers_->submit(flush_now)) return;
  const std::lock_guard lock(mutex_);
  flush_is_queued_ = false;
}

std::string RejectedStore::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void RejectedStore::flush_again() {
  {
    const std::lock_guard lock(mutex_);
    if (failure_.empty() || flush_is_queued_) return;
    flush_is_queued_ = true;
  }
  flush_in_background();
}

Result<void> RejectedStore::flush(kv::Durability durability) {
  const std::lock_guard one_at_a_time(flush_mutex_);
  auto moved = move_pending(durability);
  const std::lock_guard lock(mutex_);
  // Said once, not at every attempt.
  if (!moved && failure_.empty()) log::error("keeping rejected messages: {}; they stay in memory and in the journal", moved.error().message);
  failure_ = moved ? std::string() : moved.error().message;
  return moved;
}

// REQUIRES: flush_mutex_ is held.
Result<void> RejectedStore::move_pending(kv::Durability durability) {
  std::vector<Pending> moving;
  RejectedTotals totals;
  {
    const std::lock_guard lock(mutex_);
    moving.assign(pending_.begin(), pending_.end());
    totals = stored_;
  }
  if (moving.empty() && durability == kv::Durability::kSynced) return store_.sync();
  kv::WriteBatch batch;
  for (const Pending& pending : moving) {
    batch.put(rejected_key(pending.id), *pending.bytes);
    count(totals, TRY(decode_rejected(*pending.bytes)), pending.bytes->size());
  }
  const uint64_t kept = totals.next_id - totals.first_id;
  if (kept > options_.count_max || totals.kept_bytes > options_.bytes_max) {
    // A tenth more than needed goes at once, so that a full list does not pay for each message.
    erase_oldest(totals, options_.count_max - options_.count_max / 10, options_.bytes_max - options_.bytes_max / 10, batch);
  }
  batch.put(kRejectedTotalsKey, encode_totals(totals));
  TRY(store_.write(batch, durability));
  const std::lock_guard lock(mutex_);
  for (const Pending& pending : moving) pending_bytes_ -= pending.bytes->size();
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(moving.size()));
  totals_.kept_bytes -= stored_.kept_bytes;
  for (const Pending& pending : moving) totals_.kept_bytes -= pending.bytes->size();
  totals_.kept_bytes += totals.kept_bytes;
  totals_.first_id = totals.first_id;
  totals_.dropped = totals.dropped;
  stored_ = std::move(totals);
  return {};
}

void RejectedStore::erase_oldest(RejectedTotals& totals, uint64_t count_max, uint64_t bytes_max, kv::WriteBatch& batch) const {
  const uint64_t first = totals.first_id;
  const auto is_too_much = [&] { return totals.next_id - totals.first_id > count_max || totals.kept_bytes > bytes_max; };
  // The old ones are in the store, the newer ones may still be in the batch.
  const auto drop = [&](size_t bytes) {
    totals.kept_bytes -= std::min<uint64_t>(bytes, totals.kept_bytes);
    ++totals.first_id;
    ++totals.dropped;
  };
  const auto entry = store_.iterate(rejected_key(first), kRejectedKeysEnd);
  for (entry->seek(rejected_key(first)); is_too_much() && entry->valid(); entry->next()) drop(entry->value().size());
  for (const auto& change : batch.changes()) {
    if (!is_too_much()) break;
    drop(change.value.size());
  }
  batch.erase_range(rejected_key(first), rejected_key(totals.first_id));
}

Result<journal::Lsn> RejectedStore::checkpoint() {
  journal::Lsn end = 0;
  {
    // Under the lock no append is under way, so every record of ours up to the journal's end is in pending_ or in the store.
    const std::lock_guard lock(mutex_);
    end = journal_ == nullptr ? 0 : journal_->end();
  }
  TRY(flush(kv::Durability::kSynced));
  return end;
}

Result<void> RejectedStore::replay(const journal::Record& record) {
  const auto message = TRY(decode_rejected(record.payload));
  const std::lock_guard lock(mutex_);
  if (message.id < totals_.next_id) return {};  // a flush had moved it to the store
  remember(message, std::string(record.payload));
  return {};
}

RejectedStore::Counts RejectedStore::counts() const {
  const std::lock_guard lock(mutex_);
  return {.total = totals_.total, .kept = totals_.next_id - totals_.first_id, .dropped = totals_.dropped};
}

Result<RejectedPage> RejectedStore::list(size_t limit, uint64_t before) const {
  RejectedPage page;
  std::vector<std::shared_ptr<const std::string>> newest;
  {
    const std::lock_guard lock(mutex_);
    page.total = totals_.total;
    page.kept = totals_.next_id - totals_.first_id;
    page.by_reason.assign(totals_.by_reason.begin(), totals_.by_reason.end());
    for (auto pending = pending_.rbegin(); pending != pending_.rend() && newest.size() < limit; ++pending) {
      if (before == 0 || pending->id < before) newest.push_back(pending->bytes);
    }
  }
  std::ranges::stable_sort(page.by_reason, std::greater(), &std::pair<std::string, uint64_t>::second);
  for (const auto& bytes : newest) page.messages.push_back(TRY(decode_rejected(*bytes)));
  if (page.messages.size() < limit) {
    const uint64_t older_than = page.messages.empty() ? before : page.messages.back().id;
    TRY(read_stored(limit - page.messages.size(), older_than, page.messages));
  }
  return page;
}

Result<void> RejectedStore::read_stored(size_t limit, uint64_t before, std::vector<RejectedMessage>& messages) const {
  const auto entry = store_.iterate(kRejectedKeysBegin, kRejectedKeysEnd);
  if (before == 1) return {};
  entry->seek_for_previous(before == 0 ? kRejectedKeysEnd : std::string_view(rejected_key(before - 1)));
  for (; limit > 0 && entry->valid(); entry->previous(), --limit) messages.push_back(TRY(decode_rejected(entry->value())));
  return entry->status();
}

}  // namespace campanile::ingest
