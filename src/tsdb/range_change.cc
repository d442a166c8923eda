// Changing ranges of times of series, erasing or correcting them, top to bottom: find the series, put a record into the journal, rewrite the chunks.
//
// A record changes what was written before it and nothing after: it is appended and the heads are frozen under the gate alone, so that everything
// older is in blocks that are frozen by then. Those are sealed, and the chunks rewritten; only then does the series' state say that
// the record has been dealt with. Where the program ends in between, replay does it again, or goes on with it (chunk_correct.h); where the disk
// refuses, the next pass begins with it, before anything newer can be sealed.

#include <algorithm>
#include <mutex>
#include <shared_mutex>

#include "base/check.h"
#include "base/text.h"
#include "tsdb/chunk_correct.h"
#include "tsdb/chunk_erase.h"
#include "tsdb/engine_impl.h"
#include "tsdb/predicate.h"

namespace campanile::tsdb {
namespace {

// Writers wait while that many heads are frozen.
constexpr size_t kEraseSlice = 256;
// A correction is one unit, so that no part of its series is left out: its heads are frozen at once.
constexpr size_t kCorrectedSeriesMax = 10'000;
constexpr uint64_t kDamagedMax = 10'000;

bool is_wanted(const PointSelection& points, const std::string& measurement) {
  return points.measurements.empty() || std::ranges::find(points.measurements, measurement) != points.measurements.end();
}

std::string number_text(const FieldValue& value) {
  switch (value.type()) {
    case FieldType::kInteger: return fmt::format("{}", value.as_integer());
    case FieldType::kUnsigned: return fmt::format("{}", value.as_unsigned());
    default: return fmt::format("{}", value.as_number());
  }
}

std::vector<SeriesId> ids_of(const Bitmap& bitmap) { return {bitmap.begin(), bitmap.end()}; }

}  // namespace

// REQUIRES: a hold of the index, for as long as their tags are looked at.
std::vector<const Measurement*> EngineImpl::measurements_of(const Bucket& bucket, const PointSelection& points) const {
  std::vector<const Measurement*> out;
  const std::shared_lock lock(index_.gate);
  for (const auto& [name, measurement] : bucket.measurements()) {
    if (is_wanted(points, name)) out.push_back(measurement.get());
  }
  return out;
}

RetiredSeries::Hold EngineImpl::hold_index() const {
  const std::shared_lock lock(index_.gate);
  return index_.hold();
}

std::vector<SeriesId> EngineImpl::series_of(const Bucket& bucket, const PointSelection& points) const {
  const RetiredSeries::Hold hold = hold_index();
  std::vector<SeriesId> ids;
  for (const Measurement* const measurement : measurements_of(bucket, points)) {
    std::ranges::copy(ids_of(matching_series(measurement->tags, points.predicate, index_.gate)), std::back_inserter(ids));
  }
  std::ranges::sort(ids);
  return ids;
}

Result<ChangeOutcome> EngineImpl::erase(BucketId id, const PointSelection& points, const Cancelled& cancelled) {
  ChangeOutcome outcome;
  if (points.range.from_ns > points.range.to_ns) return outcome;
  std::shared_ptr<Bucket> bucket;
  {
    const std::shared_lock lock(index_.gate);
    bucket = TRY(ready_bucket(id));
  }
  const std::vector<SeriesId> ids = series_of(*bucket, points);
  for (size_t begin = 0; begin < ids.size(); begin += kEraseSlice) {
    if (cancelled && cancelled()) {
      outcome.series_left = ids.size() - begin;
      break;
    }
    const std::span<const SeriesId> slice = std::span(ids).subspan(begin, std::min(kEraseSlice, ids.size() - begin));
    const RangeChange change{.bucket = id, .range = points.range, .series = {slice.begin(), slice.end()}, .what = Erasure{}};
    TRY(sealer_.change(bucket, {&change, 1}, outcome));
  }
  return outcome;
}

// One change for each measurement that has the field.
Result<std::vector<EngineImpl::PlannedCorrection>> EngineImpl::plan_correction(const Bucket& bucket, const CorrectionRequest& request) const {
  const RetiredSeries::Hold hold = hold_index();
  std::vector<PlannedCorrection> plan;
  bool is_known = false;
  size_t series = 0;
  for (const Measurement* const measurement : measurements_of(bucket, request.points)) {
    std::optional<ColumnId> column;
    FieldType type{};
    {
      const std::shared_lock lock(index_.gate);
      column = measurement->find(request.field);
      if (column) type = measurement->column(*column).type;
    }
    if (!column) continue;
    is_known = true;
    auto correction = request.correction.for_type(type);
    if (!correction) return with_context(std::move(correction).error(), fmt::format("field \"{}\" of measurement \"{}\"", excerpt(request.field), excerpt(measurement->name)));
    std::vector<SeriesId> ids = ids_of(matching_series(measurement->tags, request.points.predicate, index_.gate));
    series += ids.size();
    if (ids.empty()) continue;
    plan.push_back({type, {.bucket = bucket.id, .range = request.points.range, .series = std::move(ids), .what = ColumnCorrection{*column, std::move(*correction)}}});
  }
  if (!is_known) return fail(ErrorCode::kNotFound, "no measurement that was asked for has a field \"{}\"", excerpt(request.field));
  if (series <= kCorrectedSeriesMax) return plan;
  return fail(ErrorCode::kTooLarge, "{} series are asked for, at most {} can be corrected at once: ask for fewer by measurement or tags", series, kCorrectedSeriesMax);
}

// Finds values that have no result, from the headers of chunks where those are enough.
Result<void> EngineImpl::check_series(const Reader& reader, SeriesId series, const PlannedCorrection& planned, const CorrectionRequest& request,
                                      ChangeOutcome& outcome) const {
  const Correction& correction = std::get<ColumnCorrection>(planned.change.what).correction;
  const auto cursor = TRY(reader.column(series, request.field, request.points.range, Order::kAscending));
  for (;;) {
    const auto more = cursor->next();
    const bool is_there = more && *more;
    if (more && !is_there) return {};
    const auto values = is_there && !correction.surely_fits(cursor->statistics(), planned.type) ? cursor->values() : Result<ColumnValues>(ColumnValues{});
    const Error* const error = !more ? &more.error() : !values ? &values.error() : nullptr;
    if (error) {
      // The cursor goes on behind a chunk that is damaged, but not where the store itself is.
      if (error->code != ErrorCode::kCorrupt || outcome.damaged_chunks == kDamagedMax) return std::unexpected(*error);
      ++outcome.damaged_chunks;
      continue;
    }
    outcome.values += cursor->statistics().count;
    if (const auto misfit = correction.find_misfit(*values)) {
      return fail(ErrorCode::kInvalidArgument, "{} {} does not fit into field \"{}\", which is of type {}; nothing was changed", number_text(*misfit),
                  to_string(correction), excerpt(request.field), to_string(planned.type));
    }
  }
}

Result<ChangeOutcome> EngineImpl::check(const Bucket& bucket, const std::vector<PlannedCorrection>& plan, const CorrectionRequest& request, const Cancelled& cancelled) const {
  ChangeOutcome outcome;
  const auto reader = TRY(this->reader(bucket.id));
  for (const PlannedCorrection& planned : plan) {
    for (const SeriesId series : planned.change.series) {
      if (cancelled && cancelled()) return fail(ErrorCode::kTimeout, "the time ran out while values were looked at; nothing was changed");
      TRY(check_series(*reader, series, planned, request, outcome));
      ++outcome.series;
    }
  }
  return outcome;
}

Result<ChangeOutcome> EngineImpl::check_correction(BucketId id, const CorrectionRequest& request, const Cancelled& cancelled) const {
  std::shared_ptr<Bucket> bucket;
  {
    const std::shared_lock lock(index_.gate);
    bucket = index_.bucket(id);
  }
  if (!bucket) return fail(ErrorCode::kNotFound, "bucket {} does not exist; its database was dropped", id);
  return check(*bucket, TRY(plan_correction(*bucket, request)), request, cancelled);
}

Result<ChangeOutcome> EngineImpl::correct(BucketId id, const CorrectionRequest& request, const Cancelled& cancelled) {
  std::shared_ptr<Bucket> bucket;
  {
    const std::shared_lock lock(index_.gate);
    bucket = TRY(ready_bucket(id));
  }
  std::vector<PlannedCorrection> plan = TRY(plan_correction(*bucket, request));
  TRY(check(*bucket, plan, request, cancelled));
  ChangeOutcome outcome;
  std::vector<RangeChange> changes;
  for (PlannedCorrection& planned : plan) changes.push_back(std::move(planned.change));
  if (!changes.empty() && request.points.range.from_ns <= request.points.range.to_ns) TRY(sealer_.change(bucket, changes, outcome));
  return outcome;
}

Result<void> EngineImpl::replay_range_change(const journal::Record& record) {
  RangeChange change = TRY(decode_range_change(record.type, record.payload));
  std::shared_ptr<Bucket> bucket;
  {
    const std::shared_lock lock(index_.gate);
    bucket = index_.bucket(change.bucket);
  }
  if (!bucket) return {};  // dropped
  return sealer_.change_again(bucket, std::move(change), record);
}

// REQUIRES: the gate alone. What was written to the series until now is in frozen blocks or chunks then.
std::vector<SeriesEntry*> Sealer::freeze_series_of(const RangeChange& change) {
  std::vector<SeriesEntry*> entries;
  for (const SeriesId series : change.series) {
    SeriesEntry* const entry = index_.series(series);
    if (!entry || entry->bucket != change.bucket) continue;
    const std::lock_guard lock(entry->lock);
    Heads::freeze(*entry);
    entries.push_back(entry);
  }
  return entries;
}

Result<void> Sealer::change(const std::shared_ptr<Bucket>& bucket, std::span<const RangeChange> changes, ChangeOutcome& outcome) {
  const std::lock_guard lock(mutex_);
  TRY(finish_changes());
  journal::Journal* const journal = journal_;
  if (!journal) return fail(ErrorCode::kUnavailable, "the store is not running; try again later");
  std::vector<std::string> payloads;
  for (const RangeChange& change : changes) payloads.push_back(encode_range_change(change));
  std::vector<journal::NewRecord> records;
  for (size_t i = 0; i < changes.size(); ++i) records.push_back({.type = type_of(changes[i]), .head = payloads[i]});
  {
    const std::unique_lock gate_lock(index_.gate);
    if (bucket->dropped) return fail(ErrorCode::kNotFound, "bucket {} does not exist; its database was dropped", bucket->id);
    outcome.lsn = TRY(journal->append_together(records));
    for (const RangeChange& change : changes) changes_.push_back({.bucket = bucket, .change = change, .lsn = outcome.lsn, .entries = freeze_series_of(change)});
  }
  for (const PendingChange& pending : changes_) outcome.series += pending.entries.size();
  TRY(finish_changes(&outcome));
  return remove_empty_locked();
}

Result<void> Sealer::change_again(const std::shared_ptr<Bucket>& bucket, RangeChange change, const journal::Record& record) {
  const std::lock_guard lock(mutex_);
  {
    const std::unique_lock gate_lock(index_.gate);
    std::vector<SeriesEntry*> entries = freeze_series_of(change);
    changes_.push_back({.bucket = bucket, .change = std::move(change), .lsn = record.lsn, .entries = std::move(entries)});
  }
  // One that a power cut may take back waits until it is safe.
  return record.is_synced ? finish_changes() : Result<void>();
}

bool Sealer::has_unfinished_changes() {
  const std::lock_guard lock(mutex_);
  return !changes_.empty();
}

// REQUIRES: mutex_. `outcome` is that of all that are pending.
Result<void> Sealer::finish_changes(ChangeOutcome* outcome) {
  if (changes_.empty()) return {};
  while (!changes_.empty()) {
    ChangeOutcome ignored;
    TRY(finish_change(changes_.front(), outcome ? *outcome : ignored));
    changes_.pop_front();
  }
  // A series that is empty now may have left the index when the change is replayed, and with it its name.
  return watch_ ? watch_->keep_changes() : Result<void>();
}

Result<void> Sealer::finish_change(const PendingChange& pending, ChangeOutcome& outcome) {
  // What is done to chunks stays done, so that a power cut must not be able to take the record back.
  if (journal::Journal* const journal = journal_) TRY(journal->wait_durable(pending.lsn));
  // Everything before the record goes into chunks first, where it is easily changed.
  std::vector<Item> items;
  for (SeriesEntry* const entry : pending.entries) items.push_back({pending.bucket, entry});
  TRY(seal_before(std::move(items), pending.lsn));
  for (SeriesEntry* const entry : pending.entries) TRY(change_series(*entry, pending, outcome));
  const std::shared_lock lock(index_.gate);
  for (const SeriesEntry* const entry : pending.entries) tell_if_watched(ChangeWatch::Change::kErasedOrCorrected, *entry, pending.change.range);
  return {};
}

Result<void> Sealer::change_series(SeriesEntry& entry, const PendingChange& pending, ChangeOutcome& outcome) {
  ChunksState before;
  {
    const std::lock_guard lock(entry.lock);
    before = entry.chunks;
  }
  if (pending.bucket->dropped || before.sealed_lsn >= pending.lsn) return {};
  // A write that seemed to fail may have been made after all: what the store says counts.
  ChunksState after;
  if (const auto row = TRY(store_.get(series_row_key(BucketRows::kStates, entry.bucket, entry.id)))) after = TRY(decode_chunks_state(*row));
  if (after.sealed_lsn < pending.lsn) after = TRY(change_chunks(entry, pending, before, outcome));
  committed_sequence_.store(meta_.sequence, std::memory_order_release);
  Heads::Change change;
  {
    const std::lock_guard lock(entry.lock);
    const uint64_t columns = after.columns | Heads::columns_in_memory(entry);
    change.columns = std::popcount(columns) - std::popcount(entry.chunks.columns);
    entry.chunks = after;
    entry.chunks.columns = columns;
  }
  heads_.count(change);
  if (after.columns == 0) maybe_empty_.push_back({pending.bucket, &entry});
  return {};
}

// Answers with the state that was written with the last of them.
Result<ChunksState> Sealer::change_chunks(const SeriesEntry& entry, const PendingChange& pending, const ChunksState& before, ChangeOutcome& outcome) {
  const auto chunks = [&]() -> std::unique_ptr<ChunkChange> {
    const RangeChange& change = pending.change;
    if (const auto* const column = std::get_if<ColumnCorrection>(&change.what)) {
      return std::make_unique<ChunkCorrection>(store_, entry, before, change.range, *column, pending.lsn, options_.correction_chunks_max);
    }
    return std::make_unique<ChunkErasure>(store_, entry, before, change.range);
  }();
  kv::WriteBatch batch;
  while (TRY(chunks->step(batch))) {
    TRY(store_.write(batch, kv::Durability::kBuffered));
    batch.clear();
  }
  ChunksState after = chunks->state();
  after.sealed_lsn = pending.lsn;
  // A reader of an older view must not take this state for what its view holds, and what is left is not what a successor would be merged with.
  after.sequence = ++meta_.sequence;
  after.tail_rows = 0;
  after.max_time_before_tail_ns = after.max_time_ns;
  batch.put(series_row_key(BucketRows::kStates, entry.bucket, entry.id), encode_chunks_state(after));
  {
    const std::shared_lock lock(index_.gate);
    meta_.next_series = index_.next_series();
  }
  batch.put(kMetaKey, encode_meta(meta_));
  TRY(store_.write(batch, kv::Durability::kBuffered));
  outcome.values += chunks->values();
  outcome.damaged_chunks += chunks->damaged();
  outcome.values_left += chunks->left();
  const bool is_erasure = std::holds_alternative<Erasure>(pending.change.what);
  (is_erasure ? counters_.values_erased : counters_.values_corrected).add(chunks->values());
  return after;
}

}  // namespace campanile::tsdb
