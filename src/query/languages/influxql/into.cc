#include "query/languages/influxql/into.h"

#include "query/executor.h"
#include "query/points_of_rows.h"

namespace campanile::query::influxql {
namespace {

Result<void> answer(uint64_t written, ResultSink& sink) {
  sink.columns({"time", "written"}, true, nullptr);
  TRY(sink.begin_series("result", {}));
  return sink.rows({.width = 1, .times_ns = {0}, .values = {FieldValue::of_integer(static_cast<int64_t>(written))}});
}

}  // namespace

Result<void> select_into(const Source& target, SelectResult planned, Catalog& catalog, tsdb::Engine& engine, const RunOptions& options, ResultSink& sink) {
  const tsdb::BucketId bucket = TRY(catalog.bucket(target));
  if (!planned.plan) return answer(0, sink);
  planned.columns.erase(planned.columns.begin());  // the time
  // Rows of nulls are not written, so none need be made up.
  if (planned.plan->fill.kind == Fill::Kind::kNull) planned.plan->fill = {};
  PointsOfRows points(engine, bucket, target.name, std::move(planned.columns), options.context, options.now_ns);
  Result<void> done = execute(*planned.plan, options.context, points);
  TRY(engine.wait_safe(points.awaited()));
  TRY(std::move(done));
  return answer(points.written(), sink);
}

}  // namespace campanile::query::influxql
