#include "broker/mount.h"

#include "mqtt/properties.h"
#include "mqtt/topic.h"

namespace campanile::broker {
namespace {

// `change` makes the new response topic of the present one.
template <typename Change>
std::string change_response_topic(std::string_view properties, Change change) {
  const auto decoded = mqtt::decode_properties(properties, mqtt::PropertyOwner::kPublish);
  if (!decoded || !decoded->has(mqtt::PropertyId::kResponseTopic)) return std::string(properties);
  const std::string_view topic = decoded->response_topic;
  const std::string changed = change(topic);
  if (changed.size() > UINT16_MAX) return std::string(properties);
  // The view lies inside `properties`, behind the two bytes of its length.
  const size_t at = static_cast<size_t>(topic.data() - properties.data());
  std::string out(properties.substr(0, at - 2));
  out += static_cast<char>(changed.size() >> 8);
  out += static_cast<char>(changed.size() & 0xff);
  out += changed;
  out += properties.substr(at + topic.size());
  return out;
}

}  // namespace

std::string mount_topic(std::string_view mount, std::string_view topic) {
  std::string out;
  out.reserve(mount.size() + topic.size());
  out += mount;
  out += topic;
  return out;
}

std::string mount_filter(std::string_view mount, std::string_view filter, size_t levels_max) {
  std::string_view inner = filter;
  if (mqtt::is_shared(filter)) {
    const auto parts = mqtt::parse_shared(filter);
    if (!parts) return std::string(filter);
    inner = parts->filter;
  }
  if (!mqtt::is_valid_filter(inner, levels_max)) return std::string(filter);
  // The inner filter is the end of the whole one.
  std::string out(filter.substr(0, filter.size() - inner.size()));
  out += mount;
  out += inner;
  return out;
}

std::optional<std::string_view> unmount_topic(std::string_view mount, std::string_view topic) {
  if (topic.size() <= mount.size() || !topic.starts_with(mount)) return std::nullopt;
  return topic.substr(mount.size());
}

std::string mount_response_topic(std::string_view mount, std::string_view properties) {
  return change_response_topic(properties, [&](std::string_view topic) { return mount_topic(mount, topic); });
}

std::string unmount_response_topic(std::string_view mount, std::string_view properties) {
  return change_response_topic(properties, [&](std::string_view topic) { return std::string(unmount_topic(mount, topic).value_or(topic)); });
}

}  // namespace campanile::broker
