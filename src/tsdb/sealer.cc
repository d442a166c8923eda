#include "tsdb/sealer.h"

#include <algorithm>
#include <optional>
#include <shared_mutex>

#include "base/check.h"
#include "base/log.h"
#include "codec/varint.h"

namespace campanile::tsdb {
namespace {

constexpr uint8_t kMetaVersion = 1;
// A batch is written when it holds that much, so that heads are let go of soon and other writers of the store need not wait long.
constexpr size_t kBatchSeriesMax = 256;
constexpr size_t kBatchChangesMax = 1024;
// Chunks of more values than that would be refused on reading (kChunkValuesMax); the rest goes into the next group.
constexpr size_t kBlocksMax = 32;
// Heads become chunks of chunk_points_max rows, and those later chunks of that many times as many.
constexpr uint32_t kMergedChunks = 4;
// Chunks of a bucket that does not keep points for ever span at most that part of its duration, since they go as a whole.
constexpr int64_t kSpanOfDuration = 8;
constexpr auto kIdleWait = std::chrono::milliseconds(500);
constexpr auto kRetryWait = std::chrono::milliseconds(1000);
constexpr int64_t kRetentionEveryNs = 60 * kNanosPerSecond;

}  // namespace

std::string encode_meta(const Meta& meta) {
  std::string out;
  out += static_cast<char>(kMetaVersion);
  codec::append_varint(out, meta.next_series);
  codec::append_varint(out, meta.sequence);
  codec::append_varint(out, meta.checkpoint_lsn);
  return out;
}

Result<Meta> decode_meta(std::string_view bytes) {
  codec::ByteReader in(bytes);
  const uint8_t version = in.byte();
  if (version != kMetaVersion) {
    return fail(ErrorCode::kUnsupported, "the store's format version is {}, this program reads {}: use the version of Campanile that wrote it", version, kMetaVersion);
  }
  Meta meta;
  meta.next_series = in.varint();
  meta.sequence = in.varint();
  meta.checkpoint_lsn = in.varint();
  if (!in.ok() || !in.at_end() || meta.next_series > uint64_t{UINT32_MAX} + 1) return fail(ErrorCode::kCorrupt, "meta row of {} bytes", bytes.size());
  return meta;
}

// One series of a pass, from freezing to letting go.
struct Sealer::Pending {
  Item item;
  FrozenBlocks blocks;  // the oldest ones
  bool has_more;        // there are others
  ChunksState before;
  journal::Lsn sealed_lsn;
  ChunkGroup group;
};

Sealer::Sealer(const EngineOptions& options, kv::Store& store, const Clock& clock, SeriesIndex& index, Heads& heads, Counters& counters, const Meta& meta,
               std::function<Result<void>()> before_chunks)
    : options_(options),
      store_(store),
      clock_(clock),
      index_(index),
      heads_(heads),
      counters_(counters),
      before_chunks_(std::move(before_chunks)),
      checkpoint_lsn_(meta.checkpoint_lsn),
      committed_sequence_(meta.sequence),
      meta_(meta) {}

Sealer::~Sealer() { stop(); }

void Sealer::start(journal::Journal& journal) {
  CHECK(!thread_.joinable());
  journal_ = &journal;
  {
    const std::lock_guard lock(mutex_);
    note(finish_changes());
  }
  if (options_.has_thread) thread_ = std::thread([this] { run(); });
}

void Sealer::stop() {
  {
    const std::lock_guard lock(queue_mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  journal_ = nullptr;
}

void Sealer::enqueue(std::vector<Item>& items) {
  {
    const std::lock_guard lock(queue_mutex_);
    for (Item& item : items) queue_.push_back(std::move(item));
  }
  items.clear();
  wake_.notify_one();
}

void Sealer::erase_bucket(std::shared_ptr<Bucket> bucket) {
  {
    const std::lock_guard lock(queue_mutex_);
    dropped_.push_back(std::move(bucket));
  }
  wake_.notify_one();
}

void Sealer::wake() {
  {
    const std::lock_guard lock(queue_mutex_);
    if (woken_) return;
    woken_ = true;
  }
  wake_.notify_one();
}

std::string Sealer::failure() const {
  const std::lock_guard lock(queue_mutex_);
  return failure_;
}

size_t Sealer::queued() const {
  const std::lock_guard lock(queue_mutex_);
  return queue_.size();
}

void Sealer::note(const Result<void>& outcome) {
  std::string failure = outcome ? std::string() : outcome.error().message;
  const std::lock_guard lock(queue_mutex_);
  // Said once when it begins and once when it is over, not at every attempt.
  if (!failure.empty() && failure_ != failure) log::error("sealing chunks: {}; what was written stays in memory and in the journal, trying again", failure);
  if (failure.empty() && !failure_.empty()) log::info("sealing chunks works again");
  failure_ = std::move(failure);
}

void Sealer::run() {
  for (;;) {
    {
      std::unique_lock lock(queue_mutex_);
      const auto wait = failure_.empty() ? kIdleWait : kRetryWait;
      const bool is_failing = !failure_.empty();
      wake_.wait_for(lock, wait, [&] { return stopping_ || (!is_failing && (woken_ || !queue_.empty() || !dropped_.empty())); });
      if (stopping_) return;
      woken_ = false;
    }
    const auto outcome = work();
    if (!outcome) counters_.seal_failures.add();
    note(outcome);
  }
}

Result<void> Sealer::work() {
  TRY(erase_dropped());
  TRY(seal_queue());
  TRY(remove_empty_series());
  // Relief begins before the limit, so that a steady stream of writes never meets it.
  if (heads_.bytes() > options_.head_bytes_max / 5 * 4) TRY(relieve(options_.head_bytes_max / 5 * 3));
  bool is_due = false;
  {
    const std::lock_guard lock(mutex_);
    const int64_t now_ns = clock_.steady_ns();
    is_due = retention_at_ns_ == INT64_MIN || now_ns - retention_at_ns_ >= kRetentionEveryNs;
    if (is_due) retention_at_ns_ = now_ns;
  }
  if (is_due) TRY(enforce_retention());
  return {};
}

journal::Lsn Sealer::applied_lsn() {
  // Alone behind the gate: no writer is between its append and its rows.
  const std::unique_lock lock(index_.gate);
  journal::Journal* const journal = journal_;
  return journal ? journal->end() : replayed_lsn_.load();
}

Result<void> Sealer::seal_queue() {
  const std::lock_guard lock(mutex_);
  std::vector<Item> items;
  {
    const std::lock_guard queue_lock(queue_mutex_);
    items.swap(queue_);
  }
  if (items.empty()) return {};
  auto sealed = seal(items, {}, applied_lsn());  // a copy: a failed pass puts them back
  if (sealed) return {};
  // Those that were sealed have nothing frozen any more and do no harm in the queue.
  const std::lock_guard queue_lock(queue_mutex_);
  queue_.insert(queue_.begin(), items.begin(), items.end());
  return sealed;
}

std::optional<Sealer::Pending> Sealer::freeze(const Item& item, Scope scope, journal::Lsn applied) {
  SeriesEntry& entry = *item.entry;
  const std::lock_guard lock(entry.lock);
  // Another pass may find the entry while it is in the queue, where it stays.
  if (scope.with_heads) {
    Heads::freeze(entry);
  } else {
    entry.queued = false;
  }
  if (!entry.frozen) return std::nullopt;
  const FrozenBlocks& frozen = *entry.frozen;
  const auto is_after = [&scope](const auto& block) { return block->first_lsn() >= scope.before; };
  const size_t taken = static_cast<size_t>(std::ranges::find_if(frozen, is_after) - frozen.begin());
  if (taken == 0) return std::nullopt;
  const size_t count = std::min(taken, kBlocksMax);
  // Replay may leave out what lies before the first row that stays in memory.
  journal::Lsn sealed_lsn = applied;
  for (size_t i = count; i < frozen.size(); ++i) sealed_lsn = std::min(sealed_lsn, frozen[i]->first_lsn() - 1);
  if (entry.head && entry.head->rows() > 0) sealed_lsn = std::min(sealed_lsn, entry.head->first_lsn() - 1);
  return Pending{.item = item,
                 .blocks = FrozenBlocks(frozen.begin(), frozen.begin() + static_cast<ptrdiff_t>(count)),
                 .has_more = taken > count,
                 .before = entry.chunks,
                 .sealed_lsn = std::max(sealed_lsn, entry.chunks.sealed_lsn),
                 .group = {}};
}

Result<void> Sealer::seal(std::vector<Item> items, Scope scope, journal::Lsn applied) {
  TRY(finish_changes());
  return seal_blocks(std::move(items), scope, applied);
}

Result<void> Sealer::seal_blocks(std::vector<Item> items, Scope scope, journal::Lsn applied) {
  // Without its bucket's row the next start would take a chunk for left over.
  TRY(before_chunks_());
  // A series that came back into the queue after a failed pass may be in it twice; its blocks must be let go of once.
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.entry < b.entry; });
  items.erase(std::unique(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.entry == b.entry; }), items.end());
  for (size_t at = 0; at < items.size();) {
    std::vector<Pending> pending;
    for (; at < items.size() && pending.size() < kBatchSeriesMax; ++at) {
      if (auto one = freeze(items[at], scope, applied)) pending.push_back(std::move(*one));
    }
    if (pending.empty()) continue;
    if (journal::Journal* const journal = journal_) TRY(journal->wait_durable(journal->end()));
    kv::WriteBatch batch;
    std::vector<Pending> ready;
    for (Pending& one : pending) {
      const SeriesEntry& entry = *one.item.entry;
      one.group = build_chunk_group(store_, entry.bucket, entry.id, one.before, one.blocks, ++meta_.sequence, merge_limits(*one.item.bucket), batch);
      one.group.state.sealed_lsn = one.sealed_lsn;
      batch.put(series_row_key(BucketRows::kStates, entry.bucket, entry.id), encode_chunks_state(one.group.state));
      if (one.has_more) items.push_back(one.item);
      ready.push_back(std::move(one));
      if (batch.size() >= kBatchChangesMax) TRY(commit(ready, batch));
    }
    TRY(commit(ready, batch));
  }
  return {};
}

