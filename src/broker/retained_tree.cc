#include "broker/retained_tree.h"

#include "mqtt/topic.h"

namespace campanile::broker {

struct RetainedTree::Node {
  MessagePtr message;
  absl::btree_map<std::string, std::unique_ptr<Node>, std::less<>> children;
};

RetainedTree::RetainedTree() : root_(std::make_unique<Node>()) {}
RetainedTree::~RetainedTree() = default;

MessagePtr RetainedTree::set(MessagePtr message) {
  Node* node = root_.get();
  for (mqtt::TopicLevels levels(message->topic); levels.next();) {
    std::unique_ptr<Node>& next = node->children[std::string(levels.level())];
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  MessagePtr former = std::exchange(node->message, std::move(message));
  if (!former) ++size_;
  return former;
}

MessagePtr RetainedTree::erase(std::string_view topic) {
  MessagePtr former = erase_below(*root_, topic);
  if (former) --size_;
  return former;
}

MessagePtr RetainedTree::erase_below(Node& node, std::string_view rest) {
  const size_t slash = rest.find('/');
  const auto child = node.children.find(rest.substr(0, slash));
  if (child == node.children.end()) return nullptr;
  MessagePtr former = slash == std::string_view::npos ? std::exchange(child->second->message, nullptr)
                                                      : erase_below(*child->second, rest.substr(slash + 1));
  if (!child->second->message && child->second->children.empty()) node.children.erase(child);
  return former;
}

MessagePtr RetainedTree::get(std::string_view topic) const {
  const Node* node = root_.get();
  for (mqtt::TopicLevels levels(topic); levels.next();) {
    const auto child = node->children.find(levels.level());
    if (child == node->children.end()) return nullptr;
    node = child->second.get();
  }
  return node->message;
}

// Goes down filter and tree together. `Cursor` is what is left of the topic to go on after, while the way down is still along it.
class RetainedTree::Walk {
 public:
  struct Cursor {
    bool bounded = false;
    bool at_end = false;  // the topic itself has been reached
    std::string_view rest;
  };

  Walk(size_t count_max, int64_t now_ns, std::vector<MessagePtr>& out) : count_max_(count_max), now_ns_(now_ns), out_(out) {}

  void visit(const Node& node, std::string_view filter, bool filter_end, const Cursor& cursor, bool is_root) {
    if (filter_end) return emit(node, cursor);
    const size_t slash = filter.find('/');
    const std::string_view level = filter.substr(0, slash);
    const bool last = slash == std::string_view::npos;
    if (level == "#") return visit_all(node, cursor, is_root);
    const std::string_view below = last ? std::string_view() : filter.substr(slash + 1);
    if (level == "+") {
      each_child(node, cursor, is_root, [&](const Node& child, const Cursor& next) { visit(child, below, last, next, false); });
      return;
    }
    const auto child = node.children.find(level);
    if (child == node.children.end()) return;
    const auto [passed, next] = step(cursor, level);
    if (!passed) visit(*child->second, below, last, next, false);
  }

 private:
  void emit(const Node& node, const Cursor& cursor) {
    // Along the cursor's way every node comes before the cursor's topic, or is it.
    if (cursor.bounded || !node.message || full() || is_expired(node.message->expires_ns, now_ns_)) return;
    out_.push_back(node.message);
  }

  void visit_all(const Node& node, const Cursor& cursor, bool is_root) {
    emit(node, cursor);
    each_child(node, cursor, is_root, [&](const Node& child, const Cursor& next) { visit_all(child, next, false); });
  }

  // The children that may hold something after the cursor. Wildcards of the first level pass over '$' [MQTT-4.7.2-1].
  template <typename Function>
  void each_child(const Node& node, const Cursor& cursor, bool is_root, Function&& function) {
    const bool bounded = cursor.bounded && !cursor.at_end;
    auto child = bounded ? node.children.lower_bound(cursor.rest.substr(0, cursor.rest.find('/'))) : node.children.begin();
    for (; child != node.children.end() && !full(); ++child) {
      if (is_root && child->first.starts_with('$')) continue;
      function(*child->second, step(cursor, child->first).next);
    }
  }

  struct Step {
    bool passed = false;  // everything below that level comes before the cursor
    Cursor next;
  };
  static Step step(const Cursor& cursor, std::string_view level) {
    if (!cursor.bounded || cursor.at_end) return {};
    const size_t slash = cursor.rest.find('/');
    const std::string_view wanted = cursor.rest.substr(0, slash);
    if (level != wanted) return {.passed = level < wanted};
    const bool last = slash == std::string_view::npos;
    return {.next = {.bounded = true, .at_end = last, .rest = last ? std::string_view() : cursor.rest.substr(slash + 1)}};
  }

  bool full() const { return out_.size() >= count_max_; }

  const size_t count_max_;
  const int64_t now_ns_;
  std::vector<MessagePtr>& out_;
};

void RetainedTree::collect(std::string_view filter, std::string_view after, size_t count_max, int64_t now_ns,
                           std::vector<MessagePtr>& out) const {
  Walk walk(count_max, now_ns, out);
  walk.visit(*root_, filter, false, {.bounded = !after.empty(), .rest = after}, true);
}

}  // namespace campanile::broker
