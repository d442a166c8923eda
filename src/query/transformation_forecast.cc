// Holt and Winters' forecast: a level, a trend that is damped, and a factor for each point of the season, fitted to the values by Nelder and Mead's method.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "query/minimize.h"
#include "query/transformation.h"

namespace campanile::query {
namespace {

// The parameters in the order in which they are fitted; the season's factors follow.
enum Parameter : size_t { kLevelWeight, kTrendWeight, kSeasonWeight, kDamping, kLevel, kTrend, kSeason };

class HoltWinters final : public Transformation {
 public:
  explicit HoltWinters(const Transform& transform) : transform_(transform) {}

  Value add(int64_t time_ns, const FieldValue& value) override {
    const int64_t slot = slot_of(time_ns);
    if (values_.empty()) {
      first_ns_ = time_ns;
      first_slot_ = slot;
    } else if (slot <= first_slot_ + static_cast<int64_t>(values_.size()) - 1) {
      return null_value();  // of several values in one interval the first counts
    }
    last_ns_ = time_ns;
    ++points_;
    const auto place = static_cast<uint64_t>(slot) - static_cast<uint64_t>(first_slot_);
    if (place >= kPlacesMax) {
      overflown_ = true;
      return null_value();
    }
    values_.resize(place, std::numeric_limits<double>::quiet_NaN());
    values_.push_back(value.as_number());
    return null_value();
  }

  std::vector<std::pair<int64_t, double>> finish(const std::function<bool()>& cancelled) override {
    const bool seasonal = transform_.season >= 2;
    if (points_ < 2 || overflown_ || transform_.predictions <= 0 || (seasonal && points_ < static_cast<uint64_t>(transform_.season))) return {};
    std::vector<double> fitted = fit(seasonal, cancelled);
    const std::vector<double> forecasted = forecast(static_cast<size_t>(transform_.predictions), fitted);
    std::vector<std::pair<int64_t, double>> found;
    const bool with_fit = transform_.kind == Transform::Kind::kHoltWintersWithFit;
    const size_t skipped = with_fit ? 0 : values_.size();
    // In 128 bits, since windows may be centuries.
    const __int128 from_ns = with_fit ? static_cast<__int128>(first_ns_) : static_cast<__int128>(last_ns_) + transform_.unit_ns;
    for (size_t i = skipped; i < forecasted.size(); ++i) {
      const __int128 time_ns = from_ns + static_cast<__int128>(i - skipped) * transform_.unit_ns;
      if (time_ns > INT64_MAX) break;
      if (std::isfinite(forecasted[i])) found.emplace_back(static_cast<int64_t>(time_ns), forecasted[i]);
    }
    return found;
  }
  uint64_t values_held() const override { return values_.size(); }

 private:
  static constexpr uint64_t kPlacesMax = 1'000'000;

  int64_t slot_of(int64_t time_ns) const {
    // To the nearest interval.
    const auto shifted = static_cast<__int128>(time_ns) + transform_.unit_ns / 2;
    const __int128 unit = transform_.unit_ns;
    return static_cast<int64_t>(shifted / unit - (shifted % unit < 0 ? 1 : 0));
  }

  // Guesses from which fitting begins.
  std::vector<double> first_guess(bool seasonal) const {
    const size_t season = seasonal ? static_cast<size_t>(transform_.season) : 0;
    std::vector<double> guess(kSeason + season, 0.0);
    if (!seasonal) {
      guess[kLevel] = 0.5 * values_[0];
      if (std::isfinite(values_[1])) guess[kTrend] = 0.5 * (values_[1] - values_[0]);
      return guess;
    }
    const auto length = static_cast<double>(season);
    for (size_t i = 0; i < season && i < values_.size(); ++i) {
      if (std::isfinite(values_[i])) guess[kLevel] += values_[i] / length;
    }
    for (size_t i = 0; i < season && season + i < values_.size(); ++i) {
      if (std::isfinite(values_[i]) && std::isfinite(values_[season + i])) guess[kTrend] += (values_[season + i] - values_[i]) / (length * length);
    }
    for (size_t i = 0; i < season && i < values_.size(); ++i) {
      if (std::isfinite(values_[i])) guess[kSeason + i] = values_[i] / guess[kLevel];
    }
    return guess;
  }

