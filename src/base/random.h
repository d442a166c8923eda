// Random: a small seeded generator (xoshiro256**, Blackman and Vigna 2018), so that what it decides can be replayed from the seed.
//
//   Random random(seed);                 // tests print the seed
//   uint64_t pick = random.below(10);    // 0..9
//
// Threads: one owner. Not for secrets: those come from random_bytes(), which asks the operating system.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace campanile {

class Random {
 public:
  explicit Random(uint64_t seed);

  uint64_t next();
  // Uniform in [0, bound). REQUIRES: bound > 0.
  uint64_t below(uint64_t bound);
  // Uniform in [low, high]. REQUIRES: low <= high.
  int64_t between(int64_t low, int64_t high);
  // Uniform in [0, 1).
  double unit();
  // Normal distribution.
  double gaussian(double mean, double deviation);
  bool one_in(uint64_t n) { return below(n) == 0; }

 private:
  std::array<uint64_t, 4> state_;
};

// `count` bytes from the operating system's generator, fit for tokens and client identifiers.
std::string random_bytes(size_t count);

}  // namespace campanile
