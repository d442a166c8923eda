// Decimal: a double as an integer and a power of ten, where that gives back the very same bits.
//
//   std::optional<int64_t> digits = to_decimal(21.37, 2);      // 2137
//   double value = from_decimal(2137, 2);                      // 21.37
//
// What sensors send was a decimal text; parsed, it is the double nearest to that decimal, and so is digits / 10^exponent, because dividing two exact
// doubles rounds once. (ALP, Afroozeh, Kuffo and Boncz 2023, multiplies by an inverse and must search for a pair of exponents.)
// Threads: pure functions.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "codec/varint.h"

namespace campanile::codec {

// Powers of ten up to 10^22 are exact doubles; beyond 10^18 no int64 has the digits.
inline constexpr unsigned kExponentMax = 18;
inline constexpr std::array<double, kExponentMax + 1> kPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                                                      1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};

inline double from_decimal(int64_t digits, unsigned exponent) { return static_cast<double>(digits) / kPowersOfTen[exponent]; }

// None where the bits would differ: too many digits, -0, not a number, infinite.
inline std::optional<int64_t> to_decimal(double value, unsigned exponent) {
  const double scaled = value * kPowersOfTen[exponent];
  if (!(std::fabs(scaled) < 0x1p51)) return std::nullopt;
  // Adding 1.5 * 2^52 leaves no room for a fraction: the processor rounds to the nearest integer.
  const double rounded = (scaled + 0x1.8p52) - 0x1.8p52;
  const auto digits = static_cast<int64_t>(rounded);
  if (std::bit_cast<uint64_t>(from_decimal(digits, exponent)) != std::bit_cast<uint64_t>(value)) return std::nullopt;
  return digits;
}

// The smallest exponent that works, or none.
inline std::optional<unsigned> smallest_exponent(double value) {
  for (unsigned exponent = 0; exponent <= kExponentMax; ++exponent) {
    if (to_decimal(value, exponent)) return exponent;
  }
  return std::nullopt;
}

// One double: its exponent as a byte and its digits as a zigzag varint, or the byte 0xff and the eight bytes as they are.
void append_compact_double(std::string& out, double value);
double read_compact_double(ByteReader& in);

}  // namespace campanile::codec
