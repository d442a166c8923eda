#include "query/languages/influxql/continuous.h"

#include <algorithm>

#include "query/languages/influxql/catalog.h"
#include "query/languages/influxql/columns.h"
#include "query/languages/influxql/into.h"
#include "query/languages/influxql/parser.h"
#include "query/languages/influxql/planner.h"
#include "query/languages/influxql/subquery.h"

namespace campanile::query::influxql {
namespace {

// Of a run: how many points it wrote.
class WrittenSink final : public ResultSink {
 public:
  Result<void> begin_series(std::string_view, const SeriesTags&) override { return {}; }
  Result<void> rows(const RowBatch& batch) override {
    if (!batch.values.empty() && batch.values[0]) written_ += static_cast<uint64_t>(batch.values[0]->as_integer());
    return {};
  }
  void begin_statement(size_t) override {}
  void columns(std::vector<std::string>, bool, std::shared_ptr<const TimeZone>) override {}
  Result<void> empty_series(std::string_view) override { return {}; }
  void warn(std::string_view) override {}
  Result<void> end_statement(const std::optional<std::string>&) override { return {}; }
  Result<void> finish() override { return {}; }
  uint64_t written() const { return written_; }

 private:
  uint64_t written_ = 0;
};

}  // namespace

int64_t window_start(int64_t time_ns, int64_t interval_ns, int64_t offset_ns) {
  const __int128 shifted = static_cast<__int128>(time_ns) - offset_ns;
  const __int128 steps = shifted / interval_ns - (shifted % interval_ns < 0 ? 1 : 0);
  return static_cast<int64_t>(std::clamp<__int128>(steps * interval_ns + offset_ns, INT64_MIN, INT64_MAX));
}

int64_t ContinuousRun::window_start(int64_t time_ns) const { return influxql::window_start(time_ns, interval_ns, offset_ns); }

int64_t ContinuousRun::boundary_before(int64_t time_ns) const { return influxql::window_start(time_ns, every_ns, offset_ns); }

tsdb::TimeRange ContinuousRun::range_at(int64_t boundary_ns) const {
  // Where a query runs several times in a window, each run covers the window as far as it has come.
  const int64_t end_ns = every_ns < interval_ns ? window_start(boundary_ns - 1) + interval_ns : window_start(boundary_ns);
  const int64_t from_ns = window_start(end_ns - for_ns);
  return {from_ns, end_ns - 1};
}

Result<ContinuousRun> parse_continuous(std::string_view text) {
  Query parsed = TRY(parse(text));
  auto* const query = parsed.statements.size() == 1 ? std::get_if<CreateContinuousQuery>(&parsed.statements[0].body) : nullptr;
  if (query == nullptr) return fail(ErrorCode::kInvalidArgument, "found '{}', wanted CREATE CONTINUOUS QUERY … BEGIN SELECT … INTO … GROUP BY time(…) END", text);
  ContinuousRun run;
  const PreparedSelect prepared = TRY(prepare_select(query->select, 0));
  run.interval_ns = prepared.grouping.window->every_ns;
  run.offset_ns = prepared.grouping.window->offset_ns;
  run.every_ns = query->every_ns.value_or(run.interval_ns);
  run.for_ns = query->for_ns.value_or(std::max(run.interval_ns, run.every_ns));
  run.query = std::move(*query);
  return run;
}

namespace {

Result<SelectResult> plan_in(Catalog& catalog, const ContinuousRun& run, tsdb::TimeRange range, const RunOptions& options) {
  const SelectStatement& select = run.query.select;
  PreparedSelect prepared = TRY(prepare_select(select, options.now_ns));
  prepared.condition.from_ns = std::max(range.from_ns, prepared.condition.from_ns.value_or(INT64_MIN));
  prepared.condition.to_ns = std::min(range.to_ns, prepared.condition.to_ns.value_or(INT64_MAX));
  return plan_over(select, prepared, catalog, options.context);
}

}  // namespace

Result<SelectResult> plan_continuous(const ContinuousRun& run, tsdb::TimeRange range, const tsdb::TagPredicate& series, const tsdb::Engine& engine, const RunOptions& options) {
  Catalog catalog(engine, run.query.database, "", options.tiers);
  SelectResult planned = TRY(plan_in(catalog, run, range, options));
  const auto restrict_to = [&](SelectPlan& plan) {
    plan.series = {.kind = tsdb::TagPredicate::Kind::kAnd, .key = {}, .value = {}, .pattern = {}, .children = {std::move(plan.series), series}};
  };
  if (planned.plan && series.kind != tsdb::TagPredicate::Kind::kTrue) {
    restrict_to(*planned.plan);
    std::ranges::for_each(planned.plan->parts, restrict_to);
  }
  return planned;
}

Result<uint64_t> run_continuous(const ContinuousRun& run, tsdb::TimeRange range, tsdb::Engine& engine, const RunOptions& options) {
  Catalog catalog(engine, run.query.database, "", options.tiers);
  SelectResult planned = TRY(plan_in(catalog, run, range, options));
  WrittenSink sink;
  TRY(select_into(*run.query.select.target, std::move(planned), catalog, engine, options, sink));
  return sink.written();
}

}  // namespace campanile::query::influxql
