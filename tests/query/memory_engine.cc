#include "memory_engine.h"

#include <algorithm>
#include <set>

#include "decoders/decoder.h"

namespace campanile::query::testing {
namespace {

using tsdb::BlockStatistics;
using tsdb::ColumnValues;
using tsdb::TagPredicate;

Cell to_cell(const FieldValue& value) {
  switch (value.type()) {
    case FieldType::kFloat: return value.as_float();
    case FieldType::kInteger: return value.as_integer();
    case FieldType::kUnsigned: return value.as_unsigned();
    case FieldType::kBoolean: return value.as_boolean();
    case FieldType::kString: break;
  }
  return std::string(value.as_string());
}

class MemoryCursor final : public tsdb::ColumnCursor {
 public:
  MemoryCursor(const MemoryColumn* column, tsdb::TimeRange range, tsdb::Order order, const MemoryBucket& bucket) : bucket_(bucket) {
    if (column == nullptr) return;
    type_ = column->type;
    // Blocks are cut from all the column holds, as the store's chunks are, and then to the range.
    std::vector<const std::pair<const int64_t, Cell>*> block;
    const auto close = [&] {
      std::erase_if(block, [&](const auto* cell) { return cell->first < range.from_ns || cell->first > range.to_ns; });
      if (!block.empty()) blocks_.push_back(block);
      block.clear();
    };
    for (const auto& cell : column->cells) {
      block.push_back(&cell);
      if (block.size() == bucket.block_points) close();
    }
    close();
    if (order == tsdb::Order::kDescending) std::reverse(blocks_.begin(), blocks_.end());
  }

  Result<bool> next() override {
    if (next_ == blocks_.size()) return false;
    fill(blocks_[next_++]);
    return true;
  }
  const BlockStatistics& statistics() const override { return statistics_; }
  Result<ColumnValues> values() override {
    ++bucket_.blocks_decoded;
    ColumnValues values;
    values.type = type_;
    values.times_ns = times_;
    if (type_ == FieldType::kFloat) values.floats = floats_;
    if (type_ == FieldType::kInteger) values.integers = integers_;
    if (type_ == FieldType::kUnsigned) values.unsigneds = unsigneds_;
    if (type_ == FieldType::kBoolean) values.booleans = booleans_;
    if (type_ == FieldType::kString) values.strings = strings_;
    return values;
  }

 private:
  void fill(const std::vector<const std::pair<const int64_t, Cell>*>& block) {
    times_.clear();
    floats_.clear();
    integers_.clear();
    unsigneds_.clear();
    booleans_.clear();
    strings_.clear();
    for (const auto* cell : block) {
      times_.push_back(cell->first);
      if (type_ == FieldType::kFloat) floats_.push_back(std::get<double>(cell->second));
      if (type_ == FieldType::kInteger) integers_.push_back(std::get<int64_t>(cell->second));
      if (type_ == FieldType::kUnsigned) unsigneds_.push_back(std::get<uint64_t>(cell->second));
      if (type_ == FieldType::kBoolean) booleans_.push_back(std::get<bool>(cell->second) ? 1 : 0);
      if (type_ == FieldType::kString) strings_.push_back(std::get<std::string>(cell->second));
    }
    count();
  }

  template <typename T>
  void count_numbers(const std::vector<T>& numbers) {
    const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
    statistics_.min = static_cast<double>(*low);
    statistics_.max = static_cast<double>(*high);
    for (const T each : numbers) statistics_.sum += static_cast<double>(each);
  }

  void count() {
    statistics_ = BlockStatistics();
    statistics_.count = times_.size();
    statistics_.min_time_ns = times_.front();
    statistics_.max_time_ns = times_.back();
    const size_t decoded = bucket_.blocks_decoded;
    const ColumnValues all = *values();
    bucket_.blocks_decoded = decoded;
    statistics_.first = all.at(0);
    statistics_.last = all.at(all.size() - 1);
    if (type_ == FieldType::kFloat) count_numbers(floats_);
    if (type_ == FieldType::kInteger) count_numbers(integers_);
    if (type_ == FieldType::kUnsigned) count_numbers(unsigneds_);
  }

  const MemoryBucket& bucket_;
  FieldType type_ = FieldType::kFloat;
  std::vector<std::vector<const std::pair<const int64_t, Cell>*>> blocks_;
  size_t next_ = 0;
  BlockStatistics statistics_;
  std::vector<int64_t> times_;
  std::vector<double> floats_;
  std::vector<int64_t> integers_;
  std::vector<uint64_t> unsigneds_;
  std::vector<uint8_t> booleans_;
  std::vector<std::string_view> strings_;
};

class MemoryReader final : public tsdb::Reader {
 public:
  explicit MemoryReader(const MemoryBucket& bucket) : bucket_(bucket) {
    for (const auto& [key, series] : bucket.series) by_id_[series.id] = &series;
  }

