#include "broker/subscription_tree.h"

#include <algorithm>
#include <mutex>

#include "base/check.h"
#include "broker/session.h"
#include "mqtt/topic.h"

namespace campanile::broker {

// Of one filter.
struct SubscriptionTree::Subscribers {
  using BySession = absl::flat_hash_map<const Session*, Subscription>;
  BySession direct;
  std::unique_ptr<StringMap<BySession>> groups;

  bool empty() const { return direct.empty() && !groups; }

  bool add(std::string_view group, Subscription subscription) {
    const Session* key = subscription.session.get();
    if (group.empty()) return direct.insert_or_assign(key, std::move(subscription)).second;
    if (!groups) groups = std::make_unique<StringMap<BySession>>();
    return (*groups)[group].insert_or_assign(key, std::move(subscription)).second;
  }
  std::optional<Subscription> find(std::string_view group, const Session& session) const {
    const BySession* members = &direct;
    if (!group.empty()) {
      if (!groups) return std::nullopt;
      const auto named = groups->find(group);
      if (named == groups->end()) return std::nullopt;
      members = &named->second;
    }
    const auto found = members->find(&session);
    return found == members->end() ? std::nullopt : std::optional(found->second);
  }
  bool remove(std::string_view group, const Session& session) {
    if (group.empty()) return direct.erase(&session) > 0;
    if (!groups) return false;
    const auto found = groups->find(group);
    if (found == groups->end() || found->second.erase(&session) == 0) return false;
    if (found->second.empty()) groups->erase(found);
    if (groups->empty()) groups.reset();
    return true;
  }
};

struct SubscriptionTree::Node {
  StringMap<std::unique_ptr<Node>> children;
  std::unique_ptr<Node> any;         // '+'
  std::unique_ptr<Subscribers> here; // filters that end here
  std::unique_ptr<Subscribers> rest; // filters whose next level is '#'
  std::unique_ptr<StringMap<std::unique_ptr<Subscribers>>> deep;  // in the last level: by what follows of the filter

  bool empty() const { return children.empty() && !any && !here && !rest && !deep; }
};

// Merges what matches into one target a session.
class SubscriptionTree::Collector {
 public:
  explicit Collector(MatchResult& result) : result_(result) {}

  void add(const Subscribers* found) {
    if (!found) return;
    for (const auto& [key, subscription] : found->direct) add_to(result_.targets, subscription);
    if (!found->groups) return;
    for (const auto& [name, members] : *found->groups) add_group(members);
  }

  void add_group(const Subscribers::BySession& members) {
    auto& group = result_.groups.emplace_back();
    for (const auto& [key, subscription] : members) add_to(group, subscription);
  }

  // REQUIRES: called once, after the last add().
  void merge() {
    auto& targets = result_.targets;
    std::ranges::sort(targets, {}, [](const MatchTarget& target) { return target.session.get(); });
    size_t kept = 0;
    for (size_t i = 0; i < targets.size(); ++i) {
      if (kept > 0 && targets[kept - 1].session == targets[i].session) {
        MatchTarget& into = targets[kept - 1];
        into.no_local = into.no_local && targets[i].no_local;
        into.terms.qos = std::max(into.terms.qos, targets[i].terms.qos);
        into.terms.retain_as_published = into.terms.retain_as_published || targets[i].terms.retain_as_published;
        auto& ids = into.terms.subscription_ids;
        ids.insert(ids.end(), targets[i].terms.subscription_ids.begin(), targets[i].terms.subscription_ids.end());
      } else {
        if (kept != i) targets[kept] = std::move(targets[i]);
        ++kept;
      }
    }
    targets.resize(kept);
  }

 private:
  void add_to(std::vector<MatchTarget>& out, const Subscription& subscription) {
    if (subscription.session->durable()) result_.any_durable = true;
    MatchTarget& target = out.emplace_back(MatchTarget{.session = subscription.session, .no_local = subscription.no_local});
    target.terms.qos = subscription.qos;
    target.terms.retain_as_published = subscription.retain_as_published;
    if (subscription.identifier != 0) target.terms.subscription_ids.push_back(subscription.identifier);
  }

