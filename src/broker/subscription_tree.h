// SubscriptionTree: who subscribed to what, and who gets a given topic.
//
//   tree.add("u4/+/temperature", {.session = session, .qos = 1});
//   std::shared_ptr<const MatchResult> result = tree.match("u4/302/temperature");
//
// Filters without wildcards lie in one hash map by their whole text; those with wildcards in a tree by level. A match costs one
// look-up plus the branches of the tree that fit the topic, however many subscriptions there are beside it. The tree has kTreeLevels levels;
// what filters have below lies beside each other in its last nodes and is compared one by one, so that a filter of 65,536 levels costs
// no more nodes, and no deeper recursion, than one of kTreeLevels.
//
// Threads: any. A shared lock for match(), an exclusive one for changes: changes are rare against matches, and each loop keeps
// results (broker/match_cache.h) and takes the lock only where stamp() says that they have aged. Copying the tree on every
// change, as lock-free readers would need, costs more with a million subscriptions than the lock it saves.
// Ownership: holds its sessions until they are removed. Limit: the caller's (size()).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "broker/message.h"
#include "broker/string_map.h"

namespace campanile::broker {

class Session;

struct Subscription {
  std::shared_ptr<Session> session;
  uint8_t qos = 0;
  bool no_local = false;
  bool retain_as_published = false;
  uint32_t identifier = 0;  // version 5; 0: none
};

// A session that gets a message once, whatever number of its subscriptions match [MQTT-3.3.5-1]: with the highest QoS of them
// and the identifiers of all [MQTT-3.3.4-3, 3.3.4-4].
struct MatchTarget {
  std::shared_ptr<Session> session;
  bool no_local = false;  // all that match have it
  DeliveryTerms terms;
};

struct MatchResult {
  std::vector<MatchTarget> targets;
  // Shared subscriptions that match: each message goes to one member of each [section 4.8.2].
  std::vector<std::vector<MatchTarget>> groups;
  bool any_durable = false;  // of all these sessions

  size_t size() const {
    size_t count = targets.size();
    for (const auto& group : groups) count += group.size();
    return count;
  }
};

class SubscriptionTree {
 public:
  static constexpr size_t kTreeLevels = 128;

  SubscriptionTree();
  ~SubscriptionTree();

  // Adds or replaces the session's subscription to that filter [MQTT-3.8.4-3]; true where it is new.
  // REQUIRES: a valid filter, "$share/group/filter" included.
  bool add(std::string_view filter, Subscription subscription);
  // False where there was none.
  bool remove(std::string_view filter, const Session& session);

  // REQUIRES: a valid topic.
  std::shared_ptr<const MatchResult> match(std::string_view topic) const;
  // The members of one shared subscription, by its whole text: one group or none. REQUIRES: a valid one.
  MatchResult members(std::string_view shared_filter) const;
  // Grows with every change that can concern the topic: a result made after the stamp was read is good while it stays the same.
  uint64_t stamp(std::string_view topic) const;

  size_t size() const { return size_.load(std::memory_order_relaxed); }
  size_t shared_size() const { return shared_size_.load(std::memory_order_relaxed); }  // of size(), those in a group
  // The session's subscription to that filter.
  std::optional<Subscription> find(std::string_view filter, const Session& session) const;

 private:
  struct Subscribers;
  struct Node;
  class Collector;
  static constexpr size_t kStamps = 64;

  void touch(std::string_view filter);
  static size_t stamp_slot(std::string_view text);
  // The place of a filter with or without wildcards; null where nobody has subscribed. REQUIRES of these three: the lock.
  const Subscribers* find_place(std::string_view text) const;
  std::unique_ptr<Subscribers>& make_place(std::string_view text);
  static bool remove_below(Node& node, size_t depth, std::string_view rest, std::string_view group, const Session& session);
  static void collect(const Node& node, size_t depth, std::string_view rest, bool at_end, bool wildcards, Collector& out);

  mutable std::shared_mutex mutex_;
  StringMap<std::unique_ptr<Subscribers>> exact_;
  std::unique_ptr<Node> root_;
  std::atomic<size_t> size_{0};
  std::atomic<size_t> shared_size_{0};
  // Changes of filters by their first level, so that subscribing under one building does not age the results of the others;
  // filters that begin with a wildcard age all of them.
  std::array<std::atomic<uint64_t>, kStamps> stamps_{};
  std::atomic<uint64_t> wildcard_stamp_{0};
};

}  // namespace campanile::broker
