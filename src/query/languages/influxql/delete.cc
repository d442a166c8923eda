#include "query/languages/influxql/delete.h"

#include <set>

#include "base/log.h"
#include "query/languages/influxql/condition.h"
#include "query/languages/influxql/tag_condition.h"

namespace campanile::query::influxql {
namespace {

void add_references(const Expr& expr, std::set<std::string>& names) {
  if (expr.kind == Expr::Kind::kReference) names.insert(expr.text);
  for (const Expr& child : expr.children) add_references(child, names);
}

// A series is erased whole or not at all: what its fields hold cannot be asked.
Result<void> check_names_no_field(const Expr& condition, const std::vector<Measurement>& measurements) {
  std::set<std::string> names;
  add_references(condition, names);
  for (const Measurement& measurement : measurements) {
    for (const auto& reader : measurement.readers) {
      for (const tsdb::FieldInfo& field : reader->fields(measurement.name)) {
        if (names.contains(field.name)) return fail(ErrorCode::kInvalidArgument, "fields not supported in WHERE clause during deletion");
      }
    }
  }
  return {};
}

}  // namespace

Result<void> run_delete(const DeleteStatement& statement, tsdb::Engine& engine, Catalog& catalog, const RunOptions& options) {
  const std::string database = TRY(catalog.database(""));
  const std::vector<Measurement> measurements = TRY(catalog.measurements("", statement.sources));
  tsdb::EraseRequest request;
  for (const Measurement& measurement : measurements) request.measurements.push_back(measurement.name);
  if (statement.condition) {
    const Condition condition = TRY(split_condition(*statement.condition, options.now_ns, nullptr));
    request.range = {condition.from_ns.value_or(INT64_MIN), condition.to_ns.value_or(INT64_MAX)};
    if (condition.rest) {
      TRY(check_names_no_field(*condition.rest, measurements));
      request.predicate = TRY(tag_predicate(*condition.rest));
    }
  }
  if (measurements.empty()) return {};
  tsdb::EraseOutcome total;
  for (const tsdb::RetentionPolicy& policy : TRY(engine.retention_policies(database))) {
    const tsdb::EraseOutcome erased = TRY(engine.erase(TRY(engine.bucket(database, policy.name)), request));
    total.series += erased.series;
    total.values += erased.values;
    total.damaged_chunks += erased.damaged_chunks;
  }
  log::info("DELETE in database {}: {} values of {} series erased", database, total.values, total.series);
  if (total.damaged_chunks == 0) return {};
  return fail(ErrorCode::kCorrupt, "{} values were erased; {} chunks are damaged and were left as they are", total.values, total.damaged_chunks);
}

}  // namespace campanile::query::influxql
