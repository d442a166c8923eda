#include "query/transformation.h"

#include <optional>

namespace campanile::query {
namespace {

using Kind = Transform::Kind;

struct TimedValue {
  int64_t time_ns;
  FieldValue value;
};

// Of whole numbers in two's complement, as sums and differences everywhere.
FieldValue subtract(const FieldValue& a, const FieldValue& b) { return *apply(Expression::Op::kSubtract, a, b); }

bool is_less(const FieldValue& a, const FieldValue& b) { return apply(Expression::Op::kLess, a, b)->as_boolean(); }

// The change from one value to the next, by itself or for each unit of time. Of several values at one time the first counts.
class Change final : public Transformation {
 public:
  Change(const Transform& transform, bool ascending)
      : unit_ns_(static_cast<double>(transform.unit_ns)),
        ascending_(ascending),
        by_time_(transform.kind == Kind::kDerivative || transform.kind == Kind::kNonNegativeDerivative),
        only_rises_(transform.kind == Kind::kNonNegativeDerivative || transform.kind == Kind::kNonNegativeDifference) {}

  Value add(int64_t time_ns, const FieldValue& value) override {
    if (last_ && last_->time_ns == time_ns) return null_value();
    const std::optional<TimedValue> before = std::exchange(last_, TimedValue{time_ns, value});
    if (!before || (only_rises_ && is_less(value, before->value))) return null_value();
    const FieldValue change = subtract(value, before->value);
    if (!by_time_) return change;
    const double elapsed_ns = ascending_ ? static_cast<double>(time_ns) - static_cast<double>(before->time_ns)
                                         : static_cast<double>(before->time_ns) - static_cast<double>(time_ns);
    return FieldValue::of_float(change.as_number() / (elapsed_ns / unit_ns_));
  }

 private:
  const double unit_ns_;
  const bool ascending_;
  const bool by_time_;
  const bool only_rises_;
  std::optional<TimedValue> last_;
};

class Elapsed final : public Transformation {
 public:
  explicit Elapsed(int64_t unit_ns) : unit_ns_(unit_ns) {}
  Value add(int64_t time_ns, const FieldValue&) override {
    const std::optional<int64_t> before = std::exchange(last_ns_, time_ns);
    if (!before) return null_value();
    // In 128 bits, since six centuries do not fit into 64.
    return FieldValue::of_integer(static_cast<int64_t>((static_cast<__int128>(time_ns) - *before) / unit_ns_));
  }

 private:
  const int64_t unit_ns_;
  std::optional<int64_t> last_ns_;
};

class CumulativeSum final : public Transformation {
 public:
  Value add(int64_t, const FieldValue& value) override {
    sum_ = sum_ ? apply(Expression::Op::kAdd, sum_, value) : Value(value);
    return sum_;
  }

 private:
  Value sum_;
};

}  // namespace

bool accepts(Kind kind, FieldType type) {
  if (kind == Kind::kElapsed) return true;
  const bool forecasts = kind == Kind::kHoltWinters || kind == Kind::kHoltWintersWithFit;
  return forecasts ? type == FieldType::kFloat || type == FieldType::kInteger : type <= FieldType::kUnsigned;
}

FieldType result_type(Kind kind, FieldType type) {
  switch (kind) {
    case Kind::kDifference:
    case Kind::kNonNegativeDifference:
    case Kind::kCumulativeSum: return type;
    case Kind::kElapsed: return FieldType::kInteger;
    default: return FieldType::kFloat;
  }
}

std::unique_ptr<Transformation> make_transformation(const Transform& transform, bool ascending) {
  switch (transform.kind) {
    case Kind::kDerivative:
    case Kind::kNonNegativeDerivative:
    case Kind::kDifference:
    case Kind::kNonNegativeDifference: return std::make_unique<Change>(transform, ascending);
    case Kind::kElapsed: return std::make_unique<Elapsed>(transform.unit_ns);
    case Kind::kCumulativeSum: return std::make_unique<CumulativeSum>();
    case Kind::kHoltWinters:
    case Kind::kHoltWintersWithFit: return make_forecast(transform);
    default: return make_average(transform);
  }
}

}  // namespace campanile::query
