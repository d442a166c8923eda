// Jobs: recomputes continuous queries, tiers and trees over times that have passed, beside everything else, and however long it takes.
//
//   auto jobs = TRY(Jobs::open(store, engine, &derived_series, clock, run_options, metrics));
//   const Job job = TRY(jobs->add({.database = "campus", .query = "hourly", .from_ns = from, .to_ns = to, .who = "ada"}));
//   jobs->start();
//
// One job is worked on at a time: of those that wait the one of the greatest priority, of equal ones the oldest. It is done in slices, the newest first, each as
// long as takes about two seconds; between two the program rests as long as the last one took. What a slice wrote is durable before the job says that it is
// done, so that a job goes on where it was after a power cut, doing one slice again at most, which writes the same points.
// Threads: one of its own; everything else from any, not from event loops, since rows of the store are synced. Limits: 100 jobs that are not over; of those that are, the
// newest 100 are kept.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/recompute/job.h"
#include "app/recompute/recomputable.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "kv/store.h"
#include "query/languages/influxql/continuous.h"
#include "tsdb/engine.h"

namespace campanile::app {

struct JobOrder {
  std::string database;
  std::string query;
  int64_t from_ns = 0;
  int64_t to_ns = 0;      // not part of it
  int64_t priority = 0;
  std::string who;
};

enum class JobAction { kPause, kResume, kCancel };

class Jobs {
 public:
  // Reads the jobs that the store has; those that ran wait again. The references must outlive it.
  // `derived`: what there is beside continuous queries; may be null.
  static Result<std::unique_ptr<Jobs>> open(kv::Store& store, tsdb::Engine& engine, Recomputable* derived, const Clock& clock, query::influxql::RunOptions options,
                                            Metrics& metrics);
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  void start();
  void stop();  // a slice that is under way is given up

  // Errors: kNotFound for a database or query that is not there; kInvalidArgument for a range without a window; kTooLarge; those of the store.
  Result<Job> add(const JobOrder& order);
  // Errors: kNotFound; kInvalidArgument where the job's state does not allow it.
  Result<Job> change(uint64_t id, JobAction action);
  std::vector<Job> list() const;  // newest first

  // Does one slice on the calling thread; false where no job waits. For tests.
  bool run_slice();

 private:
  // What a job does: windows of that length, from one that begins there, and a range of them at a time.
  struct Work {
    int64_t interval_ns = 1;
    int64_t offset_ns = 0;
    std::function<Result<uint64_t>(tsdb::TimeRange range, const std::function<bool()>& cancelled)> run;
    int64_t window_start(int64_t time_ns) const;
  };
  Jobs(kv::Store& store, tsdb::Engine& engine, Recomputable* derived, const Clock& clock, query::influxql::RunOptions options, Metrics& metrics);
  Result<Work> work_of(const Job& job) const;
  Result<void> load();
  void run();
  // REQUIRES, here and below: mutex_.
  Job* next_job();
  Result<void> keep(const Job& job);
  void forget_oldest();
  void end_slice(uint64_t id, int64_t from_ns, int64_t taken_ns, const Result<uint64_t>& written);

  kv::Store& store_;
  tsdb::Engine& engine_;
  Recomputable* const derived_;
  const Clock& clock_;
  const query::influxql::RunOptions options_;
  Counter& slices_;
  Counter& points_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::optional<uint64_t> interrupted_;  // the job whose slice is to be given up
  int64_t rest_ns_ = 0;                  // before the next slice
  uint64_t last_id_ = 0;
  std::map<uint64_t, Job> jobs_;
  std::thread thread_;
};

}  // namespace campanile::app
