// IntervalSet: which whole numbers belong to something, as intervals [from, to) that neither overlap nor touch.
//
//   IntervalSet stale;
//   stale.add(60, 120);
//   stale.subtract(60, 90);
//   for (const auto& [from, to] : stale) ...
//
// Threads: a value. Costs are those of a sorted map, and of the intervals that a call joins or takes away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace campanile {

class IntervalSet {
 public:
  struct Interval {
    int64_t from = 0;
    int64_t to = 0;
    friend auto operator<=>(const Interval&, const Interval&) = default;
  };

  void add(int64_t from, int64_t to);
  void add(const IntervalSet& other);
  void subtract(int64_t from, int64_t to);
  // What of [from, to) belongs to it.
  IntervalSet within(int64_t from, int64_t to) const;
  bool contains(int64_t value) const;
  bool empty() const { return intervals_.empty(); }
  size_t size() const { return intervals_.size(); }
  // REQUIRES: !empty().
  Interval first() const { return {intervals_.begin()->first, intervals_.begin()->second}; }
  Interval last() const { return {intervals_.rbegin()->first, intervals_.rbegin()->second}; }
  void clear() { intervals_.clear(); }
  // Fills the smallest gaps until at most that many intervals are left. REQUIRES: count > 0.
  void coarsen(size_t count);

  auto begin() const { return intervals_.begin(); }
  auto end() const { return intervals_.end(); }
  friend bool operator==(const IntervalSet&, const IntervalSet&) = default;

 private:
  std::map<int64_t, int64_t> intervals_;  // where each begins, and where it ends
};

}  // namespace campanile
