// Conversion between numeric types with every outcome defined: fractions are cut, what does not fit becomes the nearest end.
//
//   convert_number<int64_t>(1e300);    // the largest int64_t
#pragma once

#include <limits>
#include <type_traits>

namespace campanile::query {

template <typename To, typename From>
To convert_number(From value) {
  if constexpr (std::is_same_v<From, double> && std::is_integral_v<To>) {
    if (!(value > static_cast<double>(std::numeric_limits<To>::min()))) return std::numeric_limits<To>::min();
    if (value >= static_cast<double>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
  }
  return static_cast<To>(value);
}

}  // namespace campanile::query