  MatchResult& result_;
};

namespace {

struct Parts {
  std::string_view group;  // empty: not shared
  std::string_view filter;
};

Parts parts_of(std::string_view filter) {
  if (!mqtt::is_shared(filter)) return {{}, filter};
  const auto shared = mqtt::parse_shared(filter);
  CHECK(shared.has_value());
  return {shared->group, shared->filter};
}

}  // namespace

SubscriptionTree::SubscriptionTree() : root_(std::make_unique<Node>()) {}
SubscriptionTree::~SubscriptionTree() = default;

std::unique_ptr<SubscriptionTree::Subscribers>& SubscriptionTree::make_place(std::string_view text) {
  if (!mqtt::has_wildcard(text)) return exact_[text];
  Node* node = root_.get();
  std::string_view rest = text;
  for (size_t depth = 0; depth < kTreeLevels && rest != "#"; ++depth) {
    bool at_end = false;
    const std::string_view level = mqtt::take_level(rest, at_end);
    std::unique_ptr<Node>& next = level == "+" ? node->any : node->children[level];
    if (!next) next = std::make_unique<Node>();
    node = next.get();
    if (at_end) return node->here;
  }
  if (rest == "#") return node->rest;
  if (!node->deep) node->deep = std::make_unique<StringMap<std::unique_ptr<Subscribers>>>();
  return (*node->deep)[rest];
}

bool SubscriptionTree::add(std::string_view filter, Subscription subscription) {
  const auto [group, text] = parts_of(filter);
  std::unique_lock lock(mutex_);
  std::unique_ptr<Subscribers>& place = make_place(text);
  if (!place) place = std::make_unique<Subscribers>();
  const bool is_new = place->add(group, std::move(subscription));
  if (is_new) size_.fetch_add(1, std::memory_order_relaxed);
  if (is_new && !group.empty()) shared_size_.fetch_add(1, std::memory_order_relaxed);
  touch(text);
  return is_new;
}

bool SubscriptionTree::remove(std::string_view filter, const Session& session) {
  const auto [group, text] = parts_of(filter);
  std::unique_lock lock(mutex_);
  bool removed = false;
  if (!mqtt::has_wildcard(text)) {
    const auto found = exact_.find(text);
    removed = found != exact_.end() && found->second->remove(group, session);
    if (removed && found->second->empty()) exact_.erase(found);
  } else {
    removed = remove_below(*root_, 0, text, group, session);
  }
  if (removed) {
    size_.fetch_sub(1, std::memory_order_relaxed);
    if (!group.empty()) shared_size_.fetch_sub(1, std::memory_order_relaxed);
    touch(text);
  }
  return removed;
}

const SubscriptionTree::Subscribers* SubscriptionTree::find_place(std::string_view text) const {
  const auto in = [](const auto& map, std::string_view key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : found->second.get();
  };
  if (!mqtt::has_wildcard(text)) return in(exact_, text);
  const Node* node = root_.get();
  std::string_view rest = text;
  for (size_t depth = 0; depth < kTreeLevels && rest != "#"; ++depth) {
    bool at_end = false;
    const std::string_view level = mqtt::take_level(rest, at_end);
    node = level == "+" ? node->any.get() : in(node->children, level);
    if (!node) return nullptr;
    if (at_end) return node->here.get();
  }
  if (rest == "#") return node->rest.get();
  return node->deep ? in(*node->deep, rest) : nullptr;
}

std::optional<Subscription> SubscriptionTree::find(std::string_view filter, const Session& session) const {
  const auto [group, text] = parts_of(filter);
  std::shared_lock lock(mutex_);
  const Subscribers* place = find_place(text);
  return place ? place->find(group, session) : std::nullopt;
}

// Takes the subscription out and, on the way back, every node that has become empty.
bool SubscriptionTree::remove_below(Node& node, size_t depth, std::string_view rest, std::string_view group, const Session& session) {
  const auto remove_from = [&](std::unique_ptr<Subscribers>& place) {
    if (!place || !place->remove(group, session)) return false;
    if (place->empty()) place.reset();
    return true;
  };
  if (rest == "#") return remove_from(node.rest);
  if (depth == kTreeLevels) {
    if (!node.deep) return false;
    const auto found = node.deep->find(rest);
    if (found == node.deep->end() || !remove_from(found->second)) return false;
    if (!found->second) node.deep->erase(found);
    if (node.deep->empty()) node.deep.reset();
    return true;
  }
  bool at_end = false;
  const std::string_view level = mqtt::take_level(rest, at_end);
  const auto child = level == "+" ? node.children.end() : node.children.find(level);
  if (level != "+" && child == node.children.end()) return false;
  std::unique_ptr<Node>& next = level == "+" ? node.any : child->second;
  if (!next) return false;
  const bool removed = at_end ? remove_from(next->here) : remove_below(*next, depth + 1, rest, group, session);
  if (removed && next->empty()) {
    if (level == "+") {
      next.reset();
    } else {
      node.children.erase(child);
    }
  }
  return removed;
}

std::shared_ptr<const MatchResult> SubscriptionTree::match(std::string_view topic) const {
  auto result = std::make_shared<MatchResult>();
  Collector collector(*result);
  {
    std::shared_lock lock(mutex_);
    const auto found = exact_.find(topic);
    if (found != exact_.end()) collector.add(found->second.get());
    // [MQTT-4.7.2-1]: filters that begin with a wildcard do not see topics that begin with '$'.
    collect(*root_, 0, topic, false, !topic.starts_with('$'), collector);
  }
  collector.merge();
  return result;
}

MatchResult SubscriptionTree::members(std::string_view shared_filter) const {
  const auto [group, text] = parts_of(shared_filter);
  std::shared_lock lock(mutex_);
  const Subscribers* found = find_place(text);
  MatchResult result;
  if (!found || !found->groups) return result;
  const auto its = found->groups->find(group);
  if (its != found->groups->end()) Collector(result).add_group(its->second);
  return result;
}

void SubscriptionTree::collect(const Node& node, size_t depth, std::string_view rest, bool at_end, bool wildcards, Collector& out) {
  if (wildcards) out.add(node.rest.get());  // "a/#" matches "a" as well [4.7.1.2]
  if (at_end) return out.add(node.here.get());
  if (depth == kTreeLevels) {
    if (!node.deep) return;
    for (const auto& [filter, subscribers] : *node.deep) {
      if (mqtt::levels_match(filter, rest)) out.add(subscribers.get());
    }
    return;
  }
  bool last = false;
  const std::string_view level = mqtt::take_level(rest, last);
  const auto child = node.children.find(level);
  if (child != node.children.end()) collect(*child->second, depth + 1, rest, last, true, out);
  if (wildcards && node.any) collect(*node.any, depth + 1, rest, last, true, out);
}

size_t SubscriptionTree::stamp_slot(std::string_view text) {
  return TextHash()(text.substr(0, text.find('/'))) % kStamps;
}

void SubscriptionTree::touch(std::string_view filter) {
  auto& stamp = filter[0] == '+' || filter[0] == '#' ? wildcard_stamp_ : stamps_[stamp_slot(filter)];
  stamp.fetch_add(1, std::memory_order_release);
}

uint64_t SubscriptionTree::stamp(std::string_view topic) const {
  // Both only grow, so their sum stays the same only where both do.
  return stamps_[stamp_slot(topic)].load(std::memory_order_acquire) + wildcard_stamp_.load(std::memory_order_acquire);
}

}  // namespace campanile::broker
