#include "app/health_watch.h"

#include <chrono>
#include <utility>

#include "base/log.h"

namespace campanile::app {
namespace {

constexpr std::chrono::seconds kLookEvery{1};

}  // namespace

HealthWatch::HealthWatch(const Clock& clock, std::vector<HealthCheck> checks, std::function<void()> measure)
    : clock_(clock), measure_(std::move(measure)) {
  for (HealthCheck& check : checks) watched_.push_back({.check = std::move(check), .problem = {}});
}

HealthWatch::~HealthWatch() { stop(); }

void HealthWatch::start() {
  measure_();
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void HealthWatch::stop() {
  {
    const std::lock_guard lock(stop_mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void HealthWatch::run() {
  std::unique_lock lock(stop_mutex_);
  while (!wake_.wait_for(lock, kLookEvery, [this] { return stopping_; })) {
    lock.unlock();
    measure_();
    (void)problems();
    lock.lock();
  }
}

std::vector<api::Problem> HealthWatch::problems() {
  std::vector<api::Problem> found;
  const std::lock_guard lock(mutex_);
  for (Watched& one : watched_) {
    look(one);
    if (one.problem) found.push_back(*one.problem);
  }
  return found;
}

void HealthWatch::look(Watched& one) const {
  auto finding = one.check.look();
  if (!finding) {
    if (one.problem) log::info("{}: over after {} s", one.check.name, (clock_.steady_ns() - one.since_steady_ns) / kNanosPerSecond);
    one.problem.reset();
    return;
  }
  if (!one.problem) {
    one.problem = api::Problem{.name = one.check.name, .message = {}, .since_ns = clock_.now_ns(), .refused = one.check.refused, .remedy = one.check.remedy};
    one.since_steady_ns = clock_.steady_ns();
    log::warning("{}: {}", one.check.name, finding->message);
  }
  one.problem->message = std::move(finding->message);
  one.problem->stops_writes = finding->stops_writes;
}

}  // namespace campanile::app
