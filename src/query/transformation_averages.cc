// Moving averages and the indicators that are built on them.
#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>

#include "query/transformation.h"

namespace campanile::query {
namespace {

using Kind = Transform::Kind;
using Warmup = Transform::Warmup;

// The mean of the last values, once there are as many as wanted.
class MovingAverage final : public Transformation {
 public:
  explicit MovingAverage(const Transform& transform) : period_(static_cast<size_t>(transform.period)) {}
  Value add(int64_t, const FieldValue& value) override {
    const double number = value.as_number();
    sum_ += number;
    values_.push_back(number);
    if (values_.size() > period_) {
      sum_ -= values_.front();
      values_.pop_front();
    }
    if (values_.size() < period_) return null_value();
    return FieldValue::of_float(sum_ / static_cast<double>(period_));
  }
  uint64_t values_held() const override { return values_.size(); }

 private:
  const size_t period_;
  double sum_ = 0;
  std::deque<double> values_;
};

// A mean in which the past fades: each value counts for `weight`, what was before for the rest. While it warms up, for so many values, later ones count more:
// as in a plain mean, or twice as much.
class Smoothed {
 public:
  Smoothed(int64_t warm_after, Warmup warmup, double weight) : warm_after_(warm_after), warmup_(warmup), weight_(weight) {}
  explicit Smoothed(const Transform& transform) : Smoothed(transform.period, transform.warmup, 2.0 / static_cast<double>(transform.period + 1)) {}

  // Of the changes from one value to the next, as Wilder smoothes them.
  static Smoothed of_changes(const Transform& transform) { return {transform.period + 1, transform.warmup, 1.0 / static_cast<double>(transform.period)}; }

  double add(double value) {
    double weight = weight_;
    if (count_ < warm_after_) {
      const auto count = static_cast<double>(++count_);
      weight = warmup_ == Warmup::kSimple ? 1 / count : 2 / (count + 1);
    }
    last_ += weight * (value - last_);
    return last_;
  }
  // Whether what follows it may use its values: those of a plain mean only once it is warm.
  bool is_usable() const { return warmup_ != Warmup::kSimple || count_ == warm_after_; }

 private:
  const int64_t warm_after_;
  const Warmup warmup_;
  const double weight_;
  int64_t count_ = 0;
  double last_ = 0;
};

// Averages one upon the other: of the values, of that average, and so on. Those upon one that is not usable yet stand where it does.
class Layers {
 public:
  Layers(const Transform& transform, size_t count) : layers_(count, Smoothed(transform)), averages_(count) {}
  void add(double value) {
    double average = value;
    bool usable = true;
    for (size_t i = 0; i < layers_.size(); ++i) {
      if (usable) average = layers_[i].add(average);
      usable = usable && layers_[i].is_usable();
      averages_[i] = average;
    }
  }
  double operator[](size_t index) const { return averages_[index]; }
  bool is_usable() const { return layers_.back().is_usable(); }

 private:
  std::vector<Smoothed> layers_;
  std::vector<double> averages_;
};

// Values without an answer until so many layers are warm.
int64_t warming_of(const Transform& transform, int64_t layers) {
  return (transform.period - 1) * (transform.warmup == Warmup::kSimple ? layers : 1);
}

// What answers once enough values have come.
class Indicator : public Transformation {
 public:
  Value add(int64_t, const FieldValue& value) final {
    const double result = next(value.as_number());
    if (seen_ < hold_) {
      ++seen_;
      return null_value();
    }
    return std::isfinite(result) ? Value(FieldValue::of_float(result)) : null_value();
  }

 protected:
  Indicator(const Transform& transform, int64_t hold) : hold_(transform.hold >= 0 ? transform.hold : hold) {}

 private:
  virtual double next(double value) = 0;

  const int64_t hold_;  // values without an answer
  int64_t seen_ = 0;
};

class LayeredAverage final : public Indicator {
 public:
  LayeredAverage(const Transform& transform, size_t count)
      : Indicator(transform, warming_of(transform, static_cast<int64_t>(count))), count_(count), layers_(transform, count) {}

 private:
  double next(double value) override {
    layers_.add(value);
    switch (count_) {
      case 1: return layers_[0];
      case 2: return 2 * layers_[0] - layers_[1];
      default: return 3 * layers_[0] - 3 * layers_[1] + layers_[2];
    }
  }

  const size_t count_;
  Layers layers_;
};

// By how much, in percent, the average of the average of the average has changed.
class TripleDerivative final : public Indicator {
 public:
  explicit TripleDerivative(const Transform& transform) : Indicator(transform, warming_of(transform, 3) + 1), layers_(transform, 3) {}

 private:
  double next(double value) override {
    layers_.add(value);
    const double before = std::exchange(last_, layers_[2]);
    return (layers_[2] / before - 1) * 100;
  }

  Layers layers_;
  double last_ = 0;
};

// What rises and what falls, each smoothed by itself. The first value counts as a change from nothing.
class SmoothedChanges {
 public:
  explicit SmoothedChanges(const Transform& transform) : rises_(Smoothed::of_changes(transform)), falls_(Smoothed::of_changes(transform)) {}
  struct Parts {
    double rise;
    double fall;
  };
  Parts add(double value) {
    const double change = value - std::exchange(last_, value);
    return {rises_.add(std::max(change, 0.0)), falls_.add(std::max(-change, 0.0))};
  }

