// What is asked of tags in the WHERE clause of SHOW and DELETE, as a predicate on series.
//
//   if (condition.rest) predicate = TRY(tag_predicate(*condition.rest));
//
// Pure. Errors: kInvalidArgument where something else than tags is compared.
#pragma once

#include "base/result.h"
#include "query/languages/influxql/ast.h"
#include "tsdb/reader.h"

namespace campanile::query::influxql {

Result<tsdb::TagPredicate> tag_predicate(const Expr& expr);

}  // namespace campanile::query::influxql
