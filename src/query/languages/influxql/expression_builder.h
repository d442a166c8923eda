// Builds the executor's expressions from InfluxQL's: names become inputs, calls become aggregates.
//
// Pure. Errors: kInvalidArgument in InfluxDB's words.
#pragma once

#include <vector>

#include "base/result.h"
#include "query/languages/influxql/ast.h"
#include "query/languages/influxql/schema.h"
#include "query/plan.h"

namespace campanile::query::influxql {

class ExpressionBuilder {
 public:
  ExpressionBuilder(const Schema& schema, SelectPlan& plan) : schema_(schema), plan_(plan) {}

  // A condition without time in it.
  Result<Expression> filter(const Expr& expr);
  // Registers the aggregates that a column calls; all columns before the first output().
  Result<void> collect_aggregates(const Expr& expr);
  Result<Expression> output(const Expr& expr);
  // Whether a collected call was over something that is no field, and so made no aggregate.
  bool calls_unknown() const { return calls_unknown_; }

 private:
  enum class Use { kFilter, kOutput };
  Result<Expression> build(const Expr& expr, Use use);
  Result<Expression> reference(const Expr& expr, Use use);
  Result<Expression> binary(const Expr& expr, Use use);
  Expression compare(Expression::Op op, Expression left, Expression right) const;
  Result<Expression> call(const Expr& expr);
  Result<std::optional<Aggregate>> aggregate(const Expr& call);
  std::optional<FieldType> field_type(const Expr& reference) const;
  std::optional<FieldType> type_of(const Expr& expr) const;
  Result<void> check_operands(const Expr& expr) const;
  size_t input(Input::Kind kind, const std::string& name, FieldType type, bool makes_rows);

  const Schema& schema_;
  SelectPlan& plan_;
  bool calls_unknown_ = false;
};

}  // namespace campanile::query::influxql
