// RowWriter: the last stage of a query: computes the outputs of each row, applies LIMIT and OFFSET, and hands rows on in batches.
//
//   writer.begin(group);
//   while (... && TRY(writer.add(time_ns, slots))) ...
//   TRY(writer.end());
//
// Threads: one owner. Limits: rows_max -> kTooLarge.
#pragma once

#include <memory_resource>
#include <span>

#include "query/group_sink.h"
#include "query/plan.h"
#include "query/row_sink.h"

namespace campanile::query {

class RowWriter final : public GroupSink {
 public:
  RowWriter(const SelectPlan& plan, const Context& context, RowSink& sink);

  void begin(const Group& group) override;
  Result<bool> add(int64_t time_ns, std::span<const Value> slots) override;
  Result<void> end() override;

 private:
  Result<void> flush();
  Value keep(const Value& value);

  const SelectPlan& plan_;
  const Context& context_;
  RowSink& sink_;
  const Group* group_ = nullptr;
  uint64_t seen_ = 0;     // rows of the group, those left out included
  uint64_t written_ = 0;  // rows of the group
  uint64_t total_ = 0;
  bool begun_ = false;    // the sink knows the series
  RowBatch batch_;
  std::pmr::monotonic_buffer_resource strings_;
};

}  // namespace campanile::query
