// Sealer: turns frozen heads into chunks in the key-value store, on a thread of its own and for checkpoints.
//
//   Sealer sealer(options, store, index, heads, counters);
//   sealer.start(&journal);
//   sealer.enqueue({bucket, entry});            // its head is full
//   const Lsn needed_from = TRY(sealer.checkpoint());
//
// The order that loses nothing: a writer appends its record and then fills heads, all under the index's gate. A pass over series first takes the gate
// alone for a moment, so that every record before the journal's end of that moment has reached the heads; then freezes heads; waits until the
// journal is durable beyond what they hold, so that no chunk tells of a point, series or column that a power cut could take back; writes chunks and the
// series' state in one batch; and only then lets go of the heads. A reader sees heads, frozen blocks and chunks: at every moment a row is in at
// least one of them.
// Threads: enqueue(), wake() and the getters from any thread; passes are one at a time, under `mutex_`, taken before every other lock of the engine.
// Limits: none on the queue, an entry is in it once; the engine refuses writes when heads and frozen blocks together pass their limit.
// Errors: a pass that fails leaves the blocks frozen; they are tried again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "journal/journal.h"
#include "kv/store.h"
#include "tsdb/chunk_group.h"
#include "tsdb/counters.h"
#include "tsdb/engine.h"
#include "tsdb/heads.h"
#include "tsdb/records.h"
#include "tsdb/series_index.h"

namespace campanile::tsdb {

// The row under kMetaKey.
struct Meta {
  SeriesId next_series = 1;
  uint64_t sequence = 0;             // of the newest chunk group
  journal::Lsn checkpoint_lsn = 0;   // records up to here are in chunks and rows
};
std::string encode_meta(const Meta& meta);
Result<Meta> decode_meta(std::string_view bytes);

class Sealer {
 public:
  struct Item {
    std::shared_ptr<Bucket> bucket;
    SeriesEntry* entry;
  };

  Sealer(const EngineOptions& options, kv::Store& store, const Clock& clock, SeriesIndex& index, Heads& heads, Counters& counters, const Meta& meta,
         std::function<Result<void>()> before_chunks);
  ~Sealer();

  // REQUIRES: nothing is replayed or written yet.
  void set_change_watch(ChangeWatch& watch) { watch_ = &watch; }
  // REQUIRES: the index's gate.
  void tell_if_watched(ChangeWatch::Change change, const SeriesEntry& entry, TimeRange range) const {
    if (!watch_ || range.from_ns >= entry.measurement->watched_before_ns.load(std::memory_order_acquire)) [[likely]] return;
    watch_->changed(change, entry.bucket, entry.measurement->name, entry.key, range);
  }

  // The thread begins; from now on passes wait for that journal. Changes that replay left unfinished are made first.
  void start(journal::Journal& journal);
  void stop();
  // Before start(): the position of the last replayed record, all rows of which are in heads.
  void set_replayed(journal::Lsn lsn) { replayed_lsn_ = lsn; }
  // The journal begins anew below the positions that states remember: forgets them. REQUIRES: before start().
  Result<void> forget_positions();

  // Changes what was written to those series before, for range_change.cc, which says how; several changes are one unit. The other is for replay.
  Result<void> change(const std::shared_ptr<Bucket>& bucket, std::span<const RangeChange> changes, ChangeOutcome& outcome);
  Result<void> change_again(const std::shared_ptr<Bucket>& bucket, RangeChange change, const journal::Record& record);
  bool has_unfinished_changes();

  // Lets go of what a series that is being removed has in memory. For replay.
  void clear_removed(SeriesEntry& entry);

  // Takes the items, leaves the vector empty. REQUIRES: the index's gate, held since they were found.
  void enqueue(std::vector<Item>& items);
  void erase_bucket(std::shared_ptr<Bucket> bucket);
  void wake();

  // What the thread does when there is something to do.
  Result<void> work();
  // Seals everything that was written before the call. Answers the position up to which that is all.
  Result<journal::Lsn> seal_all();
  // The same, made durable; records up to the answered position are no longer needed.
  Result<journal::Lsn> checkpoint();
  // Merges the small chunks at the end of every series. Answers how many series had any.
  Result<uint64_t> merge_small_chunks();
  // Seals the largest heads until all take at most that many bytes.
  Result<void> relieve(uint64_t bytes);
  // Erases chunks that lie wholly before the duration of their bucket.
  Result<void> enforce_retention();
  // Series that the above, or erasing, left without points leave the index.
  Result<void> remove_empty_series();

