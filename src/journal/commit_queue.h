// CommitQueue: acknowledgements that wait for the journal, one queue per event loop.
//
//   CommitQueue commits(journal, [&loop](auto task) { loop.post(std::move(task)); });
//   commits.when_durable(lsn, [connection](const Result<void>& stored) { connection->send(puback); });
//
// Callbacks run on the loop. Those of when_durable() do so in the order in which they were given, and so do those of when_safe() that wait for
// no sync; the latter overtake the former that were given before them. After a commit the loop is woken once however many wait.
// Where the journal cannot write, every callback that waits gets its error; the record may still be stored later.
// Threads: all methods, the destructor too, on the owning loop only (or when it no longer runs). Ownership: the journal must outlive the
// queue's use; the queue may go at any time, and drops the callbacks that still wait without running them.
// Limit: none of its own; waiting() lets the owner stop reading from its connections.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "journal/journal.h"

namespace campanile::journal {

class CommitQueue {
 public:
  using Task = std::move_only_function<void()>;
  using Post = std::function<void(Task)>;
  using Callback = std::move_only_function<void(const Result<void>&)>;

  // REQUIRES: made before the journal's first append (it adds a listener).
  CommitQueue(Journal& journal, Post post);
  ~CommitQueue();

  // Runs `callback` at once where lsn is durable already and nothing waits before it.
  // REQUIRES: close() was not called.
  void when_durable(Lsn lsn, Callback callback) { when_safe({.synced = lsn}, std::move(callback)); }
  // The same for who may not wait for a sync. What does wait for one makes the journal sync at once.
  void when_safe(const Awaited& awaited, Callback callback);
  // Drops what waits; nothing is posted to the loop after it returns.
  void close();
  size_t waiting() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace campanile::journal
