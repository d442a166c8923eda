#include "query/expression.h"

#include <algorithm>
#include <cmath>

#include <re2/re2.h>

namespace campanile::query {
namespace {

using Op = Expression::Op;

Value of_truth(bool value) { return FieldValue::of_boolean(value); }

template <typename T>
bool compare(Op op, const T& left, const T& right) {
  switch (op) {
    case Op::kEqual: return left == right;
    case Op::kNotEqual: return left != right;
    case Op::kLess: return left < right;
    case Op::kLessEqual: return left <= right;
    case Op::kGreater: return left > right;
    case Op::kGreaterEqual: return left >= right;
    default: return false;
  }
}

Value apply_floats(Op op, double left, double right) {
  switch (op) {
    case Op::kAdd: return FieldValue::of_float(left + right);
    case Op::kSubtract: return FieldValue::of_float(left - right);
    case Op::kMultiply: return FieldValue::of_float(left * right);
    case Op::kDivide:
    case Op::kDivideInteger: return FieldValue::of_float(right == 0 ? 0 : left / right);
    case Op::kModulo: return FieldValue::of_float(std::fmod(left, right));
    default: return is_comparison(op) ? of_truth(compare(op, left, right)) : null_value();
  }
}

// In unsigned arithmetic, whose overflow is defined and gives the same bits.
Value apply_integers(Op op, int64_t left, int64_t right) {
  const auto a = static_cast<uint64_t>(left);
  const auto b = static_cast<uint64_t>(right);
  const auto whole = [](uint64_t bits) { return Value(FieldValue::of_integer(static_cast<int64_t>(bits))); };
  switch (op) {
    case Op::kAdd: return whole(a + b);
    case Op::kSubtract: return whole(a - b);
    case Op::kMultiply: return whole(a * b);
    case Op::kDivide: return FieldValue::of_float(right == 0 ? 0 : static_cast<double>(left) / static_cast<double>(right));
    case Op::kDivideInteger: return right == 0 ? whole(0) : right == -1 ? whole(0 - a) : Value(FieldValue::of_integer(left / right));
    case Op::kModulo: return right == 0 || right == -1 ? whole(0) : Value(FieldValue::of_integer(left % right));
    case Op::kBitAnd: return whole(a & b);
    case Op::kBitOr: return whole(a | b);
    case Op::kBitXor: return whole(a ^ b);
    default: return is_comparison(op) ? of_truth(compare(op, left, right)) : null_value();
  }
}

Value apply_unsigneds(Op op, uint64_t left, uint64_t right) {
  switch (op) {
    case Op::kAdd: return FieldValue::of_unsigned(left + right);
    case Op::kSubtract: return FieldValue::of_unsigned(left - right);
    case Op::kMultiply: return FieldValue::of_unsigned(left * right);
    case Op::kDivide: return FieldValue::of_float(right == 0 ? 0 : static_cast<double>(left) / static_cast<double>(right));
    case Op::kDivideInteger: return FieldValue::of_unsigned(right == 0 ? 0 : left / right);
    case Op::kModulo: return FieldValue::of_unsigned(right == 0 ? 0 : left % right);
    case Op::kBitAnd: return FieldValue::of_unsigned(left & right);
    case Op::kBitOr: return FieldValue::of_unsigned(left | right);
    case Op::kBitXor: return FieldValue::of_unsigned(left ^ right);
    default: return is_comparison(op) ? of_truth(compare(op, left, right)) : null_value();
  }
}

uint64_t bits_of(const FieldValue& value) {
  return value.type() == FieldType::kUnsigned ? value.as_unsigned() : static_cast<uint64_t>(value.as_integer());
}

Value apply_numbers(Op op, const FieldValue& left, const FieldValue& right) {
  if (left.type() == FieldType::kFloat || right.type() == FieldType::kFloat) return apply_floats(op, left.as_number(), right.as_number());
  if (left.type() == FieldType::kInteger && right.type() == FieldType::kInteger) return apply_integers(op, left.as_integer(), right.as_integer());
  // A negative number and an unsigned one: compare by value, compute in 64 bits.
  const bool left_negative = left.type() == FieldType::kInteger && left.as_integer() < 0;
  const bool right_negative = right.type() == FieldType::kInteger && right.as_integer() < 0;
  if (is_comparison(op) && left_negative != right_negative) return of_truth(compare(op, left_negative ? -1 : 1, right_negative ? -1 : 1));
  return apply_unsigneds(op, bits_of(left), bits_of(right));
}

Value apply_booleans(Op op, bool left, bool right) {
  switch (op) {
    case Op::kAnd: return of_truth(left && right);
    case Op::kOr: return of_truth(left || right);
    case Op::kEqual: return of_truth(left == right);
    case Op::kNotEqual: return of_truth(left != right);
    default: return is_comparison(op) ? of_truth(false) : null_value();
  }
}

bool is_true(const Value& value) { return value && value->type() == FieldType::kBoolean && value->as_boolean(); }

Value match(Op op, const Value& text, const re2::RE2& pattern) {
  if (!text || text->type() != FieldType::kString) return of_truth(false);
  const std::string_view bytes = text->as_string();
  const bool found = re2::RE2::PartialMatch(re2::StringPiece(bytes.data(), bytes.size()), pattern);
  return of_truth(found == (op == Op::kMatches));
}

}  // namespace

bool is_comparison(Op op) { return op >= Op::kEqual; }

Expression Expression::of_constant(Value value) {
  Expression made;
  made.constant = value;
  if (value && value->type() == FieldType::kString) made.text = std::string(value->as_string());
  return made;
}

Expression Expression::of_input(size_t index) {
  Expression made;
  made.kind = Kind::kInput;
  made.input = index;
  return made;
}

Expression Expression::of_pattern(std::shared_ptr<const re2::RE2> pattern) {
  Expression made;
  made.kind = Kind::kPattern;
  made.pattern = std::move(pattern);
  return made;
}

Expression Expression::binary(Op op, Expression left, Expression right) {
  Expression made;
  made.kind = Kind::kBinary;
  made.op = op;
  made.children.reserve(2);
  made.children.push_back(std::move(left));
  made.children.push_back(std::move(right));
  return made;
}

Expression Expression::of_function(MathFunction function, std::vector<Expression> arguments) {
  Expression made;
  made.kind = Kind::kFunction;
  made.function = function;
  made.children = std::move(arguments);
  return made;
}

Value Expression::value() const {
  if (constant && constant->type() == FieldType::kString) return FieldValue::of_string(text);
  return constant;
}

Value apply(Op op, const Value& left, const Value& right) {
  if (op == Op::kAnd || op == Op::kOr) return apply_booleans(op, is_true(left), is_true(right));
  const Value mismatch = is_comparison(op) ? of_truth(false) : null_value();
  if (!left || !right) return mismatch;
  if (left->is_numeric() && right->is_numeric()) return apply_numbers(op, *left, *right);
  if (left->type() != right->type()) return mismatch;
  if (left->type() == FieldType::kBoolean) return apply_booleans(op, left->as_boolean(), right->as_boolean());
  if (op == Op::kEqual || op == Op::kNotEqual) return of_truth(compare(op, left->as_string(), right->as_string()));
  return mismatch;
}

Value evaluate(const Expression& expression, std::span<const Value> inputs) {
  switch (expression.kind) {
    case Expression::Kind::kConstant: return expression.value();
    case Expression::Kind::kInput: return inputs[expression.input];
    case Expression::Kind::kPattern: return null_value();
    case Expression::Kind::kFunction: {
      const Value first = evaluate(expression.children[0], inputs);
      return apply(expression.function, first, expression.children.size() > 1 ? evaluate(expression.children[1], inputs) : null_value());
    }
    case Expression::Kind::kBinary: break;
  }
  const Value left = evaluate(expression.children[0], inputs);
  if (expression.op == Op::kMatches || expression.op == Op::kNotMatches) return match(expression.op, left, *expression.children[1].pattern);
  // The side that cannot change the answer is not looked at.
  if (expression.op == Op::kAnd && !is_true(left)) return of_truth(false);
  if (expression.op == Op::kOr && is_true(left)) return of_truth(true);
  return apply(expression.op, left, evaluate(expression.children[1], inputs));
}

Expression bind_inputs(const Expression& expression, const KnownInputs& known) {
  if (expression.kind == Expression::Kind::kInput) {
    const auto value = known(expression.input);
    return value ? Expression::of_constant(FieldValue::of_string(*value)) : expression;
  }
  if (expression.kind == Expression::Kind::kFunction) {
    Expression made = expression;
    for (Expression& child : made.children) child = bind_inputs(child, known);
    const bool decided = std::all_of(made.children.begin(), made.children.end(), [](const Expression& each) { return each.kind == Expression::Kind::kConstant; });
    return decided ? Expression::of_constant(evaluate(made, {})) : made;
  }
  if (expression.kind != Expression::Kind::kBinary) return expression;
  Expression left = bind_inputs(expression.children[0], known);
  if (expression.op == Op::kAnd || expression.op == Op::kOr) {
    const bool decides = expression.op == Op::kOr;
    const auto left_truth = constant_truth(left);
    if (left_truth == decides) return Expression::of_constant(of_truth(decides));
    Expression right = bind_inputs(expression.children[1], known);
    const auto right_truth = constant_truth(right);
    if (right_truth == decides) return Expression::of_constant(of_truth(decides));
    if (left_truth) return right;
    if (right_truth) return left;
    return Expression::binary(expression.op, std::move(left), std::move(right));
  }
  Expression right = bind_inputs(expression.children[1], known);
  const bool decided = left.kind == Expression::Kind::kConstant && (right.kind == Expression::Kind::kConstant || right.kind == Expression::Kind::kPattern);
  Expression made = Expression::binary(expression.op, std::move(left), std::move(right));
  return decided ? Expression::of_constant(evaluate(made, {})) : made;
}

std::optional<bool> constant_truth(const Expression& expression) {
  if (expression.kind != Expression::Kind::kConstant) return std::nullopt;
  return is_true(expression.value());
}

}  // namespace campanile::query
