#include <algorithm>
#include <vector>

#include "query/group_query.h"
#include "query/row_selection.h"
#include "query/series_scan.h"

namespace campanile::query {
namespace {

// One series of the group, standing on a row.
class Stream {
 public:
  static Result<std::unique_ptr<Stream>> open(const SelectPlan& plan, const GroupMember& member, size_t rank) {
    auto stream = std::make_unique<Stream>();
    stream->plan_ = &plan;
    stream->rank_ = rank;
    stream->filter_ = bind_filter(plan, member);
    stream->scan_ = std::make_unique<SeriesScan>(TRY(SeriesScan::open(*member.reader, member.series.id, plan.inputs, member.range, plan.ascending)));
    for (const Input& input : plan.inputs) {
      const std::string_view tag = input.kind == Input::Kind::kTag ? member.series.name->tag(input.name) : std::string_view();
      stream->tags_.push_back(tag.empty() ? null_value() : Value(FieldValue::of_string(tag)));
    }
    return stream;
  }

  // Moves onto the next row that the filter lets through; false at the end.
  Result<bool> next() {
    for (;;) {
      if (left_ == 0) {
        if (!TRY(scan_->next())) return false;
        left_ = scan_->batch().size();
        filtered_ = !constant_truth(filter_).has_value();
        if (filtered_) select_rows(filter_, scan_->batch(), mask_);
      }
      row_ = plan_->ascending ? scan_->batch().size() - left_ : left_ - 1;
      --left_;
      if (!filtered_ || mask_[row_] != 0) return true;
    }
  }

  int64_t time_ns() const { return scan_->batch().times_ns[row_]; }
  size_t rank() const { return rank_; }
  void read(std::vector<Value>& slots) const {
    for (size_t i = 0; i < slots.size(); ++i) slots[i] = plan_->inputs[i].kind == Input::Kind::kTag ? tags_[i] : scan_->batch().columns[i].at(row_);
  }

 private:
  const SelectPlan* plan_ = nullptr;
  size_t rank_ = 0;
  Expression filter_;
  std::unique_ptr<SeriesScan> scan_;
  std::vector<Value> tags_;
  std::vector<uint8_t> mask_;
  bool filtered_ = false;
  size_t left_ = 0;  // rows of the batch not stood on yet
  size_t row_ = 0;
};

bool has_any(const SelectPlan& plan, const GroupMember& member) {
  return std::ranges::any_of(plan.inputs, [&](const Input& input) {
    return input.makes_rows && input.kind == Input::Kind::kField && member.reader->has_field(member.series.id, input.name);
  });
}

// The greatest and the least of all are the same whoever is asked first, as long as equal ones keep the order of their series.
bool takes_any_order(const SelectPlan& plan) {
  const auto* const pick = plan.stages.empty() ? nullptr : std::get_if<Pick>(&plan.stages[0]);
  return pick != nullptr && pick->kind != Pick::Kind::kSample && !plan.window && plan.ascending;
}

// One series after the other, which is much cheaper than merging them.
Result<void> write_in_turn(const SelectPlan& plan, const Context& context, const Group& group, GroupSink& sink) {
  std::vector<Value> slots(plan.inputs.size());
  for (const GroupMember& member : group.members) {
    TRY(check_cancelled(context));
    if (!has_any(plan, member)) continue;
    const std::unique_ptr<Stream> stream = TRY(Stream::open(plan, member, 0));
    while (TRY(stream->next())) {
      stream->read(slots);
      if (!TRY(sink.add(stream->time_ns(), slots))) return {};
    }
  }
  return {};
}

}  // namespace

Result<void> write_points(const SelectPlan& plan, const Context& context, const Group& group, GroupSink& sink) {
  if (takes_any_order(plan)) return write_in_turn(plan, context, group, sink);
  const uint64_t columns = static_cast<uint64_t>(std::count_if(plan.inputs.begin(), plan.inputs.end(),
                                                               [](const Input& each) { return each.kind == Input::Kind::kField; }));
  std::vector<std::unique_ptr<Stream>> streams;
  for (const GroupMember& member : group.members) {
    if (!has_any(plan, member)) continue;
    if ((streams.size() + 1) * columns > context.limits.open_columns_max) {
      return fail(ErrorCode::kTooLarge, "more than {} columns would have to be merged for one series of the answer; use GROUP BY, a condition on tags or an aggregate",
                  context.limits.open_columns_max);
    }
    TRY(check_cancelled(context));
    std::unique_ptr<Stream> stream = TRY(Stream::open(plan, member, streams.size()));
    streams.push_back(std::move(stream));
  }
  // A heap of the streams by their row's time; at one time in the order of the series, backwards in a descending answer.
  const auto later = [&plan](const Stream* a, const Stream* b) {
    if (!plan.ascending) std::swap(a, b);
    return a->time_ns() != b->time_ns() ? a->time_ns() > b->time_ns() : a->rank() > b->rank();
  };
  std::vector<Stream*> heap;
  for (const auto& stream : streams) {
    if (TRY(stream->next())) heap.push_back(stream.get());
  }
  std::make_heap(heap.begin(), heap.end(), later);
  std::vector<Value> slots(plan.inputs.size());
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    Stream& stream = *heap.back();
    stream.read(slots);
    if (!TRY(sink.add(stream.time_ns(), slots))) return {};
    if (TRY(stream.next())) {
      std::push_heap(heap.begin(), heap.end(), later);
    } else {
      heap.pop_back();
    }
  }
  return {};
}

}  // namespace campanile::query
