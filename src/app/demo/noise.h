// Noise: random-looking numbers that are a pure function of where they are asked for, so that the emulated campus has one past and one
// future for a seed, in whatever order it is asked.
//
//   NoiseField noise(seed);
//   double jitter = noise.gaussian(stream, tick);              // another number for each tick
//   double drift = noise.smooth(stream, time_s, 1800);         // wanders between -1 and 1 within half an hour
//
// Threads: immutable.
#pragma once

#include <cstdint>
#include <string_view>

namespace campanile::app::demo {

class NoiseField {
 public:
  explicit NoiseField(uint64_t seed) : seed_(seed) {}

  uint64_t bits(uint64_t stream, int64_t index) const;
  // Uniform in [0, 1).
  double unit(uint64_t stream, int64_t index) const;
  // Close to a normal distribution of mean 0 and deviation 1, within ±3.5.
  double gaussian(uint64_t stream, int64_t index) const;
  // Continuous and differentiable in time; between -1 and 1. REQUIRES: period_s > 0.
  double smooth(uint64_t stream, double time_s, double period_s) const;

 private:
  uint64_t seed_;
};

// A stream of its own for each name.
uint64_t stream_of(std::string_view name);

}  // namespace campanile::app::demo
