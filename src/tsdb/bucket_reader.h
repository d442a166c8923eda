// BucketReader: the engine's Reader of one bucket.
//
// The view of the store is taken when first needed and again when a series has been sealed since, so that a row that left memory is always found in the store:
// a column's memory is copied only under a view that holds every chunk group the series has (column()).
// Threads: any. Ownership: keeps its bucket, and what it finds in the index from being given to others; the engine must outlive it.
#pragma once

#include <deque>
#include <memory>
#include <mutex>

#include <absl/container/flat_hash_map.h>

#include "tsdb/kv_view.h"
#include "tsdb/sealer.h"
#include "tsdb/series_index.h"

namespace campanile::tsdb {

class BucketReader final : public Reader {
 public:
  // REQUIRES: the index's gate, shared.
  BucketReader(std::shared_ptr<const Bucket> bucket, const SeriesIndex& index, const Sealer& sealer, const kv::Store& store)
      : bucket_(std::move(bucket)), index_(index), sealer_(sealer), store_(store), hold_(index.hold()) {}

  std::vector<std::string> measurements() const override;
  std::vector<FieldInfo> fields(std::string_view measurement) const override;
  std::vector<std::string> tag_keys(std::string_view measurement) const override;
  std::vector<std::string> tag_values(std::string_view measurement, std::string_view key) const override;
  Result<std::vector<Series>> series(std::string_view measurement, const TagPredicate& predicate) const override;
  bool has_field(SeriesId series, std::string_view field) const override;
  Result<std::unique_ptr<ColumnCursor>> column(SeriesId series, std::string_view field, TimeRange range, Order order) const override;
  Result<std::optional<LastValue>> last(SeriesId series, std::string_view field) const override;

 private:
  struct Place {
    SeriesEntry* entry;
    ColumnId column;
    FieldType type;
  };
  std::optional<Place> find(SeriesId series, std::string_view field) const;
  const Measurement* find_measurement(std::string_view name) const;
  bool has_column(const Place& place) const;
  Result<std::unique_ptr<ColumnCursor>> open(const Place& place, TimeRange range, Order order) const;
  std::shared_ptr<KvView> view(uint64_t sequence) const;
  const SeriesName* name_of(SeriesId id, std::string_view key) const;

  const std::shared_ptr<const Bucket> bucket_;
  const SeriesIndex& index_;
  const Sealer& sealer_;
  const kv::Store& store_;
  const RetiredSeries::Hold hold_;

  mutable std::mutex mutex_;  // what follows; a leaf
  mutable std::shared_ptr<KvView> view_;
  mutable std::deque<SeriesName> names_;
  mutable absl::flat_hash_map<SeriesId, const SeriesName*> names_by_id_;
};

}  // namespace campanile::tsdb
