// WorkerPool: threads for work that would hold up an event loop: queries, large bodies, compression.
//
//   WorkerPool workers({.threads = 2, .queue_max = 256});
//   if (!workers.submit([] { ... })) answer_503();
//
// Threads: submit() from any thread. Limit: queue_max tasks wait; beyond it submit() refuses and the caller answers "overloaded".
// stop() lets running tasks end, drops the waiting ones (destroying them, so that their responders answer) and joins.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace campanile {

struct WorkerPoolOptions {
  size_t threads = 2;
  size_t queue_max = 256;
};

class WorkerPool {
 public:
  using Task = std::move_only_function<void()>;

  explicit WorkerPool(const WorkerPoolOptions& options);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False, and the task is destroyed, where the queue is full or the pool has stopped.
  [[nodiscard]] bool submit(Task task);
  // The same only where a thread has nothing to do: for work that may as well be done by whoever asks.
  [[nodiscard]] bool submit_if_idle(Task task);
  size_t waiting() const;
  void stop();

 private:
  void run();

  const WorkerPoolOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> queue_;
  size_t idle_ = 0;  // threads that wait for a task
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace campanile
