// Series that have no points any more, because they were erased or have expired, leave the index: devices, sessions and jobs that come and go must
// not fill it. Part of the sealer, which owns the chunks.
//
// That a series is empty is certain only under the gate alone, where no writer is between finding it and filling its head, and while no pass puts
// chunks into the store. Its number is never given again; the same key gets a new one. The removal is a definition in the journal, so that
// replay removes it at the same place among the records that speak of it. Its memory goes to the next new series, once no reader or writer is left that
// may have found it (retired_series.h).

#include <bit>
#include <mutex>
#include <shared_mutex>

#include "base/log.h"
#include "tsdb/sealer.h"

namespace campanile::tsdb {
namespace {

// Writers wait while that many are removed.
constexpr size_t kRemoveSlice = 256;

}  // namespace

// REQUIRES: mutex_.
void Sealer::may_be_empty(const std::shared_ptr<Bucket>& bucket, SeriesId series) {
  const std::shared_lock lock(index_.gate);
  SeriesEntry* const entry = index_.series(series);
  if (entry && entry->bucket == bucket->id) maybe_empty_.push_back({bucket, entry});
}

Result<void> Sealer::remove_empty_series() {
  const std::lock_guard lock(mutex_);
  TRY(finish_changes());
  return remove_empty_locked();
}

Result<void> Sealer::remove_empty_locked() {
  TRY(erase_removed_rows());
  journal::Journal* const journal = journal_;
  if (!journal) return {};
  const std::vector<Item> items = std::exchange(maybe_empty_, {});
  for (size_t begin = 0; begin < items.size(); begin += kRemoveSlice) {
    const std::vector<Item> empty = TRY(without_chunks(std::span(items).subspan(begin, std::min(kRemoveSlice, items.size() - begin))));
    {
      const std::unique_lock lock(index_.gate);
      for (const Item& item : empty) remove_if_empty(item);
      // Where the journal refuses, the next writer says it before anything else.
      if (!index_.unjournaled.empty() && journal->append(journal::RecordType::kSeries, index_.unjournaled)) index_.unjournaled.clear();
    }
    TRY(erase_removed_rows());
  }
  recycle_removed();
  return {};
}

// REQUIRES: mutex_. What a pass has in hand stays somebody's until there is nothing.
void Sealer::recycle_removed() {
  if (!changes_.empty() || !maybe_empty_.empty()) return;
  for (bool is_first = true;; is_first = false) {
    const std::unique_lock lock(index_.gate);
    if (is_first) {
      // Under the gate alone: nobody is about to enqueue one of them.
      const std::lock_guard queue_lock(queue_mutex_);
      std::erase_if(queue_, [](const Item& item) { return item.entry->removed; });
    }
    if (index_.recycle(kRemoveSlice) < kRemoveSlice) return;
  }
}

Result<std::vector<Sealer::Item>> Sealer::without_chunks(std::span<const Item> items) const {
  std::vector<Item> out;
  for (const Item& item : items) {
    const auto rows = store_.iterate(column_begin(item.entry->bucket, item.entry->id, 0), column_end(item.entry->bucket, item.entry->id, UINT16_MAX));
    if (!rows->valid()) out.push_back(item);
    TRY(rows->status());
  }
  return out;
}

// REQUIRES: the gate alone; the series has no chunks.
void Sealer::remove_if_empty(const Item& item) {
  SeriesEntry& entry = *item.entry;
  if (entry.removed || item.bucket->dropped) return;
  {
    const std::lock_guard lock(entry.lock);
    if (entry.frozen || (entry.head && entry.head->rows() > 0)) return;
  }
  index_.remove_series(*item.bucket, entry);
  clear_removed(entry);
  counters_.series_removed.add();
}

void Sealer::clear_removed(SeriesEntry& entry) {
  Heads::Change change;
  {
    const std::lock_guard lock(entry.lock);
    change.columns -= std::popcount(entry.chunks.columns);
    entry.chunks = {};
  }
  heads_.clear(entry);
  heads_.count(change);
}

// REQUIRES: mutex_. What the disk refuses is tried again at the next pass.
Result<void> Sealer::erase_removed_rows() {
  std::vector<std::pair<BucketId, SeriesId>> removed;
  {
    const std::shared_lock lock(index_.gate);
    if (index_.removed_rows.empty()) return {};
  }
  {
    const std::unique_lock lock(index_.gate);
    removed.swap(index_.removed_rows);
  }
  kv::WriteBatch batch;
  for (const auto& [bucket, series] : removed) {
    batch.erase(series_row_key(BucketRows::kSeries, bucket, series));
    batch.erase(series_row_key(BucketRows::kStates, bucket, series));
  }
  if (auto erased = store_.write(batch, kv::Durability::kBuffered); !erased) {
    const std::unique_lock lock(index_.gate);
    index_.removed_rows.insert(index_.removed_rows.end(), removed.begin(), removed.end());
    return erased;
  }
  return {};
}

}  // namespace campanile::tsdb
