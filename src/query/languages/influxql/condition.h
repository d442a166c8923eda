// WHERE, taken apart: the range of time it names, and what is left to ask of tags and fields.
//
//   Condition condition = TRY(split_condition(*statement.condition, now_ns, zone));
//
// Pure. Errors: kInvalidArgument in InfluxDB's words; kUnsupported for time inside of OR, which InfluxDB answers wrongly.
#pragma once

#include <optional>

#include "base/result.h"
#include "query/languages/influxql/ast.h"
#include "query/time_zone.h"

namespace campanile::query::influxql {

struct Condition {
  std::optional<int64_t> from_ns;  // both ends included
  std::optional<int64_t> to_ns;
  std::optional<Expr> rest;
};

// `zone` is that of times written without an offset; null: UTC.
Result<Condition> split_condition(const Expr& expr, int64_t now_ns, const TimeZone* zone);

// now(), durations, times and their sums as one literal; the expression as it is where there is nothing to work out.
Result<Expr> reduce_time(const Expr& expr, int64_t now_ns, const TimeZone* zone);

}  // namespace campanile::query::influxql
