// Continuous queries: when one runs, over which time, and the run itself.
//
//   const ContinuousRun run = TRY(parse_continuous("CREATE CONTINUOUS QUERY c ON db BEGIN SELECT mean(x) INTO y FROM m GROUP BY time(1h) END"));
//   const int64_t boundary_ns = run.boundary_before(now_ns);
//   if (boundary_ns > last_boundary_ns) TRY(run_continuous(run, run.range_at(boundary_ns), engine, options));
//
// A query runs at the end of each of its windows, or every RESAMPLE EVERY, over the last window, or over RESAMPLE FOR. Run again over the same time it
// writes the same points again, which changes nothing.
// Pure but for the run, which is a SELECT … INTO. Errors: kInvalidArgument where the text is no continuous query; those of the query.
#pragma once

#include <string_view>

#include "query/languages/influxql/influxql.h"
#include "query/languages/influxql/planner.h"

namespace campanile::query::influxql {

// Where the window begins that holds the time, of windows of that length from the offset on.
int64_t window_start(int64_t time_ns, int64_t interval_ns, int64_t offset_ns);

struct ContinuousRun {
  CreateContinuousQuery query;
  int64_t interval_ns = 0;  // of a window
  int64_t offset_ns = 0;
  int64_t every_ns = 0;     // from one run to the next
  int64_t for_ns = 0;       // how far back a run goes

  // Where the window begins that holds the time.
  int64_t window_start(int64_t time_ns) const;
  // The last boundary at or before a time, at which the query was or is due.
  int64_t boundary_before(int64_t time_ns) const;
  // What a run at the boundary covers, whole windows; empty (from > to) where there is nothing yet to cover.
  tsdb::TimeRange range_at(int64_t boundary_ns) const;
};

Result<ContinuousRun> parse_continuous(std::string_view text);

// What a run over the range reads and answers, of those series alone that the predicate admits where it is over measurements.
Result<SelectResult> plan_continuous(const ContinuousRun& run, tsdb::TimeRange range, const tsdb::TagPredicate& series, const tsdb::Engine& engine, const RunOptions& options);

// Answers how many points were written. They are durable then.
Result<uint64_t> run_continuous(const ContinuousRun& run, tsdb::TimeRange range, tsdb::Engine& engine, const RunOptions& options);

}  // namespace campanile::query::influxql
