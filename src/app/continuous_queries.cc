#include "app/continuous_queries.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"

namespace campanile::app {
namespace {

namespace influxql = query::influxql;

constexpr std::chrono::seconds kLookEvery{1};

}  // namespace

ContinuousQueries::ContinuousQueries(tsdb::Engine& engine, const Clock& clock, influxql::RunOptions options, std::chrono::seconds timeout, Metrics& metrics)
    : engine_(engine),
      clock_(clock),
      options_(std::move(options)),
      timeout_(timeout),
      runs_(metrics.counter("campanile_continuous_query_runs_total", "Runs of continuous queries")),
      failures_(metrics.counter("campanile_continuous_query_failures_total", "Runs of continuous queries that failed")),
      points_(metrics.counter("campanile_continuous_query_points_total", "Points that continuous queries wrote")) {}

ContinuousQueries::~ContinuousQueries() { stop(); }

void ContinuousQueries::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void ContinuousQueries::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool ContinuousQueries::is_stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void ContinuousQueries::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kLookEvery, [this] { return stopping_; })) {
    lock.unlock();
    run_due();
    lock.lock();
  }
}

void ContinuousQueries::run_due() {
  std::set<std::pair<std::string, std::string>> there;
  for (const std::string& database : engine_.databases()) {
    const auto queries = engine_.continuous_queries(database);
    if (!queries) continue;
    for (const tsdb::ContinuousQuery& query : *queries) {
      if (is_stopping()) return;
      there.emplace(database, query.name);
      run_if_due(database, query);
    }
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(known_, [&](const auto& each) { return !there.contains(each.first); });
}

void ContinuousQueries::run_if_due(const std::string& database, const tsdb::ContinuousQuery& query) {
  const auto place = known_.find({database, query.name});
  if (place == known_.end() || place->second.text != query.text) {
    auto parsed = influxql::parse_continuous(query.text);
    Known known{.text = query.text, .run = {}, .status = {.database = database, .name = query.name}};
    if (parsed) known.run = *std::move(parsed);
    if (!parsed) known.status.error = parsed.error().message;
    if (!parsed) log::error("continuous query {} of {}: {}", query.name, database, known.status.error);
    const std::lock_guard lock(mutex_);
    known_.insert_or_assign({database, query.name}, std::move(known));
  }
  Known& known = known_.at({database, query.name});
  if (known.run.every_ns <= 0) return;  // it could not be read
  const int64_t boundary_ns = known.run.boundary_before(clock_.now_ns());
  if (known.has_run && boundary_ns <= known.status.boundary_ns) return;
  run_at(known, boundary_ns);
}

void ContinuousQueries::run_at(Known& known, int64_t boundary_ns) {
  // Of boundaries that were missed while others ran, the range begins at the first.
  tsdb::TimeRange range = known.run.range_at(boundary_ns);
  if (known.has_run) range.from_ns = std::min(range.from_ns, known.run.range_at(known.status.boundary_ns + known.run.every_ns).from_ns);
  influxql::RunOptions options = options_;
  options.now_ns = clock_.now_ns();
  options.database = known.status.database;
  const int64_t begun_ns = clock_.steady_ns();
  const int64_t timeout_ns = std::chrono::nanoseconds(timeout_).count();
  options.context.cancelled = [&] { return is_stopping() || (timeout_ns > 0 && clock_.steady_ns() - begun_ns > timeout_ns); };
  options.context.cancelled_message = "query-timeout limit exceeded";
  const Result<uint64_t> written = range.from_ns > range.to_ns ? Result<uint64_t>(0) : influxql::run_continuous(known.run, range, engine_, options);
  if (!written && is_stopping()) return;
  runs_.add();
  if (written) points_.add(*written);
  if (!written) failures_.add();
  if (!written) log::error("continuous query {} of {}: {}", known.status.name, known.status.database, written.error().message);
  const std::lock_guard lock(mutex_);
  known.has_run = true;
  known.status.boundary_ns = boundary_ns;
  known.status.points = written.value_or(0);
  known.status.error = written ? std::string() : written.error().message;
}

std::vector<ContinuousQueries::Status> ContinuousQueries::status() const {
  std::vector<Status> made;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, known] : known_) made.push_back(known.status);
  return made;
}

}  // namespace campanile::app
