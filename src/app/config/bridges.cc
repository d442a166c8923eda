#include "app/config/bridges.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace campanile::app {
namespace {

std::string machine_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "campanile";
  return name.data();
}

}  // namespace

broker::BridgeOptions bridge_options_of(const BridgeConfig& bridge) {
  broker::BridgeOptions options{.name = bridge.name,
                                .address = bridge.address,
                                .tls = std::nullopt,
                                .version = bridge.version == BridgeVersion::kV5 ? mqtt::ProtocolVersion::kV5 : mqtt::ProtocolVersion::kV311,
                                .user = std::nullopt,
                                .password = std::nullopt,
                                .client_id = bridge.client_id.empty() ? fmt::format("{}.{}", machine_name(), bridge.name) : bridge.client_id,
                                .clean_start = bridge.clean_start,
                                .keep_alive_s = static_cast<uint16_t>(bridge.keep_alive_s),
                                .try_private = bridge.try_private,
                                .topics = {},
                                .reconnect_min_s = static_cast<uint32_t>(bridge.reconnect_min_s),
                                .reconnect_max_s = static_cast<uint32_t>(bridge.reconnect_max_s),
                                .connect_timeout_s = static_cast<uint32_t>(bridge.connect_timeout_s),
                                .in_flight_max = static_cast<uint16_t>(bridge.in_flight_max),
                                .state_topic = {},
                                .state_to_remote = bridge.state_to_remote};
  if (bridge.tls) {
    options.tls = net::TlsClientOptions{.ca_file = bridge.tls_ca_file,
                                        .certificate_file = bridge.tls_certificate_file,
                                        .key_file = bridge.tls_key_file,
                                        .verify_host = !bridge.tls_insecure};
  }
  if (!bridge.user.empty()) options.user = bridge.user;
  if (!bridge.password.empty()) options.password = bridge.password;
  for (const BridgeTopicConfig& topic : bridge.topics) {
    options.topics.push_back({.pattern = topic.pattern, .direction = topic.direction, .qos = static_cast<uint8_t>(topic.qos),
                              .local_prefix = topic.local_prefix, .remote_prefix = topic.remote_prefix});
  }
  if (bridge.state) options.state_topic = bridge.state_topic.empty() ? broker::bridge_state_topic(options.client_id) : bridge.state_topic;
  return options;
}

Result<void> check_last(const std::vector<BridgeConfig>& bridges) {
  const BridgeConfig& bridge = bridges.back();
  const auto wrong = [&](std::string_view why) { return fail(ErrorCode::kInvalidArgument, "'{}': {}", excerpt(bridge.name), why); };
  const auto same_name = [&](const BridgeConfig& other) { return other.name == bridge.name; };
  if (std::count_if(bridges.begin(), bridges.end(), same_name) > 1) return wrong("stands twice");
  if (!bridge.password.empty() && !bridge.password_file.empty()) return wrong("a password and a password_file; give one of them");
  if (bridge.user.empty() && !(bridge.password.empty() && bridge.password_file.empty())) return wrong("a password without a user; give both");
  const bool tls_values = !bridge.tls_ca_file.empty() || !bridge.tls_certificate_file.empty() || !bridge.tls_key_file.empty() || bridge.tls_insecure;
  if (tls_values && !bridge.tls) return wrong("TLS is described but not switched on; add tls: true");
  if (!bridge.tls_key_file.empty() && bridge.tls_certificate_file.empty()) return wrong("tls_key_file without tls_certificate_file");
  if (!bridge.state && !bridge.state_topic.empty()) return wrong("a state_topic, and state: false; remove one");
  if (const auto fits = broker::check(bridge_options_of(bridge)); !fits) return wrong(fits.error().message);
  return {};
}

}  // namespace campanile::app
