// Aggregation: reads a group's series once and fills the windows of every aggregate.
//
//   Aggregation aggregation(plan, context);
//   TRY(aggregation.take(group.members));
//   for (size_t cell : aggregation.cells_by_time()) aggregation.aggregator(0).result(cell, 0);
//
// A cell is a window that holds a point; without windows there is one cell for all. How a series is read depends on what
// is asked of it: where no condition looks into its points and nobody wants the point that a selector picked, column by
// column and by statistics where they do; otherwise all columns side by side.
// Threads: one owner. Limits: windows_max and values_max -> kTooLarge.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "query/aggregator.h"
#include "query/group.h"
#include "query/plan.h"
#include "query/series_scan.h"

namespace campanile::query {

class Aggregation {
 public:
  Aggregation(const SelectPlan& plan, const Context& context);

  // Whether a group's members may be taken by several, which are then merged.
  static bool can_be_split(const SelectPlan& plan);

  Result<void> take(std::span<const GroupMember> members);
  // Takes what another one of the same plan took, which is then used up. REQUIRES: can_be_split(); no result was asked for.
  Result<void> merge(Aggregation& other);

  // Ascending in time. Without windows cell 0, or none where no point was seen.
  std::vector<size_t> cells_by_time() const;
  int64_t start_ns(size_t cell) const { return starts_[cell]; }
  Aggregator& aggregator(size_t index) { return *aggregators_[index]; }
  size_t aggregators() const { return aggregators_.size(); }
  // The inputs of the point that the selector picked for the cell; nulls where the plan has no use for them.
  std::vector<Value> picked_point(size_t cell);

 private:
  struct PickedPoint {
    std::vector<Value> values;
    std::vector<std::string> strings;
  };
  Result<void> take_columns(const GroupMember& member);
  Result<void> take_column(const GroupMember& member, size_t input, const std::vector<Aggregator*>& users, bool only_first, bool only_last);
  Result<void> take_points(const GroupMember& member, const Expression& filter);
  Result<void> take_batch(const Batch& batch, const GroupMember& member, const std::vector<uint8_t>* selected);
  PickedPoint point_at(const Batch& batch, size_t row, const GroupMember& member) const;
  void keep_points(size_t cell, const Batch& batch, const uint8_t* mask, size_t from, size_t to, const GroupMember& member);
  Result<size_t> cell_at(int64_t start_ns);
  Result<size_t> add_cell(int64_t start_ns);
  Result<void> check_held() const;
  // Calls visit(cell, from, to) for each run of times that share a window.
  template <typename Visit>
  Result<void> for_each_run(std::span<const int64_t> times_ns, const Visit& visit);

  const SelectPlan& plan_;
  const Context& context_;
  bool wants_point_ = false;
  bool picks_late_ = false;
  std::vector<std::unique_ptr<Aggregator>> aggregators_;
  std::vector<int64_t> starts_;
  size_t last_cell_ = 0;  // that cell_at() gave
  absl::flat_hash_map<int64_t, size_t> cells_;  // by their starts; empty while those ascend
  // Of each cell: the point that is picked so far. Of a percentile, which is picked in the end, all of them.
  std::vector<std::vector<PickedPoint>> points_;
};

}  // namespace campanile::query
