// DerivedSeries: keeps the tiers and trees of the configuration true: works out each window when it is over, and again what has changed since.
//
//   auto derived = TRY(DerivedSeries::open(config, store, engine, clock, metrics));   // before the journal is replayed
//   derived->start(run_options, [&](auto&& database, auto&& set, auto range) { … });  // after it
//   options.tiers = derived.get();                                                    // queries are answered from them
//
// A window is worked out kSettleNs after its end. Points that come later, are erased or corrected mark the windows of their series (tsdb/change_watch.h), which are
// worked out again, the newest first. What was there before a tier was configured is filled by a job.
// Threads: one of its own; everything else from any. Locks: a derivation's `work`, then `mutex_`; `mutex_` is a leaf.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "app/config/config.h"
#include "app/derived/derivation.h"
#include "app/derived/replacement.h"
#include "app/derived/state.h"
#include "app/recompute/recomputable.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "kv/store.h"
#include "query/languages/influxql/continuous.h"
#include "query/tiers.h"
#include "tsdb/engine.h"

namespace campanile::app {

class DerivedSeries final : public tsdb::ChangeWatch, public query::Tiers, public Recomputable {
 public:
  static constexpr int64_t kSettleNs = 5 * kNanosPerSecond;

  struct Status {
    std::string set;
    std::string database;
    std::string name;
    std::string level;
    std::vector<std::string> sources;
    int64_t every_ns = 0;
    int64_t keep_ns = 0;
    int64_t complete_to_ns = INT64_MIN;
    uint64_t stale_windows = 0;    // of all series
    uint64_t stale_series = 0;     // that have windows of their own to be worked out again
    uint64_t missing_windows = 0;
    uint64_t rows = 0;             // written since the start
    std::string error;
  };

  // Has a job of that set fill what was there before, unless it has one. Asked again while something is missing.
  using FillByJob = std::function<void(const std::string& database, const std::string& set, tsdb::TimeRange range)>;

  // Reads what the store has of them, and has the engine tell of changes. REQUIRES: the journal is not replayed yet. The references must outlive it.
  static Result<std::unique_ptr<DerivedSeries>> open(const Config& config, kv::Store& store, tsdb::Engine& engine, const Clock& clock, Metrics& metrics);
  ~DerivedSeries() override;
  DerivedSeries(const DerivedSeries&) = delete;
  DerivedSeries& operator=(const DerivedSeries&) = delete;

  // `options`: with limits and help. REQUIRES: the journal was replayed.
  void start(query::influxql::RunOptions options, FillByJob fill);
  // The same without the thread, for tests, which call run_due().
  void prepare(query::influxql::RunOptions options, FillByJob fill);
  void stop();
  void run_due();

  bool empty() const { return config_.tiers.empty() && config_.trees.empty(); }
  std::vector<Status> status() const;

  void changed(Change change, tsdb::BucketId bucket, std::string_view measurement, std::string_view key, tsdb::TimeRange range) override;
  Result<void> keep_changes() override;
  std::vector<query::Tier> of(tsdb::BucketId bucket, std::string_view measurement) const override;
  std::optional<std::string> policy_of(std::string_view database, std::string_view measurement) const override;
  std::optional<int64_t> interval_of(const std::string& database, const std::string& name) const override;
  Result<uint64_t> recompute(const std::string& database, const std::string& name, tsdb::TimeRange range, const std::function<bool()>& cancelled) override;

 private:
  // One derivation with its state. Never goes while the program runs.
  struct Derived {
    // Under mutex_:
    Derivation what;             // its statement alone may change, under `work` as well
    DerivedState state;
    bool is_changed = false;     // the store's row is older
    std::shared_ptr<const query::TierCoverage> coverage;  // of the state as it is; null after a change
    tsdb::BucketId source_bucket = 0;
    tsdb::BucketId target_bucket = 0;  // 0: not there yet
    std::string error;
    uint64_t rows = 0;
    // Under `work`, one computation at a time:
    std::mutex work;
    query::influxql::ContinuousRun run;
    std::string run_text;        // the statement that it was made of
    int64_t slice_ns = 0;
    int64_t fresh_from_ns = INT64_MAX;  // nothing was ever written to windows from there on
  };
  using Key = std::pair<std::string, std::string>;  // database and name
  using Cancelled = std::function<bool()>;

