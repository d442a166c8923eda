#include "backup/service.h"

#include <algorithm>
#include <utility>

#include "backup/data_files.h"
#include "backup/writer.h"
#include "base/log.h"

namespace campanile::backup {

std::string_view to_string(JobState state) {
  switch (state) {
    case JobState::kRunning: return "running";
    case JobState::kDone: return "done";
    case JobState::kFailed: return "failed";
  }
  return "";
}

Service::Service(ServiceOptions options, kv::Store& store, journal::Journal& journal, const Clock& clock)
    : options_(std::move(options)), store_(store), journal_(journal), clock_(clock) {
  remove_leftovers(options_.data);
  const auto ids = Place::ids_in(options_.place);
  if (!ids || ids->empty()) return;
  if (const auto newest = Place::read_in(options_.place, ids->back())) newest_ns_ = newest->time_ns;
}

Service::~Service() { stop(); }

Result<std::string> Service::start(uint64_t keep) {
  std::lock_guard lock(mutex_);
  if (stopped_) return fail(ErrorCode::kUnavailable, "the server is stopping");
  if (job_ && job_->state == JobState::kRunning) return fail(ErrorCode::kAlreadyExists, "the backup {} is running; wait until it has ended", job_->id);
  auto place = TRY(Place::open(options_.place, Place::Use::kWrite));
  const int64_t now_ns = TRY(place.next_time_ns(clock_.now_ns()));
  const std::string id = make_id(now_ns);
  job_ = JobStatus{.id = id, .started_ns = now_ns};
  // The former thread has ended its work, or is about to without the lock: this waits for it.
  thread_ = std::jthread([this, id, now_ns, keep, place = std::move(place)](const std::stop_token& stop) mutable {
    run(std::move(place), id, now_ns, keep, stop);
  });
  return id;
}

std::optional<JobStatus> Service::status() const {
  std::lock_guard lock(mutex_);
  return job_;
}

Result<std::vector<Manifest>> Service::list() const {
  std::vector<Manifest> found;
  auto ids = TRY(Place::ids_in(options_.place));
  std::reverse(ids.begin(), ids.end());
  for (const std::string& id : ids) {
    if (auto manifest = Place::read_in(options_.place, id)) found.push_back(std::move(*manifest));
  }
  return found;
}

void Service::stop() {
  std::jthread thread;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    thread = std::move(thread_);
  }
  // Its destructor asks it to stop and waits.
}

void Service::run(Place place, std::string id, int64_t time_ns, uint64_t keep, const std::stop_token& stop) {
  log::info("backup {}: begins in {}", id, place.directory().string());
  const auto made = make(place, id, time_ns, keep, stop);
  if (made) {
    newest_ns_ = made->time_ns;
    log::info("backup {}: done, {} files, {} bytes, {} of them copied", id, made->files.size(), made->bytes(), made->copied_bytes);
  } else {
    log::error("backup {}: {}", id, made.error().message);
  }
  // The place's lock goes first, so that who sees the end may begin at once.
  { const Place released = std::move(place); }
  std::lock_guard lock(mutex_);
  job_->state = made ? JobState::kDone : JobState::kFailed;
  job_->ended_ns = clock_.now_ns();
  if (!made) job_->error = made.error().message;
}

Result<Manifest> Service::make(Place& place, const std::string& id, int64_t time_ns, uint64_t keep, const std::stop_token& stop) {
  Progress progress(
      [this](const ProgressStatus& now) {
        std::lock_guard lock(mutex_);
        job_->progress = now;
      },
      stop);
  DataFiles data = TRY(freeze_running(options_.data, place.directory(), store_, journal_));
  return write_backup(place, data, {.id = id, .time_ns = time_ns, .program = options_.program, .keep = keep, .free_bytes_min = options_.free_bytes_min}, progress);
}

}  // namespace campanile::backup
