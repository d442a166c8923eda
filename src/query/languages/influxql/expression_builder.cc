#include "query/languages/influxql/expression_builder.h"

#include <algorithm>

#include "query/convert_number.h"
#include "query/languages/influxql/functions.h"
#include "query/transformation.h"

namespace campanile::query::influxql {
namespace {

using Op = Expression::Op;

std::optional<Op> operator_of(TokenKind kind, bool in_condition) {
  switch (kind) {
    case TokenKind::kPlus: return Op::kAdd;
    case TokenKind::kMinus: return Op::kSubtract;
    case TokenKind::kStar: return Op::kMultiply;
    // InfluxDB divides whole numbers as floats in columns and as whole numbers in conditions.
    case TokenKind::kSlash: return in_condition ? Op::kDivideInteger : Op::kDivide;
    case TokenKind::kPercent: return Op::kModulo;
    case TokenKind::kAmpersand: return Op::kBitAnd;
    case TokenKind::kBar: return Op::kBitOr;
    case TokenKind::kCaret: return Op::kBitXor;
    case TokenKind::kAnd: return Op::kAnd;
    case TokenKind::kOr: return Op::kOr;
    case TokenKind::kEqual: return Op::kEqual;
    case TokenKind::kNotEqual: return Op::kNotEqual;
    case TokenKind::kLess: return Op::kLess;
    case TokenKind::kLessEqual: return Op::kLessEqual;
    case TokenKind::kGreater: return Op::kGreater;
    case TokenKind::kGreaterEqual: return Op::kGreaterEqual;
    case TokenKind::kMatches: return Op::kMatches;
    case TokenKind::kNotMatches: return Op::kNotMatches;
    default: return std::nullopt;
  }
}

std::optional<FieldType> type_of_cast(Cast cast) {
  switch (cast) {
    case Cast::kFloat: return FieldType::kFloat;
    case Cast::kInteger: return FieldType::kInteger;
    case Cast::kUnsigned: return FieldType::kUnsigned;
    case Cast::kString: return FieldType::kString;
    case Cast::kBoolean: return FieldType::kBoolean;
    default: return std::nullopt;
  }
}

bool is_whole(FieldType type) { return type == FieldType::kInteger || type == FieldType::kUnsigned; }

bool operands_fit(Op op, FieldType left, FieldType right) {
  const bool bitwise = op == Op::kBitAnd || op == Op::kBitOr || op == Op::kBitXor;
  if (bitwise) return is_whole(left) && is_whole(right);
  return left <= FieldType::kUnsigned && right <= FieldType::kUnsigned;
}

}  // namespace

Expr with_types(const Expr& expr, const Schema& schema) {
  Expr shown = expr;
  if (shown.kind == Expr::Kind::kReference && shown.cast == Cast::kNone) {
    if (const auto type = schema.field(shown.text)) {
      for (const Cast cast : {Cast::kFloat, Cast::kInteger, Cast::kUnsigned, Cast::kString, Cast::kBoolean}) {
        if (type_of_cast(cast) == type) shown.cast = cast;
      }
    } else if (schema.is_tag(shown.text)) {
      shown.cast = Cast::kTag;
    }
  }
  for (Expr& child : shown.children) child = with_types(child, schema);
  return shown;
}

size_t add_input(SelectPlan& plan, Input input) {
  for (size_t i = 0; i < plan.inputs.size(); ++i) {
    Input& each = plan.inputs[i];
    if (each.kind != input.kind || each.name != input.name || each.type != input.type) continue;
    each.makes_rows = each.makes_rows || input.makes_rows;
    return i;
  }
  plan.inputs.push_back(std::move(input));
  return plan.inputs.size() - 1;
}

std::optional<FieldType> field_type(const Schema& schema, const Expr& reference) {
  if (reference.cast == Cast::kTag) return std::nullopt;
  const auto stored = schema.field(reference.text);
  if (!stored) return std::nullopt;
  const auto wanted = type_of_cast(reference.cast);
  return wanted ? wanted : stored;
}

Result<Expression> ExpressionBuilder::filter(const Expr& expr) { return build(expr, Use::kFilter); }

Result<Expression> ExpressionBuilder::output(const Expr& expr) { return build(expr, Use::kOutput); }

Result<Expression> ExpressionBuilder::build(const Expr& expr, Use use) {
  switch (expr.kind) {
    case Expr::Kind::kParen: return build(expr.children[0], use);
    case Expr::Kind::kReference: return reference(expr, use);
    case Expr::Kind::kBinary: return binary(expr, use);
    case Expr::Kind::kNumber: return Expression::of_constant(FieldValue::of_float(expr.number));
    case Expr::Kind::kInteger:
    case Expr::Kind::kDuration: return Expression::of_constant(FieldValue::of_integer(expr.integer));
    case Expr::Kind::kUnsigned: return Expression::of_constant(FieldValue::of_unsigned(expr.unsigned_value));
    case Expr::Kind::kString: return Expression::of_constant(FieldValue::of_string(expr.text));
    case Expr::Kind::kBoolean: return Expression::of_constant(FieldValue::of_boolean(expr.boolean));
    case Expr::Kind::kRegex: return Expression::of_pattern(expr.regex->pattern);
    case Expr::Kind::kCall:
      if (is_math(expr)) return math(expr, use);
      if (use == Use::kFilter) return fail(ErrorCode::kInvalidArgument, "invalid function call in condition: {}", to_string(expr));
      return result_of(expr);
    case Expr::Kind::kWildcard:
    case Expr::Kind::kTime: break;
  }
  return fail(ErrorCode::kInvalidArgument, "invalid expression: {}", to_string(expr));
}

// A name is a field where any measurement has such a field, otherwise a tag, which every series may lack.
Result<Expression> ExpressionBuilder::reference(const Expr& expr, Use use) {
  const bool in_filter = use == Use::kFilter;
  const size_t base = calls_ == nullptr || in_filter ? 0 : calls_->inputs_from;
  if (const auto type = field_type(schema_, expr)) {
    // Beside a selector other fields come from the point it picks and make no rows of their own.
    const bool makes_rows = !in_filter && calls_ == nullptr;
    return Expression::of_input(base + add_input(plan_, {Input::Kind::kField, expr.text, *type, makes_rows}));
  }
  const bool is_tag = in_filter || (expr.cast != Cast::kAnyField && !type_of_cast(expr.cast) && schema_.is_tag(expr.text));
  if (!is_tag) return Expression::of_constant(null_value());
  return Expression::of_input(base + add_input(plan_, {Input::Kind::kTag, expr.text, FieldType::kString, false}));
}

Result<Expression> ExpressionBuilder::binary(const Expr& expr, Use use) {
  const auto op = operator_of(expr.op, use == Use::kFilter);
  if (!op) return fail(ErrorCode::kUnsupported, "operator {} is not supported", to_string(expr.op));
  if (use == Use::kOutput) TRY(check_operands(expr));
  Expression left = TRY(build(expr.children[0], use));
  Expression right = TRY(build(expr.children[1], use));
  const bool by_pattern = *op == Op::kMatches || *op == Op::kNotMatches;
  if (by_pattern != (right.kind == Expression::Kind::kPattern) || left.kind == Expression::Kind::kPattern) {
    return fail(ErrorCode::kInvalidArgument, "invalid condition expression: {}", to_string(expr));
  }
  if (use == Use::kFilter && is_comparison(*op)) return compare(*op, std::move(left), std::move(right));
  return Expression::binary(*op, std::move(left), std::move(right));
}

Result<Expression> ExpressionBuilder::math(const Expr& call, Use use) {
  const MathFunction function = *math_named(call.text);
  if (call.children.size() != arguments_of(function)) {
    return fail(ErrorCode::kInvalidArgument, "invalid number of arguments for {}, expected {}, got {}", call.text, arguments_of(function), call.children.size());
  }
  std::vector<Expression> arguments;
  for (const Expr& argument : call.children) {
    arguments.push_back(TRY(build(argument, use)));
    if (arguments.back().kind == Expression::Kind::kPattern) return fail(ErrorCode::kInvalidArgument, "invalid expression: {}", to_string(call));
  }
  return Expression::of_function(function, std::move(arguments));
}

// An absent tag is the empty string beside a literal. Beside a field or another tag it is a null, which equals nothing:
// two absent tags are not equal, and are unequal.
Expression ExpressionBuilder::compare(Op op, Expression left, Expression right) const {
  const auto is_tag = [this](const Expression& each) {
    return each.kind == Expression::Kind::kInput && plan_.inputs[each.input].kind == Input::Kind::kTag;
  };
  const bool beside_literal = left.kind == Expression::Kind::kConstant || right.kind == Expression::Kind::kConstant || right.kind == Expression::Kind::kPattern;
  const bool both_tags = is_tag(left) && is_tag(right);
  if (beside_literal || (!is_tag(left) && !is_tag(right))) return Expression::binary(op, std::move(left), std::move(right));
  const bool absent_counts = both_tags && op == Op::kNotEqual;
  Expression presence = Expression::binary(absent_counts ? Op::kEqual : Op::kNotEqual, is_tag(left) ? left : right,
                                           Expression::of_constant(FieldValue::of_string("")));
  Expression compared = Expression::binary(op, std::move(left), std::move(right));
  return Expression::binary(absent_counts ? Op::kOr : Op::kAnd, std::move(compared), std::move(presence));
}

std::optional<FieldType> ExpressionBuilder::type_of(const Expr& expr) const {
  switch (expr.kind) {
    case Expr::Kind::kReference: {
      const auto type = field_type(schema_, expr);
      if (!type && schema_.is_tag(expr.text)) return FieldType::kString;
      return type;
    }
    case Expr::Kind::kParen: return type_of(expr.children[0]);
    case Expr::Kind::kNumber: return FieldType::kFloat;
    case Expr::Kind::kInteger:
    case Expr::Kind::kDuration: return FieldType::kInteger;
    case Expr::Kind::kUnsigned: return FieldType::kUnsigned;
    case Expr::Kind::kString: return FieldType::kString;
    case Expr::Kind::kBoolean: return FieldType::kBoolean;
    case Expr::Kind::kBinary: {
      const auto left = type_of(expr.children[0]);
      const auto right = type_of(expr.children[1]);
      if (!left || !right) return std::nullopt;
      const bool whole = is_whole(*left) && is_whole(*right) && expr.op != TokenKind::kSlash;
      if (!whole) return FieldType::kFloat;
      return *left == FieldType::kUnsigned ? left : right;
    }
    case Expr::Kind::kCall: return type_of_call(expr);
    default: return std::nullopt;
  }
}

std::optional<FieldType> ExpressionBuilder::type_of_call(const Expr& call) const {
  if (call.children.empty()) return std::nullopt;
  const auto function = aggregate_named(call.text);
  if (function == Function::kCount) return FieldType::kInteger;
  if (function == Function::kMean || function == Function::kMedian || function == Function::kStddev || call.is_call("integral")) return FieldType::kFloat;
  const auto type = type_of(call.children[0]);
  if (const auto transform = transform_named(call.text)) return type ? std::optional(result_type(*transform, *type)) : std::nullopt;
  if (const auto math = math_named(call.text)) return keeps_type(*math) ? type : FieldType::kFloat;
  return type;
}

Result<void> ExpressionBuilder::check_operands(const Expr& expr) const {
  const auto left = type_of(expr.children[0]);
  const auto right = type_of(expr.children[1]);
  const auto op = operator_of(expr.op, false);
  if (!left || !right || operands_fit(*op, *left, *right)) return {};
  const auto shown_type = [this](const Expr& side, FieldType type) -> std::string_view {
    if (side.kind == Expr::Kind::kReference && !field_type(schema_, side)) return "tag";
    return campanile::to_string(type);
  };
  return fail(ErrorCode::kInvalidArgument, "type error: {}: incompatible types: {} and {}", to_string(with_types(expr, schema_)),
              shown_type(expr.children[0], *left), shown_type(expr.children[1], *right));
}

Expression ExpressionBuilder::result_of(const Expr& call) const {
  const auto found = calls_->by_text.find(to_string(call));
  if (found != calls_->by_text.end()) return Expression::of_input(found->second);
  // The call is over something that is no field. A number that fills gaps stands for what is missing altogether too, where the result's type is known all the same.
  const auto function = aggregate_named(call.text);
  if (!function || !plan_.window || plan_.fill.kind != Fill::Kind::kNumber) return Expression::of_constant(null_value());
  const double number = plan_.fill.number.as_number();
  if (*function == Function::kCount) return Expression::of_constant(FieldValue::of_integer(convert_number<int64_t>(number)));
  const bool is_float = *function == Function::kMean || *function == Function::kMedian || *function == Function::kStddev;
  return Expression::of_constant(is_float ? Value(FieldValue::of_float(number)) : null_value());
}

}  // namespace campanile::query::influxql
