// The columns of a SELECT: its fields checked, wildcards and patterns spread out over the schema, names made unique.
//
//   TRY(check_fields(statement, grouping));
//   Columns columns = expand_columns(statement, schema, grouping);
//
// Pure. Errors: kInvalidArgument in InfluxDB's words; kUnsupported for functions that InfluxDB has and this program has not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "query/languages/influxql/ast.h"
#include "query/languages/influxql/schema.h"
#include "query/window.h"

namespace campanile::query::influxql {

// GROUP BY, taken apart.
struct Grouping {
  std::optional<Window> window;
  std::vector<std::string> tags;
  bool all_tags = false;
  std::vector<std::shared_ptr<const Regex>> patterns;
};

Result<Grouping> read_dimensions(const SelectStatement& statement, int64_t now_ns, std::shared_ptr<const TimeZone> zone);

// What can be said of the fields without knowing the schema.
Result<void> check_fields(const SelectStatement& statement, const Grouping& grouping);

struct Columns {
  std::vector<Expr> exprs;
  std::vector<std::string> names;  // the time's first: one more than exprs
};

Columns expand_columns(const SelectStatement& statement, const Schema& schema, const Grouping& grouping);

std::optional<Function> function_named(std::string_view name);

}  // namespace campanile::query::influxql
