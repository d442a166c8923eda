// Loop: the Asio event loop behind EventLoop. Private to net: this header includes Asio.
//
// Tasks posted from other threads go into one list under a short lock; only the first of a batch wakes the loop, which
// then runs the whole batch. What handlers send to connections other than their own is written at the end of the turn,
// so that a subscriber that receives from a hundred publishers gets one write.
//
// Threads: post() and is_current() from any; the rest on the loop's thread. Lock: mutex_, held for list operations
// only. Ownership: connections hold their loop by shared_ptr, since an owner may keep a connection longer than the pool
// lives. A loop therefore never keeps a handler in Asio beyond stop(): it closes every member and runs the cancelled
// operations to their end. Limits: the task list has none of its own; whoever posts bounds what it has under way.
#pragma once

#include <map>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/event_loop.h"
#include "net/poller.h"

namespace campanile::net {

namespace asio = boost::asio;

// Something that lives on a loop and is told when the loop stops: a connection or a listener.
class LoopMember {
 public:
  virtual ~LoopMember() = default;
  virtual void loop_stops() = 0;
  // For who has bytes to write, after at_turn_end().
  virtual void turn_ends() {}

 private:
  friend class Loop;
  size_t place_ = 0;  // in the loop's list
};

class Loop final : public EventLoop, public std::enable_shared_from_this<Loop> {
 public:
  explicit Loop(size_t index);
  ~Loop() override;

  void post(Task task) override;
  TimerId run_after(std::chrono::milliseconds delay, Task task) override;
  void cancel(TimerId timer) override;
  bool is_current() const override;
  size_t index() const override { return index_; }

  // The body of the loop's thread: returns after request_stop().
  void run();
  // Any thread. The loop closes its members, runs what that cancels and returns from run().
  void request_stop();

  asio::io_context& context() { return context_; }
  Poller& poller() { return poller_; }
  // Keeps `member` alive until remove(). A loop that is stopping refuses: false, and the member closes itself.
  bool add(std::shared_ptr<LoopMember> member);
  // REQUIRES: add() was true.
  void remove(const LoopMember& member);
  bool stopping() const { return stopping_; }

  void at_turn_end(std::shared_ptr<LoopMember> target);

  // Shared by the connections of this loop: what one read brings lies here until its handler has looked at it.
  std::span<char> read_buffer() { return read_buffer_; }
  // Strings with capacity to spare, so that an idle connection owns none and a busy one does not allocate.
  std::string take_buffer();
  void give_buffer(std::string buffer);
  // For input that stays, of which [0, used) is done: a little in a buffer that was made for much moves to one of its own, or a byte could
  // hold a megabyte.
  void fit_buffer(std::string& buffer, size_t& used);

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  void run_tasks();
  void run_ready();
  void run_turn_end();
  void arm_timer();
  void run_timers();
  void shut_down();

  const size_t index_;
  asio::io_context context_{1};
  Poller poller_{context_};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer alarm_;
  Deadline alarm_at_ = Deadline::max();  // max: not armed
  std::map<std::pair<Deadline, TimerId>, Task> timers_;
  std::unordered_map<TimerId, Deadline> timer_deadlines_;
  TimerId last_timer_ = 0;

  std::mutex mutex_;
  std::vector<Task> tasks_;       // under mutex_
  bool tasks_scheduled_ = false;  // under mutex_
  bool closed_ = false;           // under mutex_: tasks are dropped

  std::vector<Task> running_tasks_;
  bool in_tasks_ = false;
  std::vector<std::shared_ptr<LoopMember>> turn_ends_;
  bool turn_end_scheduled_ = false;
  std::vector<std::shared_ptr<LoopMember>> members_;
  bool stopping_ = false;
  std::vector<char> read_buffer_;
  std::vector<std::string> spare_buffers_;
};

// How net's own sources get from the public pool to the loops.
struct PoolAccess {
  static std::shared_ptr<Loop> loop(EventLoopPool& pool, size_t index);
};

}  // namespace campanile::net
