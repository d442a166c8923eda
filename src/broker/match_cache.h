// MatchCache: the subscribers of the topics that one loop published to lately. Devices publish to few topics again and again, so
// nearly every message finds its receivers here with one look-up and no lock.
//
//   const auto receivers = cache.find(topic);
//
// Threads: one loop's. Limits: options.match_cache_*; at either it starts afresh, which costs one match a topic.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "broker/string_map.h"
#include "broker/subscription_tree.h"

namespace campanile::broker {

class MatchCache {
 public:
  MatchCache(const SubscriptionTree& tree, size_t topics_max, size_t targets_max)
      : tree_(tree), topics_max_(topics_max), targets_max_(targets_max) {}

  std::shared_ptr<const MatchResult> find(std::string_view topic);
  // Lets go of results that have aged, and with them of sessions that have ended. Now and then, from the loop's timer.
  void drop_aged();
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    uint64_t stamp = 0;
    std::shared_ptr<const MatchResult> result;
  };

  const SubscriptionTree& tree_;
  const size_t topics_max_;
  const size_t targets_max_;
  size_t targets_ = 0;
  StringMap<Entry> entries_;
};

}  // namespace campanile::broker