 private:
  Smoothed rises_;
  Smoothed falls_;
  double last_ = 0;
};

// How much of all change was a rise.
class RelativeStrength final : public Indicator {
 public:
  explicit RelativeStrength(const Transform& transform) : Indicator(transform, transform.period), changes_(transform) {}

 private:
  double next(double value) override {
    const auto [rise, fall] = changes_.add(value);
    return 100 - 100 / (1 + rise / fall);
  }

  SmoothedChanges changes_;
};

// The last changes, so many as wanted, and what they add up to.
class Changes {
 public:
  explicit Changes(int64_t period) : period_(static_cast<size_t>(period)) {}
  void add(double change) {
    changes_.push_back(change);
    (change > 0 ? rises_ : falls_) += std::abs(change);
    if (changes_.size() <= period_) return;
    const double oldest = changes_.front();
    changes_.pop_front();
    (oldest > 0 ? rises_ : falls_) -= std::abs(oldest);
  }
  uint64_t held() const { return changes_.size(); }
  double rises() const { return rises_; }
  double falls() const { return falls_; }

 private:
  const size_t period_;
  std::deque<double> changes_;
  double rises_ = 0;
  double falls_ = 0;
};

double momentum(double rise, double fall) { return rise + fall == 0 ? 0 : 100 * ((rise - fall) / (rise + fall)); }

// The rises less the falls by both together, of the last values.
class ChandeMomentum final : public Indicator {
 public:
  explicit ChandeMomentum(const Transform& transform) : Indicator(transform, transform.period - 1), changes_(transform.period) {}
  uint64_t values_held() const override { return changes_.held(); }

 private:
  double next(double value) override {
    const std::optional<double> before = std::exchange(last_, value);
    if (!before) return 0;
    changes_.add(value - *before);
    return momentum(changes_.rises(), changes_.falls());
  }

  Changes changes_;
  std::optional<double> last_;
};

class SmoothedChandeMomentum final : public Indicator {
 public:
  explicit SmoothedChandeMomentum(const Transform& transform) : Indicator(transform, transform.period), changes_(transform) {}

 private:
  double next(double value) override {
    const auto [rise, fall] = changes_.add(value);
    return momentum(rise, fall);
  }

  SmoothedChanges changes_;
};

// How straight the way of the last values was: the change from the first to the last by all changes between them.
class Efficiency {
 public:
  explicit Efficiency(int64_t period) : period_(static_cast<size_t>(period)) {}
  double add(double value) {
    way_ += std::abs(value - values_.back());
    values_.push_back(value);
    if (values_.size() > period_ + 1) {
      const double oldest = values_.front();
      values_.pop_front();
      way_ -= std::abs(values_.front() - oldest);
    }
    return way_ == 0 ? 0 : std::abs(value - values_.front()) / way_;
  }
  uint64_t held() const { return values_.size(); }

 private:
  const size_t period_;
  std::deque<double> values_{0};
  double way_ = 0;
};

class EfficiencyRatio final : public Indicator {
 public:
  explicit EfficiencyRatio(const Transform& transform) : Indicator(transform, transform.period), efficiency_(transform.period) {}
  uint64_t values_held() const override { return efficiency_.held(); }

 private:
  double next(double value) override { return efficiency_.add(value); }

  Efficiency efficiency_;
};

// An exponential average that follows the straighter the way is: between one of 30 values and one of 2.
class AdaptiveAverage final : public Indicator {
 public:
  explicit AdaptiveAverage(const Transform& transform) : Indicator(transform, transform.period), period_(transform.period), efficiency_(transform.period) {}
  uint64_t values_held() const override { return efficiency_.held(); }

 private:
  double next(double value) override {
    constexpr double kSlow = 2.0 / 31;
    constexpr double kFast = 2.0 / 3;
    const double weight = std::pow(efficiency_.add(value) * (kFast - kSlow) + kSlow, 2);
    const double average = last_ + weight * (value - last_);
    // Until the way is long enough the value itself is what the next average begins with.
    const bool is_warm = count_ == period_;
    if (!is_warm) ++count_;
    last_ = is_warm ? average : value;
    return average;
  }

  const int64_t period_;
  Efficiency efficiency_;
  int64_t count_ = 0;
  double last_ = 0;
};

}  // namespace

std::unique_ptr<Transformation> make_average(const Transform& transform) {
  switch (transform.kind) {
    case Kind::kExponentialMovingAverage: return std::make_unique<LayeredAverage>(transform, 1);
    case Kind::kDoubleExponentialMovingAverage: return std::make_unique<LayeredAverage>(transform, 2);
    case Kind::kTripleExponentialMovingAverage: return std::make_unique<LayeredAverage>(transform, 3);
    case Kind::kTripleExponentialDerivative: return std::make_unique<TripleDerivative>(transform);
    case Kind::kRelativeStrengthIndex: return std::make_unique<RelativeStrength>(transform);
    case Kind::kChandeMomentumOscillator:
      if (transform.warmup == Warmup::kNone) return std::make_unique<ChandeMomentum>(transform);
      return std::make_unique<SmoothedChandeMomentum>(transform);
    case Kind::kKaufmansEfficiencyRatio: return std::make_unique<EfficiencyRatio>(transform);
    case Kind::kKaufmansAdaptiveMovingAverage: return std::make_unique<AdaptiveAverage>(transform);
    default: return std::make_unique<MovingAverage>(transform);
  }
}

}  // namespace campanile::query
