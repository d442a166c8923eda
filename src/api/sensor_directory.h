// SensorDirectory: the sensors that the page shows, with the newest value of each: one per column of every series.
//
//   SensorDirectory directory(engine, rules, clock, options);
//   directory.refresh();                                    // finds new series
//   directory.poll({});                                     // reads the newest values
//   directory.visit([&](const Sensor& sensor) { ... });
//
// It pulls from the store when somebody looks, so that ingest pays nothing for the page, however many values come in.
// Threads: any but, size() apart, not an event loop: one mutex is held while values are read.
// Limits: sensors_max; the store's further columns are left out and counted in left_out().
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/place_rules.h"
#include "base/clock.h"
#include "tsdb/engine.h"

namespace campanile::api {

struct SensorDirectoryOptions {
  size_t sensors_max = 100'000;
};

struct Sensor {
  std::string id;  // "17.value": the number that the series had when it was found, and the field
  std::string database;
  tsdb::SeriesId series = 0;
  const SeriesName* series_name = nullptr;  // owned by the directory
  std::string field;
  FieldType type = FieldType::kFloat;
  Placement placement;
  std::string unit_field;  // where the unit comes from the series itself

  // The newest value; time 0 while there is none. Strings are in `text`.
  int64_t time_ns = 0;
  FieldValue value;
  std::string text;
  std::optional<int64_t> period_ns;
  uint64_t changed = 0;  // the poll in which the value was last seen to change
};

class SensorDirectory {
 public:
  SensorDirectory(tsdb::Engine& engine, PlaceRules rules, const Clock& clock, const SensorDirectoryOptions& options);

  // Looks for columns that are not known yet, and for those that are there again; cheap when the store made none since. Returns the index of the first new sensor.
  size_t refresh();

  // Reads the newest value of the sensors with these indices, or of all where empty, and returns this poll's number: those that
  // changed carry it in `changed`.
  uint64_t poll(const std::vector<size_t>& indices);

  size_t size() const { return size_.load(std::memory_order_acquire); }  // takes no lock
  size_t left_out() const;
  // Indices in order of discovery; they never change.
  std::optional<size_t> find(std::string_view id) const;
  // Calls `visit` under the mutex for sensors from `first` on.
  void visit(const std::function<void(size_t index, const Sensor&)>& visit, size_t first = 0) const;
  // Calls `visit` under the mutex for these sensors.
  void visit_some(const std::vector<size_t>& indices, const std::function<void(size_t index, const Sensor&)>& visit) const;
  // A copy of what a query on the sensor needs.
  struct Source {
    std::string database;
    tsdb::SeriesId series;
    std::string field;
    FieldType type;
  };
  std::optional<Source> source(std::string_view id) const;

 private:
  void add_series(const std::string& database, const tsdb::Reader& reader, const tsdb::Series& series,
                  const std::vector<tsdb::FieldInfo>& fields);
  void read_newest(Sensor& sensor, const tsdb::Reader& reader);
  void estimate_period(Sensor& sensor, const tsdb::Reader& reader);

  tsdb::Engine& engine_;
  const PlaceRules rules_;
  const Clock& clock_;
  const SensorDirectoryOptions options_;

  mutable std::mutex mutex_;
  uint64_t seen_columns_ = UINT64_MAX;  // made, when the directory last looked
  uint64_t polls_ = 0;
  size_t left_out_ = 0;
  std::vector<std::unique_ptr<Sensor>> sensors_;
  std::unordered_map<std::string, size_t> by_id_;
  std::unordered_map<std::string, size_t> by_column_;  // database, series key and field: a series that was erased comes again under another number
  std::unordered_map<tsdb::SeriesId, std::unique_ptr<SeriesName>> names_;
  std::atomic<size_t> size_{0};
};

// Everything about the sensor, as docs/api.md draws it.
std::string sensor_json(const Sensor& sensor);

}  // namespace campanile::api
