#include "app/bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace campanile::app::bench {

// Values below 128 are their own bucket. Above, `shift` low bits are dropped, which leaves 64..127, and each shift has its own 64.
size_t Histogram::bucket_of(uint64_t value) {
  const int width = std::bit_width(value);
  const int shift = width <= kStepBits + 1 ? 0 : width - kStepBits - 1;
  return (static_cast<size_t>(shift) << kStepBits) + (value >> shift);
}

uint64_t Histogram::end_of(size_t bucket) {
  if (bucket < (size_t{2} << kStepBits)) return bucket;
  const size_t shift = (bucket >> kStepBits) - 1;
  const uint64_t leading = bucket - (shift << kStepBits);
  return ((leading + 1) << shift) - 1;
}

void Histogram::merge(const Histogram& other) {
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) counts_[bucket] += other.counts_[bucket];
  count_ += other.count_;
  largest_ = std::max(largest_, other.largest_);
}

uint64_t Histogram::percentile(double share) const {
  if (count_ == 0) return 0;
  const auto wanted = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts_[bucket];
    if (seen >= wanted) return std::min(end_of(bucket), largest_);
  }
  return largest_;
}

}  // namespace campanile::app::bench
