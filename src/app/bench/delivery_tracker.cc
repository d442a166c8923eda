#include "app/bench/delivery_tracker.h"

#include <algorithm>
#include <limits>

namespace campanile::app::bench {

DeliveryTracker::Seen DeliveryTracker::note_unexpected(uint32_t publisher, uint64_t sequence) {
  if (publisher >= next_.size()) next_.resize(std::max<size_t>(publisher + 1, next_.size() * 2));
  const uint64_t next = next_[publisher];
  if (sequence >= next) {
    // Messages that other subscribers get leave no gap here.
    uint64_t first = next;
    for (uint64_t at = next; expected_ && at < sequence; ++at) {
      if (is_expected(publisher, at)) continue;
      add_gap(publisher, first, at);
      first = at + 1;
    }
    add_gap(publisher, first, sequence);
    next_[publisher] = sequence + 1;
    return Seen::kNew;
  }
  auto gap = gaps_.upper_bound({publisher, sequence});
  if (gap == gaps_.begin()) return Seen::kDuplicate;
  --gap;
  const uint64_t first = gap->first.second;
  const uint64_t end = gap->second;
  if (gap->first.first != publisher || sequence >= end) return Seen::kDuplicate;
  gaps_.erase(gap);
  add_gap(publisher, first, sequence);
  add_gap(publisher, sequence + 1, end);
  return Seen::kLate;
}

void DeliveryTracker::add_gap(uint32_t publisher, uint64_t first, uint64_t end) {
  if (first >= end) return;
  if (gaps_.size() >= kGapsMax) {
    forgotten_ += end - first;
  } else {
    gaps_.emplace(std::pair(publisher, first), end);
  }
}

void DeliveryTracker::each_missing(uint32_t publisher, uint64_t sent, const std::function<void(uint64_t sequence)>& missing) const {
  for (auto gap = gaps_.lower_bound({publisher, 0}); gap != gaps_.end() && gap->first.first == publisher; ++gap) {
    for (uint64_t at = gap->first.second; at < gap->second; ++at) missing(at);
  }
  for (uint64_t at = publisher < next_.size() ? next_[publisher] : 0; at < sent; ++at) {
    if (is_expected(publisher, at)) missing(at);
  }
}

}  // namespace campanile::app::bench
