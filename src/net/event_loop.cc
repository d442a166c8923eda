#include "net/event_loop.h"

#include <thread>

#include <boost/asio/post.hpp>

#include "base/check.h"
#include "base/log.h"
#include "net/loop.h"

namespace campanile::net {
namespace {

constexpr size_t kReadBufferBytes = 256 * 1024;
constexpr size_t kSpareBuffersMax = 64;
constexpr size_t kSpareBufferBytesMax = 64 * 1024;
constexpr size_t kSpareTasksMax = 4096;
// What is cancelled by stop() completes at once; only a name lookup in the operating system can take longer, and is
// left behind.
constexpr std::chrono::milliseconds kStopLimit{500};

thread_local const Loop* current_loop = nullptr;

}  // namespace

Loop::Loop(size_t index)
    : index_(index), work_(context_.get_executor()), alarm_(context_), read_buffer_(kReadBufferBytes) {}

Loop::~Loop() = default;

bool Loop::is_current() const {
  return current_loop == this;
}

void Loop::post(Task task) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    tasks_.push_back(std::move(task));
    wake = !std::exchange(tasks_scheduled_, true);
  }
  if (wake) asio::post(context_, [this] { run_tasks(); });
}

void Loop::run_tasks() {
  {
    std::lock_guard lock(mutex_);
    running_tasks_.swap(tasks_);
    tasks_scheduled_ = false;
  }
  in_tasks_ = true;
  for (Task& task : running_tasks_) {
    task();
    task = nullptr;  // what it holds goes now, not when the whole batch is done
  }
  in_tasks_ = false;
  running_tasks_.clear();
  if (running_tasks_.capacity() > kSpareTasksMax) running_tasks_.shrink_to_fit();
  if (!turn_ends_.empty()) run_turn_end();
}

void Loop::run_ready() {
  in_tasks_ = true;
  poller_.run();
  in_tasks_ = false;
  if (!turn_ends_.empty()) run_turn_end();
}

void Loop::at_turn_end(std::shared_ptr<LoopMember> target) {
  turn_ends_.push_back(std::move(target));
  if (in_tasks_ || std::exchange(turn_end_scheduled_, true)) return;
  asio::post(context_, [this] {
    turn_end_scheduled_ = false;
    run_turn_end();
  });
}

void Loop::run_turn_end() {
  // A target may add others while it writes (a handler that is told its queue is low); those wait for the next turn.
  std::vector<std::shared_ptr<LoopMember>> targets;
  targets.swap(turn_ends_);
  for (auto& target : targets) target->turn_ends();
  if (turn_ends_.empty()) {
    targets.clear();
    turn_ends_.swap(targets);  // keeps the capacity
  }
}

TimerId Loop::run_after(std::chrono::milliseconds delay, Task task) {
  CHECK(is_current());
  const TimerId id = ++last_timer_;
  if (stopping_) return id;
  const Deadline deadline = std::chrono::steady_clock::now() + delay;
  timers_.emplace(std::pair{deadline, id}, std::move(task));
  timer_deadlines_.emplace(id, deadline);
  if (deadline < alarm_at_) arm_timer();
  return id;
}

void Loop::cancel(TimerId timer) {
  CHECK(is_current());
  const auto found = timer_deadlines_.find(timer);
  if (found == timer_deadlines_.end()) return;
  // The alarm stays as it is: it fires once for nothing, which costs less than setting it anew at every cancel.
  timers_.erase({found->second, timer});
  timer_deadlines_.erase(found);
}

void Loop::arm_timer() {
  if (timers_.empty()) return;
  alarm_at_ = timers_.begin()->first.first;
  alarm_.expires_at(alarm_at_);
  alarm_.async_wait([this](const boost::system::error_code& error) {
    if (!error) run_timers();
  });
}

void Loop::run_timers() {
  alarm_at_ = Deadline::max();
  const Deadline now = std::chrono::steady_clock::now();
  in_tasks_ = true;
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto due = timers_.extract(timers_.begin());
    timer_deadlines_.erase(due.key().second);
    due.mapped()();
  }
  in_tasks_ = false;
  if (!turn_ends_.empty()) run_turn_end();
  // A task of the above may have armed it already, for an earlier or a later time than what is first now.
  if (!timers_.empty() && timers_.begin()->first.first < alarm_at_) arm_timer();
}

