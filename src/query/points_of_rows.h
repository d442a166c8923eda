// PointsOfRows: the rows of a query as points of a bucket.
//
//   PointsOfRows points(engine, bucket, "cpu_1m", {"mean"}, context, now_ns);
//   TRY(execute(plan, context, points));
//   TRY(engine.wait_safe(points.awaited()));      // they are durable
//
// What rows are grouped by becomes tags, their columns fields; nulls are left out, and rows of nothing else. Threads: the query's, which waits where the store has
// no room, until the context is cancelled. Errors: of the store; what was written before stays.
#pragma once

#include <string>
#include <vector>

#include "query/plan.h"
#include "query/row_sink.h"
#include "tsdb/engine.h"

namespace campanile::query {

// Writes the batch, and waits where the store has no room, until the context is cancelled. Errors: of the store; kCancelled.
Result<tsdb::WriteOutcome> write_when_there_is_room(tsdb::Engine& engine, tsdb::BucketId bucket, const PointBatch& points, int64_t now_ns, const Context& context);

class PointsOfRows final : public RowSink {
 public:
  // `measurement` empty: each series' own name. `columns`: the names of a row's values.
  PointsOfRows(tsdb::Engine& engine, tsdb::BucketId bucket, std::string measurement, std::vector<std::string> columns, const Context& context, int64_t now_ns)
      : engine_(engine), bucket_(bucket), measurement_(std::move(measurement)), columns_(std::move(columns)), context_(context), now_ns_(now_ns) {}

  Result<void> begin_series(std::string_view name, const SeriesTags& tags) override;
  Result<void> rows(const RowBatch& batch) override;

  uint64_t written() const { return written_; }
  const journal::Awaited& awaited() const { return awaited_; }

 private:
  void add_point(int64_t time_ns, std::span<const Value> row);
  Result<void> write();

  tsdb::Engine& engine_;
  const tsdb::BucketId bucket_;
  const std::string measurement_;
  const std::vector<std::string> columns_;
  const Context& context_;
  const int64_t now_ns_;
  std::string name_;
  SeriesTags tags_;
  PointBatch points_;
  uint64_t written_ = 0;
  journal::Awaited awaited_;
};

}  // namespace campanile::query
