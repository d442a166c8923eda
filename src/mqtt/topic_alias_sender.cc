#include "mqtt/topic_alias_sender.h"

#include <functional>
#include <utility>

namespace campanile::mqtt {

TopicAliasSender::Use TopicAliasSender::use(std::string_view topic, bool may_assign) {
  if (topic.size() < kTopicBytesMin || topic.size() > kTopicBytesMax) return {};
  const auto hash = static_cast<uint32_t>(std::hash<std::string_view>()(topic));
  for (size_t i = 0; i < hashes_.size(); ++i) {
    if (hashes_[i] != hash || slots_[i].topic != topic) continue;
    slots_[i].used = true;
    return {.alias = static_cast<uint16_t>(i + 1), .with_topic = false};
  }
  if (!may_assign) return {};
  if (slots_.size() < maximum_) {
    hashes_.push_back(hash);
    slots_.push_back({.topic = std::string(topic)});
    return {.alias = static_cast<uint16_t>(slots_.size())};
  }
  if (slots_.empty()) return {};
  const uint16_t at = hand_;
  hand_ = static_cast<uint16_t>((hand_ + 1u) % slots_.size());
  Slot& slot = slots_[at];
  if (std::exchange(slot.used, false)) return {};
  hashes_[at] = hash;
  slot.topic.assign(topic);
  return {.alias = static_cast<uint16_t>(at + 1u)};
}

}  // namespace campanile::mqtt
