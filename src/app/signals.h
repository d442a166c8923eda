// StopSignals: SIGINT and SIGTERM as something one can wait for.
//
//   StopSignals signals;             // in main, before any thread is made: they inherit the blocked signals
//   ... start everything ...
//   const int number = signals.wait();
//
// While it lives, SIGINT and SIGTERM are blocked in this thread and those it makes, and SIGPIPE is ignored: a peer that has gone is an
// error of write(). A second signal after wait() has returned ends the process at once, for the impatient.
// Threads: wait() by one thread; request_stop() by any.
#pragma once

#include <csignal>
#include <optional>

#include <chrono>

namespace campanile::app {

class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Blocks until a signal comes or somebody asks to stop; returns the signal's number, 0 for the latter.
  int wait();
  // The same with a limit; nothing where it passed.
  std::optional<int> wait_for(std::chrono::milliseconds limit);
  // Makes wait() return, as a signal would. Callable from any thread and from a signal handler.
  void request_stop();

 private:
  sigset_t before_;
  int signals_ = -1;
  int requests_ = -1;
};

}  // namespace campanile::app
