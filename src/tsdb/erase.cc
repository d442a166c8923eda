// Erasing ranges of times of series, top to bottom: find the series, put one record into the journal for each slice of them, take the range out
// of their chunks.
//
// A record erases what was written before it and nothing after: it is appended and the heads are frozen under the gate alone, so that everything
// older is in blocks that are frozen by then. Those are sealed, and the range is taken out of the chunks; only then does the series' state say that
// the record has been dealt with. Where the program ends in between, replay does it again; where the disk refuses, the next pass begins
// with it, before anything newer can be sealed.

#include <algorithm>
#include <mutex>
#include <optional>
#include <shared_mutex>

#include "base/check.h"
#include "base/text.h"
#include "tsdb/chunk_erase.h"
#include "tsdb/engine_impl.h"
#include "tsdb/predicate.h"

namespace campanile::tsdb {
namespace {

// Writers wait while that many heads are frozen.
constexpr size_t kEraseSlice = 256;

}  // namespace

Result<std::vector<SeriesId>> EngineImpl::series_to_erase(const Bucket& bucket, const EraseRequest& request) const {
  std::vector<const Measurement*> measurements;
  std::optional<RetiredSeries::Hold> hold;
  {
    const std::shared_lock lock(index_.gate);
    hold.emplace(index_.hold());
    for (const auto& [name, measurement] : bucket.measurements()) {
      if (request.measurements.empty() || std::ranges::find(request.measurements, name) != request.measurements.end()) measurements.push_back(measurement.get());
    }
  }
  std::vector<SeriesId> ids;
  for (const Measurement* const measurement : measurements) {
    for (const uint32_t id : matching_series(measurement->tags, request.predicate, index_.gate)) ids.push_back(id);
  }
  std::ranges::sort(ids);
  return ids;
}

Result<EraseOutcome> EngineImpl::erase(BucketId id, const EraseRequest& request) {
  if (request.range.from_ns > request.range.to_ns) return EraseOutcome{};
  std::shared_ptr<Bucket> bucket;
  {
    const std::shared_lock lock(index_.gate);
    bucket = TRY(ready_bucket(id));
  }
  const std::vector<SeriesId> ids = TRY(series_to_erase(*bucket, request));
  EraseOutcome outcome;
  for (size_t begin = 0; begin < ids.size(); begin += kEraseSlice) {
    const std::span<const SeriesId> slice = std::span(ids).subspan(begin, std::min(kEraseSlice, ids.size() - begin));
    TRY(sealer_.erase(bucket, {.bucket = id, .range = request.range, .series = {slice.begin(), slice.end()}}, outcome));
  }
  return outcome;
}

Result<void> EngineImpl::replay_erasure(const journal::Record& record) {
  const Erasure erasure = TRY(decode_erasure(record.payload));
  std::shared_ptr<Bucket> bucket;
  {
    const std::shared_lock lock(index_.gate);
    bucket = index_.bucket(erasure.bucket);
  }
  if (!bucket) return {};  // dropped
  return sealer_.erase_again(bucket, erasure, record.lsn);
}

std::vector<SeriesEntry*> Sealer::entries_of(const Erasure& erasure) const {
  std::vector<SeriesEntry*> entries;
  for (const SeriesId series : erasure.series) {
    SeriesEntry* const entry = index_.series(series);
    if (entry && entry->bucket == erasure.bucket) entries.push_back(entry);
  }
  return entries;
}

Result<void> Sealer::erase(const std::shared_ptr<Bucket>& bucket, const Erasure& erasure, EraseOutcome& outcome) {
  const std::lock_guard lock(mutex_);
  TRY(finish_erasures());
  journal::Journal* const journal = journal_;
  if (!journal) return fail(ErrorCode::kUnavailable, "the store is not running; try again later");
  PendingErasure pending{.bucket = bucket, .range = erasure.range, .lsn = 0, .entries = {}};
  {
    const std::unique_lock gate_lock(index_.gate);
    if (bucket->dropped) return fail(ErrorCode::kNotFound, "bucket {} does not exist; its database was dropped", bucket->id);
    pending.entries = entries_of(erasure);
    pending.lsn = TRY(journal->append(journal::RecordType::kErase, encode_erasure(erasure)));
    for (SeriesEntry* const entry : pending.entries) {
      const std::lock_guard entry_lock(entry->lock);
      Heads::freeze(*entry);
    }
  }
  outcome.lsn = pending.lsn;
  outcome.series += pending.entries.size();
  erasures_.push_back(std::move(pending));
  TRY(journal->wait_durable(outcome.lsn));
  TRY(finish_erasures(&outcome));
  return remove_empty_locked();
}

Result<void> Sealer::erase_again(const std::shared_ptr<Bucket>& bucket, const Erasure& erasure, journal::Lsn lsn) {
  const std::lock_guard lock(mutex_);
  PendingErasure pending{.bucket = bucket, .range = erasure.range, .lsn = lsn, .entries = {}};
  {
    const std::unique_lock gate_lock(index_.gate);
    pending.entries = entries_of(erasure);
    for (SeriesEntry* const entry : pending.entries) {
      const std::lock_guard entry_lock(entry->lock);
      Heads::freeze(*entry);
    }
  }
  erasures_.push_back(std::move(pending));
  return finish_erasures();
}

// REQUIRES: mutex_. The counts are those of the newest.
Result<void> Sealer::finish_erasures(EraseOutcome* outcome) {
  while (!erasures_.empty()) {
    EraseOutcome ignored;
    TRY(finish_erasure(erasures_.front(), outcome && erasures_.size() == 1 ? *outcome : ignored));
    erasures_.pop_front();
  }
  return {};
}

Result<void> Sealer::finish_erasure(const PendingErasure& erasure, EraseOutcome& outcome) {
  // Everything before the record goes into chunks first, where it is easily taken out again.
  std::vector<Item> items;
  for (SeriesEntry* const entry : erasure.entries) items.push_back({erasure.bucket, entry});
  TRY(seal_before(std::move(items), erasure.lsn));
  for (SeriesEntry* const entry : erasure.entries) TRY(erase_chunks(*entry, erasure, outcome));
  return {};
}

Result<void> Sealer::erase_chunks(SeriesEntry& entry, const PendingErasure& erasure, EraseOutcome& outcome) {
  ChunksState before;
  {
    const std::lock_guard lock(entry.lock);
    before = entry.chunks;
  }
  if (erasure.bucket->dropped || before.sealed_lsn >= erasure.lsn) return {};
  ChunkErasure chunks(store_, entry.bucket, entry.id, before, erasure.range);
  kv::WriteBatch batch;
  while (TRY(chunks.step(batch))) {
    TRY(store_.write(batch, kv::Durability::kBuffered));
    batch.clear();
  }
  ChunksState after = chunks.state();
  after.sealed_lsn = erasure.lsn;
  // A reader of an older view must not take this state for what its view holds.
  after.sequence = ++meta_.sequence;
  batch.put(series_row_key(BucketRows::kStates, entry.bucket, entry.id), encode_chunks_state(after));
  {
    const std::shared_lock lock(index_.gate);
    meta_.next_series = index_.next_series();
  }
  batch.put(kMetaKey, encode_meta(meta_));
  TRY(store_.write(batch, kv::Durability::kBuffered));
  committed_sequence_.store(meta_.sequence, std::memory_order_release);
  Heads::Change change;
  {
    const std::lock_guard lock(entry.lock);
    const uint64_t columns = after.columns | Heads::columns_in_memory(entry);
    change.columns = std::popcount(columns) - std::popcount(entry.chunks.columns);
    entry.chunks = after;
    entry.chunks.columns = columns;
  }
  heads_.count(change);
  if (after.columns == 0) maybe_empty_.push_back({erasure.bucket, &entry});
  outcome.values += chunks.values();
  outcome.damaged_chunks += chunks.damaged();
  counters_.values_erased.add(chunks.values());
  return {};
}

}  // namespace campanile::tsdb
