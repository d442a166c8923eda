#include "tsdb/chunk_tail.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "tsdb/chunk.h"
#include "tsdb/shared_times.h"

namespace campanile::tsdb {
namespace {

// Among chunks that do not overlap, one is merged where at least so many times its rows come after it.
constexpr uint64_t kRowsAfter = 3;
// A newest group among chunks that overlap is merged while it has at most that many times the rows of what comes.
constexpr uint64_t kOverlappingRatio = 4;
constexpr ColumnId kMergeableColumnsMax = 63;  // those with a bit of their own in ChunksState::columns
constexpr size_t kChunksMax = 64;              // that are looked at in one go

// Walks the chunks of a series' columns, the last one first.
class TailReader {
 public:
  TailReader(const kv::Store& store, BucketId bucket, SeriesId series)
      : store_(store), bucket_(bucket), series_(series), rows_(store.iterate(column_begin(bucket, series, kTimesColumn), column_end(bucket, series, kMergeableColumnsMax))) {}

  // The last chunk of the column, or none. The views live until the next call.
  Result<std::optional<Chunk>> last(ColumnId column) {
    column_ = column;
    rows_->seek_for_previous(chunk_key({bucket_, series_, column, INT64_MAX, UINT64_MAX}));
    return current();
  }
  Result<std::optional<Chunk>> previous() {
    rows_->previous();
    return current();
  }

  // Decodes the current chunk behind those that follow it, and notes its keys.
  Result<void> take(const Chunk& chunk, std::vector<ColumnData>& pieces, std::set<std::string>& keys) {
    TRY(decode_with_times(chunk, [this](std::string_view at) { return store_.get(at); }, pieces.emplace_back()));
    keys.emplace(rows_->key());
    if (chunk.times == Times::kShared) keys.insert(shared_times_key(chunk.key));
    return {};
  }

 private:
  Result<std::optional<Chunk>> current() {
    TRY(rows_->status());
    if (!rows_->valid()) return std::nullopt;
    const Chunk chunk = TRY(parse_chunk(rows_->key(), rows_->value()));
    if (chunk.key.column != column_) return std::nullopt;
    return chunk;
  }

