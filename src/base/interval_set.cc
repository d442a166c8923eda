#include "base/interval_set.h"

#include <algorithm>
#include <vector>

namespace campanile {

void IntervalSet::add(int64_t from, int64_t to) {
  if (from >= to) return;
  auto at = intervals_.upper_bound(from);
  if (at != intervals_.begin() && std::prev(at)->second >= from) {
    --at;
    if (at->second >= to) return;
    from = at->first;
  }
  while (at != intervals_.end() && at->first <= to) {
    to = std::max(to, at->second);
    at = intervals_.erase(at);
  }
  intervals_.emplace_hint(at, from, to);
}

void IntervalSet::add(const IntervalSet& other) {
  for (const auto& [from, to] : other) add(from, to);
}

void IntervalSet::subtract(int64_t from, int64_t to) {
  if (from >= to) return;
  auto at = intervals_.upper_bound(from);
  if (at != intervals_.begin()) --at;
  while (at != intervals_.end() && at->first < to) {
    const auto [begin, end] = *at;
    if (end <= from) {
      ++at;
      continue;
    }
    at = intervals_.erase(at);
    if (begin < from) intervals_.emplace(begin, from);
    if (end > to) intervals_.emplace(to, end);
  }
}

IntervalSet IntervalSet::within(int64_t from, int64_t to) const {
  IntervalSet out;
  auto at = intervals_.upper_bound(from);
  if (at != intervals_.begin()) --at;
  for (; at != intervals_.end() && at->first < to; ++at) out.add(std::max(from, at->first), std::min(to, at->second));
  return out;
}

bool IntervalSet::contains(int64_t value) const {
  const auto after = intervals_.upper_bound(value);
  return after != intervals_.begin() && std::prev(after)->second > value;
}

void IntervalSet::coarsen(size_t count) {
  if (intervals_.size() <= count) return;
  struct Gap {
    uint64_t length;
    int64_t from;
    int64_t to;
  };
  std::vector<Gap> gaps;
  for (auto at = std::next(intervals_.begin()); at != intervals_.end(); ++at) {
    const int64_t from = std::prev(at)->second;
    gaps.push_back({static_cast<uint64_t>(at->first) - static_cast<uint64_t>(from), from, at->first});
  }
  const size_t filled = intervals_.size() - count;
  std::nth_element(gaps.begin(), gaps.begin() + static_cast<ptrdiff_t>(filled - 1), gaps.end(), [](const Gap& a, const Gap& b) { return a.length < b.length; });
  for (size_t i = 0; i < filled; ++i) add(gaps[i].from, gaps[i].to);
}

}  // namespace campanile
