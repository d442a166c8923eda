// ChunkStream: the stored chunks of one column that may hold times of a range, in the order in which a cursor wants them.
//
//   ChunkStream chunks(view, {bucket, series, column}, range, order, state);
//   while (TRY(chunks.advance())) use(chunks.current());
//
// Ascending: by first time. Descending: by last time, latest first; where chunks overlap, that needs a list of them all first.
// Threads: one owner. Errors: kCorrupt naming the chunk, kIoError.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tsdb/bucket.h"
#include "tsdb/chunk.h"
#include "tsdb/kv_view.h"

namespace campanile::tsdb {

// A chunk with the bytes it views.
struct StoredChunk {
  std::string key;
  std::string value;
  Chunk chunk;
};

struct ColumnName {
  BucketId bucket;
  SeriesId series;
  ColumnId column;
};

class ChunkStream {
 public:
  ChunkStream(std::shared_ptr<KvView> view, const ColumnName& name, TimeRange range, Order order, const ChunksState& state);

  // Reads the next chunk; null at the end.
  Result<std::unique_ptr<StoredChunk>> next();

 private:
  struct Reference {
    std::string key;
    int64_t max_time_ns;
  };
  void seek_first();
  bool in_column() const;
  Result<void> list_all();
  Result<std::unique_ptr<StoredChunk>> next_listed();
  int64_t earliest_first_time() const;

  std::shared_ptr<KvView> view_;
  const ColumnName name_;
  const TimeRange range_;
  const Order order_;
  const bool overlaps_;
  const uint64_t span_max_ns_;
  KvView::Lease rows_;
  const std::string begin_;
  bool started_ = false;
  bool listed_ = false;
  std::vector<Reference> references_;  // the next one last
};

Result<std::unique_ptr<StoredChunk>> read_stored_chunk(std::string key, std::string value);

}  // namespace campanile::tsdb