MergeLimits Sealer::merge_limits(const Bucket& bucket) const {
  MergeLimits limits{.rows_max = options_.chunk_points_max * kMergedChunks};
  if (bucket.duration_ns > 0) limits.span_max_ns = static_cast<uint64_t>(bucket.duration_ns / kSpanOfDuration);
  return limits;
}

Result<uint64_t> Sealer::merge_small_chunks() {
  uint64_t merged = 0;
  for (const auto& bucket : buckets()) {
    for (size_t begin = 0;; begin += kSlice) {
      // Sealing takes its turns between the slices.
      const std::lock_guard lock(mutex_);
      TRY(finish_changes());
      std::vector<SeriesEntry*> entries;
      {
        const std::shared_lock gate_lock(index_.gate);
        auto& all = bucket->entries();
        if (begin >= all.size() || bucket->dropped) break;
        for (size_t i = begin; i < std::min(begin + kSlice, all.size()); ++i) {
          if (!all[i].removed) entries.push_back(&all[i]);
        }
      }
      merged += TRY(merge_small_chunks_of(bucket, entries));
    }
  }
  return merged;
}

Result<uint64_t> Sealer::merge_small_chunks_of(const std::shared_ptr<Bucket>& bucket, std::span<SeriesEntry* const> entries) {
  uint64_t merged = 0;
  kv::WriteBatch batch;
  std::vector<Pending> ready;
  for (SeriesEntry* const entry : entries) {
    Pending one{.item = {bucket, entry}, .blocks = {}, .has_more = false, .before = {}, .sealed_lsn = 0, .group = {}};
    {
      const std::lock_guard lock(entry->lock);
      one.before = entry->chunks;
    }
    const uint64_t sequence = meta_.sequence + 1;
    auto group = tsdb::merge_small_chunks(store_, bucket->id, entry->id, one.before, sequence, merge_limits(*bucket), batch);
    if (!group) continue;
    meta_.sequence = sequence;
    ++merged;
    one.group = *group;
    batch.put(series_row_key(BucketRows::kStates, bucket->id, entry->id), encode_chunks_state(one.group.state));
    ready.push_back(std::move(one));
    if (batch.size() >= kBatchChangesMax) TRY(commit(ready, batch));
  }
  TRY(commit(ready, batch));
  return merged;
}

