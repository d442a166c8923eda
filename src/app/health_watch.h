// HealthWatch: what is wrong, and since when. It asks its checks once a second, and whenever somebody wants to know.
//
//   HealthWatch watch(clock, {{.name = "journal", .refused = "…", .remedy = "…", .look = [&] { return journal_finding(); }}}, measure);
//   watch.start();
//   for (const api::Problem& problem : watch.problems()) ...
//
// A problem is there from the first look that finds it to the first that does not: nothing has to be confirmed or started again. Both are logged.
// Threads: problems() from any thread; a check's look() may run on an event loop and must not wait. What has to wait for a disk goes into
// `measure`, which only the watch's own thread calls, before each of its looks.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "api/problems.h"
#include "base/clock.h"

namespace campanile::app {

struct Finding {
  std::string message;
  bool stops_writes = false;
};

struct HealthCheck {
  std::string name;
  std::string refused;
  std::string remedy;
  std::function<std::optional<Finding>()> look;  // nothing while all is well
};

class HealthWatch {
 public:
  HealthWatch(const Clock& clock, std::vector<HealthCheck> checks, std::function<void()> measure = [] {});
  ~HealthWatch();
  HealthWatch(const HealthWatch&) = delete;
  HealthWatch& operator=(const HealthWatch&) = delete;

  // Measures once, then begins the thread.
  void start();
  void stop();
  std::vector<api::Problem> problems();

 private:
  struct Watched {
    HealthCheck check;
    std::optional<api::Problem> problem;
    int64_t since_steady_ns = 0;
  };
  void run();
  void look(Watched& one) const;

  const Clock& clock_;
  const std::function<void()> measure_;

  std::mutex mutex_;  // what follows; taken before the locks of what is asked
  std::vector<Watched> watched_;
  std::mutex stop_mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // under stop_mutex_
  std::thread thread_;
};

}  // namespace campanile::app
