// RetainedTree: retained messages by topic, level by level, so that a filter finds its matches without looking at the rest.
//
//   tree.set(message);
//   tree.collect("u4/+/temperature", last_topic, 128, found);   // the next 128 after last_topic
//
// A walk has a fixed order (a topic before those below it, levels by their bytes) and so can go on after any topic, even one
// that has gone meanwhile. The tree has kTreeLevels levels; deeper topics lie in its last nodes by what follows, in the same order, and are
// compared one by one: a topic of 65,536 levels costs no more nodes than one of kTreeLevels. Threads: one owner, or behind RetainedStore's lock.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/btree_map.h>

#include "broker/message.h"

namespace campanile::broker {

class RetainedTree {
 public:
  static constexpr size_t kTreeLevels = 128;

  RetainedTree();
  ~RetainedTree();

  // Both return what was there before, or null.
  MessagePtr set(MessagePtr message);
  MessagePtr erase(std::string_view topic);

  MessagePtr get(std::string_view topic) const;
  // Appends the messages whose topics match `filter` and come after `after` (empty: from the beginning), until `out` holds `count_max`.
  // Those that have expired are left out.
  void collect(std::string_view filter, std::string_view after, size_t count_max, int64_t now_ns, std::vector<MessagePtr>& out) const;

  size_t size() const { return size_; }

 private:
  struct Node;
  class Walk;

  static MessagePtr erase_below(Node& node, size_t depth, std::string_view rest);

  std::unique_ptr<Node> root_;
  size_t size_ = 0;
};

}  // namespace campanile::broker