Result<void> Sealer::commit(std::vector<Pending>& pending, kv::WriteBatch& batch) {
  if (batch.empty()) return {};
  // A drop may have come in between; what is written for it now is erased later by the same thread.
  {
    const std::shared_lock lock(index_.gate);
    meta_.next_series = index_.next_series();
  }
  batch.put(kMetaKey, encode_meta(meta_));
  for (const Pending& one : pending) {
    // Before the chunks can be seen: a reader that sees them must know that they overlap, and how far to look.
    const std::lock_guard lock(one.item.entry->lock);
    one.item.entry->chunks.overlaps |= one.group.state.overlaps;
    one.item.entry->chunks.span_max_ns = one.group.state.span_max_ns;
  }
  if (auto written = store_.write(batch, kv::Durability::kBuffered); !written) {
    // It may have been written after all: then the next attempt's chunks hold the same times again.
    for (const Pending& one : pending) {
      const std::lock_guard lock(one.item.entry->lock);
      one.item.entry->chunks.overlaps = true;
    }
    return written;
  }
  committed_sequence_.store(meta_.sequence, std::memory_order_release);
  for (const Pending& one : pending) {
    {
      const std::lock_guard lock(one.item.entry->lock);
      const uint64_t columns = one.item.entry->chunks.columns;
      one.item.entry->chunks = one.group.state;
      one.item.entry->chunks.columns |= columns;
    }
    heads_.retire(*one.item.entry, one.blocks.size());
    counters_.chunks_sealed.add(one.group.chunks);
    counters_.values_sealed.add(one.group.values);
  }
  pending.clear();
  batch.clear();
  return {};
}

