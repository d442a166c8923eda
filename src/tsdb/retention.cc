// Retention: chunks are erased when the whole of them is older than their bucket keeps. Part of the sealer, which owns the background thread.

#include "tsdb/chunk.h"
#include "tsdb/sealer.h"

namespace campanile::tsdb {
namespace {

constexpr size_t kErasesMax = 1000;

}  // namespace

Result<void> Sealer::drop_expired(const std::shared_ptr<Bucket>& bucket, int64_t before_ns) {
  kv::WriteBatch batch;
  const auto flush = [&]() -> Result<void> {
    counters_.chunks_expired.add(batch.size());
    if (!batch.empty()) TRY(store_.write(batch, kv::Durability::kBuffered));
    batch.clear();
    return {};
  };
  const auto rows = store_.iterate(bucket_begin(BucketRows::kChunks, bucket->id), bucket_end(BucketRows::kChunks, bucket->id));
  SeriesId series = 0;
  bool keeps_some = true;
  const auto end_series = [&] {
    if (!keeps_some) may_be_empty(bucket, series);
  };
  while (rows->valid()) {
    const ChunkKey key = TRY(parse_chunk_key(rows->key()));
    if (key.series != series) {
      end_series();
      series = key.series;
      keeps_some = false;
    }
    const auto chunk = parse_chunk(rows->key(), rows->value());
    // A damaged chunk is kept for whoever can mend it, and those after it are looked at.
    if (!chunk) {
      keeps_some = true;
      rows->next();
      continue;
    }
    if (chunk->statistics.max_time_ns >= before_ns) {
      // Chunks lie in the order of their first times: the rest of the column is younger, or soon will be gone too.
      keeps_some = true;
      rows->seek(column_end(key.bucket, key.series, key.column));
      continue;
    }
    batch.erase(rows->key());
    if (batch.size() >= kErasesMax) TRY(flush());
    rows->next();
  }
  TRY(rows->status());
  end_series();
  return flush();
}

Result<void> Sealer::enforce_retention() {
  const std::lock_guard lock(mutex_);
  for (const auto& bucket : buckets()) {
    if (bucket->duration_ns <= 0) continue;
    const int64_t now_ns = clock_.now_ns();
    // A clock near the beginning of time expires nothing.
    if (now_ns < INT64_MIN + bucket->duration_ns) continue;
    TRY(drop_expired(bucket, now_ns - bucket->duration_ns));
  }
  return {};
}

}  // namespace campanile::tsdb