  const kv::Store& store_;
  const BucketId bucket_;
  const SeriesId series_;
  ColumnId column_ = kTimesColumn;
  std::unique_ptr<kv::Iterator> rows_;
};

// What a header says of a chunk that may be merged.
struct Candidate {
  uint64_t rows;
  int64_t min_time_ns;
};

bool has_column(const ChunksState& state, ColumnId column) { return (state.columns & ChunksState::column_bit(column)) != 0; }

// The column that has the most rows in the newest group: the others go with it.
Result<std::optional<ColumnId>> leading_column(TailReader& reader, const ChunksState& state) {
  std::optional<ColumnId> leading;
  std::pair<uint64_t, uint64_t> best;
  for (ColumnId column = 1; column <= kMergeableColumnsMax; ++column) {
    if (!has_column(state, column)) continue;
    const auto chunk = TRY(reader.last(column));
    if (!chunk) continue;
    const std::pair<uint64_t, uint64_t> rank(chunk->key.sequence, chunk->statistics.count);
    if (leading && rank <= best) continue;
    leading = column;
    best = rank;
  }
  return leading;
}

// Its small chunks at the end, newest first.
Result<std::vector<Candidate>> candidates_of(TailReader& reader, const ChunksState& state, int64_t max_time_ns, const MergeLimits& limits) {
  std::vector<Candidate> found;
  const auto column = TRY(leading_column(reader, state));
  if (!column) return found;
  const auto end_ns = static_cast<uint64_t>(std::max(max_time_ns, state.max_time_ns));
  for (auto chunk = TRY(reader.last(*column)); chunk && found.size() < kChunksMax; chunk = TRY(reader.previous())) {
    const BlockStatistics& statistics = chunk->statistics;
    if (statistics.count * 2 > limits.rows_max || end_ns - static_cast<uint64_t>(statistics.min_time_ns) > limits.span_max_ns) break;
    found.push_back({statistics.count, statistics.min_time_ns});
  }
  return found;
}

// Reads what of each column begins at that time or later.
Result<ChunkTail> read_since(TailReader& reader, const ChunksState& state, int64_t from_ns) {
  ChunkTail tail;
  for (ColumnId column = 1; column <= kMergeableColumnsMax; ++column) {
    if (!has_column(state, column)) continue;
    std::vector<ColumnData> pieces;
    auto chunk = TRY(reader.last(column));
    for (; chunk && chunk->key.min_time_ns >= from_ns; chunk = TRY(reader.previous())) TRY(reader.take(*chunk, pieces, tail.keys));
    if (chunk) tail.max_time_before_ns = std::max(tail.max_time_before_ns, chunk->statistics.max_time_ns);
    if (pieces.empty()) continue;
    ColumnData& whole = tail.columns.emplace(column, std::move(pieces.back())).first->second;
    for (size_t i = pieces.size() - 1; i-- > 0;) whole.append(pieces[i], 0, pieces[i].size());
  }
  return tail;
}

// REQUIRES: chunks overlap.
Result<ChunkTail> read_newest_group(TailReader& reader, const ChunksState& state, const NewRows& rows, const MergeLimits& limits) {
  const bool is_last_in_key_order = state.tail_min_time_ns > state.max_time_before_tail_ns || state.max_time_before_tail_ns == INT64_MIN;
  const bool is_worth_it = state.tail_rows > 0 && state.tail_rows + rows.count <= limits.rows_max && state.tail_rows <= kOverlappingRatio * rows.count;
  ChunkTail tail{.max_time_before_ns = state.max_time_before_tail_ns};
  if (!is_worth_it || !is_last_in_key_order) return tail;
  for (ColumnId column = 1; column <= kMergeableColumnsMax; ++column) {
    if (!has_column(state, column)) continue;
    const auto chunk = TRY(reader.last(column));
    if (!chunk || chunk->key.sequence != state.sequence || chunk->key.min_time_ns < state.tail_min_time_ns) continue;
    std::vector<ColumnData> pieces;
    TRY(reader.take(*chunk, pieces, tail.keys));
    tail.columns.emplace(column, std::move(pieces.front()));
  }
  return tail;
}

bool has_only_own_bits(const ChunksState& state) { return !has_column(state, kMergeableColumnsMax + 1); }

}  // namespace

Result<ChunkTail> read_tail_to_merge(const kv::Store& store, BucketId bucket, SeriesId series, const ChunksState& state, const NewRows& rows,
                                     const MergeLimits& limits) {
  if (state.max_time_ns == INT64_MIN || !has_only_own_bits(state)) return ChunkTail{};
  TailReader reader(store, bucket, series);
  if (state.overlaps) return read_newest_group(reader, state, rows, limits);
  const std::vector<Candidate> candidates = TRY(candidates_of(reader, state, rows.max_time_ns, limits));
  std::optional<int64_t> from_ns;
  uint64_t after = rows.count;
  for (const Candidate& each : candidates) {
    if (kRowsAfter * each.rows <= after) from_ns = each.min_time_ns;
    after += each.rows;
  }
  if (!from_ns) return ChunkTail{};
  return read_since(reader, state, *from_ns);
}

Result<ChunkTail> read_small_tail(const kv::Store& store, BucketId bucket, SeriesId series, const ChunksState& state, const MergeLimits& limits) {
  if (state.max_time_ns == INT64_MIN || state.overlaps || !has_only_own_bits(state)) return ChunkTail{};
  TailReader reader(store, bucket, series);
  const std::vector<Candidate> candidates = TRY(candidates_of(reader, state, INT64_MIN, limits));
  if (candidates.size() < 2) return ChunkTail{};
  return read_since(reader, state, candidates.back().min_time_ns);
}

}  // namespace campanile::tsdb
