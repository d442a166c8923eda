#include "query/result_reader.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

namespace campanile::query {
namespace {

using tsdb::ColumnData;

// Rows of a block: as many as a chunk of the store has, so that limits and cancelling work alike.
constexpr size_t kBlockRows = 4096;

// Walks the part of a column that lies in the range.
class ResultCursor final : public tsdb::ColumnCursor {
 public:
  ResultCursor(const ColumnData* data, tsdb::TimeRange range, tsdb::Order order) : data_(data), order_(order) {
    if (data_ == nullptr || range.from_ns > range.to_ns) return;
    begin_ = data_->lower_bound(range.from_ns);
    end_ = data_->upper_bound(range.to_ns);
  }

  Result<bool> next() override {
    if (begin_ == end_) return false;
    const size_t count = std::min(kBlockRows, end_ - begin_);
    if (order_ == tsdb::Order::kAscending) {
      block_begin_ = begin_;
      begin_ += count;
    } else {
      end_ -= count;
      block_begin_ = end_;
    }
    block_end_ = block_begin_ + count;
    statistics_ = data_->statistics(block_begin_, block_end_);
    return true;
  }
  const tsdb::BlockStatistics& statistics() const override { return statistics_; }
  Result<tsdb::ColumnValues> values() override { return data_->view(block_begin_, block_end_); }

 private:
  const ColumnData* data_;
  const tsdb::Order order_;
  size_t begin_ = 0;  // what is left
  size_t end_ = 0;
  size_t block_begin_ = 0;
  size_t block_end_ = 0;
  tsdb::BlockStatistics statistics_;
};

class ResultReader final : public tsdb::Reader {
 public:
  ResultReader(std::vector<std::string> columns, std::vector<ResultSeries> series, std::shared_ptr<const void> texts)
      : columns_(std::move(columns)), series_(std::move(series)), texts_(std::move(texts)) {}

  std::vector<std::string> measurements() const override {
    std::set<std::string> names;
    for (const ResultSeries& each : series_) names.insert(each.name.measurement);
    return {names.begin(), names.end()};
  }
  std::vector<tsdb::FieldInfo> fields(std::string_view measurement) const override {
    std::map<std::string, FieldType> found;
    for (const ResultSeries& each : series_) {
      for (size_t i = 0; each.name.measurement == measurement && i < columns_.size(); ++i) {
        if (each.columns[i].empty()) continue;
        const auto [known, is_new] = found.try_emplace(columns_[i], each.columns[i].type);
        if (!is_new && known->second != each.columns[i].type) known->second = FieldType::kFloat;
      }
    }
    std::vector<tsdb::FieldInfo> fields;
    for (const auto& [name, type] : found) fields.push_back({name, type});
    return fields;
  }
  std::vector<std::string> tag_keys(std::string_view measurement) const override {
    std::set<std::string> keys;
    for_each_tag(measurement, [&](const auto& tag) { keys.insert(tag.first); });
    return {keys.begin(), keys.end()};
  }
  std::vector<std::string> tag_values(std::string_view measurement, std::string_view key) const override {
    std::set<std::string> values;
    for_each_tag(measurement, [&](const auto& tag) {
      if (tag.first == key && !tag.second.empty()) values.insert(tag.second);
    });
    return {values.begin(), values.end()};
  }
  Result<std::vector<tsdb::Series>> series(std::string_view measurement, const tsdb::TagPredicate& predicate) const override {
    std::vector<tsdb::Series> found;
    for (size_t i = 0; i < series_.size(); ++i) {
      if (series_[i].name.measurement == measurement && admits(predicate, series_[i].name)) found.push_back({i, &series_[i].name});
    }
    return found;
  }
  bool has_field(tsdb::SeriesId series, std::string_view field) const override { return column_of(series, field) != nullptr; }
  Result<std::unique_ptr<tsdb::ColumnCursor>> column(tsdb::SeriesId series, std::string_view field, tsdb::TimeRange range,
                                                     tsdb::Order order) const override {
    return std::make_unique<ResultCursor>(column_of(series, field), range, order);
  }
  Result<std::optional<LastValue>> last(tsdb::SeriesId series, std::string_view field) const override {
    const ColumnData* const data = column_of(series, field);
    if (data == nullptr) return std::nullopt;
    LastValue last{data->times_ns.back(), data->value(data->size() - 1), {}};
    if (data->type == FieldType::kString) last.text = last.value.as_string();
    return last;
  }

