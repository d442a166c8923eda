// The stages between what a plan reads and what it answers: SelectPlan::stages, and the join of SelectPlan::parts.
//
//   const auto stages = make_stages(plan, context, writer);   // what reads the groups writes into the last one made, or into the writer
//   TRY(join_rows(rows_of_parts, plan.ascending, writer));
//
// Threads: one owner each. Limits: values_max values kept -> kTooLarge.
#pragma once

#include <memory>
#include <memory_resource>
#include <span>
#include <vector>

#include "query/group_sink.h"
#include "query/plan.h"

namespace campanile::query {

// From the last stage to the first. REQUIRES: plan, context and next outlive them.
std::vector<std::unique_ptr<GroupSink>> make_stages(const SelectPlan& plan, const Context& context, GroupSink& next);

// How many slots the rows have that leave the plan, its stages passed.
size_t slots_of(const SelectPlan& plan);

// Those with a file of their own.
std::unique_ptr<GroupSink> make_integral_stage(const SelectPlan& plan, const Integral& integral, GroupSink& next);
std::unique_ptr<GroupSink> make_pick_stage(const SelectPlan& plan, const Pick& pick, const Context& context, GroupSink& next);

// One group's rows of one part, kept.
class KeptRows final : public GroupSink {
 public:
  KeptRows(const SelectPlan& part, const Context& context);
  void begin(const Group&) override {}
  Result<bool> add(int64_t time_ns, std::span<const Value> slots) override;
  Result<void> end() override { return {}; }

  size_t width() const { return width_; }
  // What stands in the slots of another part's row, before this part's given row.
  std::vector<Value> filling(size_t next_row) const;
  size_t size() const { return times_ns_.size(); }
  int64_t time_ns(size_t row) const { return times_ns_[row]; }
  std::span<const Value> row(size_t row) const { return std::span(values_).subspan(row * width_, width_); }

 private:
  const SelectPlan& part_;
  const size_t width_;
  const Context& context_;
  std::vector<int64_t> times_ns_;
  std::vector<Value> values_;
  std::pmr::monotonic_buffer_resource strings_;
};

// Puts the rows of several parts side by side: those of one time in one row, the second of that time in the next.
Result<void> join_rows(std::span<const std::unique_ptr<KeptRows>> parts, bool ascending, GroupSink& next);

}  // namespace campanile::query
