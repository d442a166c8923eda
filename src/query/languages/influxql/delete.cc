#include "query/languages/influxql/delete.h"

#include "base/log.h"
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
  log::info("DELETE in database {}: {} values of {} series erased", database, entry.values, entry.series);
  if (damaged == 0) return {};
  return fail(ErrorCode::kCorrupt, "{} values were erased; {} chunks are damaged and were left as they are", entry.values, damaged);
}

}  // namespace

Result<void> run_delete(const DeleteStatement& statement, std::string_view text, tsdb::Engine& engine, Catalog& catalog, const RunOptions& options) {
  const std::string database = TRY(catalog.database(""));
  const std::vector<Measurement> measurements = TRY(catalog.measurements("", statement.sources));
  const tsdb::PointSelection points = TRY(select_points(measurements, statement.condition, options.now_ns));
  if (measurements.empty()) return {};
  audit::AuditEntry entry = audit_entry("delete", text, options);
  entry.database = database;
  entry.from_ns = points.range.from_ns;
  entry.to_ns = points.range.to_ns;
  return audit::recorded(options.audit, std::move(entry), [&](audit::AuditEntry& filled) { return erase_everywhere(database, points, engine, options, filled); });
}

}  // namespace campanile::query::influxql
