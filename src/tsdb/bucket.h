// Bucket: the series of one database and retention policy, with their heads: who they are, what they hold in memory, what their chunks are like.
//
//   SeriesEntry* entry = bucket.find("data,room=302");
//   std::lock_guard lock(entry->lock);
//   entry->head->append(...);
//
// Threads: a bucket's maps under the index's lock (series_index.h): shared to look up, exclusive to add. What a SeriesEntry says of its head and
// chunks is under the entry's own lock. Entries, measurements and names never move and live as long as the bucket; the place and the texts of a series that
// was removed go to another one once nobody can hold them any more (retired_series.h).
// Lock order: the index's lock, then one entry's. Nothing else is taken inside an entry's.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "tsdb/head_block.h"
#include "tsdb/keys.h"
#include "tsdb/locks.h"
#include "tsdb/tag_index.h"
#include "tsdb/text_hash.h"

namespace campanile::tsdb {

struct Column {
  std::string name;
  FieldType type;
};

// Column numbers are positions + 1, because kTimesColumn is 0.
struct Measurement {
  std::string name;
  std::deque<Column> columns;
  absl::flat_hash_map<std::string_view, ColumnId, TextHash> numbers;
  TagIndex tags;
  size_t columns_persisted = 0;
  std::atomic<int64_t> watched_before_ns{INT64_MIN};  // changes before it are told (change_watch.h)

  const Column& column(ColumnId id) const { return columns[id - 1u]; }
  std::optional<ColumnId> find(std::string_view field) const {
    const auto found = numbers.find(field);
    return found == numbers.end() ? std::nullopt : std::optional(found->second);
  }
};

// What is known of a series' chunks without reading them; a row in the key-value store keeps it (docs/format/chunks.md).
struct ChunksState {
  // Which columns have ever had a value: bit c - 1 for columns 1 to 63, bit 63 for any above.
  uint64_t columns = 0;
  // Some chunks of a column have times in common, or came out of order: a read must look at all of them.
  bool overlaps = false;
  uint64_t span_max_ns = 0;                  // of the longest chunk: how far before a time one can begin that holds it
  int64_t max_time_ns = INT64_MIN;           // of all chunks
  int64_t max_time_before_tail_ns = INT64_MIN;
  int64_t tail_min_time_ns = 0;              // of the newest chunk group, which small successors are merged into
  uint32_t tail_rows = 0;                    // 0: there is none to merge into
  uint64_t sequence = 0;                     // of the newest chunk group
  journal::Lsn sealed_lsn = 0;               // rows of records up to here are in chunks; replay leaves them out

  static uint64_t column_bit(ColumnId column) { return 1ull << (column < 64 ? column - 1 : 63); }
};

std::string encode_chunks_state(const ChunksState& state);
Result<ChunksState> decode_chunks_state(std::string_view bytes);

using FrozenBlocks = std::vector<std::shared_ptr<const HeadBlock>>;

struct SeriesEntry {
  SeriesEntry(uint32_t entry_id, BucketId bucket_id, std::string_view entry_key, Measurement* entry_measurement)
      : id(entry_id), bucket(bucket_id), key(entry_key), measurement(entry_measurement) {}

  const uint32_t id;
  const BucketId bucket;
  const std::string_view key;
  Measurement* const measurement;

  bool removed = false;                   // is no longer found, or nobody's place; under the index's lock

  SpinLock lock;
  bool queued = false;                    // waits for the sealer
  std::shared_ptr<HeadBlock> head;        // takes the writes; none while the series is quiet
  std::unique_ptr<FrozenBlocks> frozen;   // full, oldest first, on their way into chunks
  ChunksState chunks;
};

class Bucket {
 public:
  Bucket(BucketId bucket_id, int64_t bucket_duration_ns, std::chrono::milliseconds bucket_sync_within = {})
      : id(bucket_id), duration_ns(bucket_duration_ns), sync_within(bucket_sync_within) {}

  const BucketId id;
  std::atomic<int64_t> duration_ns;  // 0: for ever; it may be altered
  const std::chrono::milliseconds sync_within;  // 0: before its points are acknowledged
  std::atomic<bool> dropped{false};

  SeriesEntry* find(std::string_view key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : found->second;
  }
  Measurement* find_measurement(std::string_view name) const {
    const auto found = measurements_.find(name);
    return found == measurements_.end() ? nullptr : found->second.get();
  }
  const std::map<std::string, std::unique_ptr<Measurement>, std::less<>>& measurements() const { return measurements_; }
  const std::deque<SeriesEntry>& entries() const { return entries_; }
  std::deque<SeriesEntry>& entries() { return entries_; }

  // REQUIRES (all three): the index's lock, exclusively.
  Measurement& add_measurement(std::string_view name);
  // REQUIRES: the measurement has no such column, and fewer than kColumnsMax.
  ColumnId add_column(Measurement& measurement, std::string_view field, FieldType type);
  // REQUIRES: the key is not there.
  SeriesEntry& add_series(uint32_t series, std::string_view key, const SeriesName& name);

  // Nothing finds the series any more; its entry stays for those that hold it. REQUIRES: it has no points.
  void remove_series(SeriesEntry& entry);
  // Its place and texts may be used again. REQUIRES: it was removed, once for each; nobody holds it, or a view of its tags' values.
  void recycle(SeriesEntry& entry);

  std::deque<uint32_t> unpersisted;  // series without a row in the key-value store; under the index's lock

 private:
  SeriesEntry& place(uint32_t series, std::string_view key, Measurement* measurement);

  TextArena arena_;
  std::deque<SeriesEntry> entries_;
  std::vector<SeriesEntry*> free_;  // places in entries_ that are nobody's
  absl::flat_hash_map<std::string_view, SeriesEntry*, TextHash> by_key_;
  std::map<std::string, std::unique_ptr<Measurement>, std::less<>> measurements_;
};

}  // namespace campanile::tsdb
