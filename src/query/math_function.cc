#include "query/math_function.h"

#include <cmath>

namespace campanile::query {
namespace {

double of_one(MathFunction function, double x) {
  switch (function) {
    case MathFunction::kAbs: return std::abs(x);
    case MathFunction::kCeil: return std::ceil(x);
    case MathFunction::kFloor: return std::floor(x);
    case MathFunction::kRound: return std::round(x);
    case MathFunction::kAcos: return std::acos(x);
    case MathFunction::kAsin: return std::asin(x);
    case MathFunction::kAtan: return std::atan(x);
    case MathFunction::kCos: return std::cos(x);
    case MathFunction::kExp: return std::exp(x);
    case MathFunction::kLn: return std::log(x);
    case MathFunction::kLog2: return std::log2(x);
    case MathFunction::kLog10: return std::log10(x);
    case MathFunction::kSin: return std::sin(x);
    case MathFunction::kSqrt: return std::sqrt(x);
    default: return std::tan(x);
  }
}

double of_two(MathFunction function, double first, double second) {
  switch (function) {
    case MathFunction::kAtan2: return std::atan2(first, second);
    case MathFunction::kLog: return std::log(first) / std::log(second);
    default: return std::pow(first, second);
  }
}

}  // namespace

Value apply(MathFunction function, const Value& first, const Value& second) {
  if (!first || !first->is_numeric()) return null_value();
  if (keeps_type(function) && first->type() != FieldType::kFloat) {
    if (function != MathFunction::kAbs || first->type() == FieldType::kUnsigned || first->as_integer() >= 0) return first;
    return FieldValue::of_integer(static_cast<int64_t>(0 - static_cast<uint64_t>(first->as_integer())));
  }
  const bool of_pair = arguments_of(function) == 2;
  if (of_pair && (!second || !second->is_numeric())) return null_value();
  const double result = of_pair ? of_two(function, first->as_number(), second->as_number()) : of_one(function, first->as_number());
  return std::isfinite(result) ? Value(FieldValue::of_float(result)) : null_value();
}

}  // namespace campanile::query
