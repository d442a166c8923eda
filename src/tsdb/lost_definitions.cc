// Replay of a journal that was repaired (journal/repair.h): what was damaged may have been the definitions of what follows.
//
// Numbers without a definition are never given to anything new, or what stands under them in the journal and in chunks would be another's. A column without a
// name gets one; a series without one cannot be found, and its rows are left out and counted.
#include <mutex>

#include "base/log.h"
#include "tsdb/engine_impl.h"

namespace campanile::tsdb {

Result<void> EngineImpl::stand_in_for_definitions(const journal::Record& record) {
  const BucketId id = TRY(bucket_of_points(record.payload));
  const std::unique_lock lock(index_.gate);
  catalog_.take_bucket(id);
  const auto bucket = index_.bucket(id);
  return decode_points(record.payload, [&](SeriesId series, int64_t, std::span<const Slot> slots) {
    SeriesEntry* const entry = index_.series(series);
    if (!entry) {
      index_.take_number(series);
      ++rows_without_series_;
      return;
    }
    if (!bucket || entry->bucket != id) return;
    for (const Slot& slot : slots) index_.stand_in_for_columns(*bucket, *entry->measurement, slot.column, slot.value.type());
  });
}

// REQUIRES: the gate alone.
void EngineImpl::stand_in_for_columns(const ColumnDefinition& column) {
  catalog_.take_bucket(column.bucket);
  const auto bucket = index_.bucket(column.bucket);
  // Of what type those between are nobody knows any more; numbers are the most likely.
  if (bucket) index_.stand_in_for_columns(*bucket, bucket->add_measurement(column.measurement), static_cast<ColumnId>(column.column - 1), FieldType::kFloat);
}

void EngineImpl::tell_losses() const {
  if (!definitions_may_be_missing_) return;
  log::warning("the journal was repaired: records of it are missing{}", rows_without_series_ == 0 ? std::string() :
               fmt::format(", and {} rows of series whose definitions are among them, or that were removed, were left out", rows_without_series_));
}

}  // namespace campanile::tsdb
