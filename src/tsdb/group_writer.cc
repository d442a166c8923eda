#include "tsdb/group_writer.h"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "tsdb/chunk.h"

namespace campanile::tsdb {
namespace {

// Below that a block of times is not worth a key of its own, however many columns could share it.
constexpr size_t kSharedTimesBytesMin = 2 * kChunkKeyBytes;

uint64_t span_of(int64_t from_ns, int64_t to_ns) { return static_cast<uint64_t>(to_ns) - static_cast<uint64_t>(from_ns); }

}  // namespace

void GroupWriter::write_piece(const Columns& columns, int64_t from_ns, std::optional<int64_t> to_ns) {
  struct Part {
    ColumnId column;
    const ColumnData* data;
    size_t begin;
    size_t end;
    std::span<const int64_t> times() const { return std::span(data->times_ns).subspan(begin, end - begin); }
  };
  std::vector<Part> parts;
  for (const auto& [column, data] : columns) {
    const size_t end = to_ns ? data.lower_bound(*to_ns) : data.size();
    const Part part{column, &data, data.lower_bound(from_ns), end};
    if (part.begin < part.end) parts.push_back(part);
  }
  if (parts.empty()) return;
  const Part& reference = *std::max_element(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.end - a.begin < b.end - b.begin; });
  const auto shares = [&reference](const Part& part) {
    return part.column == reference.column || std::ranges::equal(part.times(), reference.times());
  };
  bool share = std::ranges::count_if(parts, shares) > 1;
  if (share) {
    const ChunkKey key{bucket_, series_, kTimesColumn, reference.times().front(), sequence_};
    const std::string times = encode_times_chunk(key, reference.times());
    const bool is_free = !kept_times_ || !kept_times_->contains(chunk_key(key));
    share = is_free && times.size() >= kSharedTimesBytesMin;
    if (share) put(key, times);
  }
  ChunksState& state = group_.state;
  state.tail_rows = static_cast<uint32_t>(reference.times().size());
  state.tail_min_time_ns = INT64_MAX;
  for (const Part& part : parts) {
    const ChunkKey key{bucket_, series_, part.column, part.times().front(), sequence_};
    put(key, encode_chunk(key, *part.data, part.begin, part.end, share && shares(part) ? Times::kShared : Times::kEmbedded));
    group_.values += part.end - part.begin;
    state.tail_min_time_ns = std::min(state.tail_min_time_ns, part.times().front());
    state.max_time_ns = std::max(state.max_time_ns, part.times().back());
    state.span_max_ns = std::max(state.span_max_ns, span_of(part.times().front(), part.times().back()));
  }
}

void GroupWriter::put(const ChunkKey& key, std::string_view value) {
  batch_.put(chunk_key(key), value);
  ++group_.chunks;
}

}  // namespace campanile::tsdb