  std::vector<double> fit(bool seasonal, const std::function<bool()>& cancelled) const {
    constexpr std::array kWeights = {0.3, 0.7};
    std::vector<double> guess = first_guess(seasonal);
    Minimum best{std::numeric_limits<double>::infinity(), guess};
    const auto try_from = [&](double level, double trend, double season, double damping) {
      guess[kLevelWeight] = level;
      guess[kTrendWeight] = trend;
      guess[kSeasonWeight] = season;
      guess[kDamping] = damping;
      bool stopped = false;
      const auto error = [&](std::vector<double>& parameters) {
        stopped = stopped || (cancelled && cancelled());
        return stopped ? std::numeric_limits<double>::infinity() : error_of(parameters);
      };
      Minimum found = minimize(error, guess, 1e-4, 1);
      if (found.value < best.value) best = std::move(found);
    };
    for (const double level : kWeights) {
      for (const double trend : kWeights) {
        for (const double season : kWeights) {
          for (const double damping : kWeights) try_from(level, trend, season, damping);
        }
      }
    }
    return best.at;
  }

  double error_of(std::vector<double>& parameters) const {
    for (size_t i = 0; i < kLevel; ++i) parameters[i] = std::clamp(parameters[i], 0.0, 1.0);
    const std::vector<double> forecasted = forecast(0, parameters);
    double error = 0;
    for (size_t i = 0; i < values_.size(); ++i) {
      if (std::isnan(values_[i])) continue;
      if (std::isnan(forecasted[i])) return std::numeric_limits<double>::infinity();
      error += (forecasted[i] - values_[i]) * (forecasted[i] - values_[i]);
    }
    return error;
  }

  // The values from the first on, and so many more. The season's factors are left as they are at the end.
  std::vector<double> forecast(size_t more, std::vector<double>& parameters) const {
    const std::span<double> season = std::span(parameters).subspan(kSeason);
    const double damping = std::clamp(parameters[kDamping], 0.0, 1.0);
    const double level_weight = std::clamp(parameters[kLevelWeight], 0.0, 1.0);
    const double trend_weight = std::clamp(parameters[kTrendWeight], 0.0, 1.0);
    const double season_weight = std::clamp(parameters[kSeasonWeight], 0.0, 1.0);
    double level = parameters[kLevel];
    double trend = parameters[kTrend];
    double value = values_[0];
    double damped = damping;
    std::vector<double> found(values_.size() + more);
    found[0] = value;
    const size_t length = season.size();
    size_t offset = length - 1;
    for (size_t t = 1; t < found.size(); ++t) {
      const double factor = length > 0 ? season[(t - length + offset) % length] : 1;
      const double factor_ahead = length > 0 ? season[(t - length + t % length + offset) % length] : 1;
      const double level_before = level;
      level = level_weight * (value / factor) + (1 - level_weight) * (level_before + damping * trend);
      const double factor_now = season_weight * (value / (level_before + damping * trend)) + (1 - season_weight) * factor;
      trend = trend_weight * (level - level_before) + (1 - trend_weight) * damping * trend;
      value = (level + damped * trend) * factor_ahead;
      damped += std::pow(damping, static_cast<double>(t));
      if (length > 0) season[(t + offset++) % length] = factor_now;
      found[t] = value;
    }
    return found;
  }

  const Transform transform_;
  std::vector<double> values_;  // one for each interval; NaN where none came
  uint64_t points_ = 0;
  bool overflown_ = false;
  int64_t first_ns_ = 0;
  int64_t first_slot_ = 0;
  int64_t last_ns_ = 0;
};

}  // namespace

std::unique_ptr<Transformation> make_forecast(const Transform& transform) { return std::make_unique<HoltWinters>(transform); }

}  // namespace campanile::query
