#include "tsdb/chunk_change.h"

#include "base/log.h"
#include "tsdb/shared_times.h"

namespace campanile::tsdb {
namespace {

int64_t earliest_first_time(const ChunksState& state, TimeRange range) {
  const auto room = static_cast<uint64_t>(range.from_ns) - static_cast<uint64_t>(INT64_MIN);
  return room > state.span_max_ns ? static_cast<int64_t>(static_cast<uint64_t>(range.from_ns) - state.span_max_ns) : INT64_MIN;
}

}  // namespace

ChunkWalk::ChunkWalk(const kv::Store& store, const SeriesEntry& entry, ColumnId first, ColumnId last, const ChunksState& state, TimeRange range)
    : store_(store),
      bucket_(entry.bucket),
      series_(entry.id),
      range_(range),
      earliest_ns_(earliest_first_time(state, range)),
      begin_(column_begin(entry.bucket, entry.id, first)),
      end_(column_end(entry.bucket, entry.id, last)) {}

void ChunkWalk::begin_after(std::string_view key) {
  begin_ = key;
  begin_ += '\0';
}

Result<std::optional<ChunkKey>> ChunkWalk::next() {
  if (!rows_) {
    rows_ = store_.iterate(begin_, end_);
  } else if (rows_->valid()) {
    rows_->next();
  }
  while (rows_->valid()) {
    const ChunkKey key = TRY(parse_chunk_key(rows_->key()));
    if (rows_->key() >= column_end_) {
      column_end_ = column_end(bucket_, series_, key.column);
      if (key.min_time_ns < earliest_ns_) {
        rows_->seek(chunk_key({bucket_, series_, key.column, earliest_ns_, 0}));
        continue;
      }
    }
    if (key.min_time_ns <= range_.to_ns) return key;
    rows_->seek(column_end_);
  }
  TRY(rows_->status());
  return std::nullopt;
}

Result<void> ChunkChange::decode(const Chunk& chunk, ColumnData& data) const {
  return decode_with_times(chunk, [this](std::string_view key) { return store_.get(key); }, data);
}

Result<void> ChunkChange::count_damage(const Error& error) {
  if (error.code != ErrorCode::kCorrupt && error.code != ErrorCode::kUnsupported) return std::unexpected(error);
  log::warning("changing points: {}; it is left as it is", error.message);
  ++damaged_;
  return {};
}

}  // namespace campanile::tsdb
