#include <algorithm>

#include "query/aggregation.h"
#include "query/convert_number.h"
#include "query/group_query.h"

namespace campanile::query {
namespace {

// One aggregate's results along the windows of the answer, gaps filled.
class FilledColumn {
 public:
  FilledColumn(Aggregator& aggregator, const SelectPlan& plan, const Fill& fill, std::vector<std::pair<int64_t, size_t>> cells)
      : aggregator_(aggregator), plan_(plan), fill_(fill), cells_(std::move(cells)) {}

  // REQUIRES: called for each window of the answer, in its order.
  Value at(int64_t start_ns) {
    // What lies before all that the aggregate saw is not filled, except that a number stands for it too, and so does what came
    // before it in a descending answer.
    const bool outside = cells_.empty() || (!plan_.has_lower_bound && start_ns < earliest_ns());
    if (outside && fill_.kind == Fill::Kind::kPrevious) return previous_;
    if (outside && (fill_.kind != Fill::Kind::kNumber || is_default_count())) return null_value();
    if (outside) return aggregator_.result_type() <= FieldType::kUnsigned ? as_result_type(fill_.number) : Value(fill_.number);
    if (next_ < cells_.size() && cells_[next_].first == start_ns) {
      previous_ns_ = start_ns;
      previous_ = aggregator_.result(cells_[next_].second, 0);
      ++next_;
      return previous_;
    }
    return filled(start_ns);
  }

 private:
  // REQUIRES: there are cells.
  int64_t earliest_ns() const { return std::min(cells_.front().first, cells_.back().first); }

  // Windows without points count 0 unless the query says otherwise.
  bool is_default_count() const { return fill_.kind != plan_.fill.kind; }

  Value filled(int64_t start_ns) const {
    switch (fill_.kind) {
      case Fill::Kind::kPrevious: return previous_;
      case Fill::Kind::kLinear: return interpolated(start_ns);
      case Fill::Kind::kNumber: return as_result_type(fill_.number);
      default: return null_value();
    }
  }

  Value interpolated(int64_t start_ns) const {
    if (!previous_ || !previous_->is_numeric() || next_ == cells_.size()) return null_value();
    const Value next = aggregator_.result(cells_[next_].second, 0);
    if (!next) return null_value();
    // In 128 bits, since six centuries do not fit into 64.
    const auto windows_since_previous = [this](int64_t ns) {
      return static_cast<double>((static_cast<__int128>(ns) - previous_ns_) / plan_.window->every_ns);
    };
    const double step = windows_since_previous(start_ns);
    const double steps = windows_since_previous(cells_[next_].first);
    const double value = (next->as_number() - previous_->as_number()) / steps * step + previous_->as_number();
    return as_result_type(FieldValue::of_float(value));
  }

  Value as_result_type(const FieldValue& number) const {
    switch (aggregator_.result_type()) {
      case FieldType::kFloat: return FieldValue::of_float(number.as_number());
      case FieldType::kInteger: return number.type() == FieldType::kInteger ? number : FieldValue::of_integer(convert_number<int64_t>(number.as_float()));
      case FieldType::kUnsigned: return FieldValue::of_unsigned(convert_number<uint64_t>(number.as_number()));
      case FieldType::kBoolean: return FieldValue::of_boolean(false);
      case FieldType::kString: return FieldValue::of_string("");
    }
    return null_value();
  }

  Aggregator& aggregator_;
  const SelectPlan& plan_;
  Fill fill_;
  std::vector<std::pair<int64_t, size_t>> cells_;  // start and cell of the windows with a row, in the order of the answer
  size_t next_ = 0;
  int64_t previous_ns_ = 0;
  Value previous_;
};

class RowsOfGroup {
 public:
  RowsOfGroup(const SelectPlan& plan, const Context& context, Aggregation& aggregation, GroupSink& sink)
      : plan_(plan), context_(context), aggregation_(aggregation), sink_(sink) {
    cells_ = aggregation.cells_by_time();
    // A cell whose points gave no result anywhere is no row.
    std::erase_if(cells_, [this](size_t cell) { return rows_of(cell) == 0; });
    if (!plan.ascending) std::reverse(cells_.begin(), cells_.end());
  }

  Result<void> write() {
    if (cells_.empty()) return {};
    if (!plan_.window || plan_.fill.kind == Fill::Kind::kNone) return write_cells();
    return write_windows();
  }

 private:
  size_t rows_of(size_t cell) {
    size_t rows = 0;
    for (size_t i = 0; i < aggregation_.aggregators(); ++i) rows = std::max(rows, aggregation_.aggregator(i).rows(cell));
    return rows;
  }

  int64_t time_of(size_t cell) {
    if (plan_.window) return aggregation_.start_ns(cell);
    if (plan_.selector) return aggregation_.aggregator(0).time_ns(cell);
    return plan_.has_lower_bound ? plan_.range.from_ns : 0;
  }

