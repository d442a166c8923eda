#include "query/running_queries.h"

namespace campanile::query {

RunningQueries::Entry::~Entry() {
  const std::lock_guard lock(list_.mutex_);
  list_.running_.erase(id_);
}

RunningQueries::Entry RunningQueries::begin(std::string text, std::string database) {
  auto killed = std::make_shared<std::atomic<bool>>(false);
  const int64_t begun_ns = steady_ns_();
  const std::lock_guard lock(mutex_);
  running_.emplace(++last_id_, Running{std::move(text), std::move(database), begun_ns, killed});
  return {*this, last_id_, std::move(killed)};
}

std::vector<RunningQueries::Query> RunningQueries::list() const {
  const int64_t now_ns = steady_ns_();
  std::vector<Query> queries;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, each] : running_) queries.push_back({id, each.text, each.database, now_ns - each.begun_ns, each.killed->load()});
  return queries;
}

bool RunningQueries::kill(uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(id);
  if (found == running_.end()) return false;
  found->second.killed->store(true);
  return true;
}

}  // namespace campanile::query
