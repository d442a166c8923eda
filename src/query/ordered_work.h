// OrderedWork: results of numbered steps, in their order, worked out by whoever has time: the thread that takes them and those that help it.
//
//   OrderedWork<Partial> work(context, steps, [&](size_t step) { return make(step); });
//   for (size_t step = 0; step < steps; ++step) use(TRY(work.take()));
//
// The thread that takes does a step itself rather than wait for one that nobody has begun, so it gets on without any help. The order in which results come does
// not depend on who made them.
// Threads: the owner takes; `make` runs on any, several at a time. Limits: helpers_max other threads; so many results are begun ahead of what is taken as two for each thread.
// Errors: those of the steps, as they are taken. Going away waits for the steps that others have begun.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/result.h"
#include "query/plan.h"

namespace campanile::query {

template <typename T>
class OrderedWork {
 public:
  using Make = std::function<Result<T>(size_t step)>;

  OrderedWork(const Context& context, size_t steps, Make make) : context_(context), state_(std::make_shared<State>()) {
    state_->make = std::move(make);
    state_->steps = steps;
    state_->ahead_max = 2 * (context.helpers_max + 1);
  }
  ~OrderedWork() {
    std::unique_lock lock(state_->mutex);
    state_->stopped = true;
    state_->changed.wait(lock, [this] { return state_->working == 0; });
  }
  OrderedWork(const OrderedWork&) = delete;
  OrderedWork& operator=(const OrderedWork&) = delete;

  // REQUIRES: fewer calls before than there are steps.
  Result<T> take() {
    ask_for_help();
    State& state = *state_;
    std::unique_lock lock(state.mutex);
    for (;;) {
      if (!state.results.empty() && state.results.front()) {
        Result<T> result = std::move(*state.results.front());
        state.results.pop_front();
        ++state.taken;
        return result;
      }
      if (state.can_begin()) {
        state.do_next(lock);
      } else {
        state.changed.wait(lock);
      }
    }
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    Make make;
    size_t steps = 0;
    size_t ahead_max = 0;
    size_t begun = 0;   // steps, in their order
    size_t taken = 0;
    std::deque<std::optional<Result<T>>> results;  // of the steps [taken, begun)
    size_t helpers = 0;  // asked for and not gone again
    size_t working = 0;  // of those, that are not to be left alone with what the query owns
    bool stopped = false;

    bool can_begin() const { return !stopped && begun < steps && begun - taken < ahead_max; }
    // REQUIRES: can_begin(); the lock is held, but not meanwhile.
    void do_next(std::unique_lock<std::mutex>& lock) {
      const size_t step = begun++;
      results.emplace_back();
      lock.unlock();
      Result<T> result = make(step);
      lock.lock();
      // Its owner may have gone, but not taken it.
      results[step - taken] = std::move(result);
      changed.notify_all();
    }
  };

  static void help(const std::shared_ptr<State>& state) {
    std::unique_lock lock(state->mutex);
    ++state->working;
    while (state->can_begin()) state->do_next(lock);
    --state->working;
    --state->helpers;
    state->changed.notify_all();
  }

  // Helpers leave when there is no room; they come back when there is.
  void ask_for_help() {
    if (!context_.help) return;
    for (;;) {
      {
        const std::lock_guard lock(state_->mutex);
        const size_t left = state_->steps - state_->begun;
        const bool has_room = state_->begun - state_->taken <= state_->ahead_max / 2;
        if (!has_room || left < 2 || state_->helpers >= context_.helpers_max) return;
        ++state_->helpers;
      }
      if (context_.help([state = state_] { help(state); })) continue;
      const std::lock_guard lock(state_->mutex);
      --state_->helpers;
      return;
    }
  }

  const Context& context_;
  const std::shared_ptr<State> state_;
};

}  // namespace campanile::query
