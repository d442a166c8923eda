// Histogram of durations: counts by size, so that percentiles of a billion latencies cost a few kilobytes.
//
//   Histogram latencies;
//   latencies.add(350'000);                   // nanoseconds
//   latencies.percentile(0.99);               // at most 1.6 % above the true one
//
// Durations share a bucket where they agree in their seven leading bits: 64 buckets for each doubling, exact below 128 ns.
// Threads: one owner; merge() joins those of several. Limit: durations above kLargestNs are counted as kLargestNs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace campanile::app::bench {

class Histogram {
 public:
  static constexpr uint64_t kLargestNs = (uint64_t{1} << 42) - 1;  // about 73 minutes

  void add(uint64_t duration_ns) {
    if (duration_ns > kLargestNs) duration_ns = kLargestNs;
    ++counts_[bucket_of(duration_ns)];
    ++count_;
    if (duration_ns > largest_) largest_ = duration_ns;
  }
  void merge(const Histogram& other);
  void clear() { *this = Histogram(); }

  uint64_t count() const { return count_; }
  uint64_t largest() const { return largest_; }
  // The least duration that at least `share` of all do not exceed, rounded up to its bucket's end; 0 where there are none.
  // REQUIRES: 0 <= share <= 1.
  uint64_t percentile(double share) const;

 private:
  static constexpr int kStepBits = 6;  // 64 buckets for each doubling
  static constexpr size_t kBuckets = (42 - kStepBits + 1) << kStepBits;

  static size_t bucket_of(uint64_t value);
  static uint64_t end_of(size_t bucket);

  std::array<uint64_t, kBuckets> counts_{};
  uint64_t count_ = 0;
  uint64_t largest_ = 0;
};

}  // namespace campanile::app::bench
