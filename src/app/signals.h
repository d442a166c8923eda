// StopSignals: SIGINT and SIGTERM as something one can wait for, and SIGHUP as something one is told.
//
//   StopSignals signals;             // in main, before any thread is made: they inherit the blocked signals
//   ... start everything ...
//   const int number = signals.wait();
//
// While it lives, SIGINT and SIGTERM are blocked in this thread and those it makes, and SIGPIPE and SIGXFSZ are ignored: a peer that
// has gone and a limit on files are errors of write(). A second signal after wait() has returned ends the process at once, for the impatient.
// Where on_hangup() is given something to do, SIGHUP is blocked as well, and done on the waiting thread; otherwise it ends the process.
// Threads: wait() by one thread; request_stop() by any.
#pragma once

#include <chrono>
#include <csignal>
#include <functional>
#include <optional>

namespace campanile::app {

class StopSignals {
 public:
  // `hangups`: SIGHUP does not end the process, but calls what on_hangup() was given.
  explicit StopSignals(bool hangups = false);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // What to do at SIGHUP, during wait(). REQUIRES: made with `hangups`.
  void on_hangup(std::function<void()> task) { hangup_ = std::move(task); }
  // Blocks until a signal comes or somebody asks to stop; returns the signal's number, 0 for the latter.
  int wait();
  // The same with a limit; nothing where it passed.
  std::optional<int> wait_for(std::chrono::milliseconds limit);
  // Makes wait() return, as a signal would. Callable from any thread and from a signal handler.
  void request_stop();

 private:
  const bool hangups_;
  std::function<void()> hangup_;
  sigset_t before_;
  int signals_ = -1;
  int requests_ = -1;
};

}  // namespace campanile::app
