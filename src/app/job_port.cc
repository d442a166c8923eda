#include "app/job_port.h"

#include "base/log.h"

namespace campanile::app {
namespace {

api::JobView view_of(const Job& job) {
  return {.id = job.id, .database = job.database, .query = job.query, .who = job.who, .state = std::string(to_string(job.state)), .error = job.error, .from_ns = job.from_ns,
          .to_ns = job.to_ns, .priority = job.priority, .points = job.points, .progress = job.progress(), .spent_ns = job.spent_ns, .created_ns = job.created_ns, .changed_ns = job.changed_ns};
}

Result<api::JobView> view_of(Result<Job> job) {
  if (!job) return std::unexpected(std::move(job).error());
  return view_of(*job);
}

}  // namespace

api::JobPort job_port(Jobs& jobs) {
  return {.list = [&jobs] {
            std::vector<api::JobView> views;
            for (const Job& job : jobs.list()) views.push_back(view_of(job));
            return views;
          },
          .add = [&jobs](const api::JobWish& wish) {
            return view_of(jobs.add({.database = wish.database, .query = wish.query, .from_ns = wish.from_ns, .to_ns = wish.to_ns, .priority = wish.priority, .who = wish.who}));
          },
          .change = [&jobs](uint64_t id, const std::string& action) {
            return view_of(jobs.change(id, action == "pause" ? JobAction::kPause : action == "resume" ? JobAction::kResume : JobAction::kCancel));
          }};
}

void fill_by_job(Jobs& jobs, const std::string& database, const std::string& set, tsdb::TimeRange range) {
  for (const Job& job : jobs.list()) {
    if (job.state != JobState::kFinished && job.database == database && job.query == set && job.text.empty()) return;
  }
  const auto made = jobs.add({.database = database, .query = set, .from_ns = range.from_ns, .to_ns = range.to_ns, .priority = -1, .who = "campanile"});
  if (made) log::info("{}: job {} fills it with what was there before", set, made->id);
  if (!made) log::warning("{}: what was there before cannot be filled in now: {}", set, made.error().message);
}

std::vector<api::DerivedView> derived_views(const DerivedSeries& derived) {
  std::vector<api::DerivedView> views;
  for (auto& each : derived.status()) {
    views.push_back({.set = each.set, .database = each.database, .measurement = each.name, .level = each.level, .sources = each.sources, .keep_ns = each.keep_ns,
                     .complete_to_ns = each.complete_to_ns, .stale_windows = each.stale_windows, .stale_series = each.stale_series, .missing_windows = each.missing_windows,
                     .rows = each.rows, .error = each.error});
  }
  return views;
}

}  // namespace campanile::app
