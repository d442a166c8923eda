#include "tsdb/chunk_group.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "base/check.h"
#include "tsdb/chunk.h"
#include "tsdb/group_writer.h"
#include "tsdb/shared_times.h"

namespace campanile::tsdb {
namespace {

// A successor is merged with a group of at most that many times its rows.
constexpr uint64_t kMergeRatio = 4;
constexpr ColumnId kMergeableColumnsMax = 63;  // those with a bit of their own in ChunksState::columns

// The chunks of the newest group, and what to erase when they are written anew.
struct Tail {
  Columns columns;
  std::set<std::string> keys;
};

Result<void> read_tail_column(const kv::Store& store, BucketId bucket, SeriesId series, ColumnId column, const ChunksState& state, Tail& tail) {
  const auto rows = store.iterate(column_begin(bucket, series, column), column_end(bucket, series, column));
  rows->seek_for_previous(chunk_key({bucket, series, column, INT64_MAX, UINT64_MAX}));
  TRY(rows->status());
  if (!rows->valid()) return {};
  const std::string key(rows->key());
  const ChunkKey parsed = TRY(parse_chunk_key(key));
  if (parsed.sequence != state.sequence || parsed.min_time_ns < state.tail_min_time_ns) return {};
  const Chunk chunk = TRY(parse_chunk(key, rows->value()));
  ColumnData data;
  TRY(decode_with_times(chunk, [&store](std::string_view at) { return store.get(at); }, data));
  tail.keys.insert(key);
  if (chunk.times == Times::kShared) tail.keys.insert(shared_times_key(parsed));
  tail.columns.emplace(column, std::move(data));
  return {};
}

Result<Tail> read_tail(const kv::Store& store, BucketId bucket, SeriesId series, const ChunksState& state) {
  Tail tail;
  for (ColumnId column = 1; column <= kMergeableColumnsMax; ++column) {
    if ((state.columns & ChunksState::column_bit(column)) != 0) TRY(read_tail_column(store, bucket, series, column, state, tail));
  }
  return tail;
}

bool can_merge_tail(const ChunksState& state, uint64_t new_rows, uint32_t rows_max) {
  const bool has_only_own_bits = (state.columns & ChunksState::column_bit(kMergeableColumnsMax + 1)) == 0;
  const bool is_last_in_key_order = state.tail_min_time_ns > state.max_time_before_tail_ns || state.max_time_before_tail_ns == INT64_MIN;
  return state.tail_rows > 0 && state.tail_rows + new_rows <= rows_max && state.tail_rows <= kMergeRatio * new_rows && has_only_own_bits &&
         is_last_in_key_order;
}

Columns merge_blocks(std::span<const std::shared_ptr<const HeadBlock>> blocks, const Columns& tail) {
  std::map<ColumnId, std::vector<ColumnData>> parts;
  for (const auto& [column, data] : tail) parts[column].push_back(data);
  for (const auto& block : blocks) {
    for (size_t i = 0; i < block->columns(); ++i) parts[block->column(i)].push_back(block->extract(block->column(i), TimeRange{}));
  }
  Columns merged;
  for (auto& [column, pieces] : parts) {
    if (pieces.size() == 1) {
      merged.emplace(column, std::move(pieces[0]));
      continue;
    }
    std::vector<MergeInput> inputs;
    for (const ColumnData& piece : pieces) inputs.push_back({&piece, 0, piece.size()});
    ColumnData out(pieces[0].type);
    merge_columns(inputs, out);
    merged.emplace(column, std::move(out));
  }
  return merged;
}

}  // namespace

ChunkGroup build_chunk_group(const kv::Store& store, BucketId bucket, SeriesId series, const ChunksState& state,
                             std::span<const std::shared_ptr<const HeadBlock>> blocks, uint64_t sequence, uint32_t rows_max, kv::WriteBatch& batch) {
  CHECK(!blocks.empty());
  uint64_t rows = 0;
  for (const auto& block : blocks) rows += block->rows();

  ChunkGroup group{.state = state};
  Tail tail;
  if (can_merge_tail(state, rows, rows_max)) {
    // A group that cannot be read is left alone: whoever reads it will hear of it.
    if (auto read = read_tail(store, bucket, series, state); read && !read->columns.empty()) {
      tail = std::move(*read);
      group.state.max_time_ns = state.max_time_before_tail_ns;
      for (const std::string& key : tail.keys) batch.erase(key);
    }
  }
  const Columns columns = merge_blocks(blocks, tail.columns);
  group.state.sequence = sequence;

  const ColumnData* reference = nullptr;
  int64_t min_time_ns = INT64_MAX;
  for (const auto& [column, data] : columns) {
    if (!reference || data.size() > reference->size()) reference = &data;
    if (!data.empty()) min_time_ns = std::min(min_time_ns, data.times_ns.front());
  }
  group.state.overlaps |= min_time_ns <= group.state.max_time_ns && group.state.max_time_ns != INT64_MIN;
  GroupWriter writer(bucket, series, sequence, batch, group);
  // Pieces end at the same times in all columns, so that they can share theirs.
  for (size_t begin = 0; begin < reference->size(); begin += rows_max) {
    group.state.max_time_before_tail_ns = group.state.max_time_ns;
    const size_t end = begin + rows_max;
    const int64_t from_ns = begin == 0 ? INT64_MIN : reference->times_ns[begin];
    writer.write_piece(columns, from_ns, end < reference->size() ? std::optional(reference->times_ns[end]) : std::nullopt);
  }
  return group;
}

}  // namespace campanile::tsdb
