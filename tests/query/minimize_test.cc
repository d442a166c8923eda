#include "query/minimize.h"

#include <cmath>

#include <gtest/gtest.h>

namespace campanile::query {
namespace {

TEST(Minimize, FindsTheBottomOfABowl) {
  const Minimum found = minimize([](std::vector<double>& x) { return std::pow(x[0] - 3, 2) + std::pow(x[1] + 1, 2); }, {0, 0}, 1e-12, 1);
  EXPECT_NEAR(found.at[0], 3, 1e-4);
  EXPECT_NEAR(found.at[1], -1, 1e-4);
  EXPECT_NEAR(found.value, 0, 1e-8);
}

TEST(Minimize, GoesRoundTheBendOfRosenbrocksValley) {
  const auto valley = [](std::vector<double>& x) { return 100 * std::pow(x[1] - x[0] * x[0], 2) + std::pow(1 - x[0], 2); };
  const Minimum found = minimize(valley, {-1.2, 1}, 1e-12, 1);
  EXPECT_NEAR(found.at[0], 1, 1e-3);
}

TEST(Minimize, KeepsWhatTheFunctionMovedBack) {
  const Minimum found = minimize([](std::vector<double>& x) { x[0] = std::max(x[0], 2.0); return x[0]; }, {5}, 1e-9, 1);
  EXPECT_DOUBLE_EQ(found.at[0], 2);
}

TEST(Minimize, EndsWhereEverythingIsInfinite) {
  EXPECT_TRUE(std::isinf(minimize([](std::vector<double>&) { return INFINITY; }, {1, 2, 3}, 1e-4, 1).value));
}

}  // namespace
}  // namespace campanile::query
