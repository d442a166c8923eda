#include "query/expression.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

namespace campanile::query {
namespace {

using Op = Expression::Op;

Value number(double value) { return FieldValue::of_float(value); }
Value whole(int64_t value) { return FieldValue::of_integer(value); }
Value natural(uint64_t value) { return FieldValue::of_unsigned(value); }
Value truth(bool value) { return FieldValue::of_boolean(value); }
Value text(std::string_view value) { return FieldValue::of_string(value); }

TEST(Expression, ComputesInTheTypeOfItsSides) {
  EXPECT_EQ(apply(Op::kAdd, whole(2), whole(3)), whole(5));
  EXPECT_EQ(apply(Op::kAdd, whole(2), number(0.5)), number(2.5));
  EXPECT_EQ(apply(Op::kDivide, whole(3), whole(2)), number(1.5));
  EXPECT_EQ(apply(Op::kDivideInteger, whole(-3), whole(2)), whole(-1));
  EXPECT_EQ(apply(Op::kModulo, number(5.5), number(2)), number(1.5));
  EXPECT_EQ(apply(Op::kBitAnd, whole(6), whole(3)), whole(2));
  EXPECT_EQ(apply(Op::kAdd, natural(UINT64_MAX), natural(1)), natural(0));
}

TEST(Expression, DefinesWhatCppLeavesOpen) {
  EXPECT_EQ(apply(Op::kAdd, whole(INT64_MAX), whole(1)), whole(INT64_MIN));
  EXPECT_EQ(apply(Op::kDivideInteger, whole(INT64_MIN), whole(-1)), whole(INT64_MIN));
  EXPECT_EQ(apply(Op::kModulo, whole(INT64_MIN), whole(-1)), whole(0));
  EXPECT_EQ(apply(Op::kDivide, number(1), number(0)), number(0));
  EXPECT_EQ(apply(Op::kDivideInteger, whole(1), whole(0)), whole(0));
  EXPECT_EQ(apply(Op::kModulo, natural(1), natural(0)), natural(0));
}

TEST(Expression, ComparesNumbersByValue) {
  EXPECT_EQ(apply(Op::kEqual, whole(2), number(2)), truth(true));
  EXPECT_EQ(apply(Op::kLess, whole(-1), natural(UINT64_MAX)), truth(true));
  EXPECT_EQ(apply(Op::kGreater, natural(UINT64_MAX), whole(5)), truth(true));
}

TEST(Expression, ComparesNothingToBeFalse) {
  for (const Op op : {Op::kEqual, Op::kNotEqual, Op::kLess, Op::kGreaterEqual}) {
    EXPECT_EQ(apply(op, null_value(), whole(1)), truth(false));
    EXPECT_EQ(apply(op, text("1"), whole(1)), truth(false));
  }
  EXPECT_EQ(apply(Op::kLess, text("a"), text("b")), truth(false));
  EXPECT_EQ(apply(Op::kNotEqual, text("a"), text("b")), truth(true));
  EXPECT_EQ(apply(Op::kAdd, null_value(), whole(1)), null_value());
  EXPECT_EQ(apply(Op::kAdd, text("a"), text("b")), null_value());
}

Expression tag_is(std::string_view value) {
  return Expression::binary(Op::kEqual, Expression::of_input(0), Expression::of_constant(text(value)));
}
Expression field_above(double value) {
  return Expression::binary(Op::kGreater, Expression::of_input(1), Expression::of_constant(number(value)));
}

// Input 0 is a tag of the value "a"; input 1 is a field.
std::optional<std::string_view> tag_a(size_t input) { return input == 0 ? std::optional<std::string_view>("a") : std::nullopt; }

TEST(Expression, KnownInputsDecideWhatTheyCan) {
  EXPECT_EQ(constant_truth(bind_inputs(tag_is("a"), tag_a)), true);
  EXPECT_EQ(constant_truth(bind_inputs(tag_is("b"), tag_a)), false);
  EXPECT_EQ(constant_truth(bind_inputs(Expression::binary(Op::kAnd, tag_is("b"), field_above(1)), tag_a)), false);
  EXPECT_EQ(constant_truth(bind_inputs(Expression::binary(Op::kOr, field_above(1), tag_is("a")), tag_a)), true);
  const Expression rest = bind_inputs(Expression::binary(Op::kAnd, tag_is("a"), field_above(1)), tag_a);
  EXPECT_EQ(constant_truth(rest), std::nullopt);
  EXPECT_EQ(evaluate(rest, std::vector<Value>{null_value(), number(2)}), truth(true));
  EXPECT_EQ(evaluate(rest, std::vector<Value>{null_value(), null_value()}), truth(false));
}

TEST(Expression, PatternsMatchAnywhereAndNeverNulls) {
  const auto pattern = std::make_shared<const re2::RE2>("b");
  const auto with = [&](Op op) { return Expression::binary(op, Expression::of_input(0), Expression::of_pattern(pattern)); };
  EXPECT_EQ(evaluate(with(Op::kMatches), std::vector<Value>{text("abc")}), truth(true));
  EXPECT_EQ(evaluate(with(Op::kNotMatches), std::vector<Value>{text("abc")}), truth(false));
  EXPECT_EQ(evaluate(with(Op::kNotMatches), std::vector<Value>{null_value()}), truth(false));
  EXPECT_EQ(evaluate(with(Op::kMatches), std::vector<Value>{whole(1)}), truth(false));
}

TEST(Expression, CopiesKeepTheirStrings) {
  Expression copy;
  {
    const Expression original = Expression::of_constant(text(std::string("short")));
    copy = original;
  }
  EXPECT_EQ(copy.value(), text("short"));
}

}  // namespace
}  // namespace campanile::query
