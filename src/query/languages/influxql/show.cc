#include "query/languages/influxql/show.h"

#include <algorithm>
#include <set>

#include <re2/re2.h>

#include "model/series_key.h"
#include "query/group.h"
#include "query/languages/influxql/condition.h"
#include "query/languages/influxql/tag_condition.h"
#include "query/languages/influxql/time_text.h"

namespace campanile::query::influxql {
namespace {

using tsdb::TagPredicate;

Value text(std::string_view value) { return FieldValue::of_string(value); }

// Rows of strings that the table keeps until they are written.
class Table {
 public:
  Table(std::vector<std::string> columns, ResultSink& sink) : width_(columns.size()), sink_(sink) {
    sink.columns(std::move(columns), false, nullptr);
  }

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  // Writes the rows that LIMIT and OFFSET leave, if any.
  Result<void> write(std::string_view name, uint64_t limit = 0, uint64_t offset = 0) {
    const size_t from = std::min<uint64_t>(offset, rows_.size());
    const size_t to = limit == 0 ? rows_.size() : std::min<uint64_t>(rows_.size(), from + std::min<uint64_t>(limit, rows_.size()));
    if (from < to) {
      TRY(sink_.begin_series(name, {}));
      RowBatch batch;
      batch.width = width_;
      for (size_t i = from; i < to; ++i) {
        for (const std::string& each : rows_[i]) batch.values.push_back(text(each));
      }
      TRY(sink_.rows(batch));
    }
    rows_.clear();
    return {};
  }

