#include "app/demo/noise.h"

#include <cmath>

namespace campanile::app::demo {
namespace {

// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every input bit moves every output bit.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t NoiseField::bits(uint64_t stream, int64_t index) const {
  return mix(mix(seed_ ^ mix(stream)) ^ static_cast<uint64_t>(index));
}

double NoiseField::unit(uint64_t stream, int64_t index) const { return static_cast<double>(bits(stream, index) >> 11) * 0x1.0p-53; }

double NoiseField::gaussian(uint64_t stream, int64_t index) const {
  // The sum of four uniforms of 16 bits has variance 1/3.
  uint64_t word = bits(stream, index);
  double sum = 0;
  for (int i = 0; i < 4; ++i, word >>= 16) sum += static_cast<double>(word & 0xffff) / 65'536.0;
  return (sum - 2.0) * std::sqrt(3.0);
}

double NoiseField::smooth(uint64_t stream, double time_s, double period_s) const {
  const double position = time_s / period_s;
  const double cell = std::floor(position);
  const double x = position - cell;
  const auto corner = [&](double at) { return 2.0 * unit(stream, static_cast<int64_t>(at)) - 1.0; };
  const double blend = x * x * x * (x * (x * 6 - 15) + 10);
  const double left = corner(cell);
  return left + (corner(cell + 1) - left) * blend;
}

uint64_t stream_of(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace campanile::app::demo
