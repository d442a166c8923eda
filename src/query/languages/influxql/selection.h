// Selection: what a WHERE clause of DELETE, or of a correction, wants changed: tags as a predicate on series, time as a range.
//
//   const tsdb::PointSelection points = TRY(select_points(measurements, statement.condition, now_ns));
//
// Threads: as the readers of the measurements. Errors: in InfluxDB's words; a series is changed whole or not at all, so what fields hold cannot be asked.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "query/languages/influxql/ast.h"
#include "query/languages/influxql/catalog.h"
#include "tsdb/engine.h"

namespace campanile::query::influxql {

Result<tsdb::PointSelection> select_points(const std::vector<Measurement>& measurements, const std::optional<Expr>& condition, int64_t now_ns);

}  // namespace campanile::query::influxql
