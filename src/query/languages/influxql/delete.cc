#include "query/languages/influxql/delete.h"

#include "base/log.h"
#include "query/languages/influxql/condition.h"
#include "query/languages/influxql/selection.h"

namespace campanile::query::influxql {
namespace {

// Adds to the entry what was done, also where an error follows.
Result<void> erase_everywhere(const std::string& database, const tsdb::PointSelection& points, tsdb::Engine& engine, const RunOptions& options,
                              audit::AuditEntry& entry) {
  uint64_t damaged = 0;
  for (const tsdb::RetentionPolicy& policy : TRY(engine.retention_policies(database))) {
    const tsdb::ChangeOutcome erased = TRY(engine.erase(TRY(engine.bucket(database, policy.name)), points, options.context.cancelled));
    entry.series += erased.series;
    entry.values += erased.values;
    damaged += erased.damaged_chunks;
    if (erased.series_left == 0) continue;
    return fail(ErrorCode::kTimeout, "{}: {} values of {} series were erased; {} series of retention policy {} and what follows are as they were",
                options.context.cancelled_message, entry.values, entry.series, erased.series_left, policy.name);
  }
  log::info("{} in database {}: {} values of {} series erased", entry.kind, database, entry.values, entry.series);
  if (damaged == 0) return {};
  return fail(ErrorCode::kCorrupt, "{} values were erased; {} chunks are damaged and were left as they are", entry.values, damaged);
}

Result<void> erase_selected(const DeleteStatement& statement, std::string_view kind, std::string_view text, tsdb::Engine& engine, Catalog& catalog,
                            const RunOptions& options) {
  const std::string database = TRY(catalog.database(""));
  const std::vector<Measurement> measurements = TRY(catalog.measurements("", statement.sources));
  const tsdb::PointSelection points = TRY(select_points(measurements, statement.condition, options.now_ns));
  if (measurements.empty()) return {};
  audit::AuditEntry entry = audit_entry(kind, text, options);
  entry.database = database;
  entry.from_ns = points.range.from_ns;
  entry.to_ns = points.range.to_ns;
  return audit::recorded(options.audit, std::move(entry), [&](audit::AuditEntry& filled) { return erase_everywhere(database, points, engine, options, filled); });
}

}  // namespace

Result<void> run_delete(const DeleteStatement& statement, std::string_view text, tsdb::Engine& engine, Catalog& catalog, const RunOptions& options) {
  return erase_selected(statement, "delete", text, engine, catalog, options);
}

Result<void> run_drop_series(const DropSeries& statement, std::string_view text, tsdb::Engine& engine, Catalog& catalog, const RunOptions& options) {
  if (statement.condition) {
    const Condition split = TRY(split_condition(*statement.condition, options.now_ns, nullptr));
    if (split.from_ns || split.to_ns) return fail(ErrorCode::kInvalidArgument, "DROP SERIES doesn't support time in WHERE clause");
  }
  return erase_selected(statement, "drop_series", text, engine, catalog, options);
}

Result<void> run_drop_measurement(const DropMeasurement& statement, std::string_view text, tsdb::Engine& engine, Catalog& catalog, const RunOptions& options) {
  DeleteStatement all;
  all.sources.push_back({.name = statement.name});
  return erase_selected(all, "drop_measurement", text, engine, catalog, options);
}

}  // namespace campanile::query::influxql
