// Builds the executor's expressions from InfluxQL's: names become inputs, calls the slots in which their results stand.
//
//   ExpressionBuilder builder(schema, plan, &calls.slots());
//   plan.outputs.push_back(TRY(builder.output(expr)));
//
// Pure. Errors: kInvalidArgument in InfluxDB's words.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "query/languages/influxql/ast.h"
#include "query/languages/influxql/schema.h"
#include "query/plan.h"

namespace campanile::query::influxql {

// Where in a row the results of calls stand, by their text, and from where on the inputs of the point that one of them picked.
struct CallSlots {
  std::map<std::string, size_t, std::less<>> by_text;
  size_t inputs_from = 0;
};

// The type of a field, or what it is cast to; nothing where there is no such field.
std::optional<FieldType> field_type(const Schema& schema, const Expr& reference);
// The expression as InfluxDB shows it in messages: fields with their types.
Expr with_types(const Expr& expr, const Schema& schema);
// The place of the input in the plan, which gets it where it has not got it yet.
size_t add_input(SelectPlan& plan, Input input);

class ExpressionBuilder {
 public:
  // Without `calls` no column calls anything that reads.
  ExpressionBuilder(const Schema& schema, SelectPlan& plan, const CallSlots* calls = nullptr) : schema_(schema), plan_(plan), calls_(calls) {}

  // A condition without time in it.
  Result<Expression> filter(const Expr& expr);
  Result<Expression> output(const Expr& expr);

 private:
  enum class Use { kFilter, kOutput };
  Result<Expression> build(const Expr& expr, Use use);
  Result<Expression> reference(const Expr& expr, Use use);
  Result<Expression> binary(const Expr& expr, Use use);
  Result<Expression> math(const Expr& call, Use use);
  Expression compare(Expression::Op op, Expression left, Expression right) const;
  Expression result_of(const Expr& call) const;
  std::optional<FieldType> type_of(const Expr& expr) const;
  std::optional<FieldType> type_of_call(const Expr& call) const;
  Result<void> check_operands(const Expr& expr) const;

  const Schema& schema_;
  SelectPlan& plan_;
  const CallSlots* const calls_;
};

}  // namespace campanile::query::influxql
