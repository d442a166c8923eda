#include "tsdb/chunk_correct.h"

#include <algorithm>

#include "codec/varint.h"

namespace campanile::tsdb {
namespace {

constexpr uint8_t kProgressVersion = 1;

}  // namespace

std::string encode_progress(const CorrectionProgress& progress) {
  std::string out;
  out += static_cast<char>(kProgressVersion);
  codec::append_varint(out, progress.lsn);
  codec::append_bytes(out, progress.key);
  return out;
}

Result<CorrectionProgress> decode_progress(std::string_view bytes) {
  codec::ByteReader in(bytes);
  const uint8_t version = in.byte();
  if (version != kProgressVersion) return fail(ErrorCode::kUnsupported, "correction progress row of format version {}, this program reads {}", version, kProgressVersion);
  CorrectionProgress progress{.lsn = in.varint(), .key = std::string(in.sized_bytes())};
  if (!in.ok() || !in.at_end()) return fail(ErrorCode::kCorrupt, "correction progress row of {} bytes", bytes.size());
  return progress;
}

ChunkCorrection::ChunkCorrection(const kv::Store& store, const SeriesEntry& entry, const ChunksState& state, TimeRange range, const ColumnCorrection& correction,
                                 journal::Lsn lsn, uint32_t chunks_max)
    : ChunkChange(store, entry, state, range),
      correction_(correction),
      lsn_(lsn),
      chunks_max_(chunks_max),
      progress_key_(series_row_key(BucketRows::kProgress, entry.bucket, entry.id)),
      chunks_(store, entry, correction.column, correction.column, state, range) {}

Result<void> ChunkCorrection::begin() {
  const auto row = TRY(store_.get(progress_key_));
  if (!row) return {};
  const CorrectionProgress progress = TRY(decode_progress(*row));
  if (progress.lsn == lsn_) chunks_.begin_after(progress.key);
  return {};
}

Result<bool> ChunkCorrection::step(kv::WriteBatch& batch) {
  if (!begun_) TRY(begin());
  begun_ = true;
  while (TRY(chunks_.next())) {
    TRY(take(batch));
    if (batch.size() < chunks_max_) continue;
    batch.put(progress_key_, encode_progress({.lsn = lsn_, .key = std::string(chunks_.key())}));
    ChunksState state = state_;
    state.sealed_lsn = std::max(state.sealed_lsn, lsn_ - 1);
    batch.put(series_row_key(BucketRows::kStates, entry_.bucket, entry_.id), encode_chunks_state(state));
    return true;
  }
  batch.erase(progress_key_);
  return false;
}

Result<void> ChunkCorrection::take(kv::WriteBatch& batch) {
  const auto chunk = parse_chunk(chunks_.key(), chunks_.value());
  if (!chunk) return count_damage(chunk.error());
  if (chunk->statistics.max_time_ns < range_.from_ns) return {};
  return correct(*chunk, batch);
}

Result<void> ChunkCorrection::correct(const Chunk& chunk, kv::WriteBatch& batch) {
  ColumnData data;
  if (const auto decoded = decode(chunk, data); !decoded) return count_damage(decoded.error());
  const size_t begin = data.lower_bound(range_.from_ns);
  const size_t end = data.upper_bound(range_.to_ns);
  if (begin >= end) return {};
  const uint64_t left = correction_.correction.apply(data, begin, end);
  left_ += left;
  values_ += end - begin - left;
  // Times stay as they are: what is shared is shared by other columns too, and what is regular is found to be.
  batch.put(chunks_.key(), encode_chunk(chunk.key, data, 0, data.size(), chunk.times == Times::kShared ? Times::kShared : Times::kEmbedded));
  return {};
}

}  // namespace campanile::tsdb
