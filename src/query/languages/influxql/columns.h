// The columns of a SELECT: wildcards and patterns spread out over the schema, names made unique.
//
//   Grouping grouping = TRY(read_dimensions(statement, now_ns, zone));
//   Columns columns = expand_columns(statement, schema, grouping);
//
// Pure. Errors: kInvalidArgument in InfluxDB's words.
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

struct Columns {
  std::vector<Expr> exprs;
  std::vector<std::string> names;  // the time's first: one more than exprs
};

Columns expand_columns(const SelectStatement& statement, const Schema& schema, const Grouping& grouping);

}  // namespace campanile::query::influxql
