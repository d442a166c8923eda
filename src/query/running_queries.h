// RunningQueries: the requests that are being answered, for whoever wants to see or end one.
//
//   RunningQueries::Entry entry = running.begin("SELECT …", "campus", clock.steady_ns());   // until it goes
//   context.cancelled = [&] { return entry.killed(); };
//   running.kill(7);
//
// Threads: any. Ownership: the list outlives its entries.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace campanile::query {

class RunningQueries {
 public:
  struct Query {
    uint64_t id = 0;
    std::string text;
    std::string database;
    int64_t running_ns = 0;
    bool killed = false;
  };
  class Entry {
   public:
    Entry(RunningQueries& list, uint64_t id, std::shared_ptr<std::atomic<bool>> killed) : list_(list), id_(id), killed_(std::move(killed)) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry();
    bool killed() const { return killed_->load(std::memory_order_relaxed); }

   private:
    RunningQueries& list_;
    const uint64_t id_;
    const std::shared_ptr<std::atomic<bool>> killed_;
  };

  // `steady_ns`: a clock that does not step.
  explicit RunningQueries(std::function<int64_t()> steady_ns) : steady_ns_(std::move(steady_ns)) {}

  Entry begin(std::string text, std::string database);
  std::vector<Query> list() const;  // by id
  // False where no such query runs.
  bool kill(uint64_t id);

 private:
  struct Running {
    std::string text;
    std::string database;
    int64_t begun_ns;
    std::shared_ptr<std::atomic<bool>> killed;
  };
  const std::function<int64_t()> steady_ns_;
  mutable std::mutex mutex_;
  uint64_t last_id_ = 0;
  std::map<uint64_t, Running> running_;
};

}  // namespace campanile::query
