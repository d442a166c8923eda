// EventLoop: one thread that runs the handlers of its connections and timers; EventLoopPool: one loop per core.
//
//   EventLoopPool loops(2);
//   loops.start();
//   loops.at(0).post([] { ... });
//   loops.stop();
//
// Threads: post() from any thread; everything else on the loop's own thread unless it says otherwise. A handler must not block.
// Order: tasks posted by one thread run in the order they were posted.
// Limits: the task list has none: whoever posts bounds what it has under way. After stop() tasks are dropped, not run.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace campanile::net {

using Task = std::move_only_function<void()>;
using TimerId = uint64_t;

class EventLoop {
 public:
  virtual ~EventLoop() = default;
  // Cheap: the tasks of a busy moment share one wake-up.
  virtual void post(Task task) = 0;
  // Runs `task` once after `delay`. Cancel is a no-op for a timer that has fired.
  virtual TimerId run_after(std::chrono::milliseconds delay, Task task) = 0;
  virtual void cancel(TimerId timer) = 0;
  virtual bool is_current() const = 0;  // any thread: whether the caller runs on this loop
  virtual size_t index() const = 0;     // in its pool, from 0
};

class EventLoopPool {
 public:
  explicit EventLoopPool(size_t count);
  ~EventLoopPool();
  void start();
  // Stops the loops and joins their threads, within a second; connections still open are closed without further callbacks to
  // their handlers other than on_closed(). What was posted before runs. Until it returns, what handlers refer to must live.
  void stop();
  size_t size() const;
  EventLoop& at(size_t index);

 private:
  friend struct PoolAccess;  // net's own sources reach the Asio context through it
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace campanile::net
