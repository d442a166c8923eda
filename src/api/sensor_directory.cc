#include "api/sensor_directory.h"

#include <map>

#include <boost/json/serialize.hpp>

#include "api/answers.h"

namespace campanile::api {
namespace {

// Readings of that long before the newest one tell how often a sensor speaks.
constexpr int64_t kPeriodWindow_ns = 600 * kNanosPerSecond;
constexpr uint64_t kPollsBetweenPeriodEstimates = 240;

std::map<std::string, std::shared_ptr<const tsdb::Reader>> open_readers(const tsdb::Engine& engine) {
  std::map<std::string, std::shared_ptr<const tsdb::Reader>> readers;
  for (const std::string& database : engine.databases()) {
    // A database dropped between the two calls is no error: it has no sensors any more.
    const auto bucket = engine.bucket(database, "");
    if (!bucket) continue;
    if (auto reader = engine.reader(*bucket)) readers.emplace(database, std::move(*reader));
  }
  return readers;
}

}  // namespace

SensorDirectory::SensorDirectory(tsdb::Engine& engine, PlaceRules rules, const Clock& clock, const SensorDirectoryOptions& options)
    : engine_(engine), rules_(std::move(rules)), clock_(clock), options_(options) {}

size_t SensorDirectory::refresh() {
  const std::lock_guard lock(mutex_);
  const size_t first_new = sensors_.size();
  const uint64_t columns = engine_.status().columns_made;
  if (columns == seen_columns_) return first_new;
  seen_columns_ = columns;
  left_out_ = 0;
  for (const auto& [database, reader] : open_readers(engine_)) {
    for (const std::string& measurement : reader->measurements()) {
      const auto fields = reader->fields(measurement);
      const auto series = reader->series(measurement, {});
      if (!series) continue;
      for (const tsdb::Series& one : *series) add_series(database, *reader, one, fields);
    }
  }
  return first_new;
}

void SensorDirectory::add_series(const std::string& database, const tsdb::Reader& reader, const tsdb::Series& series,
                                 const std::vector<tsdb::FieldInfo>& fields) {
  const PlaceRule& rule = rules_.rule_for(series.name->measurement);
  for (const tsdb::FieldInfo& field : fields) {
    if (!PlaceRules::is_sensor(rule, field.name) || !reader.has_field(series.id, field.name)) continue;
    const auto [known, is_new] = by_column_.try_emplace(fmt::format("{}\n{}\n{}", database, series_key(*series.name), field.name), sensors_.size());
    if (!is_new) {
      sensors_[known->second]->series = series.id;
      continue;
    }
    if (sensors_.size() >= options_.sensors_max) {
      ++left_out_;
      by_column_.erase(known);
      continue;
    }
    auto& name = names_[series.id];
    if (!name) name = std::make_unique<SeriesName>(*series.name);
    auto sensor = std::make_unique<Sensor>();
    sensor->id = fmt::format("{}.{}", series.id, field.name);
    sensor->database = database;
    sensor->series = series.id;
    sensor->series_name = name.get();
    sensor->field = field.name;
    sensor->type = field.type;
    sensor->placement = PlaceRules::place(rule, *name, field.name);
    sensor->unit_field = rule.unit_field;
    read_newest(*sensor, reader);
    estimate_period(*sensor, reader);
    by_id_.emplace(sensor->id, sensors_.size());
    sensors_.push_back(std::move(sensor));
    size_.store(sensors_.size(), std::memory_order_release);
  }
}

uint64_t SensorDirectory::poll(const std::vector<size_t>& indices) {
  const std::lock_guard lock(mutex_);
  ++polls_;
  const auto readers = open_readers(engine_);
  const auto update = [&](size_t index) {
    Sensor& sensor = *sensors_[index];
    const auto reader = readers.find(sensor.database);
    if (reader == readers.end()) return;
    const int64_t before_ns = sensor.time_ns;
    read_newest(sensor, *reader->second);
    if (sensor.time_ns != before_ns) sensor.changed = polls_;
    // Spread over polls, so that no single one pays for all sensors.
    if ((index + polls_) % kPollsBetweenPeriodEstimates == 0 || !sensor.period_ns) estimate_period(sensor, *reader->second);
  };
  if (indices.empty()) {
    for (size_t index = 0; index < sensors_.size(); ++index) update(index);
  } else {
    for (const size_t index : indices) update(index);
  }
  return polls_;
}

void SensorDirectory::read_newest(Sensor& sensor, const tsdb::Reader& reader) {
  auto newest = reader.last(sensor.series, sensor.field);
  // A column that cannot be read now keeps what it showed, with its age: the fault itself shows on /health.
  if (!newest) return;
  if (!*newest) {
    sensor.time_ns = 0;
    sensor.text.clear();
    return;
  }
  sensor.time_ns = (*newest)->time_ns;
  sensor.text = std::move((*newest)->text);
  sensor.value = (*newest)->value;
  if (sensor.type == FieldType::kString) sensor.value = FieldValue::of_string(sensor.text);
  if (sensor.unit_field.empty() || !sensor.placement.unit.empty()) return;
  if (auto unit = reader.last(sensor.series, sensor.unit_field); unit && *unit) sensor.placement.unit = (*unit)->text;
}

void SensorDirectory::estimate_period(Sensor& sensor, const tsdb::Reader& reader) {
  if (sensor.time_ns == 0) return;
  auto cursor = reader.column(sensor.series, sensor.field, {sensor.time_ns - kPeriodWindow_ns, sensor.time_ns}, tsdb::Order::kAscending);
  if (!cursor) return;
  uint64_t count = 0;
  int64_t oldest_ns = sensor.time_ns;
  while (true) {
    const auto more = (*cursor)->next();
    if (!more || !*more) break;
    const auto& block = (*cursor)->statistics();
    oldest_ns = std::min(oldest_ns, block.min_time_ns);
    count += block.count;
  }
  if (count >= 2) sensor.period_ns = (sensor.time_ns - oldest_ns) / static_cast<int64_t>(count - 1);
}

size_t SensorDirectory::left_out() const {
  const std::lock_guard lock(mutex_);
  return left_out_;
}

std::optional<size_t> SensorDirectory::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(std::string(id));
  if (found == by_id_.end()) return std::nullopt;
  return found->second;
}

