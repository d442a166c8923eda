#include "tsdb/bucket_reader.h"

#include <algorithm>
#include <shared_mutex>

#include "base/check.h"
#include "tsdb/column_cursor.h"
#include "tsdb/predicate.h"

namespace campanile::tsdb {

const Measurement* BucketReader::find_measurement(std::string_view name) const {
  const std::shared_lock lock(index_.gate);
  return bucket_->find_measurement(name);
}

std::vector<std::string> BucketReader::measurements() const {
  std::vector<std::string> out;
  const std::shared_lock lock(index_.gate);
  for (const auto& [name, measurement] : bucket_->measurements()) {
    if (!measurement->tags.all().isEmpty()) out.push_back(name);
  }
  return out;
}

std::vector<FieldInfo> BucketReader::fields(std::string_view measurement) const {
  std::vector<FieldInfo> out;
  {
    const std::shared_lock lock(index_.gate);
    const Measurement* const found = bucket_->find_measurement(measurement);
    if (!found || found->tags.all().isEmpty()) return out;
    for (const Column& column : found->columns) out.push_back({column.name, column.type});
  }
  std::sort(out.begin(), out.end(), [](const FieldInfo& a, const FieldInfo& b) { return a.name < b.name; });
  return out;
}

std::vector<std::string> BucketReader::tag_keys(std::string_view measurement) const {
  const std::shared_lock lock(index_.gate);
  const Measurement* const found = bucket_->find_measurement(measurement);
  return found ? found->tags.keys() : std::vector<std::string>();
}

std::vector<std::string> BucketReader::tag_values(std::string_view measurement, std::string_view key) const {
  std::vector<std::string> out;
  const Measurement* const found = find_measurement(measurement);
  if (!found) return out;
  for (size_t begin = 0;; begin += kSlice) {
    const std::shared_lock lock(index_.gate);
    const auto values = found->tags.values(key, begin, begin + kSlice);
    if (values.empty()) break;
    for (size_t i = 0; i < values.size(); ++i) {
      if (found->tags.is_used(key, begin + i)) out.emplace_back(values[i]);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

const SeriesName* BucketReader::name_of(SeriesId id, std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const SeriesName*& place = names_by_id_[id];
  if (!place) {
    auto name = parse_series_key(key);
    // The key was parsed when the series was made.
    CHECK(name);
    place = &names_.emplace_back(std::move(*name));
  }
  return place;
}

Result<std::vector<Series>> BucketReader::series(std::string_view measurement, const TagPredicate& predicate) const {
  const Measurement* const found = find_measurement(measurement);
  if (!found) return std::vector<Series>();
  const Bitmap matching = matching_series(found->tags, predicate, index_.gate);
  std::vector<uint32_t> ids(matching.cardinality());
  matching.toUint32Array(ids.data());
  std::vector<const SeriesEntry*> entries;
  entries.reserve(ids.size());
  for (size_t begin = 0; begin < ids.size(); begin += kSlice) {
    const std::shared_lock lock(index_.gate);
    // A database dropped meanwhile takes its series out of the index.
    for (size_t i = begin; i < std::min(begin + kSlice, ids.size()); ++i) {
      if (const SeriesEntry* const entry = index_.series(ids[i])) entries.push_back(entry);
    }
  }
  std::sort(entries.begin(), entries.end(), [](const SeriesEntry* a, const SeriesEntry* b) { return a->key < b->key; });
  std::vector<Series> out;
  out.reserve(entries.size());
  for (const SeriesEntry* entry : entries) out.push_back({.id = entry->id, .name = name_of(entry->id, entry->key)});
  return out;
}

std::optional<BucketReader::Place> BucketReader::find(SeriesId series, std::string_view field) const {
  const std::shared_lock lock(index_.gate);
  SeriesEntry* const entry = index_.series(series);
  if (!entry || entry->bucket != bucket_->id) return std::nullopt;
  const auto column = entry->measurement->find(field);
  if (!column) return std::nullopt;
  return Place{entry, *column, entry->measurement->column(*column).type};
}

bool BucketReader::has_column(const Place& place) const {
  {
    const std::lock_guard lock(place.entry->lock);
    if ((place.entry->chunks.columns & ChunksState::column_bit(place.column)) == 0) return false;
    if (place.column < 64) return true;
  }
  // Columns with high numbers share one bit; only a look tells.
  auto cursor = open(place, TimeRange{}, Order::kDescending);
  if (!cursor) return true;
  const auto found = (*cursor)->next();
  return !found || *found;
}

bool BucketReader::has_field(SeriesId series, std::string_view field) const {
  const auto place = find(series, field);
  return place && has_column(*place);
}

std::shared_ptr<KvView> BucketReader::view(uint64_t sequence) const {
  const std::lock_guard lock(mutex_);
  if (!view_ || view_->sequence < sequence) {
    // First the sequence, then the snapshot: the snapshot holds at least what the sequence says.
    const uint64_t committed = sealer_.committed_sequence();
    view_ = std::make_shared<KvView>(store_, bucket_->id, committed);
  }
  return view_;
}

Result<std::unique_ptr<ColumnCursor>> BucketReader::open(const Place& place, TimeRange range, Order order) const {
  SeriesEntry& entry = *place.entry;
  uint64_t wanted = 0;
  for (;;) {
    std::shared_ptr<KvView> current = view(wanted);
    ChunksState state;
    FrozenBlocks frozen;
    std::vector<ColumnData> memory;
    ColumnData newest(place.type);
    {
      const std::lock_guard lock(entry.lock);
      wanted = entry.chunks.sequence;
      if (wanted > current->sequence) continue;
      state = entry.chunks;
      if (entry.frozen) frozen = *entry.frozen;
      if (entry.head) newest = entry.head->extract(place.column, range);
    }
    for (const auto& block : frozen) memory.push_back(block->extract(place.column, range));
    memory.push_back(std::move(newest));
    return make_column_cursor(std::move(current), {entry.bucket, entry.id, place.column}, range, order, state, std::move(memory));
  }
}

Result<std::unique_ptr<ColumnCursor>> BucketReader::column(SeriesId series, std::string_view field, TimeRange range, Order order) const {
  const auto place = find(series, field);
  if (!place || range.from_ns > range.to_ns) return make_empty_cursor();
  return open(*place, range, order);
}

Result<std::optional<Reader::LastValue>> BucketReader::last(SeriesId series, std::string_view field) const {
  const auto place = find(series, field);
  if (!place) return std::nullopt;
  const auto answer = [](int64_t time_ns, const FieldValue& value) {
    LastValue out{.time_ns = time_ns, .value = value, .text = {}};
    if (value.type() == FieldType::kString) {
      out.text = value.as_string();
      out.value = FieldValue::of_string({});
    }
    return std::optional(std::move(out));
  };
  int64_t from_ns = INT64_MIN;
  {
    const std::lock_guard lock(place->entry->lock);
    const SeriesEntry& entry = *place->entry;
    if ((entry.chunks.columns & ChunksState::column_bit(place->column)) == 0) return std::nullopt;
    if (entry.head && !entry.frozen) {
      const auto at_hand = entry.head->last_at_hand(place->column);
      if (at_hand && at_hand->first > entry.chunks.max_time_ns) return answer(at_hand->first, at_hand->second);
    }
    // Where chunks overlap, all of them would be listed to find the latest; nearly always the newest time of the series is that of the column as
    // well, and looking there first spares that. Where they do not, the header of the last one is the answer.
    if (entry.chunks.overlaps) from_ns = entry.chunks.max_time_ns;
  }
  for (const int64_t from : {from_ns, INT64_MIN}) {
    const auto cursor = TRY(open(*place, {from, INT64_MAX}, Order::kDescending));
    if (TRY(cursor->next())) return answer(cursor->statistics().max_time_ns, cursor->statistics().last);
    if (from == INT64_MIN) break;
  }
  return std::nullopt;
}

}  // namespace campanile::tsdb