  // True while the group needs more.
  Result<bool> write_cell(size_t cell) {
    for (size_t row = 0; row < rows_of(cell); ++row) {
      std::vector<Value>& slots = slots_;
      slots.clear();
      for (size_t i = 0; i < aggregation_.aggregators(); ++i) {
        Aggregator& each = aggregation_.aggregator(i);
        slots.push_back(row < each.rows(cell) ? each.result(cell, row) : null_value());
      }
      add_point(slots, cell);
      if (!TRY(sink_.add(time_of(cell), slots))) return false;
    }
    return true;
  }

  void add_point(std::vector<Value>& slots, size_t cell) {
    if (!plan_.selector) return;
    const std::vector<Value> point = aggregation_.picked_point(cell);
    slots.insert(slots.end(), point.begin(), point.end());
  }

  // The gaps of the columns beside a selector are filled like its own, but never interpolated.
  void add_point_or_fill(std::vector<Value>& slots, const size_t* cell) {
    if (!plan_.selector) return;
    if (cell != nullptr) {
      beside_ = aggregation_.picked_point(*cell);
    } else if (plan_.fill.kind == Fill::Kind::kNumber) {
      beside_.assign(plan_.inputs.size(), plan_.fill.number);
    } else if (plan_.fill.kind != Fill::Kind::kPrevious) {
      beside_.assign(plan_.inputs.size(), null_value());
    }
    beside_.resize(plan_.inputs.size());
    slots.insert(slots.end(), beside_.begin(), beside_.end());
  }

  Result<void> write_cells() {
    for (const size_t cell : cells_) {
      if (!TRY(write_cell(cell))) return {};
    }
    return {};
  }

  std::vector<FilledColumn> columns() {
    std::vector<FilledColumn> made;
    for (size_t i = 0; i < aggregation_.aggregators(); ++i) {
      std::vector<std::pair<int64_t, size_t>> cells;
      for (const size_t cell : cells_) {
        if (aggregation_.aggregator(i).rows(cell) > 0) cells.emplace_back(aggregation_.start_ns(cell), cell);
      }
      Fill fill = plan_.fill;
      const Function function = plan_.aggregates[i].function;
      const bool counts = function == Function::kCount || function == Function::kCountDistinct;
      if (counts && fill.kind == Fill::Kind::kNull) fill = {Fill::Kind::kNumber, FieldValue::of_integer(0)};
      made.emplace_back(aggregation_.aggregator(i), plan_, fill, std::move(cells));
    }
    return made;
  }

  // `cell` is null where the window is empty.
  Result<bool> write_window(int64_t start_ns, const size_t* cell, std::vector<FilledColumn>& filled) {
    std::vector<Value>& slots = slots_;
    slots.clear();
    for (FilledColumn& column : filled) slots.push_back(column.at(start_ns));
    if (cell != nullptr && rows_of(*cell) > 1) return write_cell(*cell);
    add_point_or_fill(slots, cell);
    return sink_.add(start_ns, slots);
  }

  Result<void> write_windows() {
    const Window& window = *plan_.window;
    std::vector<FilledColumn> filled = columns();
    const auto [first_cell, last_cell] = std::minmax({aggregation_.start_ns(cells_.front()), aggregation_.start_ns(cells_.back())});
    const int64_t first = plan_.has_lower_bound ? std::min(window.around(plan_.range.from_ns).start_ns, first_cell) : first_cell;
    const int64_t last = std::max(window.around(plan_.range.to_ns).start_ns, last_cell);
    size_t next_cell = 0;
    int64_t start = plan_.ascending ? first : last;
    Window::Span span = window.around(start);
    for (uint64_t windows = 0; start >= first && start <= last; ++windows) {
      if (windows == context_.limits.rows_max) {
        return fail(ErrorCode::kTooLarge, "max-select-buckets limit exceeded: ({}/{})", windows + 1, context_.limits.rows_max);
      }
      if (windows % 65536 == 0) TRY(check_cancelled(context_));
      // Where a clock change makes windows irregular, one that holds points is never stepped over.
      if (next_cell < cells_.size()) {
        const int64_t cell_start = aggregation_.start_ns(cells_[next_cell]);
        if (plan_.ascending ? cell_start < start : cell_start > start) start = cell_start;
      }
      const bool has_cell = next_cell < cells_.size() && aggregation_.start_ns(cells_[next_cell]) == start;
      if (!TRY(write_window(start, has_cell ? &cells_[next_cell] : nullptr, filled))) return {};
      if (has_cell) ++next_cell;
      span = plan_.ascending && start >= span.end_ns ? window.after(span, start) : window.around(start);
      if (plan_.ascending ? span.end_ns == INT64_MAX : span.start_ns <= first) break;
      if (plan_.ascending) {
        start = span.end_ns > start ? span.end_ns : start + window.every_ns;
      } else {
        start = std::min(window.around(span.start_ns - 1).start_ns, start - 1);
      }
    }
    return {};
  }

  const SelectPlan& plan_;
  const Context& context_;
  Aggregation& aggregation_;
  GroupSink& sink_;
  std::vector<size_t> cells_;
  std::vector<Value> beside_;  // the last window's point
  std::vector<Value> slots_;   // of the row that is made
};

}  // namespace

Result<void> write_group(const SelectPlan& plan, const Context& context, Aggregation& aggregation, GroupSink& sink) {
  return RowsOfGroup(plan, context, aggregation, sink).write();
}

}  // namespace campanile::query