void SensorDirectory::visit(const std::function<void(size_t, const Sensor&)>& visit, size_t first) const {
  const std::lock_guard lock(mutex_);
  for (size_t index = first; index < sensors_.size(); ++index) visit(index, *sensors_[index]);
}

void SensorDirectory::visit_some(const std::vector<size_t>& indices, const std::function<void(size_t, const Sensor&)>& visit) const {
  const std::lock_guard lock(mutex_);
  for (const size_t index : indices) visit(index, *sensors_[index]);
}

std::optional<SensorDirectory::Source> SensorDirectory::source(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(std::string(id));
  if (found == by_id_.end()) return std::nullopt;
  const Sensor& sensor = *sensors_[found->second];
  return Source{sensor.database, sensor.series, sensor.field, sensor.type};
}

std::string sensor_json(const Sensor& sensor) {
  boost::json::object tags;
  for (const auto& [key, value] : sensor.series_name->tags) tags.emplace(key, value);
  boost::json::object out = {{"id", sensor.id},
                             {"database", sensor.database},
                             {"place", sensor.placement.place},
                             {"name", sensor.placement.name},
                             {"quantity", sensor.placement.quantity},
                             {"unit", sensor.placement.unit},
                             {"type", to_string(sensor.type)},
                             {"measurement", sensor.series_name->measurement},
                             {"field", sensor.field},
                             {"tags", std::move(tags)}};
  out["value"] = sensor.time_ns == 0 ? boost::json::value(nullptr) : json_value(sensor.value);
  out["time_ms"] = sensor.time_ns == 0 ? boost::json::value(nullptr) : boost::json::value(to_ms(sensor.time_ns));
  out["period_ms"] = sensor.period_ns ? boost::json::value(*sensor.period_ns / kNanosPerMilli) : boost::json::value(nullptr);
  return boost::json::serialize(out);
}

}  // namespace campanile::api
