#include "query/aggregation.h"

#include <algorithm>
#include <numeric>

#include "query/row_selection.h"

namespace campanile::query {
namespace {

// Blocks that are taken before the next look whether somebody still waits for them; some are taken in less time than the look.
constexpr size_t kBlocksBetweenLooks = 32;

bool uses_input_from(const Expression& expression, size_t first) {
  if (expression.kind == Expression::Kind::kInput) return expression.input >= first;
  return std::any_of(expression.children.begin(), expression.children.end(), [&](const Expression& child) { return uses_input_from(child, first); });
}

bool all_are(const SelectPlan& plan, Function function) {
  return std::all_of(plan.aggregates.begin(), plan.aggregates.end(), [&](const Aggregate& each) { return each.function == function; });
}

// Whether a row is both there and selected.
bool holds_any(const BatchColumn& column, size_t rows, const std::vector<uint8_t>* selected) {
  for (size_t i = 0; i < rows; ++i) {
    if (column.has(i) && (selected == nullptr || (*selected)[i] != 0)) return true;
  }
  return false;
}

// The first of the times after `from` that is not before `end_ns`. Windows have about as many times each: the next edge lies about as far away as it would be if all had
// the distance of the first two.
size_t first_not_before(std::span<const int64_t> times_ns, size_t from, int64_t end_ns) {
  const size_t size = times_ns.size();
  if (times_ns[size - 1] < end_ns) return size;
  if (from + 1 < size && times_ns[from + 1] < end_ns) {
    const auto step = static_cast<uint64_t>(times_ns[from + 1]) - static_cast<uint64_t>(times_ns[from]);
    const uint64_t steps = (static_cast<uint64_t>(end_ns) - static_cast<uint64_t>(times_ns[from]) - 1) / step;
    const size_t guess = from + 1 + static_cast<size_t>(std::min<uint64_t>(steps, size - from - 1));
    if (guess < size && times_ns[guess] >= end_ns && times_ns[guess - 1] < end_ns) return guess;
  }
  return static_cast<size_t>(std::lower_bound(times_ns.begin() + static_cast<ptrdiff_t>(from) + 1, times_ns.end(), end_ns) - times_ns.begin());
}

}  // namespace

bool Aggregation::can_be_split(const SelectPlan& plan) {
  // The point that a selector picked is kept by whoever saw it.
  return !plan.selector || std::none_of(plan.outputs.begin(), plan.outputs.end(), [&](const Expression& each) {
    return uses_input_from(each, plan.aggregates.size());
  });
}

Aggregation::Aggregation(const SelectPlan& plan, const Context& context) : plan_(plan), context_(context), wants_point_(!can_be_split(plan)) {
  const bool exact_times = plan.selector && !plan.window;
  picks_late_ = wants_point_ && plan.aggregates[0].function == Function::kPercentile;
  if (picks_late_) {
    aggregators_.push_back(make_choosing_percentile(plan.inputs[plan.aggregates[0].input].type, plan.aggregates[0].argument));
    return;
  }
  for (const Aggregate& each : plan.aggregates) {
    aggregators_.push_back(make_aggregator(each.function, plan.inputs[each.input].type, each.argument, exact_times));
  }
}

Result<void> Aggregation::merge(Aggregation& other) {
  CHECK(!wants_point_);
  std::vector<size_t> cells;
  cells.reserve(other.starts_.size());
  for (const int64_t start_ns : other.starts_) cells.push_back(TRY(cell_at(start_ns)));
  for (size_t i = 0; i < aggregators_.size(); ++i) aggregators_[i]->merge(*other.aggregators_[i], cells);
  return check_held();
}

Result<void> Aggregation::take(std::span<const GroupMember> members) {
  for (const GroupMember& member : members) {
    TRY(check_cancelled(context_));
    const Expression filter = bind_filter(plan_, member);
    const auto truth = constant_truth(filter);
    if (truth == false) continue;
    if (truth == true && !wants_point_) {
      TRY(take_columns(member));
    } else {
      TRY(take_points(member, filter));
    }
  }
  return {};
}

Result<size_t> Aggregation::cell_at(int64_t start_ns) {
  // The window after the last one, or the first again, in the next series.
  const size_t guess = last_cell_ + 1 < starts_.size() ? last_cell_ + 1 : 0;
  if (guess < starts_.size() && starts_[guess] == start_ns) return last_cell_ = guess;
  if (cells_.empty()) {
    // While windows come in their order, which they nearly always do, their starts are found by halving.
    const auto place = std::lower_bound(starts_.begin(), starts_.end(), start_ns);
    last_cell_ = static_cast<size_t>(place - starts_.begin());
    if (place != starts_.end() && *place == start_ns) return last_cell_;
    if (place == starts_.end()) return add_cell(start_ns);
    for (size_t cell = 0; cell < starts_.size(); ++cell) cells_.emplace(starts_[cell], cell);
  }
  const auto [found, is_new] = cells_.try_emplace(start_ns, starts_.size());
  last_cell_ = found->second;
  return is_new ? add_cell(start_ns) : Result<size_t>(last_cell_);
}

Result<size_t> Aggregation::add_cell(int64_t start_ns) {
  if (starts_.size() == context_.limits.windows_max) {
    return fail(ErrorCode::kTooLarge, "max-select-buckets limit exceeded: ({}/{})", starts_.size() + 1, context_.limits.windows_max);
  }
  starts_.push_back(start_ns);
  for (const auto& aggregator : aggregators_) aggregator->resize(starts_.size());
  if (wants_point_) points_.resize(starts_.size());
  return starts_.size() - 1;
}

Result<void> Aggregation::check_held() const {
  uint64_t held = 0;
  for (const auto& aggregator : aggregators_) held += aggregator->values_held();
  if (picks_late_) held *= 1 + plan_.inputs.size();
  if (held <= context_.limits.values_max) return {};
  return fail(ErrorCode::kTooLarge, "a median, percentile or the like would have to keep more than {} values; narrow the time range or use GROUP BY",
              context_.limits.values_max);
}

template <typename Visit>
Result<void> Aggregation::for_each_run(std::span<const int64_t> times_ns, const Visit& visit) {
  if (!plan_.window) {
    if (times_ns.empty()) return {};
    visit(TRY(cell_at(0)), size_t{0}, times_ns.size());
    return {};
  }
  Window::Span span;
  for (size_t from = 0; from < times_ns.size();) {
    span = from == 0 ? plan_.window->around(times_ns[0]) : plan_.window->after(span, times_ns[from]);
    const size_t to = first_not_before(times_ns, from, span.end_ns);
    visit(TRY(cell_at(span.start_ns)), from, to);
    from = to;
  }
  return {};
}

Result<void> Aggregation::take_columns(const GroupMember& member) {
  std::vector<std::vector<Aggregator*>> users(plan_.inputs.size());
  for (size_t i = 0; i < aggregators_.size(); ++i) users[plan_.aggregates[i].input].push_back(aggregators_[i].get());
  // The edge of a column is in its first or last block; the rest need not be looked at.
  const bool only_first = !plan_.window && all_are(plan_, Function::kFirst);
  const bool only_last = !plan_.window && all_are(plan_, Function::kLast);
  for (size_t input = 0; input < users.size(); ++input) {
    if (!users[input].empty()) TRY(take_column(member, input, users[input], only_first, only_last));
  }
  return {};
}

Result<void> Aggregation::take_column(const GroupMember& member, size_t input, const std::vector<Aggregator*>& users, bool only_first,
                                      bool only_last) {
  const Input& wanted = plan_.inputs[input];
  const auto order = only_last ? tsdb::Order::kDescending : tsdb::Order::kAscending;
  const auto cursor = TRY(member.reader->column(member.series.id, wanted.name, member.range, order));
  ConvertedStorage storage;
  std::vector<Aggregator*> need_values;
  for (size_t blocks = 0; TRY(cursor->next()); ++blocks) {
    if (blocks % kBlocksBetweenLooks == 0) TRY(check_cancelled(context_));
    const tsdb::BlockStatistics& block = cursor->statistics();
    const FieldType type = block.first.type();
    if (!is_convertible(type, wanted.type)) return {};
    need_values = users;
    const bool in_one_window = !plan_.window || plan_.window->around(block.min_time_ns).end_ns > block.max_time_ns;
    if (in_one_window && type == wanted.type && block.count > 0) {
      const size_t cell = TRY(cell_at(plan_.window ? plan_.window->around(block.min_time_ns).start_ns : 0));
      std::erase_if(need_values, [&](Aggregator* each) { return each->add_block(cell, block); });
    }
    if (!need_values.empty()) {
      tsdb::ColumnValues values;
      if (!convert(TRY(cursor->values()), wanted.type, storage, values)) return {};
      TRY(for_each_run(values.times_ns, [&](size_t cell, size_t from, size_t to) {
        for (Aggregator* each : need_values) each->add(cell, values, nullptr, from, to);
      }));
      TRY(check_held());
    }
    if (only_first || only_last) return {};
  }
  return {};
}

Result<void> Aggregation::take_points(const GroupMember& member, const Expression& filter) {
  const bool filtered = !constant_truth(filter).has_value();
  const bool only_first = !plan_.window && all_are(plan_, Function::kFirst);
  const bool only_last = !plan_.window && all_are(plan_, Function::kLast);
  SeriesScan scan = TRY(SeriesScan::open(*member.reader, member.series.id, plan_.inputs, member.range, !only_last));
  std::vector<uint8_t> selected;
  while (TRY(scan.next())) {
    TRY(check_cancelled(context_));
    if (filtered) select_rows(filter, scan.batch(), selected);
    TRY(take_batch(scan.batch(), member, filtered ? &selected : nullptr));
    TRY(check_held());
    // Batches come in the order of time, so the first point that counts is the edge. One aggregate only, since each of
    // several may lie on a point of its own.
    const BatchColumn& column = scan.batch().columns[plan_.aggregates[0].input];
    if ((only_first || only_last) && aggregators_.size() == 1 && holds_any(column, scan.batch().size(), filtered ? &selected : nullptr)) return {};
  }
  return {};
}

Result<void> Aggregation::take_batch(const Batch& batch, const GroupMember& member, const std::vector<uint8_t>* selected) {
  std::vector<uint8_t> mask;
  for (size_t i = 0; i < aggregators_.size(); ++i) {
    const BatchColumn& column = batch.columns[plan_.aggregates[i].input];
    if (column.absent) continue;
    const uint8_t* used = selected != nullptr ? selected->data() : nullptr;
    if (!column.present.empty()) {
      mask.assign(column.present.begin(), column.present.end());
      if (selected != nullptr) std::transform(mask.begin(), mask.end(), selected->begin(), mask.begin(), std::bit_and<uint8_t>());
      used = mask.data();
    }
    TRY(for_each_run(batch.times_ns, [&](size_t cell, size_t from, size_t to) {
      aggregators_[i]->add(cell, column.values, used, from, to);
      if (wants_point_) keep_points(cell, batch, used, from, to, member);
    }));
  }
  return {};
}

void Aggregation::keep_points(size_t cell, const Batch& batch, const uint8_t* mask, size_t from, size_t to, const GroupMember& member) {
  std::vector<PickedPoint>& points = points_[cell];
  if (!picks_late_) {
    const auto row = aggregators_[0]->picked();
    if (row) points = {point_at(batch, *row, member)};
    return;
  }
  for (size_t row = from; row < to; ++row) {
    if (mask == nullptr || mask[row] != 0) points.push_back(point_at(batch, row, member));
  }
}

Aggregation::PickedPoint Aggregation::point_at(const Batch& batch, size_t row, const GroupMember& member) const {
  PickedPoint point{std::vector<Value>(plan_.inputs.size()), std::vector<std::string>(plan_.inputs.size())};
  for (size_t i = 0; i < plan_.inputs.size(); ++i) {
    Value value;
    if (plan_.inputs[i].kind == Input::Kind::kField) {
      value = batch.columns[i].at(row);
    } else if (const std::string_view tag = member.series.name->tag(plan_.inputs[i].name); !tag.empty()) {
      value = FieldValue::of_string(tag);
    }
    if (value && value->type() == FieldType::kString) point.strings[i] = std::string(value->as_string());
    point.values[i] = value;
  }
  return point;
}

std::vector<Value> Aggregation::picked_point(size_t cell) {
  if (!wants_point_ || points_[cell].empty()) return std::vector<Value>(plan_.inputs.size());
  const PickedPoint& point = points_[cell][picks_late_ ? aggregators_[0]->chosen(cell) : 0];
  std::vector<Value> values = point.values;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] && values[i]->type() == FieldType::kString) values[i] = FieldValue::of_string(point.strings[i]);
  }
  return values;
}

std::vector<size_t> Aggregation::cells_by_time() const {
  std::vector<size_t> cells(starts_.size());
  std::iota(cells.begin(), cells.end(), size_t{0});
  if (cells_.empty()) return cells;
  std::sort(cells.begin(), cells.end(), [this](size_t a, size_t b) { return starts_[a] < starts_[b]; });
  return cells;
}

}  // namespace campanile::query
