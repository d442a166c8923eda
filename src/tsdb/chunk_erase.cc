#include "tsdb/chunk_erase.h"

#include <algorithm>

#include "base/log.h"
#include "tsdb/shared_times.h"

namespace campanile::tsdb {
namespace {

// A batch is handed over when it holds that many changes.
constexpr size_t kChangesMax = 1024;

bool lies_within(int64_t from_ns, int64_t to_ns, TimeRange range) { return from_ns >= range.from_ns && to_ns <= range.to_ns; }

uint64_t rows_within(const ColumnData& data, TimeRange range) { return data.upper_bound(range.to_ns) - data.lower_bound(range.from_ns); }

}  // namespace

ChunkErasure::ChunkErasure(const kv::Store& store, BucketId bucket, SeriesId series, const ChunksState& state, TimeRange range)
    : store_(store), bucket_(bucket), series_(series), range_(range), state_(state) {}

Result<bool> ChunkErasure::step(kv::WriteBatch& batch) {
  if (!rows_) rows_ = store_.iterate(column_begin(bucket_, series_, 0), column_end(bucket_, series_, UINT16_MAX));
  while (rows_->valid() && batch.size() < kChangesMax) {
    const ChunkKey key = TRY(parse_chunk_key(rows_->key()));
    if (rows_->key() >= column_end_) {
      column_end_ = column_end(bucket_, series_, key.column);
      // An earlier chunk is too short to reach into the range.
      const auto distance = static_cast<uint64_t>(range_.from_ns) - static_cast<uint64_t>(INT64_MIN);
      const int64_t earliest = distance > state_.span_max_ns ? static_cast<int64_t>(static_cast<uint64_t>(range_.from_ns) - state_.span_max_ns) : INT64_MIN;
      if (key.min_time_ns < earliest) {
        rows_->seek(chunk_key({bucket_, series_, key.column, earliest, 0}));
        continue;
      }
    }
    if (key.min_time_ns > range_.to_ns) {
      rows_->seek(column_end_);
      continue;
    }
    TRY(take(key, batch));
    rows_->next();
  }
  TRY(rows_->status());
  if (rows_->valid()) return true;
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
  const auto chunk = parse_chunk(rows_->key(), rows_->value());
  if (!chunk) return damage(key, chunk.error());
  const int64_t max_time_ns = chunk->statistics.max_time_ns;
  if (max_time_ns < range_.from_ns) return {};
  if (!lies_within(key.min_time_ns, max_time_ns, range_)) return cut(key, *chunk);
  if (chunk->is_times) {
    times_.emplace_back(rows_->key());
    return {};
  }
  batch.erase(rows_->key());
  values_ += chunk->statistics.count;
  return {};
}

Result<void> ChunkErasure::cut(const ChunkKey& key, const Chunk& chunk) {
  Cut& cut = cuts_[key.sequence];
  if (!chunk.is_times) {
    ColumnData data;
    const auto decoded = decode_with_times(chunk, [this](std::string_view at) { return store_.get(at); }, data);
    if (!decoded) return damage(key, decoded.error());
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
  GroupWriter writer(bucket_, series_, sequence, batch, group, &kept_times_);
  writer.write_piece(cut.columns, INT64_MIN, range_.from_ns);
  if (range_.to_ns < INT64_MAX) writer.write_piece(cut.columns, range_.to_ns + 1, std::nullopt);
}

Result<void> ChunkErasure::damage(const ChunkKey& key, const Error& error) {
  if (error.code != ErrorCode::kCorrupt && error.code != ErrorCode::kUnsupported) return std::unexpected(error);
  log::warning("erasing points: {}; it is left as it is", error.message);
  ++damaged_;
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
  const auto rows = store_.iterate(column_begin(bucket_, series_, 1), column_end(bucket_, series_, UINT16_MAX));
  ColumnId column = kTimesColumn;
  int64_t reached_ns = INT64_MIN;
  while (rows->valid()) {
    const ChunkKey key = TRY(parse_chunk_key(rows->key()));
    if (key.column != column) {
      column = key.column;
      state_.columns |= ChunksState::column_bit(column);
      reached_ns = INT64_MIN;
      if (!overlapped) rows->seek_for_previous(chunk_key({bucket_, series_, column, INT64_MAX, UINT64_MAX}));
    }
    if (const auto chunk = parse_chunk(rows->key(), rows->value())) {
      state_.overlaps |= reached_ns != INT64_MIN && chunk->key.min_time_ns <= reached_ns;
      reached_ns = std::max(reached_ns, chunk->statistics.max_time_ns);
      state_.max_time_ns = std::max(state_.max_time_ns, reached_ns);
    }
    rows->next();
  }
  TRY(rows->status());
  // What is left is not what a successor would be merged with.
  state_.tail_rows = 0;
  state_.max_time_before_tail_ns = state_.max_time_ns;
  return {};
}

}  // namespace campanile::tsdb