bool Loop::add(std::shared_ptr<LoopMember> member) {
  if (stopping_) return false;
  member->place_ = members_.size();
  members_.push_back(std::move(member));
  return true;
}

void Loop::remove(const LoopMember& member) {
  const size_t place = member.place_;
  CHECK(place < members_.size() && members_[place].get() == &member);
  const std::shared_ptr<LoopMember> last_reference = std::exchange(members_[place], std::move(members_.back()));
  members_.pop_back();
  if (place < members_.size()) members_[place]->place_ = place;
}

std::string Loop::take_buffer() {
  if (spare_buffers_.empty()) return {};
  std::string buffer = std::move(spare_buffers_.back());
  spare_buffers_.pop_back();
  return buffer;
}

void Loop::give_buffer(std::string buffer) {
  if (spare_buffers_.size() >= kSpareBuffersMax || buffer.capacity() > kSpareBufferBytesMax) return;
  buffer.clear();
  spare_buffers_.push_back(std::move(buffer));
}

void Loop::fit_buffer(std::string& buffer, size_t& used) {
  const std::string_view left = std::string_view(buffer).substr(used);
  if (buffer.capacity() <= kSpareBufferBytesMax || left.size() > buffer.capacity() / 4) return;
  std::string smaller = take_buffer();
  smaller.assign(left);
  buffer.swap(smaller);  // an assignment would leave a short text its large buffer
  used = 0;
}

void Loop::run() {
  current_loop = this;
  poller_.start([this] { run_ready(); });
  try {
    context_.run();
    context_.restart();
    context_.run_for(kStopLimit);
  } catch (const std::exception& error) {
    // Nothing of ours throws, so this is Asio out of memory or file descriptors for its own needs, or a broken handler.
    log::error("event loop {} failed: {}", index_, error.what());
    std::abort();
  }
  current_loop = nullptr;
}

void Loop::request_stop() {
  asio::post(context_, [this] { shut_down(); });
}

void Loop::shut_down() {
  if (stopping_) return;
  run_tasks();  // what was posted before stop() still runs
  stopping_ = true;
  // What goes is moved out first: destroying it may come back to post() or cancel().
  std::vector<Task> dropped;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(tasks_);
  }
  dropped.clear();
  std::exchange(timers_, {}).clear();
  timer_deadlines_.clear();
  alarm_.cancel();
  poller_.stop();
  // A copy: each one removes itself from the list as it closes.
  const std::vector<std::shared_ptr<LoopMember>> members = members_;
  for (const auto& member : members) member->loop_stops();
  work_.reset();
  context_.stop();  // run() goes on to its bounded second half
}

struct EventLoopPool::State {
  std::vector<std::shared_ptr<Loop>> loops;
  std::vector<std::thread> threads;
  bool stopped = false;
};

EventLoopPool::EventLoopPool(size_t count) : state_(std::make_unique<State>()) {
  CHECK(count > 0);
  for (size_t i = 0; i < count; ++i) state_->loops.push_back(std::make_shared<Loop>(i));
}

EventLoopPool::~EventLoopPool() {
  stop();
}

void EventLoopPool::start() {
  CHECK(state_->threads.empty() && !state_->stopped);
  for (const auto& loop : state_->loops) state_->threads.emplace_back([loop] { loop->run(); });
}

void EventLoopPool::stop() {
  if (std::exchange(state_->stopped, true)) return;
  for (const auto& loop : state_->loops) {
    CHECK(!loop->is_current());  // a loop cannot wait for itself
    loop->request_stop();
  }
  if (state_->threads.empty()) {
    // Never started: listeners and tasks still have to be let go, and this thread is the only one there is.
    for (const auto& loop : state_->loops) loop->run();
  }
  for (std::thread& thread : state_->threads) thread.join();
}

size_t EventLoopPool::size() const {
  return state_->loops.size();
}

EventLoop& EventLoopPool::at(size_t index) {
  CHECK(index < state_->loops.size());
  return *state_->loops[index];
}

std::shared_ptr<Loop> PoolAccess::loop(EventLoopPool& pool, size_t index) {
  CHECK(index < pool.state_->loops.size());
  return pool.state_->loops[index];
}

}  // namespace campanile::net