 private:
  size_t width_;
  ResultSink& sink_;
  std::vector<std::vector<std::string>> rows_;
};

// The condition on tags, or nothing where every series is meant.
Result<std::optional<TagPredicate>> condition_of(const ShowClauses& clauses, int64_t now_ns) {
  if (!clauses.condition) return std::nullopt;
  const Condition condition = TRY(split_condition(*clauses.condition, now_ns, nullptr));
  if (!condition.rest) return std::nullopt;
  return TRY(tag_predicate(*condition.rest));
}

// Calls visit(name) for each series of a measurement; one that several buckets have comes several times.
template <typename Visit>
Result<void> for_each_series(const Measurement& measurement, const TagPredicate& predicate, const RunOptions& options, const Visit& visit) {
  for (const auto& reader : measurement.readers) {
    TRY(check_cancelled(options.context));
    const std::vector<tsdb::Series> series = TRY(reader->series(measurement.name, predicate));
    if (series.size() > options.context.limits.series_max) {
      return fail(ErrorCode::kTooLarge, "max-select-series limit exceeded: ({}/{})", series.size(), options.context.limits.series_max);
    }
    for (const tsdb::Series& each : series) visit(*each.name);
  }
  return {};
}

bool is_wanted_key(const ShowClauses& clauses, std::string_view key) {
  const bool listed = std::find(clauses.keys.begin(), clauses.keys.end(), key) != clauses.keys.end();
  const bool matched = clauses.key_regex && re2::RE2::PartialMatch(re2::StringPiece(key.data(), key.size()), *clauses.key_regex->pattern);
  switch (clauses.key_op) {
    case TokenKind::kEqual:
    case TokenKind::kIn: return listed;
    case TokenKind::kNotEqual: return !listed;
    case TokenKind::kMatches: return matched;
    default: return !matched;
  }
}

// As Go writes durations: 168h0m0s.
std::string go_duration(int64_t ns) {
  const int64_t seconds = ns / 1'000'000'000;
  if (seconds == 0 && ns > 0) return ns < 1'000'000 ? fmt::format("{}µs", ns / 1000) : fmt::format("{}ms", ns / 1'000'000);
  if (seconds == 0) return "0s";
  if (seconds >= 3600) return fmt::format("{}h{}m{}s", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (seconds >= 60) return fmt::format("{}m{}s", seconds / 60, seconds % 60);
  return fmt::format("{}s", seconds);
}

// This store has no shards; clients get the duration that InfluxDB would choose.
int64_t shard_duration_ns(int64_t retention_ns) {
  constexpr int64_t kHour = 3'600'000'000'000;
  if (retention_ns == 0 || retention_ns >= 180 * 24 * kHour) return 7 * 24 * kHour;
  return retention_ns >= 2 * 24 * kHour ? 24 * kHour : kHour;
}

}  // namespace

Result<void> show_measurements(const ShowMeasurements& statement, Catalog& catalog, const RunOptions& options, ResultSink& sink) {
  const auto predicate = TRY(condition_of(statement, options.now_ns));
  const Result<std::string> database = catalog.database(statement.database);
  // InfluxDB finds nothing where the database does not exist.
  if (!database && database.error().code == ErrorCode::kNotFound) return {};
  Table table({"name"}, sink);
  for (const Measurement& measurement : TRY(catalog.measurements(statement.database, statement.sources))) {
    bool admitted = !predicate;
    if (predicate) TRY(for_each_series(measurement, *predicate, options, [&](const SeriesName&) { admitted = true; }));
    if (admitted) table.add({measurement.name});
  }
  return table.write("measurements", statement.limit, statement.offset);
}

Result<void> show_tag_keys(const ShowTagKeys& statement, Catalog& catalog, const RunOptions& options, ResultSink& sink) {
  const auto predicate = TRY(condition_of(statement, options.now_ns));
  Table table({"tagKey"}, sink);
  for (const Measurement& measurement : TRY(catalog.measurements(statement.database, statement.sources))) {
    std::set<std::string> keys;
    if (predicate) {
      TRY(for_each_series(measurement, *predicate, options, [&](const SeriesName& name) {
        for (const auto& [key, value] : name.tags) keys.insert(key);
      }));
    } else {
      for (const auto& reader : measurement.readers) {
        for (std::string& key : reader->tag_keys(measurement.name)) keys.insert(std::move(key));
      }
    }
    for (const std::string& key : keys) table.add({key});
    TRY(table.write(measurement.name, statement.limit, statement.offset));
  }
  return {};
}

Result<void> show_tag_values(const ShowTagValues& statement, Catalog& catalog, const RunOptions& options, ResultSink& sink) {
  const auto predicate = TRY(condition_of(statement, options.now_ns));
  Table table({"key", "value"}, sink);
  for (const Measurement& measurement : TRY(catalog.measurements(statement.database, statement.sources))) {
    std::set<std::pair<std::string, std::string>> found;
    if (predicate) {
      TRY(for_each_series(measurement, *predicate, options, [&](const SeriesName& name) {
        for (const auto& [key, value] : name.tags) {
          if (is_wanted_key(statement, key)) found.emplace(key, value);
        }
      }));
    } else {
      for (const auto& reader : measurement.readers) {
        for (const std::string& key : reader->tag_keys(measurement.name)) {
          if (!is_wanted_key(statement, key)) continue;
          for (std::string& value : reader->tag_values(measurement.name, key)) found.emplace(key, std::move(value));
        }
      }
    }
    for (const auto& [key, value] : found) table.add({key, value});
    TRY(table.write(measurement.name, statement.limit, statement.offset));
  }
  return {};
}

Result<void> show_field_keys(const ShowFieldKeys& statement, Catalog& catalog, const RunOptions&, ResultSink& sink) {
  Table table({"fieldKey", "fieldType"}, sink);
  // Of the default retention policy alone, as InfluxDB has it.
  for (const Measurement& measurement : TRY(catalog.measurements(statement.database, statement.sources, Catalog::Policies::kDefault))) {
    std::set<std::pair<std::string, std::string>> found;
    for (const auto& reader : measurement.readers) {
      for (tsdb::FieldInfo& field : reader->fields(measurement.name)) found.emplace(std::move(field.name), campanile::to_string(field.type));
    }
    for (const auto& [name, type] : found) table.add({name, type});
    TRY(table.write(measurement.name, statement.limit, statement.offset));
  }
  return {};
}

Result<void> show_series(const ShowSeries& statement, Catalog& catalog, const RunOptions& options, ResultSink& sink) {
  const auto predicate = TRY(condition_of(statement, options.now_ns)).value_or(TagPredicate());
  Table table({"key"}, sink);
  uint64_t count = 0;
  for (const Measurement& measurement : TRY(catalog.measurements(statement.database, statement.sources))) {
    std::set<std::string> keys;
    TRY(for_each_series(measurement, predicate, options, [&](const SeriesName& name) { keys.insert(series_key(name)); }));
    count += keys.size();
    if (count > options.context.limits.series_max) {
      return fail(ErrorCode::kTooLarge, "max-select-series limit exceeded: ({}/{})", count, options.context.limits.series_max);
    }
    for (const std::string& key : keys) table.add({key});
  }
  return table.write("", statement.limit, statement.offset);
}

Result<void> show_databases(const tsdb::Engine& engine, ResultSink& sink) {
  Table table({"name"}, sink);
  const std::vector<std::string> databases = engine.databases();
  if (databases.empty()) return sink.empty_series("databases");
  for (const std::string& name : databases) table.add({name});
  return table.write("databases");
}

Result<void> show_retention_policies(const std::string& database, const tsdb::Engine& engine, ResultSink& sink) {
  sink.columns({"name", "duration", "shardGroupDuration", "replicaN", "default"}, false, nullptr);
  TRY(sink.begin_series("", {}));
  for (const tsdb::RetentionPolicy& policy : TRY(engine.retention_policies(database))) {
    const std::string duration = go_duration(policy.duration_ns);
    const std::string shard_duration = go_duration(shard_duration_ns(policy.duration_ns));
    RowBatch batch;
    batch.width = 5;
    batch.values = {text(policy.name), text(duration), text(shard_duration), FieldValue::of_integer(1), FieldValue::of_boolean(policy.is_default)};
    TRY(sink.rows(batch));
  }
  return {};
}

Result<void> show_diagnostics(const ShowDiagnostics& statement, const RunOptions& options, ResultSink& sink) {
  if (statement.module.empty() || statement.module == "build") {
    Table table({"Branch", "Build Time", "Commit", "Version"}, sink);
    table.add({"", "", "", options.version});
    TRY(table.write("build"));
  }
  if (statement.module.empty() || statement.module == "system") {
    Table table({"currentTime"}, sink);
    table.add({format_time(options.now_ns)});
    TRY(table.write("system"));
  }
  return {};
}

namespace {

using Of = ShowCardinality::Of;

// How many of what is counted a measurement has, over all its buckets.
Result<uint64_t> count_in(const Measurement& measurement, const ShowCardinality& statement, const std::optional<TagPredicate>& predicate, const RunOptions& options) {
  std::set<std::string> found;
  if (statement.of == Of::kFieldKeys) {
    for (const auto& reader : measurement.readers) {
      for (tsdb::FieldInfo& field : reader->fields(measurement.name)) found.insert(std::move(field.name));
    }
    return found.size();
  }
  TRY(for_each_series(measurement, predicate.value_or(TagPredicate()), options, [&](const SeriesName& name) {
    if (statement.of == Of::kSeries || statement.of == Of::kMeasurements) found.insert(series_key(name));
    for (const auto& [key, value] : name.tags) {
      if (statement.of == Of::kTagKeys) found.insert(key);
      if (statement.of == Of::kTagValues && is_wanted_key(statement, key)) found.insert(key + '\0' + value);
    }
  }));
  return found.size();
}

Result<void> write_count(std::string_view name, uint64_t count, ResultSink& sink) {
  TRY(sink.begin_series(name, {}));
  RowBatch batch;
  batch.width = 1;
  batch.values = {FieldValue::of_integer(static_cast<int64_t>(count))};
  return sink.rows(batch);
}

}  // namespace

// Nothing is estimated here, but a bare number has that name in InfluxDB.
Result<void> show_cardinality(const ShowCardinality& statement, Catalog& catalog, const RunOptions& options, ResultSink& sink) {
  const auto predicate = TRY(condition_of(statement, options.now_ns));
  const bool has_number = statement.of == Of::kSeries || statement.of == Of::kMeasurements;
  const bool bare = has_number && !statement.exact && statement.sources.empty() && !statement.condition;
  const bool one_number = bare || statement.of == Of::kMeasurements;
  sink.columns({bare ? "cardinality estimation" : "count"}, false, nullptr);
  uint64_t total = 0;
  for (const Measurement& measurement : TRY(catalog.measurements(statement.database, statement.sources))) {
    const uint64_t count = TRY(count_in(measurement, statement, predicate, options));
    if (count == 0) continue;
    total += statement.of == Of::kMeasurements ? 1 : count;
    if (!one_number) TRY(write_count(measurement.name, count, sink));
  }
  return one_number ? write_count("", total, sink) : Result<void>();
}

Result<void> show_continuous_queries(const tsdb::Engine& engine, ResultSink& sink) {
  Table table({"name", "query"}, sink);
  for (const std::string& database : engine.databases()) {
    const auto queries = engine.continuous_queries(database);
    // A database may be dropped meanwhile.
    if (!queries) continue;
    if (queries->empty()) TRY(sink.empty_series(database));
    for (const tsdb::ContinuousQuery& each : *queries) table.add({each.name, each.text});
    TRY(table.write(database));
  }
  return {};
}

Result<void> show_queries(const RunOptions& options, ResultSink& sink) {
  sink.columns({"qid", "query", "database", "duration", "status"}, false, nullptr);
  if (options.running == nullptr) return {};
  TRY(sink.begin_series("", {}));
  for (const RunningQueries::Query& each : options.running->list()) {
    const std::string duration = go_duration(each.running_ns);
    RowBatch batch;
    batch.width = 5;
    batch.values = {FieldValue::of_integer(static_cast<int64_t>(each.id)), text(each.text), text(each.database), text(duration), text(each.killed ? "killed" : "running")};
    TRY(sink.rows(batch));
  }
  return {};
}

}  // namespace campanile::query::influxql
