#include "query/minimize.h"

#include <algorithm>
#include <cmath>

namespace campanile::query {
namespace {

constexpr int kStepsMax = 1000;
constexpr double kReflection = 1.0;
constexpr double kExpansion = 2.0;
constexpr double kContraction = 0.5;

using Corner = Minimum;

// A regular simplex that has a corner at the start.
std::vector<Corner> first_simplex(const std::vector<double>& start, double scale) {
  const auto n = static_cast<double>(start.size());
  const double far = scale * (std::sqrt(n + 1) - 1 + n) / (n * std::sqrt(2.0));
  const double near = scale * (std::sqrt(n + 1) - 1) / (n * std::sqrt(2.0));
  std::vector<Corner> corners(start.size() + 1, Corner{0, start});
  for (size_t i = 0; i < start.size(); ++i) {
    for (size_t j = 0; j < start.size(); ++j) corners[i + 1].at[j] += i == j ? far : near;
  }
  return corners;
}

// The point on the line from the middle through the corner.
std::vector<double> on_line(const std::vector<double>& middle, const std::vector<double>& corner, double factor) {
  std::vector<double> point(middle.size());
  for (size_t i = 0; i < middle.size(); ++i) point[i] = middle[i] + factor * (corner[i] - middle[i]);
  return point;
}

bool is_flat(const std::vector<Corner>& corners, double epsilon) {
  double mean = 0;
  for (const Corner& corner : corners) mean += corner.value;
  mean /= static_cast<double>(corners.size());
  double squares = 0;
  for (const Corner& corner : corners) squares += (corner.value - mean) * (corner.value - mean);
  return std::sqrt(squares / static_cast<double>(corners.size() - 1)) < epsilon;
}

class Simplex {
 public:
  Simplex(const std::function<double(std::vector<double>&)>& function, const std::vector<double>& start, double scale)
      : function_(function), corners_(first_simplex(start, scale)) {
    for (Corner& corner : corners_) corner.value = function_(corner.at);
  }

  bool is_flat(double epsilon) const { return query::is_flat(corners_, epsilon); }
  const Corner& best() const { return *std::min_element(corners_.begin(), corners_.end(), is_less); }

  void step() {
    const auto [best_at, worst_at] = std::minmax_element(corners_.begin(), corners_.end(), is_less);
    Corner& best = *best_at;
    Corner& worst = *worst_at;
    // The worst of those that are better than the worst.
    Corner* second = &best;
    for (Corner& corner : corners_) {
      if (corner.value < worst.value && corner.value > second->value) second = &corner;
    }
    const std::vector<double> middle = middle_without(worst);
    Corner reflected = corner_at(on_line(middle, worst.at, -kReflection));
    if (reflected.value < best.value) {
      Corner expanded = corner_at(on_line(middle, reflected.at, kExpansion));
      worst = expanded.value < reflected.value ? std::move(expanded) : std::move(reflected);
      return;
    }
    if (reflected.value < second->value) {
      worst = std::move(reflected);
      return;
    }
    const bool outside = reflected.value < worst.value;
    Corner contracted = corner_at(on_line(middle, outside ? reflected.at : worst.at, kContraction));
    if (contracted.value < worst.value) {
      worst = std::move(contracted);
      return;
    }
    // Of the corners that move half way to the best one the two worst are looked at anew; the others take their turn.
    for (Corner& corner : corners_) {
      if (&corner != &best) corner.at = on_line(best.at, corner.at, 0.5);
    }
    worst.value = function_(worst.at);
    second->value = function_(second->at);
  }

 private:
  static bool is_less(const Corner& a, const Corner& b) { return a.value < b.value; }

  Corner corner_at(std::vector<double> point) {
    Corner made{0, std::move(point)};
    made.value = function_(made.at);
    return made;
  }

  std::vector<double> middle_without(const Corner& left_out) const {
    std::vector<double> middle(left_out.at.size(), 0.0);
    for (const Corner& corner : corners_) {
      if (&corner == &left_out) continue;
      for (size_t i = 0; i < middle.size(); ++i) middle[i] += corner.at[i];
    }
    for (double& each : middle) each /= static_cast<double>(corners_.size() - 1);
    return middle;
  }

  const std::function<double(std::vector<double>&)>& function_;
  std::vector<Corner> corners_;
};

}  // namespace

Minimum minimize(const std::function<double(std::vector<double>&)>& function, const std::vector<double>& start, double epsilon, double scale) {
  Simplex simplex(function, start, scale);
  for (int step = 0; step < kStepsMax && !simplex.is_flat(epsilon); ++step) simplex.step();
  return simplex.best();
}

}  // namespace campanile::query
