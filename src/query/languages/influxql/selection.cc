#include "query/languages/influxql/selection.h"

#include <set>

#include "query/languages/influxql/condition.h"
#include "query/languages/influxql/tag_condition.h"

namespace campanile::query::influxql {
namespace {

void add_references(const Expr& expr, std::set<std::string>& names) {
  if (expr.kind == Expr::Kind::kReference) names.insert(expr.text);
  for (const Expr& child : expr.children) add_references(child, names);
}

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

Result<tsdb::PointSelection> select_points(const std::vector<Measurement>& measurements, const std::optional<Expr>& condition, int64_t now_ns) {
  tsdb::PointSelection points;
  for (const Measurement& measurement : measurements) points.measurements.push_back(measurement.name);
  if (!condition) return points;
  const Condition split = TRY(split_condition(*condition, now_ns, nullptr));
  points.range = {split.from_ns.value_or(INT64_MIN), split.to_ns.value_or(INT64_MAX)};
  if (!split.rest) return points;
  TRY(check_names_no_field(*split.rest, measurements));
  points.predicate = TRY(tag_predicate(*split.rest));
  return points;
}

}  // namespace campanile::query::influxql
