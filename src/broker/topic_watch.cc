#include "broker/topic_watch.h"

#include <algorithm>

#include "base/clock.h"
#include "broker/retained_store.h"

namespace campanile::broker {
namespace {

constexpr size_t kStripesPerTick = 4;
constexpr size_t kRetainedPortion = 256;

size_t hash_of(std::string_view text) { return TextHash()(text); }

}  // namespace

TopicWatch::Stripe& TopicWatch::stripe_of(std::string_view topic) { return stripes_[hash_of(topic) >> 8 & (kStripes - 1)]; }
const TopicWatch::Stripe& TopicWatch::stripe_of(std::string_view topic) const { return stripes_[hash_of(topic) >> 8 & (kStripes - 1)]; }

TopicWatch::Entry* TopicWatch::find_or_add(Stripe& stripe, std::string_view topic) {
  if (const auto known = stripe.topics.find(topic); known != stripe.topics.end()) return &known->second;
  if (topics_.load() >= kTopicsMax || bytes_.load() + topic.size() > kBytesMax) return nullptr;
  ++topics_;
  bytes_ += topic.size();
  return &stripe.topics[topic];
}

void TopicWatch::keep_last(Entry& entry, std::string_view payload) {
  entry.payload_bytes = payload.size();
  std::string_view kept = payload.substr(0, kPayloadBytesMax);
  if (bytes_.load() - entry.payload.size() + kept.size() > kBytesMax) kept = {};
  bytes_ += kept.size();
  bytes_ -= entry.payload.size();
  entry.payload.assign(kept);
}

void TopicWatch::note(const Publication& publication, int64_t now_ns) {
  Stripe& stripe = stripe_of(publication.topic);
  const std::lock_guard lock(stripe.mutex);
  if (!active()) return;  // let go meanwhile
  Entry* const entry = find_or_add(stripe, publication.topic);
  if (entry == nullptr) {
    ++left_out_;
    return;
  }
  ++entry->messages;
  entry->bytes += publication.payload.size();
  entry->time_ns = now_ns;
  entry->qos = publication.qos;
  entry->retain = publication.retain;
  keep_last(*entry, publication.payload);
}

void TopicWatch::look(int64_t steady_ns, const RetainedStore& retained, int64_t now_ns) {
  until_ns_ = steady_ns + kLookS * kNanosPerSecond;
  if (active()) return;
  const std::lock_guard lock(look_mutex_);
  if (active()) return;
  while (to_clear_ > 0) clear(stripes_[--to_clear_]);
  left_out_ = 0;
  since_ns_ = now_ns;
  active_ = true;
  take_retained(retained, "$SYS/#", now_ns);
  take_retained(retained, "#", now_ns);
}

void TopicWatch::take_retained(const RetainedStore& retained, std::string_view filter, int64_t now_ns) {
  std::string after;
  std::vector<MessagePtr> portion;
  do {
    portion.clear();
    retained.collect(filter, after, kRetainedPortion, now_ns, portion);
    for (const MessagePtr& message : portion) {
      after = message->topic;
      Stripe& stripe = stripe_of(message->topic);
      const std::lock_guard lock(stripe.mutex);
      if (topics_.load() >= kTopicsMax / 2 || bytes_.load() >= kBytesMax / 2) return;
      Entry* const entry = find_or_add(stripe, message->topic);
      if (entry == nullptr || entry->messages > 0) continue;  // a newer one has come already
      entry->time_ns = message->published_ns;
      entry->qos = message->qos;
      entry->retain = true;
      keep_last(*entry, message->payload);
    }
  } while (portion.size() == kRetainedPortion);
}

TopicView TopicWatch::view(const TopicQuery& query) const {
  TopicView view{.topics = topics_.load(), .left_out = left_out_.load(), .since_ns = since_ns_.load()};
  struct Found {
    StringMap<TopicLevel> levels;
  };
  StringMap<Found> paths;
  for (const std::string& under : query.under) paths[under];

  for (const Stripe& stripe : stripes_) {
    const std::lock_guard lock(stripe.mutex);
    for (const auto& [topic, entry] : stripe.topics) {
      // By the paths that are asked for, not by the topic's levels: there are few of them, and may be many of those.
      for (auto& [path, found] : paths) {
        if (!topic.starts_with(path) || !(path.empty() || path.ends_with('/'))) continue;
        const size_t slash = topic.find('/', path.size());
        TopicLevel& level = found.levels[std::string_view(topic).substr(path.size(), slash - path.size())];
        ++level.topics;
        level.messages += entry.messages;
        level.bytes += entry.bytes;
        level.time_ns = std::max(level.time_ns, entry.time_ns);
        if (slash == std::string::npos) {
          level.is_topic = true;
          level.last = entry.payload.substr(0, kPreviewBytes);
        }
      }
    }
  }

  for (const std::string& under : query.under) {
    TopicView::Path& path = view.paths.emplace_back(TopicView::Path{.under = under});
    for (auto& [name, level] : paths[under].levels) {
      level.name = name;
      level.path = under + name + "/";
      path.levels.push_back(std::move(level));
    }
    paths[under].levels.clear();
    std::ranges::sort(path.levels, {}, &TopicLevel::name);
    if (path.levels.size() > query.levels_max) {
      path.left_out = path.levels.size() - query.levels_max;
      path.levels.resize(query.levels_max);
    }
  }
  if (query.topic.empty()) return view;
  const Stripe& stripe = stripe_of(query.topic);
  const std::lock_guard lock(stripe.mutex);
  if (const auto found = stripe.topics.find(query.topic); found != stripe.topics.end()) {
    const Entry& entry = found->second;
    view.message = TopicMessage{.payload = entry.payload, .payload_bytes = entry.payload_bytes, .messages = entry.messages, .bytes = entry.bytes,
                                .time_ns = entry.time_ns, .qos = entry.qos, .retain = entry.retain};
  }
  return view;
}

void TopicWatch::clear(Stripe& stripe) {
  const std::lock_guard lock(stripe.mutex);
  size_t bytes = 0;
  for (const auto& [topic, entry] : stripe.topics) bytes += topic.size() + entry.payload.size();
  bytes_ -= bytes;
  topics_ -= stripe.topics.size();
  StringMap<Entry>().swap(stripe.topics);
}

void TopicWatch::tick(int64_t steady_ns) {
  const std::unique_lock lock(look_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return;  // a look begins just now
  if (active()) {
    if (steady_ns < until_ns_.load()) return;
    active_ = false;
    to_clear_ = kStripes;
  }
  for (size_t i = 0; i < kStripesPerTick && to_clear_ > 0; ++i) clear(stripes_[--to_clear_]);
}

}  // namespace campanile::broker
