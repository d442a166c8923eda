// SeriesIndex: all buckets with their series and columns, by name and by number, and their rows in the key-value store.
//
//   std::shared_lock reading(index.gate);
//   std::shared_ptr<Bucket> bucket = index.bucket(id);
//   SeriesEntry* entry = bucket->find(key);
//
// Threads: `gate` guards every bucket's maps and everything here. Writers hold it shared from the lookup of their series to the last row put into
// a head, so whoever holds it exclusively knows that every record in the journal has reached the heads. Scans by queries hold it for slices
// of kSlice items. Lock order: sealing mutex (sealer.h), gate, a series entry's lock.
// Definitions go into the journal before any record that uses them: those that could not be appended wait in `unjournaled` and are
// appended before anything else is.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kv/store.h"
#include "tsdb/bucket.h"
#include "tsdb/records.h"
#include "tsdb/retired_series.h"
#include "tsdb/series_table.h"

namespace campanile::tsdb {

inline constexpr size_t kSlice = 4096;

class SeriesIndex {
 public:
  using Secure = std::function<Result<void>()>;

  mutable FairSharedMutex gate;
  std::string unjournaled;  // under gate, exclusively to change
  // Series that are no longer here and whose rows in the store are to be erased (empty_series.cc); under gate, exclusively to change.
  std::vector<std::pair<BucketId, SeriesId>> removed_rows;

  // The following REQUIRE the gate, shared.
  std::shared_ptr<Bucket> bucket(BucketId id) const {
    const auto found = buckets_.find(id);
    return found == buckets_.end() ? nullptr : found->second;
  }
  const std::map<BucketId, std::shared_ptr<Bucket>>& buckets() const { return buckets_; }
  SeriesEntry* series(SeriesId id) const { return by_id_.get(id); }
  uint64_t series_count() const { return by_id_.size(); }
  SeriesId next_series() const { return by_id_.next(); }
  // For whoever uses what he found here after he has let go of the gate: until then it is nobody else's.
  RetiredSeries::Hold hold() const { return retired_.hold(); }

  // The following REQUIRE the gate, exclusively.
  void add_bucket(BucketId id, int64_t duration_ns, std::chrono::milliseconds sync_within = {});
  // Returns the bucket, whose series are no longer found.
  std::shared_ptr<Bucket> remove_bucket(BucketId id);
  // REQUIRES: not there yet. The definition is left in `unjournaled`. Errors: kTooLarge at kColumnsMax columns.
  Result<ColumnId> define_column(Bucket& bucket, Measurement& measurement, std::string_view field, FieldType type);
  // The same. Errors: kInvalidArgument where the key is none; kTooLarge when series numbers are used up.
  Result<SeriesEntry*> define_series(Bucket& bucket, std::string_view key);
  // A series without points is no longer found, and its number never given again. The definition is left in `unjournaled`.
  void remove_series(Bucket& bucket, SeriesEntry& entry);
  // Of the series that were removed, gives free the memory of at most `count` that nobody holds. Answers how many it were.
  size_t recycle(size_t count);
  // That number is taken, whether or not there is such a series.
  void take_number(SeriesId series) { by_id_.take(series); }
  // Makes the measurement's columns up to that number, named column_<number>, where their definitions are lost. REQUIRES: replay.
  void stand_in_for_columns(Bucket& bucket, Measurement& measurement, ColumnId last, FieldType type);
  // Applies a definition from the journal: what is known already stays; what belongs to a dropped bucket is left out.
  Result<void> replay(const Definition& definition);

  // Reads the buckets' rows. REQUIRES: the buckets were added; nothing else runs. Series numbers from `next_series` on are free.
  // Answers the highest journal position that any series' chunks cover.
  Result<journal::Lsn> load(const kv::Store& store, SeriesId next_series);
  // Writes the rows of definitions made since the last call, each time after `secure` has made sure that they are in the journal for good.
  // Takes the gate itself. REQUIRES: one call at a time.
  Result<void> persist(kv::Store& store, const Secure& secure);

 private:
  Result<SeriesEntry*> add_series(Bucket& bucket, SeriesId id, std::string_view key);
  void forget_series(Bucket& bucket, SeriesEntry& entry);
  Result<void> load_columns(const kv::Store& store, Bucket& bucket);
  Result<void> load_series(const kv::Store& store, Bucket& bucket);
  Result<journal::Lsn> load_states(const kv::Store& store, Bucket& bucket);
  Result<void> persist_columns(kv::Store& store, Bucket& bucket, const Secure& secure);
  Result<void> persist_series(kv::Store& store, Bucket& bucket, const Secure& secure);

  std::map<BucketId, std::shared_ptr<Bucket>> buckets_;
  SeriesTable by_id_;
  RetiredSeries retired_;
};

}  // namespace campanile::tsdb