std::vector<std::shared_ptr<Bucket>> Sealer::buckets() const {
  std::vector<std::shared_ptr<Bucket>> out;
  const std::shared_lock lock(index_.gate);
  for (const auto& [id, bucket] : index_.buckets()) out.push_back(bucket);
  return out;
}

Result<journal::Lsn> Sealer::seal_all_locked() {
  TRY(finish_changes());
  // A checkpoint lets go of the record that a series was removed: its row must not be there any more to say the contrary.
  TRY(erase_removed_rows());
  const journal::Lsn applied = applied_lsn();
  for (const auto& bucket : buckets()) {
    for (size_t begin = 0;; begin += kSlice) {
      std::vector<Item> items;
      {
        const std::shared_lock lock(index_.gate);
        auto& entries = bucket->entries();
        if (begin >= entries.size()) break;
        for (size_t i = begin; i < std::min(begin + kSlice, entries.size()); ++i) {
          SeriesEntry& entry = entries[i];
          const std::lock_guard entry_lock(entry.lock);
          if (entry.frozen || (entry.head && entry.head->rows() > 0)) items.push_back({bucket, &entry});
        }
      }
      TRY(seal(std::move(items), {.with_heads = true}, applied));
    }
  }
  return applied;
}

Result<journal::Lsn> Sealer::seal_all() {
  const std::lock_guard lock(mutex_);
  return seal_all_locked();
}

