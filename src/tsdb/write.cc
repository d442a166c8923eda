// The write path of the engine, top to bottom: find the series and columns of every point, define those that are new, put one record into the
// journal, put the rows into the heads. The gate is held shared from the finding to the last row (see series_index.h).

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>
#include <shared_mutex>

#include "base/check.h"
#include "base/text.h"
#include "codec/strings.h"
#include "tsdb/engine_impl.h"

namespace campanile::tsdb {
namespace {

// A record is cut there, so that the largest request still fits into journal segments. What is one unit with others is one record.
constexpr size_t kRecordBytesMax = 4 << 20;

}  // namespace

// A point on its way. Without an entry, or with columns missing, it waits for define().
struct EngineImpl::Row {
  size_t point;
  SeriesEntry* entry;
  int64_t time_ns;
  uint32_t slots_begin;
  uint32_t slots_count;
  bool is_refused;
};

struct EngineImpl::Scratch {
  std::vector<Row> rows;
  std::vector<size_t> undefined;  // rows that need define()
  std::vector<Slot> slots;
  std::string key;
  PointsEncoder record;
  std::vector<Sealer::Item> full;

  void clear() {
    rows.clear();
    undefined.clear();
    slots.clear();
    // One large batch must not keep its memory for ever.
    if (slots.capacity() > 1'000'000) slots.shrink_to_fit();
    if (rows.capacity() > 1'000'000) rows.shrink_to_fit();
  }
  std::span<const Slot> slots_of(const Row& row) const { return std::span(slots).subspan(row.slots_begin, row.slots_count); }
};

Result<std::shared_ptr<Bucket>> EngineImpl::ready_bucket(BucketId id) const {
  auto bucket = index_.bucket(id);
  if (!bucket) return fail(ErrorCode::kNotFound, "bucket {} does not exist; its database was dropped", id);
  return bucket;
}

Result<WriteOutcome> EngineImpl::write(BucketId id, const PointBatch& batch, int64_t now_ns, const AppendPoints* append) {
  if (!journal_) return fail(ErrorCode::kUnavailable, "the store is not running; try again later");
  if (is_full()) {
    counters_.writes_refused.add();
    sealer_.wake();
    const std::string failure = sealer_.failure();
    if (!failure.empty()) return fail(ErrorCode::kIoError, "points cannot be moved from memory to disk: {}", failure);
    return fail(ErrorCode::kOverloaded, "{} bytes of points wait in memory to be stored, the limit is {}; try again later", heads_.bytes(), options_.head_bytes_max);
  }
  thread_local Scratch scratch;
  scratch.clear();
  WriteOutcome outcome;
  {
    std::optional<RetiredSeries::Hold> hold;
    std::shared_lock lock(index_.gate);
    auto bucket = TRY(ready_bucket(id));
    resolve(*bucket, batch, now_ns, scratch, outcome);
    while (!scratch.undefined.empty() || !index_.unjournaled.empty()) {
      if (!hold) hold.emplace(index_.hold());
      lock.unlock();
      auto defined = define(*bucket, batch, scratch, outcome);
      if (!defined) {
        counters_.writes_refused.add();
        return propagate(std::move(defined).error());
      }
      lock.lock();
      bucket = TRY(ready_bucket(id));
      // While the gate was open a series that was empty may have gone.
      if (std::ranges::none_of(scratch.rows, [](const Row& row) { return row.entry && row.entry->removed; })) break;
      scratch.clear();
      outcome = {};
      resolve(*bucket, batch, now_ns, scratch, outcome);
    }
    store_rows(bucket, scratch, outcome, append);
    // Before anybody else can find these series empty and give their places away.
    if (!scratch.full.empty()) sealer_.enqueue(scratch.full);
  }
  if (outcome.points_stored == 0 && !outcome.errors.empty()) {
    const ErrorCode code = outcome.errors.front().error.code;
    if (code == ErrorCode::kIoError || code == ErrorCode::kOverloaded) {
      counters_.writes_refused.add();
      return propagate(std::move(outcome.errors.front().error));
    }
  }
  std::sort(outcome.errors.begin(), outcome.errors.end(), [](const PointError& a, const PointError& b) { return a.point < b.point; });
  counters_.points_written.add(outcome.points_stored);
  if (!outcome.errors.empty()) counters_.points_refused.add(outcome.errors.size());
  if (heads_.bytes() > options_.head_bytes_max / 5 * 4) sealer_.wake();
  return outcome;
}

namespace {

// The point's key, in `scratch` where the decoder does not know it.
std::string_view key_of(const PointBatch& batch, const PointBatch::Point& point, std::string& scratch) {
  if (!point.series_key.empty()) return point.series_key;
  scratch.clear();
  append_series_key(scratch, point.measurement, batch.tags(point));
  return scratch;
}

SeriesEntry* find_series(const Bucket& bucket, const PointBatch& batch, const PointBatch::Point& point, std::string& scratch) {
  // What the decoder has found may have been removed since, and been defined anew.
  auto* const found = static_cast<SeriesEntry*>(point.series);
  if (found && !found->removed) [[likely]] return found;
  return bucket.find(key_of(batch, point, scratch));
}

}  // namespace

void EngineImpl::resolve(const Bucket& bucket, const PointBatch& batch, int64_t now_ns, Scratch& scratch, WriteOutcome& outcome) {
  const int64_t oldest_ns = bucket.duration_ns > 0 && now_ns > INT64_MIN + bucket.duration_ns ? now_ns - bucket.duration_ns : INT64_MIN;
  const auto points = batch.points();
  scratch.rows.reserve(points.size());
  const Measurement* measurement = nullptr;
  for (size_t i = 0; i < points.size(); ++i) {
    const PointBatch::Point& point = points[i];
    Row row{.point = i,
            .entry = nullptr,
            .time_ns = point.has_time ? point.time_ns : now_ns,
            .slots_begin = static_cast<uint32_t>(scratch.slots.size()),
            .slots_count = 0,
            .is_refused = false};
    const auto refuse = [&](Error error) {
      scratch.slots.resize(row.slots_begin);
      outcome.errors.push_back({i, std::move(error)});
    };
    if (point.fields_count == 0) {
      refuse({ErrorCode::kInvalidArgument, "the point has no field"});
      continue;
    }
    if (row.time_ns < kTimeMin || row.time_ns > kTimeMax) {
      refuse({ErrorCode::kInvalidArgument, fmt::format("time outside range {} - {}", kTimeMin, kTimeMax)});
      continue;
    }
    if (row.time_ns < oldest_ns) {
      refuse({ErrorCode::kInvalidArgument, "points beyond retention policy"});
      continue;
    }
    row.entry = find_series(bucket, batch, point, scratch.key);
    if (row.entry) {
      measurement = row.entry->measurement;
    } else if (!measurement || measurement->name != point.measurement) {
      measurement = bucket.find_measurement(point.measurement);
    }
    Error error;
    const bool is_known = resolve_fields(batch, point, measurement, row, scratch, error);
    if (!error.message.empty()) {
      refuse(std::move(error));
      continue;
    }
    row.slots_count = static_cast<uint32_t>(scratch.slots.size()) - row.slots_begin;
    if (!is_known || !row.entry) scratch.undefined.push_back(scratch.rows.size());
    scratch.rows.push_back(row);
  }
}

namespace {

Error type_conflict(std::string_view field, std::string_view measurement, FieldType type, FieldType existing) {
  return {ErrorCode::kTypeConflict, fmt::format("field type conflict: input field \"{}\" on measurement \"{}\" is type {}, already exists as type {}", field,
                                                measurement, to_string(type), to_string(existing))};
}

bool is_storable(const FieldValue& value) {
  if (value.type() == FieldType::kFloat) return std::isfinite(value.as_float());
  return value.type() != FieldType::kString || value.as_string().size() <= codec::kStringBytesMax;
}

// REQUIRES: !is_storable().
Error why_not_storable(const Field& field) {
  if (field.value.type() == FieldType::kFloat) {
    return {ErrorCode::kInvalidArgument, fmt::format("field \"{}\" is {}, only finite numbers can be stored", excerpt(field.name), field.value.as_float())};
  }
  return {ErrorCode::kTooLarge, fmt::format("field \"{}\" is a string of {} bytes, the limit is {}", excerpt(field.name), field.value.as_string().size(),
                                            codec::kStringBytesMax)};
}

}  // namespace

// Adds the point's slots; answers whether all columns are known. Slots of unknown ones are numbered 0 until define_row().
bool EngineImpl::resolve_fields(const PointBatch& batch, const PointBatch::Point& point, const Measurement* measurement, Row&, Scratch& scratch, Error& error) {
  bool is_known = true;
  const auto fields = batch.fields(point);
  for (size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    if (!is_storable(field.value)) [[unlikely]] {
      error = why_not_storable(field);
      return false;
    }
    std::optional<ColumnId> column;
    if (measurement) {
      // Producers repeat their fields in one order, which is that of the columns.
      const bool in_order = i < measurement->columns.size() && measurement->columns[i].name == field.name;
      column = in_order ? std::optional(static_cast<ColumnId>(i + 1)) : measurement->find(field.name);
    }
    if (column) {
      const FieldType existing = measurement->column(*column).type;
      if (existing != field.value.type()) {
        error = type_conflict(field.name, point.measurement, field.value.type(), existing);
        return false;
      }
    }
    is_known &= column.has_value();
    scratch.slots.push_back({.column = column.value_or(kTimesColumn), .value = field.value});
  }
  return is_known;
}

Result<void> EngineImpl::define(Bucket& bucket, const PointBatch& batch, Scratch& scratch, WriteOutcome& outcome) {
  const std::unique_lock lock(index_.gate);
  if (bucket.dropped) return fail(ErrorCode::kNotFound, "bucket {} does not exist; its database was dropped", bucket.id);
  for (const size_t index : scratch.undefined) {
    Row& row = scratch.rows[index];
    if (auto defined = define_row(bucket, batch, row, scratch); !defined) {
      row.is_refused = true;
      outcome.errors.push_back({row.point, std::move(defined).error()});
    }
  }
  return journal_definitions();
}

Result<void> EngineImpl::journal_definitions() {
  if (index_.unjournaled.empty()) return {};
  journal::Journal* const journal = journal_;
  if (!journal) return fail(ErrorCode::kUnavailable, "the store is not running; try again later");
  TRY(journal->append(journal::RecordType::kSeries, index_.unjournaled));
  index_.unjournaled.clear();
  return {};
}

Result<void> EngineImpl::define_row(Bucket& bucket, const PointBatch& batch, Row& row, Scratch& scratch) {
  const PointBatch::Point& point = batch.points()[row.point];
  if (point.measurement.empty()) return fail(ErrorCode::kInvalidArgument, "the point has no measurement");
  const std::string_view key = key_of(batch, point, scratch.key);
  // Somebody else, or an earlier point of this batch, may have defined it by now.
  if (!row.entry) row.entry = bucket.find(key);
  if (!row.entry && index_.series_count() >= options_.series_max) {
    return fail(ErrorCode::kTooLarge, "the limit of {} series is reached; the series {} is new", options_.series_max, excerpt(key));
  }
  const std::string_view name = row.entry ? std::string_view(row.entry->measurement->name) : point.measurement;
  Measurement& measurement = bucket.add_measurement(name);
  const std::span<Slot> slots = std::span(scratch.slots).subspan(row.slots_begin, row.slots_count);
  const auto fields = batch.fields(point);
  // Every conflict is found before anything is made, also one within the point.
  for (size_t i = 0; i < slots.size(); ++i) {
    const FieldType type = slots[i].value.type();
    if (const auto column = measurement.find(fields[i].name)) {
      if (measurement.column(*column).type != type) return std::unexpected(type_conflict(fields[i].name, name, type, measurement.column(*column).type));
    }
    for (size_t k = 0; k < i; ++k) {
      if (fields[k].name == fields[i].name && slots[k].value.type() != type) return std::unexpected(type_conflict(fields[i].name, name, type, slots[k].value.type()));
    }
  }
  if (!row.entry) {
    row.entry = TRY(index_.define_series(bucket, key));
    if (row.entry->measurement != &measurement) {
      return fail(ErrorCode::kInvalidArgument, "series key {} is not one of measurement \"{}\"", excerpt(key), excerpt(name));
    }
  }
  for (size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].column != kTimesColumn) continue;
    const auto column = measurement.find(fields[i].name);
    slots[i].column = column ? *column : TRY(index_.define_column(bucket, measurement, fields[i].name, slots[i].value.type()));
  }
  return {};
}

