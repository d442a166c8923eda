#include "query/tiered_reader.h"

#include <algorithm>
#include <array>

#include "query/series_scan.h"
#include "query/value.h"
#include "query/window.h"
#include "tsdb/column_data.h"

namespace campanile::query {
namespace {

using tsdb::BlockStatistics;
using tsdb::ColumnCursor;
using tsdb::ColumnValues;
using tsdb::Order;
using tsdb::TimeRange;

// Numbers of series that only a tier has any more; those of the store are below.
constexpr tsdb::SeriesId kTierOnly = 1ull << 62;
constexpr int kDepthShift = 56;

// The windows that lie wholly in the range: [from, to).
IntervalSet::Interval whole_windows(TimeRange range, int64_t every_ns) {
  const int64_t from = ceil_to(range.from_ns, every_ns);
  const int64_t to = floor_to(range.to_ns == INT64_MAX ? range.to_ns : range.to_ns + 1, every_ns);
  return {from, std::max(from, to)};
}

// All values of a column, in one piece.
Result<void> gather(ColumnCursor& cursor, tsdb::ColumnData& out) {
  while (TRY(cursor.next())) {
    const ColumnValues values = TRY(cursor.values());
    out.times_ns.insert(out.times_ns.end(), values.times_ns.begin(), values.times_ns.end());
    out.floats.insert(out.floats.end(), values.floats.begin(), values.floats.end());
    out.integers.insert(out.integers.end(), values.integers.begin(), values.integers.end());
    out.unsigneds.insert(out.unsigneds.end(), values.unsigneds.begin(), values.unsigneds.end());
    out.booleans.insert(out.booleans.end(), values.booleans.begin(), values.booleans.end());
    for (const std::string_view text : values.strings) {
      out.texts.push_back(std::make_shared<const std::string>(text));
      out.strings.emplace_back(*out.texts.back());
    }
  }
  return {};
}

FieldType type_of(Function function, FieldType column) {
  if (function == Function::kCount) return FieldType::kInteger;
  if (function == Function::kMean || function == Function::kStddev || function == Function::kMedian) return FieldType::kFloat;
  return column;
}

FieldValue nothing_of(FieldType type) {
  switch (type) {
    case FieldType::kFloat: return FieldValue::of_float(0);
    case FieldType::kInteger: return FieldValue::of_integer(0);
    case FieldType::kUnsigned: return FieldValue::of_unsigned(0);
    case FieldType::kBoolean: return FieldValue::of_boolean(false);
    case FieldType::kString: break;
  }
  return FieldValue::of_string("");
}

// The windows of one series and column, a block each.
class WindowCursor final : public ColumnCursor {
 public:
  struct Of {
    const tsdb::Reader* raw;
    tsdb::SeriesId series;
    std::string_view field;
    bool has_points;  // whether the series is still there
    FieldType type;
    int64_t every_ns;
  };
  WindowCursor(Of of, std::vector<Function> functions, SeriesScan scan, bool ascending) : of_(of), functions_(std::move(functions)), scan_(std::move(scan)), ascending_(ascending) {}

  Result<bool> next() override {
    for (;;) {
      if (left_ == 0) {
        if (!TRY(scan_.next())) return false;
        left_ = scan_.batch().size();
      }
      --left_;
      const size_t row = ascending_ ? scan_.batch().size() - 1 - left_ : left_;
      if (read_row(scan_.batch(), row)) return true;
    }
  }
  const BlockStatistics& statistics() const override { return statistics_; }
  Result<ColumnValues> values() override {
    values_.reset(of_.type);
    if (of_.has_points) TRY(gather(*TRY(of_.raw->column(of_.series, of_.field, {statistics_.min_time_ns, statistics_.max_time_ns}, Order::kAscending)), values_));
    return values_.view(0, values_.size());
  }

 private:
  // False where the window has no value of this column.
  bool read_row(const Batch& batch, size_t row) {
    statistics_ = {};
    statistics_.min_time_ns = batch.times_ns[row];
    statistics_.max_time_ns = batch.times_ns[row] + of_.every_ns - 1;
    statistics_.first = statistics_.last = nothing_of(of_.type);
    for (size_t i = 0; i < functions_.size(); ++i) {
      if (const Value value = batch.columns[i].at(row)) take(functions_[i], *value);
    }
    return statistics_.count > 0;
  }
  void take(Function function, const FieldValue& value) {
    switch (function) {
      case Function::kCount: statistics_.count = static_cast<uint64_t>(value.as_integer()); break;
      case Function::kSum: statistics_.sum = value.as_number(); break;
      case Function::kMin: statistics_.min = value.as_number(); break;
      case Function::kMax: statistics_.max = value.as_number(); break;
      case Function::kFirst: statistics_.first = value; break;
      case Function::kLast: statistics_.last = value; break;
      case Function::kStddev: statistics_.stddev = value.as_number(); break;
      case Function::kMedian: statistics_.median = value.as_number(); break;
      default: break;
    }
  }

  const Of of_;
  const std::vector<Function> functions_;
  SeriesScan scan_;
  const bool ascending_;
  size_t left_ = 0;  // rows of the batch that are still to come
  BlockStatistics statistics_;
  tsdb::ColumnData values_;
};

// One cursor after the other.
class ChainedCursor final : public ColumnCursor {
 public:
  using Open = std::function<Result<std::unique_ptr<ColumnCursor>>()>;
  explicit ChainedCursor(std::vector<Open> opens) : opens_(std::move(opens)) {}
  Result<bool> next() override {
    for (;;) {
      if (current_ && TRY(current_->next())) return true;
      if (at_ == opens_.size()) return false;
      current_ = TRY(opens_[at_++]());
    }
  }
  const BlockStatistics& statistics() const override { return current_->statistics(); }
  Result<ColumnValues> values() override { return current_->values(); }