  std::vector<std::string> measurements() const override {
    std::set<std::string> names;
    for (const auto& [key, series] : bucket_.series) names.insert(series.name.measurement);
    return {names.begin(), names.end()};
  }
  std::vector<tsdb::FieldInfo> fields(std::string_view measurement) const override {
    std::map<std::string, FieldType> found;
    for_each(measurement, [&](const MemorySeries& series) {
      for (const auto& [name, column] : series.columns) found[name] = column.type;
    });
    std::vector<tsdb::FieldInfo> fields;
    for (const auto& [name, type] : found) fields.push_back({name, type});
    return fields;
  }
  std::vector<std::string> tag_keys(std::string_view measurement) const override {
    std::set<std::string> keys;
    for_each(measurement, [&](const MemorySeries& series) {
      for (const auto& [key, value] : series.name.tags) keys.insert(key);
    });
    return {keys.begin(), keys.end()};
  }
  std::vector<std::string> tag_values(std::string_view measurement, std::string_view key) const override {
    std::set<std::string> values;
    for_each(measurement, [&](const MemorySeries& series) {
      if (const std::string_view value = series.name.tag(key); !value.empty()) values.emplace(value);
    });
    return {values.begin(), values.end()};
  }
  Result<std::vector<tsdb::Series>> series(std::string_view measurement, const TagPredicate& predicate) const override {
    std::vector<tsdb::Series> found;
    for_each(measurement, [&](const MemorySeries& series) {
      if (admits(predicate, series.name)) found.push_back({series.id, &series.name});
    });
    return found;
  }
  bool has_field(tsdb::SeriesId series, std::string_view field) const override { return column_of(series, field) != nullptr; }
  Result<std::unique_ptr<tsdb::ColumnCursor>> column(tsdb::SeriesId series, std::string_view field, tsdb::TimeRange range,
                                                     tsdb::Order order) const override {
    return std::make_unique<MemoryCursor>(column_of(series, field), range, order, bucket_);
  }
  Result<std::optional<LastValue>> last(tsdb::SeriesId, std::string_view) const override { return std::nullopt; }

 private:
  template <typename Visit>
  void for_each(std::string_view measurement, const Visit& visit) const {
    for (const auto& [key, series] : bucket_.series) {
      if (series.name.measurement == measurement) visit(series);
    }
  }
  const MemoryColumn* column_of(tsdb::SeriesId id, std::string_view field) const {
    const auto& columns = by_id_.at(id)->columns;
    const auto found = columns.find(std::string(field));
    return found == columns.end() ? nullptr : &found->second;
  }

