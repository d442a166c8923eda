// How windows are worked out: a query over the range, whose rows take the place of those that are there.

#include <algorithm>

#include "app/derived/derived_series.h"
#include "app/derived/replacement.h"
#include "model/series_key.h"
#include "query/executor.h"

namespace campanile::app {
namespace {

namespace influxql = query::influxql;

// The series of these keys, of the sources' measurement or of the one that is written, which have the same tags.
Result<tsdb::TagPredicate> those(const std::vector<std::string>& keys, const std::vector<std::string>& tag_keys) {
  tsdb::TagPredicate any{.kind = tsdb::TagPredicate::Kind::kOr, .key = {}, .value = {}, .pattern = {}, .children = {}};
  for (const std::string& key : keys) any.children.push_back(exactly(TRY(parse_series_key(key)).tags, tag_keys));
  return any;
}

struct Column {
  std::vector<int64_t> times_ns;
  std::vector<double> values;
};

// Of the one series that a node has.
Result<Column> read_column(const tsdb::Reader& reader, const std::string& measurement, const std::string& field, tsdb::TimeRange range) {
  Column column;
  for (const tsdb::Series& series : TRY(reader.series(measurement, {}))) {
    if (!series.name->tags.empty()) continue;
    const auto cursor = TRY(reader.column(series.id, field, range, tsdb::Order::kAscending));
    while (TRY(cursor->next())) {
      const tsdb::ColumnValues values = TRY(cursor->values());
      for (size_t i = 0; i < values.size(); ++i) {
        if (values.type > FieldType::kUnsigned) continue;
        column.times_ns.push_back(values.times_ns[i]);
        column.values.push_back(values.at(i).as_number());
      }
    }
  }
  return column;
}

}  // namespace

// Where there would be too many rows at once, the newer half comes first.
Result<uint64_t> DerivedSeries::work_out(Derived& derived, IntervalSet::Interval windows, const std::vector<std::string>& keys, const Cancelled& cancelled) {
  auto rows = work_out_at_once(derived, windows, keys, cancelled);
  const int64_t every_ns = derived.what.every_ns;
  if (rows || rows.error().code != ErrorCode::kTooLarge || windows.to - windows.from <= every_ns) return rows;
  derived.slice_ns = std::max(every_ns, std::min(derived.slice_ns, (windows.to - windows.from) / 2));
  const int64_t middle = windows.from + (windows.to - windows.from) / every_ns / 2 * every_ns;
  const uint64_t newer = TRY(work_out(derived, {middle, windows.to}, keys, cancelled));
  return newer + TRY(work_out(derived, {windows.from, middle}, keys, cancelled));
}

Result<uint64_t> DerivedSeries::work_out_at_once(Derived& derived, IntervalSet::Interval windows, const std::vector<std::string>& keys, const Cancelled& cancelled) {
  const Derivation& what = derived.what;
  const tsdb::TimeRange range{windows.from, windows.to - 1};
  influxql::RunOptions options = options_;
  options.now_ns = clock_.now_ns();
  options.database = what.database;
  options.context.cancelled = cancelled;
  const bool is_empty = windows.from >= derived.fresh_from_ns;
  if (derived.fresh_from_ns != INT64_MAX) derived.fresh_from_ns = std::max(derived.fresh_from_ns, windows.to);
  const auto target = TRY(engine_.reader(derived.target_bucket));
  Replacement::Place place{.bucket = derived.target_bucket, .measurement = what.name, .range = range, .whose = {}, .is_empty = is_empty,
                           .is_one_window = windows.to - windows.from <= what.every_ns};
  if (!keys.empty()) place.whose = TRY(those(keys, target->tag_keys(what.name)));
  if (what.ratio) {
    Replacement rows(engine_, std::move(place), {what.ratio->column}, options.context, options.now_ns);
    TRY(divide(derived, range, rows));
    return rows.finish();
  }
  influxql::SelectResult planned = TRY(plan(derived, range, keys, options));
  std::vector<std::string> columns;
  if (planned.plan) columns.assign(planned.columns.begin() + 1, planned.columns.end());
  // Where nothing is left, all that was written goes.
  if (!planned.plan) std::ranges::transform(target->fields(what.name), std::back_inserter(columns), &tsdb::FieldInfo::name);
  Replacement rows(engine_, std::move(place), std::move(columns), options.context, options.now_ns);
  if (planned.plan) {
    planned.plan->fill = {};
    TRY(query::execute(*planned.plan, options.context, rows));
  }
  return rows.finish();
}

// No plan where no point can be read.
Result<influxql::SelectResult> DerivedSeries::plan(Derived& derived, tsdb::TimeRange range, const std::vector<std::string>& keys, const influxql::RunOptions& options) const {
  const std::string& statement = derived.what.statement;
  if (statement.empty()) return influxql::SelectResult{};
  if (derived.run_text != statement) {
    derived.run = TRY(influxql::parse_continuous(statement));
    derived.run_text = statement;
  }
  tsdb::TagPredicate series;
  if (!keys.empty()) series = TRY(those(keys, TRY(engine_.reader(derived.source_bucket))->tag_keys(derived.what.sources[0])));
  return influxql::plan_continuous(derived.run, range, series, engine_, options);
}

Result<void> DerivedSeries::divide(const Derived& derived, tsdb::TimeRange range, Replacement& rows) const {
  const Ratio& ratio = *derived.what.ratio;
  const auto reader = TRY(engine_.reader(derived.source_bucket));
  const Column of = TRY(read_column(*reader, ratio.of, ratio.column, range));
  const Column to = TRY(read_column(*reader, ratio.to, ratio.column, range));
  query::RowBatch batch{.width = 1, .times_ns = {}, .values = {}};
  for (size_t i = 0; i < of.times_ns.size(); ++i) {
    const auto place = std::ranges::lower_bound(to.times_ns, of.times_ns[i]);
    if (place == to.times_ns.end() || *place != of.times_ns[i]) continue;
    const double divisor = to.values[static_cast<size_t>(place - to.times_ns.begin())];
    if (divisor == 0) continue;
    batch.times_ns.push_back(of.times_ns[i]);
    batch.values.emplace_back(FieldValue::of_float(of.values[i] / divisor));
  }
  TRY(rows.begin_series(derived.what.name, {}));
  return rows.rows(batch);
}

}  // namespace campanile::app
