#include "tsdb/series_index.h"

#include <mutex>
#include <shared_mutex>

#include "base/check.h"
#include "base/text.h"
#include "codec/varint.h"

namespace campanile::tsdb {
namespace {

constexpr uint8_t kRowVersion = 1;

Result<std::string_view> row_body(std::string_view row) {
  if (row.empty() || row[0] != kRowVersion) {
    return fail(ErrorCode::kUnsupported, "series index row of format version {}, this program reads {}", row.empty() ? 0 : static_cast<uint8_t>(row[0]), kRowVersion);
  }
  return row.substr(1);
}

std::string encode_columns(const Measurement& measurement) {
  std::string out;
  out += static_cast<char>(kRowVersion);
  codec::append_varint(out, measurement.columns.size());
  for (const Column& column : measurement.columns) {
    out += static_cast<char>(column.type);
    codec::append_bytes(out, column.name);
  }
  return out;
}

}  // namespace

void SeriesIndex::add_bucket(BucketId id, int64_t duration_ns, std::chrono::milliseconds sync_within) {
  buckets_.try_emplace(id, std::make_shared<Bucket>(id, duration_ns, sync_within));
}

std::shared_ptr<Bucket> SeriesIndex::remove_bucket(BucketId id) {
  const auto found = buckets_.find(id);
  if (found == buckets_.end()) return nullptr;
  const std::shared_ptr<Bucket> bucket = std::move(found->second);
  buckets_.erase(found);
  bucket->dropped = true;
  for (const SeriesEntry& entry : bucket->entries()) {
    if (!entry.removed) by_id_.clear(entry.id);
  }
  return bucket;
}

Result<ColumnId> SeriesIndex::define_column(Bucket& bucket, Measurement& measurement, std::string_view field, FieldType type) {
  if (measurement.columns.size() >= kColumnsMax) {
    return fail(ErrorCode::kTooLarge, "measurement \"{}\" has {} fields already, no more are possible", excerpt(measurement.name), kColumnsMax);
  }
  const ColumnId column = bucket.add_column(measurement, field, type);
  append_definition(unjournaled, ColumnDefinition{bucket.id, measurement.name, column, type, measurement.column(column).name});
  return column;
}

Result<SeriesEntry*> SeriesIndex::add_series(Bucket& bucket, SeriesId id, std::string_view key) {
  const SeriesName name = TRY(parse_series_key(key));
  SeriesEntry& entry = bucket.add_series(static_cast<uint32_t>(id), key, name);
  by_id_.set(id, &entry);
  return &entry;
}

Result<SeriesEntry*> SeriesIndex::define_series(Bucket& bucket, std::string_view key) {
  const SeriesId id = next_series();
  if (id > UINT32_MAX) return fail(ErrorCode::kTooLarge, "all series numbers are used up");
  auto added = add_series(bucket, id, key);
  if (!added) return fail(ErrorCode::kInvalidArgument, "{}", added.error().message);
  append_definition(unjournaled, SeriesDefinition{bucket.id, id, (*added)->key});
  return *added;
}

void SeriesIndex::forget_series(Bucket& bucket, SeriesEntry& entry) {
  bucket.remove_series(entry);
  by_id_.clear(entry.id);
  removed_rows.emplace_back(bucket.id, entry.id);
  retired_.add(buckets_.at(bucket.id), entry);
}

size_t SeriesIndex::recycle(size_t count) {
  const auto series = retired_.take(count);
  for (const auto& [bucket, entry] : series) {
    if (!bucket->dropped) bucket->recycle(*entry);
  }
  return series.size();
}

void SeriesIndex::remove_series(Bucket& bucket, SeriesEntry& entry) {
  forget_series(bucket, entry);
  append_definition(unjournaled, SeriesRemoval{bucket.id, entry.id});
}

void SeriesIndex::stand_in_for_columns(Bucket& bucket, Measurement& measurement, ColumnId last, FieldType type) {
  while (measurement.columns.size() < last) {
    std::string name = fmt::format("column_{}", measurement.columns.size() + 1);
    while (measurement.find(name)) name += '_';
    bucket.add_column(measurement, name, type);
  }
}

Result<void> SeriesIndex::replay(const Definition& definition) {
  if (const auto* removal = std::get_if<SeriesRemoval>(&definition)) {
    const auto found = bucket(removal->bucket);
    SeriesEntry* const entry = series(removal->series);
    if (found && entry && entry->bucket == removal->bucket) forget_series(*found, *entry);
    return {};
  }
  if (const auto* column = std::get_if<ColumnDefinition>(&definition)) {
    const auto found = bucket(column->bucket);
    if (!found) return {};
    Measurement& measurement = found->add_measurement(column->measurement);
    if (column->column <= measurement.columns.size()) return {};
    if (column->column != measurement.columns.size() + 1u) {
      return fail(ErrorCode::kCorrupt, "column {} of measurement \"{}\" comes after column {}: definitions are missing", column->column,
                  excerpt(column->measurement), measurement.columns.size());
    }
    found->add_column(measurement, column->field, column->type);
    return {};
  }
  const auto& series_definition = std::get<SeriesDefinition>(definition);
  const auto found = bucket(series_definition.bucket);
  // A number stays taken although its bucket is gone: records of it may follow.
  by_id_.take(series_definition.series);
  if (!found || series(series_definition.series)) return {};
  if (SeriesEntry* const known = found->find(series_definition.key)) {
    // The higher number is the later one; the series of the lower was removed before that was given.
    if (known->id > series_definition.series) return {};
    forget_series(*found, *known);
  }
  TRY(add_series(*found, series_definition.series, series_definition.key));
  return {};
}

Result<void> SeriesIndex::load_columns(const kv::Store& store, Bucket& bucket) {
  const auto rows = store.iterate(bucket_begin(BucketRows::kColumns, bucket.id), bucket_end(BucketRows::kColumns, bucket.id));
  for (; rows->valid(); rows->next()) {
    codec::ByteReader in(TRY(row_body(rows->value())));
    Measurement& measurement = bucket.add_measurement(measurement_of_row(rows->key()));
    for (uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
      const auto type = static_cast<FieldType>(in.byte());
      const std::string_view name = in.sized_bytes();
      if (!in.ok() || measurement.columns.size() >= kColumnsMax) break;
      bucket.add_column(measurement, name, type);
    }
    if (!in.ok() || !in.at_end()) return fail(ErrorCode::kCorrupt, "columns row of measurement \"{}\" in bucket {}", excerpt(measurement.name), bucket.id);
    measurement.columns_persisted = measurement.columns.size();
  }
  return rows->status();
}

Result<void> SeriesIndex::load_series(const kv::Store& store, Bucket& bucket) {
  const auto rows = store.iterate(bucket_begin(BucketRows::kSeries, bucket.id), bucket_end(BucketRows::kSeries, bucket.id));
  for (; rows->valid(); rows->next()) {
    const SeriesId id = TRY(series_of_row(rows->key()));
    if (id == 0 || id > UINT32_MAX) return fail(ErrorCode::kCorrupt, "series row of bucket {} with number {}", bucket.id, id);
    const std::string_view key = TRY(row_body(rows->value()));
    // A series that was removed and came again under another number: the row of the former one was left over when the disk refused.
    if (SeriesEntry* const former = bucket.find(key)) forget_series(bucket, *former);
    TRY(add_series(bucket, id, key));
  }
  bucket.unpersisted.clear();
  return rows->status();
}

Result<journal::Lsn> SeriesIndex::load_states(const kv::Store& store, Bucket& bucket) {
  journal::Lsn sealed = 0;
  const auto rows = store.iterate(bucket_begin(BucketRows::kStates, bucket.id), bucket_end(BucketRows::kStates, bucket.id));
  for (; rows->valid(); rows->next()) {
    SeriesEntry* const entry = series(TRY(series_of_row(rows->key())));
    if (!entry) continue;  // left over like its series' row
    if (entry->bucket != bucket.id) return fail(ErrorCode::kCorrupt, "chunk state row of a series that bucket {} does not have", bucket.id);
    entry->chunks = TRY(decode_chunks_state(rows->value()));
    sealed = std::max(sealed, entry->chunks.sealed_lsn);
  }
  TRY(rows->status());
  return sealed;
}

Result<journal::Lsn> SeriesIndex::load(const kv::Store& store, SeriesId next_series) {
  journal::Lsn sealed = 0;
  for (const auto& [id, bucket] : buckets_) {
    TRY(load_columns(store, *bucket));
    TRY(load_series(store, *bucket));
    sealed = std::max(sealed, TRY(load_states(store, *bucket)));
  }
  if (next_series > 0) by_id_.take(next_series - 1);
  return sealed;
}

Result<void> SeriesIndex::persist_columns(kv::Store& store, Bucket& bucket, const Secure& secure) {
  kv::WriteBatch batch;
  std::vector<std::pair<Measurement*, size_t>> written;
  {
    const std::shared_lock lock(gate);
    for (const auto& [name, measurement] : bucket.measurements()) {
      if (measurement->columns_persisted == measurement->columns.size()) continue;
      batch.put(columns_row_key(bucket.id, name), encode_columns(*measurement));
      written.emplace_back(measurement.get(), measurement->columns.size());
    }
  }
  if (written.empty()) return {};
  TRY(secure());
  TRY(store.write(batch, kv::Durability::kBuffered));
  for (const auto& [measurement, columns] : written) measurement->columns_persisted = columns;
  return {};
}

Result<void> SeriesIndex::persist_series(kv::Store& store, Bucket& bucket, const Secure& secure) {
  for (;;) {
    kv::WriteBatch batch;
    size_t count = 0;
    {
      const std::shared_lock lock(gate);
      count = std::min(kSlice, bucket.unpersisted.size());
      for (size_t i = 0; i < count; ++i) {
        const uint32_t id = bucket.unpersisted[i];
        const SeriesEntry* const entry = series(id);
        if (!entry) continue;  // removed meanwhile
        std::string row(1, static_cast<char>(kRowVersion));
        row += entry->key;
        batch.put(series_row_key(BucketRows::kSeries, bucket.id, id), row);
      }
    }
    if (count == 0) return {};
    if (!batch.empty()) {
      TRY(secure());
      TRY(store.write(batch, kv::Durability::kBuffered));
    }
    const std::unique_lock lock(gate);
    bucket.unpersisted.erase(bucket.unpersisted.begin(), bucket.unpersisted.begin() + static_cast<ptrdiff_t>(count));
  }
}

Result<void> SeriesIndex::persist(kv::Store& store, const Secure& secure) {
  std::vector<std::shared_ptr<Bucket>> buckets;
  {
    const std::shared_lock lock(gate);
    for (const auto& [id, bucket] : buckets_) buckets.push_back(bucket);
  }
  for (const auto& bucket : buckets) {
    // Columns first: a series' rows mean nothing without them.
    TRY(persist_columns(store, *bucket, secure));
    TRY(persist_series(store, *bucket, secure));
  }
  return {};
}

}  // namespace campanile::tsdb