  DerivedSeries(const Config& config, kv::Store& store, tsdb::Engine& engine, const Clock& clock, Metrics& metrics);
  Result<void> load();
  void run();
  bool is_stopping() const;
  std::vector<Derived*> all() const;
  void rest(int64_t taken_ns);
  Result<void> keep(kv::Durability durability);
  // REQUIRES, all four: mutex_.
  void mark_rows_changed(tsdb::BucketId bucket, std::string_view measurement, std::string_view key, tsdb::TimeRange range);
  std::span<Derived* const> watchers_of(tsdb::BucketId bucket, std::string_view measurement) const;
  static void touch(Derived& derived);
  // Windows that were worked on, of those series or of all, are worked out, or stale again.
  static void give_back(Derived& derived, IntervalSet::Interval windows, const std::vector<std::string>& keys, const Result<uint64_t>& rows);

  // definitions.cc: what there is to be derived.
  void look_for_definitions();
  void define_all_of(const TierConfig& tier);
  void define(Derivation what);
  Derived& add(Derivation what, tsdb::BucketId source_bucket);
  void connect(Derived& derived, tsdb::BucketId source_bucket);
  bool make_target(Derived& derived);
  // Has the engine tell of changes before that time, and of those that others that are made of the same want to know of.
  void watch(const Derived& derived, int64_t before_ns);
  std::string database_of(const std::string& configured) const { return configured.empty() ? config_.ingest.database : configured; }

  // refresh.cc: working it out.
  void advance(Derived& derived);
  void begin(Derived& derived, int64_t boundary_ns);
  void fill_missing();
  void refresh(Derived& derived);
  bool refresh_all(Derived& derived);
  bool refresh_series(Derived& derived);
  // The newest part of an interval, as much as is done at once; nothing where all of it is too old to be worked out.
  std::optional<IntervalSet::Interval> slice_of(Derived& derived, IntervalSet::Interval interval) const;
  bool do_slice(Derived& derived, IntervalSet::Interval slice, const std::vector<std::string>& keys);
  std::optional<int64_t> earliest(tsdb::BucketId bucket, const std::vector<std::string>& measurements) const;
  // From when on its points are all still there, and its rows would be kept.
  int64_t oldest_possible(const Derived& derived) const;

  // computation.cc. REQUIRES, all four: derived.work. `keys`: of those series alone; empty: of all.
  Result<uint64_t> work_out(Derived& derived, IntervalSet::Interval windows, const std::vector<std::string>& keys, const Cancelled& cancelled);
  Result<uint64_t> work_out_at_once(Derived& derived, IntervalSet::Interval windows, const std::vector<std::string>& keys, const Cancelled& cancelled);
  Result<query::influxql::SelectResult> plan(Derived& derived, tsdb::TimeRange range, const std::vector<std::string>& keys, const query::influxql::RunOptions& options) const;
  Result<void> divide(const Derived& derived, tsdb::TimeRange range, Replacement& rows) const;

  const Config config_;
  kv::Store& store_;
  tsdb::Engine& engine_;
  const Clock& clock_;
  Counter& rows_written_;
  Counter& failures_;
  query::influxql::RunOptions options_;
  FillByJob fill_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool is_prepared_ = false;   // the journal was replayed
  std::map<Key, std::unique_ptr<Derived>> derived_;  // under mutex_; only the thread adds
  std::vector<Derived*> order_;                      // under mutex_: what builds on others comes behind them
  std::map<tsdb::BucketId, std::map<std::string, std::vector<Derived*>, std::less<>>> watchers_;  // under mutex_: by what they are made of
  // The thread's, and open()'s and prepare()'s before it.
  std::map<Key, DerivedState> loaded_;  // of the store, and not defined yet
  std::set<Key> clashes_;               // that were told
  uint64_t columns_seen_ = UINT64_MAX;
  int64_t looked_at_ns_ = INT64_MIN;  // on the steady clock, as the next
  int64_t kept_at_ns_ = INT64_MIN;
  int64_t filled_at_ns_ = INT64_MIN;
  std::thread thread_;
};

}  // namespace campanile::app
