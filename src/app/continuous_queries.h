// ContinuousQueries: runs the continuous queries of all databases when they are due.
//
//   ContinuousQueries runner(engine, clock, run_options);
//   runner.start();
//   for (const auto& status : runner.status()) ...
//
// It looks once a second which queries there are, and runs what has come to a boundary, one after the other. After a start each runs for the last boundary
// that has passed. A run that fails is tried again at the next boundary, and told in the log.
// Threads: one of its own; status() from any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "query/languages/influxql/continuous.h"
#include "tsdb/engine.h"

namespace campanile::app {

class ContinuousQueries {
 public:
  struct Status {
    std::string database;
    std::string name;
    int64_t boundary_ns = 0;  // of the last run
    uint64_t points = 0;      // that the last run wrote
    std::string error;        // of the last run; empty where it went well
  };

  // `options`: with limits and help; time, database and cancelling are set for each run. `timeout`: of a run; 0: none.
  ContinuousQueries(tsdb::Engine& engine, const Clock& clock, query::influxql::RunOptions options, std::chrono::seconds timeout, Metrics& metrics);
  ~ContinuousQueries();
  ContinuousQueries(const ContinuousQueries&) = delete;
  ContinuousQueries& operator=(const ContinuousQueries&) = delete;

  void start();
  void stop();
  // Runs what is due now, on the calling thread. For tests.
  void run_due();
  std::vector<Status> status() const;

 private:
  struct Known {
    std::string text;
    query::influxql::ContinuousRun run;
    Status status;
    bool has_run = false;
  };
  void run();
  bool is_stopping() const;
  void run_if_due(const std::string& database, const tsdb::ContinuousQuery& query);
  void run_at(Known& known, int64_t boundary_ns);

  tsdb::Engine& engine_;
  const Clock& clock_;
  const query::influxql::RunOptions options_;
  const std::chrono::seconds timeout_;
  Counter& runs_;
  Counter& failures_;
  Counter& points_;
  mutable std::mutex mutex_;  // guards what is below, and is not held while a query runs
  std::condition_variable wake_;
  bool stopping_ = false;
  std::map<std::pair<std::string, std::string>, Known> known_;  // only the runner changes it
  std::thread thread_;
};

}  // namespace campanile::app