Result<journal::Lsn> EngineImpl::append_points(const Bucket& bucket, std::string_view record, WriteOutcome& outcome, const AppendPoints* append) {
  journal::Journal* const journal = journal_;
  if (!journal) return fail(ErrorCode::kUnavailable, "the store is not running; try again later");
  // What is one unit with others is synced with them.
  const bool is_relaxed = !append && bucket.sync_within.count() > 0;
  const auto lsn = TRY(append       ? (*append)({.type = journal::RecordType::kPoints, .head = record}, outcome.errors)
                       : is_relaxed ? journal->append_within(bucket.sync_within, journal::RecordType::kPoints, record)
                                    : journal->append(journal::RecordType::kPoints, record));
  outcome.awaited.include(is_relaxed ? journal::Awaited{.written = lsn} : journal::Awaited{.synced = lsn});
  return lsn;
}

// Where a write would do, the sync that follows from it does as well.
Result<void> EngineImpl::wait_safe(const journal::Awaited& awaited) {
  journal::Journal* const journal = journal_;
  if (awaited.is_nothing()) return {};
  if (!journal) return fail(ErrorCode::kUnavailable, "the store is not running; try again later");
  return journal->wait_durable(std::max(awaited.synced, awaited.written));
}

void EngineImpl::store_rows(const std::shared_ptr<Bucket>& bucket, Scratch& scratch, WriteOutcome& outcome, const AppendPoints* append) {
  auto& record = scratch.record;
  for (size_t begin = 0; begin < scratch.rows.size();) {
    record.begin(bucket->id);
    size_t end = begin;
    for (; end < scratch.rows.size() && (append || record.payload().size() < kRecordBytesMax); ++end) {
      const Row& row = scratch.rows[end];
      if (!row.is_refused) record.add_row(row.entry->id, row.time_ns, scratch.slots_of(row));
    }
    if (record.rows() > 0) {
      const auto lsn = append_points(*bucket, record.payload(), outcome, append);
      if (!lsn) {
        // The journal refuses: the records before it stay, the points from here on are not stored.
        for (size_t i = begin; i < scratch.rows.size(); ++i) {
          if (!scratch.rows[i].is_refused) outcome.errors.push_back({scratch.rows[i].point, lsn.error()});
        }
        return;
      }
      outcome.lsn = *lsn;
      outcome.points_stored += record.rows();
      put_rows(bucket, scratch, begin, end, *lsn);
    }
    begin = end;
  }
}

void EngineImpl::put_rows(const std::shared_ptr<Bucket>& bucket, Scratch& scratch, size_t begin, size_t end, journal::Lsn lsn) {
  Heads::Change change;
  for (size_t i = begin; i < end; ++i) {
    const Row& row = scratch.rows[i];
    if (row.is_refused) continue;
    if (heads_.append(*row.entry, row.time_ns, lsn, scratch.slots_of(row), change)) scratch.full.push_back({bucket, row.entry});
    // After the row has come to where readers see it: whoever watches from now on and does not hear of it, reads it.
    sealer_.tell_if_watched(ChangeWatch::Change::kWritten, *row.entry, {row.time_ns, row.time_ns});
  }
  heads_.count(change);
}

}  // namespace campanile::tsdb
