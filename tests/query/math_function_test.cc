#include "query/math_function.h"

#include <gtest/gtest.h>

namespace campanile::query {
namespace {

Value number(double value) { return FieldValue::of_float(value); }
Value whole(int64_t value) { return FieldValue::of_integer(value); }

TEST(MathFunction, KeepsWholeNumbersWholeWhereItCan) {
  EXPECT_EQ(apply(MathFunction::kAbs, whole(-7), null_value()), whole(7));
  EXPECT_EQ(apply(MathFunction::kAbs, whole(INT64_MIN), null_value()), whole(INT64_MIN));
  EXPECT_EQ(apply(MathFunction::kFloor, whole(3), null_value()), whole(3));
  EXPECT_EQ(apply(MathFunction::kSqrt, whole(9), null_value()), number(3));
}

TEST(MathFunction, RoundsHalvesAwayFromZero) {
  EXPECT_EQ(apply(MathFunction::kRound, number(2.5), null_value()), number(3));
  EXPECT_EQ(apply(MathFunction::kRound, number(-2.5), null_value()), number(-3));
}

TEST(MathFunction, OfTwo) {
  EXPECT_EQ(apply(MathFunction::kPow, whole(2), whole(10)), number(1024));
  EXPECT_EQ(apply(MathFunction::kLog, number(8), whole(2)), number(3));
  EXPECT_EQ(apply(MathFunction::kAtan2, number(0), number(1)), number(0));
  EXPECT_EQ(apply(MathFunction::kPow, whole(2), null_value()), null_value());
}

TEST(MathFunction, IsNullWhereThereIsNoFiniteNumber) {
  EXPECT_EQ(apply(MathFunction::kSqrt, number(-1), null_value()), null_value());
  EXPECT_EQ(apply(MathFunction::kLn, number(0), null_value()), null_value());
  EXPECT_EQ(apply(MathFunction::kAsin, number(2), null_value()), null_value());
  EXPECT_EQ(apply(MathFunction::kAbs, FieldValue::of_string("x"), null_value()), null_value());
  EXPECT_EQ(apply(MathFunction::kAbs, null_value(), null_value()), null_value());
}

}  // namespace
}  // namespace campanile::query
