#include "tsdb/chunk_stream.h"

#include <algorithm>
#include <tuple>

namespace campanile::tsdb {

Result<std::unique_ptr<StoredChunk>> read_stored_chunk(std::string key, std::string value) {
  // The views of the chunk point into the strings, so those must be where they will stay.
  auto stored = std::make_unique<StoredChunk>();
  stored->key = std::move(key);
  stored->value = std::move(value);
  stored->chunk = TRY(parse_chunk(stored->key, stored->value));
  return stored;
}

ChunkStream::ChunkStream(std::shared_ptr<KvView> view, const ColumnName& name, TimeRange range, Order order, const ChunksState& state)
    : view_(std::move(view)),
      name_(name),
      range_(range),
      order_(order),
      overlaps_(state.overlaps),
      span_max_ns_(state.span_max_ns),
      rows_(view_->lease()),
      begin_(column_begin(name.bucket, name.series, name.column)) {}

bool ChunkStream::in_column() const { return rows_->valid() && rows_->key().starts_with(begin_); }

int64_t ChunkStream::earliest_first_time() const {
  const uint64_t room = static_cast<uint64_t>(range_.from_ns) - static_cast<uint64_t>(INT64_MIN);
  return span_max_ns_ >= room ? INT64_MIN : static_cast<int64_t>(static_cast<uint64_t>(range_.from_ns) - span_max_ns_);
}

void ChunkStream::seek_first() {
  if (order_ == Order::kDescending) {
    rows_->seek_for_previous(chunk_key({name_.bucket, name_.series, name_.column, range_.to_ns, UINT64_MAX}));
    return;
  }
  if (!overlaps_) {
    // Where no two chunks have a time in common only the last one that begins before the range can reach into it.
    rows_->seek_for_previous(chunk_key({name_.bucket, name_.series, name_.column, range_.from_ns, UINT64_MAX}));
    if (in_column()) return;
  }
  rows_->seek(chunk_key({name_.bucket, name_.series, name_.column, earliest_first_time(), 0}));
}

Result<void> ChunkStream::list_all() {
  rows_->seek(chunk_key({name_.bucket, name_.series, name_.column, earliest_first_time(), 0}));
  for (; in_column(); rows_->next()) {
    const Chunk chunk = TRY(parse_chunk(rows_->key(), rows_->value()));
    if (chunk.statistics.min_time_ns > range_.to_ns) break;
    if (chunk.statistics.max_time_ns >= range_.from_ns) references_.push_back({std::string(rows_->key()), chunk.statistics.max_time_ns});
  }
  std::sort(references_.begin(), references_.end(), [](const Reference& a, const Reference& b) {
    return std::tie(a.max_time_ns, a.key) < std::tie(b.max_time_ns, b.key);
  });
  return rows_->status();
}

Result<std::unique_ptr<StoredChunk>> ChunkStream::next_listed() {
  if (!listed_) TRY(list_all());
  listed_ = true;
  if (references_.empty()) return nullptr;
  std::string key = std::move(references_.back().key);
  references_.pop_back();
  auto value = TRY(view_->get(key));
  if (!value) return fail(ErrorCode::kCorrupt, "{}: gone from one moment of the store", to_string(TRY(parse_chunk_key(key))));
  return read_stored_chunk(std::move(key), std::move(*value));
}

Result<std::unique_ptr<StoredChunk>> ChunkStream::next() {
  const bool descends = order_ == Order::kDescending;
  if (descends && overlaps_) return next_listed();
  for (;;) {
    if (!started_) {
      seek_first();
      started_ = true;
    } else if (rows_->valid()) {
      descends ? rows_->previous() : rows_->next();
    }
    if (!in_column()) {
      TRY(rows_->status());
      return nullptr;
    }
    auto stored = TRY(read_stored_chunk(std::string(rows_->key()), std::string(rows_->value())));
    const BlockStatistics& statistics = stored->chunk.statistics;
    if (descends && statistics.max_time_ns < range_.from_ns) return nullptr;
    if (!descends && statistics.min_time_ns > range_.to_ns) return nullptr;
    // Before the range, when the seek went back further than needed.
    if (statistics.max_time_ns >= range_.from_ns) return stored;
  }
}

}  // namespace campanile::tsdb
