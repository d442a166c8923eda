// GroupWriter: rows of one series as chunks of one sequence, a chunk per column, times shared where they are equal.
//
//   GroupWriter writer(bucket, series, sequence, batch, group);
//   writer.write_piece(columns, INT64_MIN, std::nullopt);      // group.state then tells of what the batch holds
//
// Threads: the sealing thread. Ownership: batch, group and kept times outlive the writer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "kv/store.h"
#include "tsdb/chunk_group.h"
#include "tsdb/column_data.h"

namespace campanile::tsdb {

using Columns = std::map<ColumnId, ColumnData>;

class GroupWriter {
 public:
  // `kept_times`: keys of shared times that are somebody else's and must stay as they are.
  GroupWriter(BucketId bucket, SeriesId series, uint64_t sequence, kv::WriteBatch& batch, ChunkGroup& group, const std::set<std::string>* kept_times = nullptr)
      : bucket_(bucket), series_(series), sequence_(sequence), batch_(batch), group_(group), kept_times_(kept_times) {}

  // Writes the rows of all columns with from_ns <= time < to_ns (or to the end) as one chunk each; nothing where there are none.
  void write_piece(const Columns& columns, int64_t from_ns, std::optional<int64_t> to_ns);

 private:
  void put(const ChunkKey& key, std::string_view value);

  const BucketId bucket_;
  const SeriesId series_;
  const uint64_t sequence_;
  kv::WriteBatch& batch_;
  ChunkGroup& group_;
  const std::set<std::string>* const kept_times_;
};

}  // namespace campanile::tsdb
