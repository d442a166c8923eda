#include "broker/bridge_options.h"

#include <algorithm>

#include "base/text.h"
#include "mqtt/topic.h"
#include "mqtt/wire.h"

namespace campanile::broker {
namespace {

constexpr std::string_view kClientIdPrefix = "bridge/";

bool is_text(std::string_view text) { return text.size() <= UINT16_MAX && mqtt::is_valid_string(text); }

Result<void> check_topic(const BridgeTopic& topic, uint32_t levels_max) {
  const auto wrong = [&](std::string_view why) { return fail(ErrorCode::kInvalidArgument, "topic '{}': {}", excerpt(topic.pattern), why); };
  if (topic.qos > 2) return wrong("QoS is 0, 1 or 2");
  for (const std::string& prefix : {topic.local_prefix, topic.remote_prefix}) {
    if (mqtt::has_wildcard(prefix)) return wrong("a prefix holds no '+' and no '#'; those belong into the pattern");
  }
  if (topic.pattern.empty() && (topic.local_prefix.empty() || topic.remote_prefix.empty())) {
    return wrong("without a pattern both prefixes are whole topics; give both");
  }
  for (const std::string& filter : {topic.local_filter(), topic.remote_filter()}) {
    if (!is_text(filter) || mqtt::is_shared(filter) || !mqtt::is_valid_filter(filter, levels_max)) {
      return fail(ErrorCode::kInvalidArgument, "topic '{}': with its prefix it is '{}', which is no topic filter: '#' stands alone at the end, '+' alone in "
                  "a level, at most {} levels, no $share", excerpt(topic.pattern), excerpt(filter), levels_max);
    }
  }
  return {};
}

}  // namespace

std::string_view to_string(BridgeDirection direction) {
  switch (direction) {
    case BridgeDirection::kOut: return "out";
    case BridgeDirection::kIn: return "in";
    case BridgeDirection::kBoth: return "both";
  }
  return "";
}

std::string bridge_client_id(std::string_view name) { return std::string(kClientIdPrefix).append(name); }
bool is_bridge_client_id(std::string_view client_id) { return client_id.starts_with(kClientIdPrefix); }

std::string bridge_state_topic(std::string_view client_id) { return fmt::format("$SYS/broker/connection/{}/state", client_id); }

Result<void> check(const BridgeOptions& options) {
  const auto wrong = [](std::string_view why) { return fail(ErrorCode::kInvalidArgument, "{}", why); };
  if (options.name.empty() || !is_text(options.name) || mqtt::has_wildcard(options.name) || options.name.contains('/')) {
    return wrong("name: wanted a word without '/', '+' and '#'");
  }
  if (options.address.host.empty() || options.address.port == 0) return wrong("address: wanted host:port");
  if (options.client_id.empty() || !is_text(options.client_id)) return wrong("client_id: wanted 1 to 65535 bytes of UTF-8");
  if (options.user && !is_text(*options.user)) return wrong("user: wanted at most 65535 bytes of UTF-8");
  if (options.password && options.password->size() > UINT16_MAX) return wrong("password: longer than 65535 bytes");
  if (options.password && !options.user) return wrong("password: there is no user to go with it");
  if (options.reconnect_min_s < 1 || options.reconnect_min_s > options.reconnect_max_s) {
    return wrong("reconnect_min_s: wanted 1 or more, and no more than reconnect_max_s");
  }
  if (options.in_flight_max < 1) return wrong("in_flight_max: wanted 1 or more");
  if (options.topics.empty()) return wrong("topics: none is given, so nothing would pass");
  if (!options.state_topic.empty() && (!is_text(options.state_topic) || !mqtt::is_valid_topic(options.state_topic, options.topic_levels_max))) {
    return wrong("state_topic: not a topic to publish to; where client_id holds '+' or '#', give one");
  }
  for (const BridgeTopic& topic : options.topics) TRY(check_topic(topic, options.topic_levels_max));
  return {};
}

}  // namespace campanile::broker
