#include "broker/bridge_topics.h"

#include <algorithm>

#include "mqtt/topic.h"

namespace campanile::broker {
namespace {

// A filter "prefix#" matches the level before the prefix's last slash as well ("a/#" matches "a"), which has no name on the other side
// unless it is cut there too.
bool exchange_prefix(std::string_view topic, std::string_view from, std::string_view to, std::string& out) {
  if (topic.starts_with(from)) {
    out.assign(to).append(topic.substr(from.size()));
    return !out.empty();
  }
  if (from.ends_with('/') && topic == from.substr(0, from.size() - 1) && to.ends_with('/')) {
    out.assign(to.substr(0, to.size() - 1));
    return !out.empty();
  }
  return false;
}

}  // namespace

BridgeTopics::BridgeTopics(std::vector<BridgeTopic> topics) : topics_(std::move(topics)) {
  for (const BridgeTopic& topic : topics_) {
    local_filters_.push_back(topic.local_filter());
    remote_filters_.push_back(topic.remote_filter());
    const size_t local = topic.local_prefix.size();
    const size_t remote = topic.remote_prefix.size();
    if (topic.goes_out() && remote > local) growth_out_ = std::max(growth_out_, remote - local);
    if (topic.comes_in() && local > remote) growth_in_ = std::max(growth_in_, local - remote);
  }
}

bool BridgeTopics::to_remote(std::string_view local, std::string& remote) const {
  for (size_t i = 0; i < topics_.size(); ++i) {
    if (!topics_[i].goes_out() || !mqtt::topic_matches(local_filters_[i], local)) continue;
    if (exchange_prefix(local, topics_[i].local_prefix, topics_[i].remote_prefix, remote)) return true;
  }
  return false;
}

bool BridgeTopics::to_local(std::string_view remote, std::string& local) const {
  for (size_t i = 0; i < topics_.size(); ++i) {
    if (!topics_[i].comes_in() || !mqtt::topic_matches(remote_filters_[i], remote)) continue;
    if (exchange_prefix(remote, topics_[i].remote_prefix, topics_[i].local_prefix, local)) return true;
  }
  return false;
}

}  // namespace campanile::broker
