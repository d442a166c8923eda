#include "tsdb/chunk_group.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/check.h"
#include "tsdb/chunk_tail.h"
#include "tsdb/group_writer.h"

namespace campanile::tsdb {
namespace {

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

// Writes the columns as the group. REQUIRES: some column has rows; group.state is what is left without what was merged.
void write_group(BucketId bucket, SeriesId series, const Columns& columns, uint64_t sequence, uint32_t rows_max, kv::WriteBatch& batch, ChunkGroup& group) {
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
}

// Takes the tail out of the store, and its times out of the state.
void take_out(const ChunkTail& tail, kv::WriteBatch& batch, ChunksState& state) {
  if (tail.keys.empty()) return;
  state.max_time_ns = tail.max_time_before_ns;
  for (const std::string& key : tail.keys) batch.erase(key);
}

}  // namespace

ChunkGroup build_chunk_group(const kv::Store& store, BucketId bucket, SeriesId series, const ChunksState& state,
                             std::span<const std::shared_ptr<const HeadBlock>> blocks, uint64_t sequence, const MergeLimits& limits, kv::WriteBatch& batch) {
  CHECK(!blocks.empty());
  NewRows rows;
  for (const auto& block : blocks) {
    rows.count += block->rows();
    rows.max_time_ns = std::max(rows.max_time_ns, block->max_time_ns());
  }
  ChunkGroup group{.state = state};
  // What cannot be read is left alone: whoever reads it will hear of it.
  const ChunkTail tail = read_tail_to_merge(store, bucket, series, state, rows, limits).value_or(ChunkTail{});
  take_out(tail, batch, group.state);
  write_group(bucket, series, merge_blocks(blocks, tail.columns), sequence, limits.rows_max, batch, group);
  return group;
}

std::optional<ChunkGroup> merge_small_chunks(const kv::Store& store, BucketId bucket, SeriesId series, const ChunksState& state, uint64_t sequence,
                                             const MergeLimits& limits, kv::WriteBatch& batch) {
  const ChunkTail tail = read_small_tail(store, bucket, series, state, limits).value_or(ChunkTail{});
  if (tail.columns.empty()) return std::nullopt;
  ChunkGroup group{.state = state};
  take_out(tail, batch, group.state);
  write_group(bucket, series, tail.columns, sequence, limits.rows_max, batch, group);
  return group;
}

}  // namespace campanile::tsdb
