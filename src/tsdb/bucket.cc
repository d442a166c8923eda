#include "tsdb/bucket.h"

#include "base/check.h"
#include "codec/varint.h"

namespace campanile::tsdb {
namespace {

constexpr uint8_t kStateVersion = 1;

}  // namespace

std::string encode_chunks_state(const ChunksState& state) {
  std::string out;
  out += static_cast<char>(kStateVersion);
  out += static_cast<char>(state.overlaps);
  codec::append_varint(out, state.columns);
  codec::append_varint(out, state.span_max_ns);
  codec::append_signed(out, state.max_time_ns);
  codec::append_signed(out, state.max_time_before_tail_ns);
  codec::append_signed(out, state.tail_min_time_ns);
  codec::append_varint(out, state.tail_rows);
  codec::append_varint(out, state.sequence);
  codec::append_varint(out, state.sealed_lsn);
  return out;
}

Result<ChunksState> decode_chunks_state(std::string_view bytes) {
  codec::ByteReader in(bytes);
  const uint8_t version = in.byte();
  if (version != kStateVersion) return fail(ErrorCode::kUnsupported, "chunk state row of format version {}, this program reads {}", version, kStateVersion);
  ChunksState state;
  state.overlaps = in.byte() != 0;
  state.columns = in.varint();
  state.span_max_ns = in.varint();
  state.max_time_ns = in.signed_varint();
  state.max_time_before_tail_ns = in.signed_varint();
  state.tail_min_time_ns = in.signed_varint();
  state.tail_rows = static_cast<uint32_t>(in.varint());
  state.sequence = in.varint();
  state.sealed_lsn = in.varint();
  if (!in.ok() || !in.at_end()) return fail(ErrorCode::kCorrupt, "chunk state row of {} bytes", bytes.size());
  return state;
}

Measurement& Bucket::add_measurement(std::string_view name) {
  auto& made = measurements_[std::string(name)];
  if (!made) {
    made = std::make_unique<Measurement>();
    made->name = name;
  }
  return *made;
}

ColumnId Bucket::add_column(Measurement& measurement, std::string_view field, FieldType type) {
  CHECK(measurement.columns.size() < kColumnsMax);
  measurement.columns.push_back({.name = std::string(field), .type = type});
  const auto number = static_cast<ColumnId>(measurement.columns.size());
  // A deque's elements stay where they are, so the name may be the map's key.
  measurement.numbers.emplace(measurement.columns.back().name, number);
  return number;
}

SeriesEntry& Bucket::add_series(uint32_t series, std::string_view key, const SeriesName& name) {
  Measurement& measurement = add_measurement(name.measurement);
  SeriesEntry& entry = place(series, arena_.copy(key), &measurement);
  by_key_.emplace(entry.key, &entry);
  measurement.tags.add(series, name.tags, arena_);
  unpersisted.push_back(series);
  return entry;
}

SeriesEntry& Bucket::place(uint32_t series, std::string_view key, Measurement* measurement) {
  if (free_.empty()) return entries_.emplace_back(series, id, key, measurement);
  SeriesEntry* const entry = free_.back();
  free_.pop_back();
  std::destroy_at(entry);
  return *std::construct_at(entry, series, id, key, measurement);
}

void Bucket::remove_series(SeriesEntry& entry) {
  const auto name = parse_series_key(entry.key);
  // It was parsed when the series was made.
  CHECK(name);
  if (const auto found = by_key_.find(entry.key); found != by_key_.end() && found->second == &entry) by_key_.erase(found);
  entry.measurement->tags.remove(entry.id, name->tags);
  entry.removed = true;
}

void Bucket::recycle(SeriesEntry& entry) {
  const auto name = parse_series_key(entry.key);
  CHECK(name && entry.removed);
  entry.measurement->tags.forget(name->tags, arena_);
  arena_.give_back(entry.key);
  std::destroy_at(&entry);
  std::construct_at(&entry, 0u, id, std::string_view(), nullptr)->removed = true;
  free_.push_back(&entry);
}

}  // namespace campanile::tsdb
