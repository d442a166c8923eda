#include "query/languages/influxql/functions.h"

#include <algorithm>
#include <span>

#include "query/aggregator.h"
#include "query/transformation.h"

namespace campanile::query::influxql {
namespace {

using Kind = Transform::Kind;

constexpr int64_t kSecondNs = 1'000'000'000;

template <typename T>
using Named = std::pair<std::string_view, T>;

template <typename T>
std::optional<T> find(std::span<const Named<T>> names, std::string_view name) {
  for (const auto& [each, value] : names) {
    if (each == name) return value;
  }
  return std::nullopt;
}

constexpr Named<Function> kAggregates[] = {
    {"count", Function::kCount},   {"sum", Function::kSum},       {"mean", Function::kMean},     {"min", Function::kMin},
    {"max", Function::kMax},       {"first", Function::kFirst},   {"last", Function::kLast},     {"spread", Function::kSpread},
    {"stddev", Function::kStddev}, {"median", Function::kMedian}, {"mode", Function::kMode},     {"percentile", Function::kPercentile},
    {"distinct", Function::kDistinct}};

constexpr Named<Kind> kTransforms[] = {
    {"derivative", Kind::kDerivative},
    {"non_negative_derivative", Kind::kNonNegativeDerivative},
    {"difference", Kind::kDifference},
    {"non_negative_difference", Kind::kNonNegativeDifference},
    {"elapsed", Kind::kElapsed},
    {"cumulative_sum", Kind::kCumulativeSum},
    {"moving_average", Kind::kMovingAverage},
    {"exponential_moving_average", Kind::kExponentialMovingAverage},
    {"double_exponential_moving_average", Kind::kDoubleExponentialMovingAverage},
    {"triple_exponential_moving_average", Kind::kTripleExponentialMovingAverage},
    {"triple_exponential_derivative", Kind::kTripleExponentialDerivative},
    {"relative_strength_index", Kind::kRelativeStrengthIndex},
    {"chande_momentum_oscillator", Kind::kChandeMomentumOscillator},
    {"kaufmans_efficiency_ratio", Kind::kKaufmansEfficiencyRatio},
    {"kaufmans_adaptive_moving_average", Kind::kKaufmansAdaptiveMovingAverage},
    {"holt_winters", Kind::kHoltWinters},
    {"holt_winters_with_fit", Kind::kHoltWintersWithFit}};

constexpr Named<Pick::Kind> kPicks[] = {{"top", Pick::Kind::kTop}, {"bottom", Pick::Kind::kBottom}, {"sample", Pick::Kind::kSample}};

constexpr Named<MathFunction> kMath[] = {
    {"abs", MathFunction::kAbs},     {"acos", MathFunction::kAcos},   {"asin", MathFunction::kAsin},   {"atan", MathFunction::kAtan},
    {"atan2", MathFunction::kAtan2}, {"ceil", MathFunction::kCeil},   {"cos", MathFunction::kCos},     {"exp", MathFunction::kExp},
    {"floor", MathFunction::kFloor}, {"ln", MathFunction::kLn},       {"log", MathFunction::kLog},     {"log2", MathFunction::kLog2},
    {"log10", MathFunction::kLog10}, {"pow", MathFunction::kPow},     {"round", MathFunction::kRound}, {"sin", MathFunction::kSin},
    {"sqrt", MathFunction::kSqrt},   {"tan", MathFunction::kTan}};

Transform::Warmup warmup_named(std::string_view name) {
  if (name == "simple") return Transform::Warmup::kSimple;
  return name == "none" ? Transform::Warmup::kNone : Transform::Warmup::kExponential;
}

}  // namespace

std::optional<Function> aggregate_named(std::string_view name) { return find<Function>(kAggregates, name); }
std::optional<Kind> transform_named(std::string_view name) { return find<Kind>(kTransforms, name); }
std::optional<Pick::Kind> pick_named(std::string_view name) { return find<Pick::Kind>(kPicks, name); }
std::optional<MathFunction> math_named(std::string_view name) { return find<MathFunction>(kMath, name); }

bool has_reading_call(const Expr& expr) { return is_reading_call(expr) || std::ranges::any_of(expr.children, has_reading_call); }

bool is_selector(const Expr& call) {
  const auto aggregate = aggregate_named(call.text);
  return aggregate ? query::is_selector(*aggregate) : pick_named(call.text).has_value();
}

bool takes(std::string_view function, FieldType type) {
  if (const auto aggregate = aggregate_named(function)) return accepts(*aggregate, type);
  if (const auto transform = transform_named(function)) return accepts(*transform, type);
  return function == "sample" || type <= FieldType::kUnsigned;
}

bool wants_window_before(Kind kind) { return kind != Kind::kCumulativeSum && kind != Kind::kHoltWinters && kind != Kind::kHoltWintersWithFit; }

Transform to_transform(const Expr& call, FieldType type, const std::optional<Window>& window) {
  Transform made;
  made.kind = *transform_named(call.text);
  made.type = type;
  const std::span<const Expr> arguments = std::span(call.children).subspan(1);
  switch (made.kind) {
    case Kind::kDerivative:
    case Kind::kNonNegativeDerivative: made.unit_ns = !arguments.empty() ? arguments[0].integer : window ? window->every_ns : kSecondNs; break;
    case Kind::kElapsed: made.unit_ns = arguments.empty() ? 1 : arguments[0].integer; break;
    case Kind::kDifference:
    case Kind::kNonNegativeDifference:
    case Kind::kCumulativeSum: break;
    case Kind::kHoltWinters:
    case Kind::kHoltWintersWithFit:
      made.unit_ns = window ? window->every_ns : 1;
      made.predictions = arguments[0].integer;
      made.season = arguments[1].integer;
      break;
    default:
      made.period = arguments[0].integer;
      if (arguments.size() > 1) made.hold = arguments[1].integer;
      if (made.kind == Kind::kChandeMomentumOscillator) made.warmup = Transform::Warmup::kNone;
      if (arguments.size() > 2) made.warmup = warmup_named(arguments[2].text);
  }
  return made;
}

}  // namespace campanile::query::influxql