 private:
  template <typename Visit>
  void for_each_tag(std::string_view measurement, const Visit& visit) const {
    for (const ResultSeries& each : series_) {
      if (each.name.measurement == measurement) std::ranges::for_each(each.name.tags, visit);
    }
  }
  // Null where the series has no value in it.
  const ColumnData* column_of(tsdb::SeriesId series, std::string_view field) const {
    const auto found = std::ranges::find(columns_, field);
    if (found == columns_.end()) return nullptr;
    const ColumnData& data = series_[series].columns[static_cast<size_t>(found - columns_.begin())];
    return data.empty() ? nullptr : &data;
  }

  const std::vector<std::string> columns_;
  const std::vector<ResultSeries> series_;  // a series is known by its place
  const std::shared_ptr<const void> texts_;
};

void push(ColumnData& data, int64_t time_ns, const FieldValue& value) {
  data.times_ns.push_back(time_ns);
  switch (value.type()) {
    case FieldType::kFloat: data.floats.push_back(value.as_float()); break;
    case FieldType::kInteger: data.integers.push_back(value.as_integer()); break;
    case FieldType::kUnsigned: data.unsigneds.push_back(value.as_unsigned()); break;
    case FieldType::kBoolean: data.booleans.push_back(value.as_boolean() ? 1 : 0); break;
    case FieldType::kString: data.strings.push_back(value.as_string()); break;
  }
}

// A column of numbers of several types, as arithmetic and fill() make them, is one of floats.
void make_float(ColumnData& data) {
  if (data.type == FieldType::kFloat) return;
  for (size_t i = 0; i < data.size(); ++i) data.floats.push_back(data.value(i).as_number());
  data.integers.clear();
  data.unsigneds.clear();
  data.type = FieldType::kFloat;
}

}  // namespace

ResultCollector::ResultCollector(std::vector<std::string> columns, bool ascending, const Limits& limits)
    : columns_(std::move(columns)), ascending_(ascending), limits_(limits), texts_(std::make_shared<std::pmr::monotonic_buffer_resource>()) {}

Result<void> ResultCollector::begin_series(std::string_view name, const SeriesTags& tags) {
  end_series();
  first_ = series_.size();
  any_rows_ = false;
  ResultSeries& series = series_.emplace_back();
  series.name.measurement = name;
  // A tag without a value is no tag.
  std::ranges::copy_if(tags, std::back_inserter(series.name.tags), [](const auto& tag) { return !tag.second.empty(); });
  series.columns.resize(columns_.size());
  return {};
}

Result<void> ResultCollector::rows(const RowBatch& batch) {
  values_ += batch.values.size();
  if (values_ > limits_.values_max) {
    return fail(ErrorCode::kTooLarge, "a subquery has more than {} values (query.values_max); use a condition, GROUP BY time() or LIMIT inside of it", limits_.values_max);
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    const int64_t time_ns = batch.times_ns[i];
    rank_ = any_rows_ && time_ns == last_ns_ ? rank_ + 1 : 0;
    any_rows_ = true;
    last_ns_ = time_ns;
    if (first_ + rank_ == series_.size()) {
      ResultSeries beside{.name = series_[first_].name, .columns = std::vector<ColumnData>(columns_.size())};
      series_.push_back(std::move(beside));
    }
    const std::span<const Value> row = batch.row(i);
    for (size_t column = 0; column < row.size(); ++column) {
      if (row[column]) add(series_[first_ + rank_], column, time_ns, *row[column]);
    }
  }
  return {};
}

void ResultCollector::add(ResultSeries& series, size_t column, int64_t time_ns, const FieldValue& value) {
  ColumnData& data = series.columns[column];
  if (data.empty()) data.reset(value.type());
  if (data.type == value.type()) {
    push(data, time_ns, value.type() == FieldType::kString ? FieldValue::of_string(keep(value.as_string())) : value);
  } else if (value.is_numeric() && data.type <= FieldType::kUnsigned) {
    make_float(data);
    push(data, time_ns, FieldValue::of_float(value.as_number()));
  }
}

std::string_view ResultCollector::keep(std::string_view text) {
  if (text.empty()) return {};
  auto* const copy = static_cast<char*>(texts_->allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

// Times ascend in columns. Of rows of one time the first came from the last series, seen from the end.
void ResultCollector::end_series() {
  if (ascending_ || first_ == series_.size()) return;
  for (size_t i = first_; i < series_.size(); ++i) {
    for (ColumnData& data : series_[i].columns) {
      std::ranges::reverse(data.times_ns);
      ColumnData::with_values(data, [](auto& values) { std::ranges::reverse(values); });
    }
  }
  std::reverse(series_.begin() + static_cast<ptrdiff_t>(first_), series_.end());
}

std::shared_ptr<const tsdb::Reader> ResultCollector::finish() {
  end_series();
  return std::make_shared<ResultReader>(columns_, std::move(series_), texts_);
}

}  // namespace campanile::query
