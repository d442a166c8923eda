// Nelder and Mead's method: finds where a function of several variables is least, without its derivatives.
//
//   Minimum found = minimize([](std::vector<double>& x) { return (x[0] - 2) * (x[0] - 2); }, {0}, 1e-4, 1);
//
// Pure. The same start gives the same end. Limits: 1,000 steps.
#pragma once

#include <functional>
#include <vector>

namespace campanile::query {

struct Minimum {
  double value = 0;
  std::vector<double> at;
};

// `function` may move what it is asked for back to where it makes sense. Ends once the corners' values differ by less than `epsilon` (standard deviation).
Minimum minimize(const std::function<double(std::vector<double>&)>& function, const std::vector<double>& start, double epsilon, double scale);

}  // namespace campanile::query
