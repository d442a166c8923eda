#include "app/recompute/jobs.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/text.h"

namespace campanile::app {
namespace {

namespace influxql = query::influxql;

constexpr size_t kOpenMax = 100;
constexpr size_t kOverMax = 100;
constexpr int64_t kSliceMaxNs = 30 * 86'400 * kNanosPerSecond;
constexpr int64_t kFirstWindows = 60;
constexpr int64_t kShortNs = kNanosPerSecond;      // a slice that took less is followed by one twice as long
constexpr int64_t kLongNs = 4 * kNanosPerSecond;   // by one half as long
constexpr int64_t kRestMaxNs = 5 * kNanosPerSecond;
constexpr std::chrono::milliseconds kLookEvery{500};

int64_t before(int64_t time_ns, int64_t duration_ns) { return time_ns < INT64_MIN + duration_ns ? INT64_MIN : time_ns - duration_ns; }

}  // namespace

Jobs::Jobs(kv::Store& store, tsdb::Engine& engine, Recomputable* derived, const Clock& clock, influxql::RunOptions options, Metrics& metrics)
    : store_(store),
      engine_(engine),
      derived_(derived),
      clock_(clock),
      options_(std::move(options)),
      slices_(metrics.counter("campanile_job_slices_total", "Slices of recomputation jobs that were done")),
      points_(metrics.counter("campanile_job_points_total", "Points that recomputation jobs wrote")) {}

Result<std::unique_ptr<Jobs>> Jobs::open(kv::Store& store, tsdb::Engine& engine, Recomputable* derived, const Clock& clock, influxql::RunOptions options, Metrics& metrics) {
  std::unique_ptr<Jobs> jobs(new Jobs(store, engine, derived, clock, std::move(options), metrics));
  TRY(jobs->load());
  return jobs;
}

Jobs::~Jobs() { stop(); }

Result<void> Jobs::load() {
  std::string end(kJobKeysBegin);
  ++end.back();
  const auto rows = store_.iterate(kJobKeysBegin, end);
  for (; rows->valid(); rows->next()) {
    auto job = decode_job(rows->value());
    if (!job) return with_context(std::move(job).error(), fmt::format("row '{}'", excerpt(rows->key())));
    if (job->state == JobState::kRunning) job->state = JobState::kWaiting;
    last_id_ = std::max(last_id_, job->id);
    jobs_.emplace(job->id, std::move(*job));
  }
  return rows->status();
}

void Jobs::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void Jobs::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Jobs::run() {
  for (;;) {
    const bool worked = run_slice();
    std::unique_lock lock(mutex_);
    const auto rest = worked ? std::chrono::nanoseconds(rest_ns_) : std::chrono::nanoseconds(kLookEvery);
    if (wake_.wait_for(lock, rest, [this] { return stopping_; })) return;
  }
}

int64_t Jobs::Work::window_start(int64_t time_ns) const { return influxql::window_start(time_ns, interval_ns, offset_ns); }

Result<Jobs::Work> Jobs::work_of(const Job& job) const {
  if (job.text.empty()) {
    const auto interval_ns = derived_ ? derived_->interval_of(job.database, job.query) : std::nullopt;
    if (!interval_ns) return fail(ErrorCode::kNotFound, "database \"{}\" has no continuous query, tier or tree \"{}\"", excerpt(job.database), excerpt(job.query));
    return Work{.interval_ns = *interval_ns, .offset_ns = 0, .run = [this, job](tsdb::TimeRange range, const std::function<bool()>& cancelled) {
                  return derived_->recompute(job.database, job.query, range, cancelled);
                }};
  }
  influxql::ContinuousRun run = TRY(influxql::parse_continuous(job.text));
  const auto [interval_ns, offset_ns] = std::pair(run.interval_ns, run.offset_ns);
  return Work{.interval_ns = interval_ns, .offset_ns = offset_ns, .run = [this, job, run = std::move(run)](tsdb::TimeRange range, const std::function<bool()>& cancelled) {
                influxql::RunOptions options = options_;
                options.now_ns = clock_.now_ns();
                options.database = job.database;
                options.context.cancelled = cancelled;
                return influxql::run_continuous(run, range, engine_, options);
              }};
}

Result<Job> Jobs::add(const JobOrder& order) {
  const auto queries = TRY(engine_.continuous_queries(order.database));
  const auto found = std::ranges::find(queries, order.query, &tsdb::ContinuousQuery::name);
  Job job{.database = order.database, .query = order.query, .text = found == queries.end() ? std::string() : found->text, .who = order.who, .priority = order.priority};
  const Work run = TRY(work_of(job));
  job.from_ns = run.window_start(order.from_ns);
  job.to_ns = run.window_start(order.to_ns);
  if (job.to_ns < order.to_ns) job.to_ns = job.to_ns > INT64_MAX - run.interval_ns ? INT64_MAX : job.to_ns + run.interval_ns;
  if (order.from_ns >= order.to_ns) return fail(ErrorCode::kInvalidArgument, "start is not before end");
  job.left_to_ns = job.to_ns;
  job.slice_ns = run.interval_ns > kSliceMaxNs / kFirstWindows ? std::max(run.interval_ns, kSliceMaxNs) : run.interval_ns * kFirstWindows;
  job.created_ns = job.changed_ns = clock_.now_ns();
  const std::lock_guard lock(mutex_);
  const auto open = static_cast<size_t>(std::ranges::count_if(jobs_, [](const auto& each) { return !each.second.is_over(); }));
  if (open >= kOpenMax) return fail(ErrorCode::kTooLarge, "{} jobs are not over yet, which is the limit; wait, or cancel some", kOpenMax);
  job.id = last_id_ + 1;
  TRY(keep(job));
  ++last_id_;
  jobs_.emplace(job.id, job);
  wake_.notify_all();
  return job;
}

Result<Job> Jobs::change(uint64_t id, JobAction action) {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return fail(ErrorCode::kNotFound, "there is no job {}", id);
  Job changed = found->second;
  const bool is_active = changed.waits() || changed.state == JobState::kRunning;
  const bool allowed = action == JobAction::kPause ? is_active : action == JobAction::kResume ? changed.state == JobState::kPaused : !changed.is_over();
  if (!allowed) return fail(ErrorCode::kInvalidArgument, "job {} is {}", id, to_string(changed.state));
  if (changed.state == JobState::kRunning) interrupted_ = id;
  changed.state = action == JobAction::kPause ? JobState::kPaused : action == JobAction::kResume ? JobState::kWaiting : JobState::kCancelled;
  changed.changed_ns = clock_.now_ns();
  TRY(keep(changed));
  found->second = changed;
  forget_oldest();
  return changed;
}

std::vector<Job> Jobs::list() const {
  std::vector<Job> all;
  const std::lock_guard lock(mutex_);
  for (auto job = jobs_.rbegin(); job != jobs_.rend(); ++job) all.push_back(job->second);
  return all;
}

Job* Jobs::next_job() {
  Job* best = nullptr;
  for (auto& [id, job] : jobs_) {
    const bool waits = job.waits() || job.state == JobState::kRunning;
    if (waits && (best == nullptr || job.priority > best->priority)) best = &job;
  }
  return best;
}

Result<void> Jobs::keep(const Job& job) {
  kv::WriteBatch batch;
  batch.put(job_key(job.id), encode_job(job));
  return store_.write(batch, kv::Durability::kSynced);
}

void Jobs::forget_oldest() {
  auto over = static_cast<size_t>(std::ranges::count_if(jobs_, [](const auto& each) { return each.second.is_over(); }));
  for (auto job = jobs_.begin(); job != jobs_.end() && over > kOverMax;) {
    if (!job->second.is_over()) {
      ++job;
      continue;
    }
    kv::WriteBatch batch;
    batch.erase(job_key(job->first));
    if (!store_.write(batch, kv::Durability::kBuffered)) return;  // with the next one that ends
    job = jobs_.erase(job);
    --over;
  }
}

bool Jobs::run_slice() {
  Job job;
  {
    const std::lock_guard lock(mutex_);
    Job* const next = next_job();
    if (next == nullptr || stopping_) return false;
    // Another one that was worked on waits while one of greater priority has come.
    for (auto& [id, each] : jobs_) {
      if (each.state == JobState::kRunning && &each != next) each.state = JobState::kWaiting;
    }
    next->state = JobState::kRunning;
    interrupted_.reset();
    job = *next;
  }
  const int64_t begun_ns = clock_.steady_ns();
  const auto work = work_of(job);
  int64_t from_ns = job.from_ns;
  Result<uint64_t> written = 0;
  if (!work) {
    written = std::unexpected(work.error());
  } else {
    from_ns = std::max(job.from_ns, work->window_start(before(job.left_to_ns, job.slice_ns)));
    if (from_ns >= job.left_to_ns) from_ns = std::max(job.from_ns, before(job.left_to_ns, work->interval_ns));
    const auto cancelled = [&] {
      const std::lock_guard lock(mutex_);
      return stopping_ || interrupted_ == job.id;
    };
    if (from_ns < job.left_to_ns) written = work->run({from_ns, job.left_to_ns - 1}, cancelled);
  }
  const std::lock_guard lock(mutex_);
  end_slice(job.id, from_ns, clock_.steady_ns() - begun_ns, written);
  return true;
}

void Jobs::end_slice(uint64_t id, int64_t from_ns, int64_t taken_ns, const Result<uint64_t>& written) {
  rest_ns_ = std::clamp<int64_t>(taken_ns, 0, kRestMaxNs);
  Job& job = jobs_.at(id);
  // What was given up, or paused meanwhile, is done again.
  if (stopping_ || job.state != JobState::kRunning) return;
  Job changed = job;
  changed.spent_ns += taken_ns;
  changed.changed_ns = clock_.now_ns();
  if (written) {
    changed.points += *written;
    changed.left_to_ns = from_ns;
    if (taken_ns < kShortNs && changed.slice_ns < kSliceMaxNs) changed.slice_ns = std::min(kSliceMaxNs, changed.slice_ns * 2);
    if (taken_ns > kLongNs) changed.slice_ns = std::max<int64_t>(1, changed.slice_ns / 2);
    if (changed.left_to_ns <= changed.from_ns) changed.state = JobState::kFinished;
    slices_.add();
    points_.add(*written);
  } else if (written.error().code == ErrorCode::kOverloaded || written.error().code == ErrorCode::kIoError || written.error().code == ErrorCode::kUnavailable) {
    // What came in goes first; the slice is tried again later.
    rest_ns_ = kNanosPerSecond;
  } else if (written.error().code == ErrorCode::kTooLarge && from_ns < changed.left_to_ns && changed.slice_ns > 1 && changed.left_to_ns - from_ns > changed.slice_ns / 2) {
    changed.slice_ns = std::max<int64_t>(1, changed.slice_ns / 2);
  } else {
    changed.state = JobState::kFailed;
    changed.error = written.error().message;
    log::error("job {}: {} of {}: {}", id, changed.query, changed.database, changed.error);
  }
  // Where the store refuses the slice is done again.
  if (const auto kept = keep(changed); !kept) {
    rest_ns_ = kNanosPerSecond;
    return;
  }
  job = changed;
  if (job.is_over()) forget_oldest();
}

}  // namespace campanile::app
