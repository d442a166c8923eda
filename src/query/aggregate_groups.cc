#include <algorithm>
#include <memory>
#include <vector>

#include "query/group_query.h"
#include "query/ordered_work.h"

namespace campanile::query {
namespace {

// Series of one step of the work.
constexpr size_t kStepSeries = 32;

// Some members of a group.
struct Piece {
  const Group* group;
  std::span<const GroupMember> members;
};
using Step = std::vector<Piece>;
using Partials = std::vector<std::unique_ptr<Aggregation>>;  // one for each piece

std::vector<Step> steps_of(std::span<const Group> groups, bool can_split) {
  std::vector<Step> steps;
  size_t room = 0;
  for (const Group& group : groups) {
    const std::span<const GroupMember> members = group.members;
    for (size_t begin = 0; begin < members.size();) {
      if (room == 0) {
        steps.emplace_back();
        room = kStepSeries;
      }
      // A group that fits into a step is never cut.
      const bool is_small = members.size() <= kStepSeries;
      const size_t count = can_split && !is_small ? std::min(kStepSeries, members.size() - begin) : members.size();
      steps.back().push_back({&group, members.subspan(begin, count)});
      begin += count;
      room -= std::min(room, count);
    }
  }
  return steps;
}

Result<Partials> take_step(const SelectPlan& plan, const Context& context, const Step& step) {
  Partials partials;
  for (const Piece& piece : step) {
    TRY(check_cancelled(context));
    partials.push_back(std::make_unique<Aggregation>(plan, context));
    TRY(partials.back()->take(piece.members));
  }
  return partials;
}

}  // namespace

Result<void> write_aggregates(const SelectPlan& plan, const Context& context, std::span<const Group> groups, GroupSink& sink) {
  const std::vector<Step> steps = steps_of(groups, Aggregation::can_be_split(plan));
  OrderedWork<Partials> work(context, steps.size(), [&](size_t step) { return take_step(plan, context, steps[step]); });
  const Group* group = nullptr;
  std::unique_ptr<Aggregation> whole;
  const auto finish = [&]() -> Result<void> {
    if (group == nullptr) return {};
    sink.begin(*group);
    TRY(write_group(plan, context, *whole, sink));
    return sink.end();
  };
  for (const Step& step : steps) {
    Partials partials = TRY(work.take());
    for (size_t i = 0; i < step.size(); ++i) {
      if (step[i].group == group) {
        TRY(whole->merge(*partials[i]));
        continue;
      }
      TRY(finish());
      group = step[i].group;
      whole = std::move(partials[i]);
    }
  }
  return finish();
}

}  // namespace campanile::query