  const MemoryBucket& bucket_;
  std::map<tsdb::SeriesId, const MemorySeries*> by_id_;
};

}  // namespace

void MemoryEngine::load(std::string_view database, std::string_view lines, std::string_view retention_policy) {
  PointBatch batch;
  const auto decoded = decoders::find_decoder("line_protocol")->decode({.topic = {}, .payload = lines}, batch);
  CHECK(decoded && decoded->left_out.empty());
  CHECK(create_database(database));
  const auto outcome = write(*bucket(database, retention_policy), batch, 0);
  CHECK(outcome && outcome->errors.empty());
}

MemoryBucket& MemoryEngine::memory(std::string_view database, std::string_view retention_policy) {
  return *buckets_.at(*bucket(database, retention_policy));
}

Result<void> MemoryEngine::create_database(std::string_view name) {
  if (databases_.contains(name)) return {};
  databases_[std::string(name)];
  return create_retention_policy(name, {"autogen", 0, true});
}

Result<void> MemoryEngine::drop_database(std::string_view name) {
  if (const auto found = databases_.find(name); found != databases_.end()) databases_.erase(found);
  return {};
}

std::vector<std::string> MemoryEngine::databases() const {
  std::vector<std::string> names;
  for (const auto& [name, policies] : databases_) names.push_back(name);
  return names;
}

Result<std::vector<tsdb::RetentionPolicy>> MemoryEngine::retention_policies(std::string_view database) const {
  const auto found = databases_.find(database);
  if (found == databases_.end()) return fail(ErrorCode::kNotFound, "database not found: \"{}\"", database);
  std::vector<tsdb::RetentionPolicy> policies;
  for (const Policy& each : found->second) policies.push_back(each.policy);
  return policies;
}

Result<void> MemoryEngine::create_continuous_query(std::string_view database, const tsdb::ContinuousQuery& query) {
  for (const tsdb::ContinuousQuery& each : TRY(continuous_queries(database))) {
    if (each.name == query.name) return each.text == query.text ? Result<void>() : fail(ErrorCode::kAlreadyExists, "continuous query already exists");
  }
  queries_[std::string(database)].push_back(query);
  return {};
}

Result<void> MemoryEngine::drop_continuous_query(std::string_view database, std::string_view name) {
  std::erase_if(queries_[std::string(database)], [&](const tsdb::ContinuousQuery& each) { return each.name == name; });
  return {};
}

Result<std::vector<tsdb::ContinuousQuery>> MemoryEngine::continuous_queries(std::string_view database) const {
  if (!databases_.contains(database)) return fail(ErrorCode::kNotFound, "database not found: \"{}\"", database);
  const auto found = queries_.find(database);
  return found == queries_.end() ? std::vector<tsdb::ContinuousQuery>() : found->second;
}

Result<void> MemoryEngine::drop_retention_policy(std::string_view database, std::string_view policy) {
  const auto found = databases_.find(database);
  if (found != databases_.end()) std::erase_if(found->second, [&](const Policy& each) { return each.policy.name == policy; });
  return {};
}

Result<void> MemoryEngine::alter_retention_policy(std::string_view database, std::string_view policy, std::optional<int64_t> duration_ns, bool make_default) {
  const auto found = databases_.find(database);
  if (found == databases_.end()) return fail(ErrorCode::kNotFound, "database not found: \"{}\"", database);
  const auto wanted = std::ranges::find(found->second, policy, [](const Policy& each) { return each.policy.name; });
  if (wanted == found->second.end()) return fail(ErrorCode::kNotFound, "retention policy not found: {}", policy);
  if (duration_ns) wanted->policy.duration_ns = *duration_ns;
  if (!make_default) return {};
  for (Policy& each : found->second) each.policy.is_default = false;
  wanted->policy.is_default = true;
  return {};
}

Result<void> MemoryEngine::create_retention_policy(std::string_view database, const tsdb::RetentionPolicy& policy) {
  const auto found = databases_.find(database);
  if (found == databases_.end()) return fail(ErrorCode::kNotFound, "database not found: \"{}\"", database);
  if (policy.is_default) {
    for (Policy& each : found->second) each.policy.is_default = false;
  }
  found->second.push_back({policy, next_bucket_});
  buckets_[next_bucket_] = std::make_unique<MemoryBucket>();
  buckets_[next_bucket_]->block_points = block_points_;
  ++next_bucket_;
  return {};
}

Result<tsdb::BucketId> MemoryEngine::bucket(std::string_view database, std::string_view retention_policy) const {
  const auto found = databases_.find(database);
  if (found == databases_.end()) return fail(ErrorCode::kNotFound, "database not found: \"{}\"", database);
  for (const Policy& each : found->second) {
    if (retention_policy.empty() ? each.policy.is_default : each.policy.name == retention_policy) return each.bucket;
  }
  return fail(ErrorCode::kNotFound, "retention policy not found: {}", retention_policy);
}

Result<tsdb::WriteOutcome> MemoryEngine::write(tsdb::BucketId bucket, const PointBatch& batch, int64_t now_ns, const tsdb::AppendPoints*) {
  MemoryBucket& into = *buckets_.at(bucket);
  tsdb::WriteOutcome outcome;
  for (const PointBatch::Point& point : batch.points()) {
    std::string key;
    append_series_key(key, point.measurement, batch.tags(point));
    MemorySeries& series = into.series[key];
    if (series.id == 0) {
      series.id = next_series_++;
      series.name = *parse_series_key(key);
    }
    for (const Field& field : batch.fields(point)) {
      MemoryColumn& column = series.columns[std::string(field.name)];
      column.type = field.value.type();
      column.cells[point.has_time ? point.time_ns : now_ns] = to_cell(field.value);
    }
    ++outcome.points_stored;
  }
  return outcome;
}

Result<tsdb::ChangeOutcome> MemoryEngine::erase(tsdb::BucketId bucket, const tsdb::PointSelection& request, const tsdb::Cancelled&) {
  tsdb::ChangeOutcome outcome;
  for (auto& [key, series] : buckets_.at(bucket)->series) {
    const bool is_named = request.measurements.empty() || std::ranges::find(request.measurements, series.name.measurement) != request.measurements.end();
    if (!is_named || !admits(request.predicate, series.name)) continue;
    ++outcome.series;
    for (auto& [field, column] : series.columns) {
      const size_t before = column.cells.size();
      column.cells.erase(column.cells.lower_bound(request.range.from_ns), column.cells.upper_bound(request.range.to_ns));
      outcome.values += before - column.cells.size();
    }
  }
  std::erase_if(buckets_.at(bucket)->series, [](const auto& entry) {
    return std::ranges::all_of(entry.second.columns, [](const auto& column) { return column.second.cells.empty(); });
  });
  return outcome;
}

Result<std::shared_ptr<const tsdb::Reader>> MemoryEngine::reader(tsdb::BucketId bucket) const {
  return std::make_shared<const MemoryReader>(*buckets_.at(bucket));
}

}  // namespace campanile::query::testing