 private:
  std::vector<Open> opens_;
  size_t at_ = 0;
  std::unique_ptr<ColumnCursor> current_;
};

}  // namespace

Result<std::shared_ptr<const TieredReader>> TieredReader::make(Parts parts) {
  std::shared_ptr<TieredReader> reader(new TieredReader(std::move(parts)));
  TRY(reader->pair_series());
  return reader;
}

Result<void> TieredReader::pair_series() {
  const std::vector<tsdb::Series> below = TRY(parts_.below->series(parts_.measurement, parts_.predicate));
  const std::vector<tsdb::Series> rows = TRY(parts_.rows->series(parts_.tier.measurement, parts_.predicate));
  absl::flat_hash_map<std::string, const tsdb::Series*> by_tags;
  const auto tags_text = [](const SeriesName& name) {
    SeriesName only_tags{.measurement = "", .tags = name.tags};
    return series_key(only_tags);
  };
  for (const tsdb::Series& each : rows) by_tags.emplace(tags_text(*each.name), &each);
  for (const tsdb::Series& each : below) {
    const auto found = by_tags.find(tags_text(*each.name));
    add_pair(&each, found == by_tags.end() ? nullptr : found->second);
    if (found != by_tags.end()) by_tags.erase(found);
  }
  // Those whose points have all expired.
  const size_t known = series_.size();
  for (const tsdb::Series& each : rows) {
    const auto found = by_tags.find(tags_text(*each.name));
    if (found != by_tags.end() && found->second == &each) add_pair(nullptr, &each);
  }
  if (series_.size() > known) {
    std::ranges::stable_sort(series_, [&](const tsdb::Series& a, const tsdb::Series& b) { return tags_text(*a.name) < tags_text(*b.name); });
  }
  return {};
}

void TieredReader::add_pair(const tsdb::Series* below, const tsdb::Series* rows) {
  const tsdb::SeriesId id = below ? below->id : kTierOnly | static_cast<tsdb::SeriesId>(parts_.depth) << kDepthShift | rows->id;
  series_.push_back({id, below ? below->name : rows->name});
  if (!rows) return;
  Pair pair{.rows = rows->id, .is_below = below != nullptr, .key = {}};
  if (!parts_.tier.coverage->series_stale.empty()) pair.key = series_key({.measurement = parts_.measurement, .tags = rows->name->tags});
  pairs_.emplace(id, std::move(pair));
}

Result<std::vector<tsdb::Series>> TieredReader::series(std::string_view measurement, const tsdb::TagPredicate& predicate) const {
  return measurement == parts_.measurement ? series_ : parts_.raw->series(measurement, predicate);
}

bool TieredReader::has_field(tsdb::SeriesId series, std::string_view field) const {
  const auto pair = pairs_.find(series);
  if (pair != pairs_.end() && !pair->second.is_below) return parts_.columns.contains(field);
  return parts_.below->has_field(series, field);
}

Result<std::unique_ptr<ColumnCursor>> TieredReader::column(tsdb::SeriesId series, std::string_view field, TimeRange range, Order order) const {
  const auto found = pairs_.find(series);
  const auto column = parts_.columns.find(field);
  if (found == pairs_.end() || column == parts_.columns.end()) return parts_.below->column(series, field, range, order);
  const Pair& pair = found->second;
  const auto [from, to] = whole_windows(range, parts_.tier.every_ns);
  const IntervalSet clean = parts_.tier.coverage->clean(pair.key, from, to);
  std::vector<ChainedCursor::Open> opens;
  const auto open_below = [&](int64_t from_ns, int64_t to_ns) {
    if (from_ns > to_ns || !pair.is_below) return;
    opens.emplace_back([this, series, field, order, from_ns, to_ns] { return parts_.below->column(series, field, {from_ns, to_ns}, order); });
  };
  const auto open_windows = [&](int64_t from_ns, int64_t to_ns) {
    opens.emplace_back([this, series, &pair, column, order, from_ns, to_ns]() -> Result<std::unique_ptr<ColumnCursor>> {
      std::vector<Input> inputs;
      for (const Function function : column->second.functions) {
        inputs.push_back({Input::Kind::kField, tier_column(parts_.tier.column, tier_aggregate(function), column->first), type_of(function, column->second.type), true});
      }
      SeriesScan scan = TRY(SeriesScan::open(*parts_.rows, pair.rows, inputs, {from_ns, to_ns}, order == Order::kAscending));
      const bool has_points = pair.is_below && series < kTierOnly;
      const WindowCursor::Of of{parts_.raw.get(), series, column->first, has_points, column->second.type, parts_.tier.every_ns};
      return std::make_unique<WindowCursor>(of, column->second.functions, std::move(scan), order == Order::kAscending);
    });
  };
  int64_t at_ns = range.from_ns;
  for (const auto& [begin, end] : clean) {
    if (begin > at_ns) open_below(at_ns, begin - 1);
    open_windows(begin, end - 1);
    at_ns = end;
  }
  open_below(at_ns, range.to_ns);
  if (order == Order::kDescending) std::ranges::reverse(opens);
  return std::make_unique<ChainedCursor>(std::move(opens));
}

}  // namespace campanile::query
