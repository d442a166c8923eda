#include "journal/commit_queue.h"

#include <optional>
#include <utility>

namespace campanile::journal {

// Shared by the queue, the journal's listener and the tasks posted to the loop; whichever goes last frees it.
struct CommitQueue::State {
  explicit State(Journal& its_journal, Post its_post) : journal(its_journal), post(std::move(its_post)) {}

  struct Waiting {
    Lsn lsn;
    Callback callback;
  };

  Journal& journal;

  // The owning loop only.
  std::deque<Waiting> queue;
  bool draining = false;

  // The other side's view of queue.size(), so that a commit nobody here waits for wakes nobody.
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
    // The journal set durable() before it reads `waiting`; when_durable() sets `waiting` before it reads durable(). One of the two sees the other.
    if (waiting.load() == 0 || posted.exchange(true)) return;
    post([self] {
      self->posted.store(false);
      self->drain();
    });
  }

  void drain() {
    if (draining) return;  // a callback came back here; the loop below goes on
    draining = true;
    std::optional<Error> why;
    {
      std::lock_guard lock(latest_mutex);
      why = failure;
    }
    // What is added by the callbacks was appended after the failure, if there was one, and waits for the next commit's word.
    size_t failing = why ? queue.size() : 0;
    while (!queue.empty()) {
      const bool stored = queue.front().lsn <= journal.durable();
      if (!stored && failing == 0) break;
      Callback callback = std::move(queue.front().callback);
      queue.pop_front();
      waiting.store(queue.size());
      if (failing > 0) --failing;
      callback(stored ? Result<void>() : Result<void>(std::unexpected(*why)));
    }
    draining = false;
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
  state_->queue.clear();
  state_->waiting.store(0);
}

void CommitQueue::when_durable(Lsn lsn, Callback callback) {
  if (state_->queue.empty() && !state_->draining && lsn <= state_->journal.durable()) {
    callback({});
    return;
  }
  const std::shared_ptr<State> state = state_;  // a callback may destroy this queue
  state->queue.push_back({lsn, std::move(callback)});
  state->waiting.store(state->queue.size());
  // The commit may have come between the first look and the entry, and then nobody posts a task for it.
  if (state->queue.front().lsn <= state->journal.durable()) state->drain();
}

size_t CommitQueue::waiting() const { return state_->queue.size(); }

}  // namespace campanile::journal