Result<journal::Lsn> Sealer::checkpoint() {
  const std::lock_guard lock(mutex_);
  const journal::Lsn applied = TRY(seal_all_locked());
  if (watch_) TRY(watch_->keep_changes());
  TRY(before_chunks_());
  kv::WriteBatch batch;
  meta_.checkpoint_lsn = std::max(meta_.checkpoint_lsn, applied);
  {
    const std::shared_lock gate_lock(index_.gate);
    meta_.next_series = index_.next_series();
  }
  batch.put(kMetaKey, encode_meta(meta_));
  TRY(store_.write(batch, kv::Durability::kBuffered));
  TRY(store_.sync());
  checkpoint_lsn_ = meta_.checkpoint_lsn;
  return applied;
}

Result<void> Sealer::relieve(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  struct Candidate {
    size_t bytes;
    Item item;
  };
  std::vector<Candidate> candidates;
  for (const auto& bucket : buckets()) {
    for (size_t begin = 0;; begin += kSlice) {
      const std::shared_lock gate_lock(index_.gate);
      auto& entries = bucket->entries();
      if (begin >= entries.size()) break;
      for (size_t i = begin; i < std::min(begin + kSlice, entries.size()); ++i) {
        const std::lock_guard entry_lock(entries[i].lock);
        size_t taken = entries[i].head ? entries[i].head->bytes() : 0;
        if (entries[i].frozen) {
          for (const auto& block : *entries[i].frozen) taken += block->bytes();
        }
        if (taken > 0) candidates.push_back({taken, {bucket, &entries[i]}});
      }
    }
  }
  // The largest first: they make the best chunks, and the fewest of them.
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.bytes > b.bytes; });
  for (size_t at = 0; at < candidates.size() && heads_.bytes() > bytes;) {
    std::vector<Item> items;
    uint64_t freed = 0;
    const uint64_t wanted = heads_.bytes() - std::min(heads_.bytes(), bytes);
    for (; at < candidates.size() && freed < wanted && items.size() < kSlice; ++at) {
      freed += candidates[at].bytes;
      items.push_back(candidates[at].item);
    }
    TRY(seal(std::move(items), {.with_heads = true}, applied_lsn()));
  }
  return {};
}

Result<void> Sealer::erase_dropped() {
  std::vector<std::shared_ptr<Bucket>> dropped;
  {
    const std::lock_guard lock(queue_mutex_);
    dropped.swap(dropped_);
  }
  if (dropped.empty()) return {};
  const auto put_back_from = [&](size_t i) {
    const std::lock_guard queue_lock(queue_mutex_);
    dropped_.insert(dropped_.end(), dropped.begin() + static_cast<ptrdiff_t>(i), dropped.end());
  };
  const std::lock_guard lock(mutex_);
  // A power cut must not be able to take the drop back, and no start may look for what is erased here.
  if (auto written = before_chunks_(); !written) {
    put_back_from(0);
    return written;
  }
  for (size_t i = 0; i < dropped.size(); ++i) {
    kv::WriteBatch batch;
    for (const BucketRows rows : kAllBucketRows) {
      batch.erase_range(bucket_begin(rows, dropped[i]->id), bucket_end(rows, dropped[i]->id));
    }
    if (auto erased = store_.write(batch, kv::Durability::kBuffered); !erased) {
      put_back_from(i);
      return erased;
    }
    for (SeriesEntry& entry : dropped[i]->entries()) heads_.clear(entry);
  }
  return {};
}

Result<void> Sealer::forget_positions() {
  const std::lock_guard lock(mutex_);
  meta_.checkpoint_lsn = 0;
  checkpoint_lsn_ = 0;
  kv::WriteBatch batch;
  batch.put(kMetaKey, encode_meta(meta_));
  for (const auto& bucket : buckets()) {
    batch.erase_range(bucket_begin(BucketRows::kProgress, bucket->id), bucket_end(BucketRows::kProgress, bucket->id));
    for (SeriesEntry& entry : bucket->entries()) {
      if (entry.removed || entry.chunks.sealed_lsn == 0) continue;
      entry.chunks.sealed_lsn = 0;
      batch.put(series_row_key(BucketRows::kStates, bucket->id, entry.id), encode_chunks_state(entry.chunks));
    }
  }
  return store_.write(batch, kv::Durability::kSynced);
}

}  // namespace campanile::tsdb
