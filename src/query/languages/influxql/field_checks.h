// What can be said of a SELECT's fields without knowing the data: which functions there are, their arguments, and what may stand beside what.
//
//   TRY(check_fields(statement, grouping));
//
// Pure. Errors: kInvalidArgument in InfluxDB's words.
#pragma once

#include "base/result.h"
#include "query/languages/influxql/ast.h"
#include "query/languages/influxql/columns.h"

namespace campanile::query::influxql {

Result<void> check_fields(const SelectStatement& statement, const Grouping& grouping);

}  // namespace campanile::query::influxql
