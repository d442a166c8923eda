// MathFunction: functions of one or two numbers.
//
//   Value root = apply(MathFunction::kSqrt, FieldValue::of_integer(2), null_value());
//
// Whole numbers stay whole where the function keeps them so (abs, ceil, floor, round). A null, anything that is no number, and a result that is no finite
// number give null.
// Pure.
#pragma once

#include <cstdint>

#include "query/value.h"

namespace campanile::query {

enum class MathFunction : uint8_t {
  kAbs, kCeil, kFloor, kRound,
  kAcos, kAsin, kAtan, kCos, kExp, kLn, kLog2, kLog10, kSin, kSqrt, kTan,
  kAtan2, kLog, kPow,  // of two: y and x; a number and the base; a base and the exponent
};

// How many numbers it wants.
inline size_t arguments_of(MathFunction function) { return function >= MathFunction::kAtan2 ? 2 : 1; }
// Whether a whole number gives a whole number.
inline bool keeps_type(MathFunction function) { return function <= MathFunction::kRound; }

Value apply(MathFunction function, const Value& first, const Value& second);

}  // namespace campanile::query
