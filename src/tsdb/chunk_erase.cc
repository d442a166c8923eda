#include "tsdb/chunk_erase.h"

#include <algorithm>

#include "tsdb/shared_times.h"

namespace campanile::tsdb {
namespace {

// A batch is handed over when it holds that many changes.
constexpr size_t kChangesMax = 1024;

uint64_t rows_within(const ColumnData& data, TimeRange range) { return data.upper_bound(range.to_ns) - data.lower_bound(range.from_ns); }

}  // namespace

ChunkErasure::ChunkErasure(const kv::Store& store, const SeriesEntry& entry, const ChunksState& state, TimeRange range)
    : ChunkChange(store, entry, state, range), chunks_(store, entry, kTimesColumn, UINT16_MAX, state, range) {}

Result<bool> ChunkErasure::step(kv::WriteBatch& batch) {
  while (const auto key = TRY(chunks_.next())) {
    TRY(take(*key, batch));
    if (batch.size() >= kChangesMax) return true;
  }
  for (const auto& [sequence, cut] : cuts_) write_cut(sequence, cut, batch);
  cuts_.clear();
  for (const std::string& key : times_) {
    if (!kept_times_.contains(key)) batch.erase(key);
  }
  times_.clear();
  if (!batch.empty()) return true;
  TRY(look_at_what_is_left());
  return false;
}

Result<void> ChunkErasure::take(const ChunkKey& key, kv::WriteBatch& batch) {
  const auto chunk = parse_chunk(chunks_.key(), chunks_.value());
  if (!chunk) return keep_damaged(key, chunk.error());
  if (chunk->statistics.max_time_ns < range_.from_ns) return {};
  if (!lies_within(chunk->statistics)) return cut(key, *chunk);
  if (chunk->is_times) {
    times_.emplace_back(chunks_.key());
    return {};
  }
  batch.erase(chunks_.key());
  values_ += chunk->statistics.count;
  return {};
}

Result<void> ChunkErasure::cut(const ChunkKey& key, const Chunk& chunk) {
  Cut& cut = cuts_[key.sequence];
  if (!chunk.is_times) {
    ColumnData data;
    if (const auto decoded = decode(chunk, data); !decoded) return keep_damaged(key, decoded.error());
    values_ += rows_within(data, range_);
    const auto [place, is_new] = cut.columns.try_emplace(key.column, data);
    // The chunks of one sequence and column follow one another.
    if (!is_new) place->second.append(data, 0, data.size());
  }
  cut.keys.push_back(chunk_key(key));
  return {};
}

void ChunkErasure::write_cut(uint64_t sequence, const Cut& cut, kv::WriteBatch& batch) {
  for (const std::string& key : cut.keys) {
    if (!kept_times_.contains(key)) batch.erase(key);
  }
  ChunkGroup group{.state = state_};
  GroupWriter writer(entry_.bucket, entry_.id, sequence, batch, group, &kept_times_);
  writer.write_piece(cut.columns, INT64_MIN, range_.from_ns);
  if (range_.to_ns < INT64_MAX) writer.write_piece(cut.columns, range_.to_ns + 1, std::nullopt);
}

Result<void> ChunkErasure::keep_damaged(const ChunkKey& key, const Error& error) {
  TRY(count_damage(error));
  kept_times_.insert(shared_times_key(key));
  return {};
}

// The state may say less than is there only where it says so for all readers: it is made from the chunks themselves. Where chunks overlap, any of them
// may reach furthest; where they do not, the last one of each column does.
Result<void> ChunkErasure::look_at_what_is_left() {
  const bool overlapped = state_.overlaps;
  state_.columns = 0;
  state_.overlaps = overlapped && damaged_ > 0;
  state_.max_time_ns = damaged_ > 0 ? state_.max_time_ns : INT64_MIN;
  const auto rows = store_.iterate(column_begin(entry_.bucket, entry_.id, 1), column_end(entry_.bucket, entry_.id, UINT16_MAX));
  ColumnId column = kTimesColumn;
  int64_t reached_ns = INT64_MIN;
  while (rows->valid()) {
    const ChunkKey key = TRY(parse_chunk_key(rows->key()));
    if (key.column != column) {
      column = key.column;
      state_.columns |= ChunksState::column_bit(column);
      reached_ns = INT64_MIN;
      if (!overlapped) rows->seek_for_previous(chunk_key({entry_.bucket, entry_.id, column, INT64_MAX, UINT64_MAX}));
    }
    if (const auto chunk = parse_chunk(rows->key(), rows->value())) {
      state_.overlaps |= reached_ns != INT64_MIN && chunk->key.min_time_ns <= reached_ns;
      reached_ns = std::max(reached_ns, chunk->statistics.max_time_ns);
      state_.max_time_ns = std::max(state_.max_time_ns, reached_ns);
    }
    rows->next();
  }
  TRY(rows->status());
  return {};
}

}  // namespace campanile::tsdb
