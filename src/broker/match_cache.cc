#include "broker/match_cache.h"

namespace campanile::broker {

std::shared_ptr<const MatchResult> MatchCache::find(std::string_view topic) {
  const uint64_t stamp = tree_.stamp(topic);  // before the match: a change in between makes the entry old, never wrong
  auto found = entries_.find(topic);
  if (found != entries_.end() && found->second.stamp == stamp) return found->second.result;
  std::shared_ptr<const MatchResult> result = tree_.match(topic);
  if (found != entries_.end()) {
    targets_ -= found->second.result->size();
  } else {
    if (entries_.size() >= topics_max_) {
      entries_.clear();
      targets_ = 0;
    }
    found = entries_.try_emplace(std::string(topic)).first;
  }
  targets_ += result->size();
  found->second = {stamp, result};
  if (targets_ > targets_max_) {
    entries_.clear();
    targets_ = 0;
  }
  return result;
}

void MatchCache::drop_aged() {
  absl::erase_if(entries_, [&](const auto& entry) {
    if (entry.second.stamp == tree_.stamp(entry.first)) return false;
    targets_ -= entry.second.result->size();
    return true;
  });
}

}  // namespace campanile::broker
