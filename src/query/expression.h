// Expression: arithmetic, comparison and logic over the inputs of a plan; what WHERE and the columns of SELECT become.
//
//   Expression above = Expression::binary(Expression::Op::kGreater, Expression::of_input(0), Expression::of_constant(FieldValue::of_float(2)));
//   std::optional<bool> known = constant_truth(bind_inputs(above, tag_of));   // true, false, or "ask every row"
//   Value value = evaluate(above, row);
//
// Nulls: arithmetic with a null is null; a comparison with a null is false, as is one between types that do not compare
// (InfluxQL has no third truth value). Strings compare for equality and by pattern, not by order.
// Whole numbers overflow as two's complement. Division by zero is 0.
// Threads: plain values; patterns are shared and immutable.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "query/math_function.h"
#include "query/value.h"

namespace re2 {
class RE2;
}

namespace campanile::query {

struct Expression {
  enum class Kind : uint8_t { kConstant, kInput, kPattern, kBinary, kFunction };
  enum class Op : uint8_t {
    kAdd, kSubtract, kMultiply,
    kDivide,         // of whole numbers: a float
    kDivideInteger,  // of whole numbers: cut towards zero
    kModulo, kBitAnd, kBitOr, kBitXor,
    kAnd, kOr,
    kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kMatches, kNotMatches,
  };

  static Expression of_constant(Value value);  // copies a string
  static Expression of_input(size_t index);
  static Expression of_pattern(std::shared_ptr<const re2::RE2> pattern);
  static Expression binary(Op op, Expression left, Expression right);
  static Expression of_function(MathFunction function, std::vector<Expression> arguments);

  // REQUIRES: kConstant. A string points into this expression.
  Value value() const;

  Kind kind = Kind::kConstant;
  Op op = Op::kAdd;
  MathFunction function = MathFunction::kAbs;
  size_t input = 0;
  Value constant;    // of a string only its type counts: the bytes are in `text`
  std::string text;
  std::shared_ptr<const re2::RE2> pattern;
  std::vector<Expression> children;
};

// Whether an operator answers true or false.
bool is_comparison(Expression::Op op);

// The value for one row; `inputs` is indexed as the expression's inputs are.
Value evaluate(const Expression& expression, std::span<const Value> inputs);
// The operator alone. REQUIRES: not a pattern operator.
Value apply(Expression::Op op, const Value& left, const Value& right);

// Puts constants in the place of the inputs that `known` has a value for, and works out what that decides.
using KnownInputs = std::function<std::optional<std::string_view>(size_t input)>;
Expression bind_inputs(const Expression& expression, const KnownInputs& known);

// Of a bound condition: what it says of every row, or nothing where rows must be asked.
std::optional<bool> constant_truth(const Expression& expression);

}  // namespace campanile::query
