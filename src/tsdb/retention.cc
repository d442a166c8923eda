// Retention: chunks are erased when the whole of them is older than their bucket keeps. Part of the sealer, which owns the background thread.

#include <set>
#include <string>

#include "tsdb/chunk.h"
#include "tsdb/sealer.h"
#include "tsdb/shared_times.h"

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
  std::set<std::string> times;  // of the series, shared and old; they go when its columns have gone
  const auto end_series = [&] {
    for (const std::string& key : times) batch.erase(key);
    times.clear();
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
    // A damaged chunk is kept with its times for whoever can mend it, and those after it are looked at.
    if (!chunk) {
      keeps_some = true;
      times.erase(shared_times_key(key));
      rows->next();
      continue;
    }
    if (chunk->statistics.max_time_ns >= before_ns) {
      keeps_some = true;
      // Chunks lie in the order of their first times. Of those that begin before, each is looked at: where they overlap, an old one may follow a
      // longer one that is not old, and its shared times are about to go.
      if (key.min_time_ns >= before_ns) {
        rows->seek(column_end(key.bucket, key.series, key.column));
      } else {
        rows->next();
      }
      continue;
    }
    if (chunk->is_times) {
      times.emplace(rows->key());
    } else {
      batch.erase(rows->key());
    }
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