  // Every chunk group up to that sequence is in the store.
  uint64_t committed_sequence() const { return committed_sequence_.load(std::memory_order_acquire); }
  journal::Lsn checkpoint_lsn() const { return checkpoint_lsn_.load(std::memory_order_relaxed); }
  // What keeps passes from succeeding; empty while they do.
  std::string failure() const;
  size_t queued() const;

 private:
  struct Pending;
  // A record of the journal that has not yet been dealt with.
  struct PendingChange {
    std::shared_ptr<Bucket> bucket;
    RangeChange change;
    journal::Lsn lsn;
    std::vector<SeriesEntry*> entries;
  };
  // Which blocks a pass takes: all that are frozen, the heads too, or those that hold nothing written after a record.
  struct Scope {
    bool with_heads = false;
    journal::Lsn before = UINT64_MAX;
  };
  void run();
  Result<void> seal_queue();
  Result<journal::Lsn> seal_all_locked();
  std::optional<Pending> freeze(const Item& item, Scope scope, journal::Lsn applied);
  // `applied`: every record up to there has reached the heads. Begins with changes that are not finished.
  Result<void> seal(std::vector<Item> items, Scope scope, journal::Lsn applied);
  Result<void> seal_blocks(std::vector<Item> items, Scope scope, journal::Lsn applied);
  // Seals frozen blocks of rows that were written before that record.
  Result<void> seal_before(std::vector<Item> items, journal::Lsn lsn) { return seal_blocks(std::move(items), {.before = lsn}, lsn - 1); }
  // range_change.cc
  std::vector<SeriesEntry*> freeze_series_of(const RangeChange& change);
  Result<void> finish_changes(ChangeOutcome* outcome = nullptr);
  Result<void> finish_change(const PendingChange& pending, ChangeOutcome& outcome);
  Result<void> change_series(SeriesEntry& entry, const PendingChange& pending, ChangeOutcome& outcome);
  Result<ChunksState> change_chunks(const SeriesEntry& entry, const PendingChange& pending, const ChunksState& before, ChangeOutcome& outcome);
  Result<uint64_t> merge_small_chunks_of(const std::shared_ptr<Bucket>& bucket, std::span<SeriesEntry* const> entries);
  MergeLimits merge_limits(const Bucket& bucket) const;
  Result<void> commit(std::vector<Pending>& pending, kv::WriteBatch& batch);
  journal::Lsn applied_lsn();
  Result<void> erase_dropped();
  Result<void> drop_expired(const std::shared_ptr<Bucket>& bucket, int64_t before_ns);
  // empty_series.cc
  Result<void> remove_empty_locked();
  Result<void> erase_removed_rows();
  void recycle_removed();
  Result<std::vector<Item>> without_chunks(std::span<const Item> items) const;
  void remove_if_empty(const Item& item);
  void may_be_empty(const std::shared_ptr<Bucket>& bucket, SeriesId series);
  std::vector<std::shared_ptr<Bucket>> buckets() const;
  void note(const Result<void>& outcome);

  const EngineOptions options_;
  kv::Store& store_;
  const Clock& clock_;
  SeriesIndex& index_;
  Heads& heads_;
  Counters& counters_;
  ChangeWatch* watch_ = nullptr;
  const std::function<Result<void>()> before_chunks_;  // has what tells of buckets, series and columns written to the store, one call at a time
  std::atomic<journal::Journal*> journal_{nullptr};
  std::atomic<journal::Lsn> replayed_lsn_{0};
  std::atomic<journal::Lsn> checkpoint_lsn_;
  std::atomic<uint64_t> committed_sequence_;

  std::mutex mutex_;  // one pass at a time
  Meta meta_;         // under mutex_
  std::vector<Item> maybe_empty_;  // under mutex_: series that may have no points any more
  std::deque<PendingChange> changes_;  // under mutex_: recorded in the journal and not yet made in the chunks, oldest first
  int64_t retention_at_ns_ = INT64_MIN;  // under mutex_, on the steady clock

  mutable std::mutex queue_mutex_;  // what follows
  std::condition_variable wake_;
  std::vector<Item> queue_;
  std::vector<std::shared_ptr<Bucket>> dropped_;
  std::string failure_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace campanile::tsdb
