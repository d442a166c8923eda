#include "journal/commit_queue.h"

#include <optional>
#include <utility>

namespace campanile::journal {

// Shared by the queue, the journal's listener and the tasks posted to the loop; whichever goes last frees it.
struct CommitQueue::State {
  explicit State(Journal& its_journal, Post its_post) : journal(its_journal), post(std::move(its_post)) {}

  struct Waiting {
    Awaited awaited;
    Callback callback;
  };

  Journal& journal;

  // The owning loop only. Everybody waits for his record's write first, then those for the sync who want it: so nobody leaves before those of the
  // same kind that came before him.
  std::deque<Waiting> unwritten;
  std::deque<Waiting> unsynced;
  bool draining = false;

  // The other side's view of how many those are, so that a commit nobody here waits for wakes nobody.
  std::atomic<size_t> waiting{0};
  // A task is on its way to the loop.
  std::atomic<bool> posted{false};

  std::mutex lifetime_mutex;  // `post` and `closed`; held while posting, so that close() waits for it. Taken before latest_mutex.
  bool closed = false;
  Post post;

  std::mutex latest_mutex;
  std::optional<Error> failure;  // what the last commit said

  void on_commit(const std::shared_ptr<State>& self, const Result<void>& outcome) {
    std::lock_guard lifetime(lifetime_mutex);
    if (closed) return;
    {
      std::lock_guard lock(latest_mutex);
      failure = outcome ? std::nullopt : std::optional(outcome.error());
    }
    // The journal set written() and durable() before it reads `waiting`; when_safe() sets `waiting` before it reads them. One of the two sees the other.
    if (waiting.load() == 0 || posted.exchange(true)) return;
    post([self] {
      self->posted.store(false);
      self->drain();
    });
  }

  size_t count() const { return unwritten.size() + unsynced.size(); }

  void drain() {
    if (draining) return;  // a callback came back here; the loops below go on
    draining = true;
    std::optional<Error> why;
    {
      std::lock_guard lock(latest_mutex);
      why = failure;
    }
    // What is added by the callbacks was appended after the failure, if there was one, and waits for the next commit's word.
    size_t failing_unsynced = why ? unsynced.size() : 0;
    size_t failing_unwritten = why ? unwritten.size() : 0;
    for (;;) {
      if (front_is_synced() || failing_unsynced > 0) {
        answer(unsynced, why);
        failing_unsynced -= failing_unsynced > 0;
      } else if (failing_unwritten > 0 || (front_is_written() && unwritten.front().awaited.synced == 0)) {
        answer(unwritten, why);
        failing_unwritten -= failing_unwritten > 0;
      } else if (front_is_written()) {
        unsynced.push_back(std::move(unwritten.front()));
        unwritten.pop_front();
      } else {
        break;
      }
      if (unsynced.empty()) failing_unsynced = 0;  // a callback may have closed the queue
      if (unwritten.empty()) failing_unwritten = 0;
    }
    draining = false;
  }

  bool front_is_written() const { return !unwritten.empty() && unwritten.front().awaited.written <= journal.written(); }
  bool front_is_synced() const { return !unsynced.empty() && unsynced.front().awaited.synced <= journal.durable(); }

  void answer(std::deque<Waiting>& queue, const std::optional<Error>& why) {
    Waiting first = std::move(queue.front());
    queue.pop_front();
    waiting.store(count());
    const bool is_safe = first.awaited.synced <= journal.durable() && first.awaited.written <= journal.written();
    first.callback(is_safe ? Result<void>() : Result<void>(std::unexpected(*why)));
  }
};

CommitQueue::CommitQueue(Journal& journal, Post post) : state_(std::make_shared<State>(journal, std::move(post))) {
  journal.add_listener([state = state_](Lsn, const Result<void>& outcome) { state->on_commit(state, outcome); });
}

CommitQueue::~CommitQueue() { close(); }

void CommitQueue::close() {
  {
    std::lock_guard lifetime(state_->lifetime_mutex);
    state_->closed = true;
    state_->post = nullptr;
  }
  state_->unwritten.clear();
  state_->unsynced.clear();
  state_->waiting.store(0);
}

void CommitQueue::when_safe(const Awaited& awaited, Callback callback) {
  const std::shared_ptr<State> state = state_;  // a callback may destroy this queue
  const bool is_written = state->unwritten.empty() && awaited.written <= state->journal.written();
  const bool is_safe = is_written && (awaited.synced == 0 || state->unsynced.empty()) && awaited.synced <= state->journal.durable();
  if (is_safe && !state->draining) {
    callback({});
    return;
  }
  if (awaited.synced > 0) state->journal.sync_to(std::max(awaited.synced, awaited.written));
  auto& queue = is_written && awaited.synced > 0 ? state->unsynced : state->unwritten;
  queue.push_back({awaited, std::move(callback)});
  state->waiting.store(state->count());
  // The commit may have come between the first look and the entry, and then nobody posts a task for it.
  if (state->front_is_synced() || state->front_is_written()) state->drain();
}

size_t CommitQueue::waiting() const { return state_->count(); }

}  // namespace campanile::journal
