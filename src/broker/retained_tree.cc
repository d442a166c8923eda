#include "broker/retained_tree.h"

#include <algorithm>

#include "mqtt/topic.h"

namespace campanile::broker {

namespace {

// A topic before those below it, levels by their bytes: as if '/' came before every byte that a topic may have.
struct LevelOrder {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const {
    const auto rank = [](char c) { return c == '/' ? 0 : static_cast<uint8_t>(c); };
    return std::ranges::lexicographical_compare(a, b, {}, rank, rank);
  }
};

}  // namespace

struct RetainedTree::Node {
  using Deep = absl::btree_map<std::string, MessagePtr, LevelOrder>;

  MessagePtr message;
  absl::btree_map<std::string, std::unique_ptr<Node>, std::less<>> children;
  std::unique_ptr<Deep> deep;  // in the last level: by what follows of the topic

  bool empty() const { return !message && children.empty() && !deep; }
};

RetainedTree::RetainedTree() : root_(std::make_unique<Node>()) {}
RetainedTree::~RetainedTree() = default;

MessagePtr RetainedTree::set(MessagePtr message) {
  Node* node = root_.get();
  std::string_view rest = message->topic;
  bool at_end = false;
  for (size_t depth = 0; depth < kTreeLevels && !at_end; ++depth) {
    std::unique_ptr<Node>& next = node->children[std::string(mqtt::take_level(rest, at_end))];
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  if (!at_end && !node->deep) node->deep = std::make_unique<Node::Deep>();
  MessagePtr& place = at_end ? node->message : (*node->deep)[std::string(rest)];
  MessagePtr former = std::exchange(place, std::move(message));
  if (!former) ++size_;
  return former;
}

MessagePtr RetainedTree::erase(std::string_view topic) {
  MessagePtr former = erase_below(*root_, 0, topic);
  if (former) --size_;
  return former;
}

MessagePtr RetainedTree::erase_below(Node& node, size_t depth, std::string_view rest) {
  if (depth == kTreeLevels) {
    const auto found = node.deep ? node.deep->find(rest) : Node::Deep::iterator();
    if (!node.deep || found == node.deep->end()) return nullptr;
    MessagePtr former = std::move(found->second);
    node.deep->erase(found);
    if (node.deep->empty()) node.deep.reset();
    return former;
  }
  bool at_end = false;
  const auto child = node.children.find(mqtt::take_level(rest, at_end));
  if (child == node.children.end()) return nullptr;
  MessagePtr former = at_end ? std::exchange(child->second->message, nullptr) : erase_below(*child->second, depth + 1, rest);
  if (child->second->empty()) node.children.erase(child);
  return former;
}

MessagePtr RetainedTree::get(std::string_view topic) const {
  const Node* node = root_.get();
  std::string_view rest = topic;
  bool at_end = false;
  for (size_t depth = 0; depth < kTreeLevels && !at_end; ++depth) {
    const auto child = node->children.find(mqtt::take_level(rest, at_end));
    if (child == node->children.end()) return nullptr;
    node = child->second.get();
  }
  if (at_end) return node->message;
  if (!node->deep) return nullptr;
  const auto found = node->deep->find(rest);
  return found == node->deep->end() ? nullptr : found->second;
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

  void visit(const Node& node, size_t depth, std::string_view filter, bool filter_end, const Cursor& cursor) {
    if (filter_end) {
      // Along the cursor's way every node comes before the cursor's topic, or is it.
      if (!cursor.bounded) emit(node.message);
      return;
    }
    if (filter == "#") return visit_all(node, depth, cursor);
    if (depth == kTreeLevels) return visit_deep(node, filter, cursor);
    const size_t slash = filter.find('/');
    const std::string_view level = filter.substr(0, slash);
    const bool last = slash == std::string_view::npos;
    const std::string_view below = last ? std::string_view() : filter.substr(slash + 1);
    if (level == "+") {
      each_child(node, depth, cursor, [&](const Node& child, const Cursor& next) { visit(child, depth + 1, below, last, next); });
      return;
    }
    const auto child = node.children.find(level);
    if (child == node.children.end()) return;
    const auto [passed, next] = step(cursor, level);
    if (!passed) visit(*child->second, depth + 1, below, last, next);
  }

 private:
  void emit(const MessagePtr& message) {
    if (message && !full() && !is_expired(message->expires_ns, now_ns_)) out_.push_back(message);
  }

  void visit_all(const Node& node, size_t depth, const Cursor& cursor) {
    if (!cursor.bounded) emit(node.message);
    if (depth == kTreeLevels) return visit_deep(node, "#", cursor);
    each_child(node, depth, cursor, [&](const Node& child, const Cursor& next) { visit_all(child, depth + 1, next); });
  }

  void visit_deep(const Node& node, std::string_view filter, const Cursor& cursor) {
    if (!node.deep) return;
    auto place = cursor.bounded && !cursor.at_end ? node.deep->upper_bound(cursor.rest) : node.deep->begin();
    for (; place != node.deep->end() && !full(); ++place) {
      if (mqtt::levels_match(filter, place->first)) emit(place->second);
    }
  }

  // The children that may hold something after the cursor. Wildcards of the first level pass over '$' [MQTT-4.7.2-1].
  template <typename Function>
  void each_child(const Node& node, size_t depth, const Cursor& cursor, Function&& function) {
    const bool bounded = cursor.bounded && !cursor.at_end;
    auto child = bounded ? node.children.lower_bound(cursor.rest.substr(0, cursor.rest.find('/'))) : node.children.begin();
    for (; child != node.children.end() && !full(); ++child) {
      if (depth == 0 && child->first.starts_with('$')) continue;
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
  walk.visit(*root_, 0, filter, false, {.bounded = !after.empty(), .rest = after});
}

}  // namespace campanile::broker
