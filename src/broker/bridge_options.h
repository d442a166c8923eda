// BridgeOptions: one connection to another broker, and which topics pass over it in which direction.
//
//   BridgeOptions options{.name = "city", .address = {"mqtt.city.example", 8883}, .client_id = "campus.city"};
//   options.topics.push_back({.pattern = "#", .direction = BridgeDirection::kOut, .qos = 1, .local_prefix = "u4/", .remote_prefix = "campus/u4/"});
//   TRY(check(options));
//
// docs/guides/bridges.md explains each. Threads: set before Bridges::create(), read-only from then on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "mqtt/protocol.h"
#include "net/tcp.h"

namespace campanile::broker {

enum class BridgeDirection : uint8_t { kOut, kIn, kBoth };

struct BridgeTopic {
  std::string pattern;  // a topic filter behind either prefix; empty: the prefixes are the topic
  BridgeDirection direction = BridgeDirection::kOut;
  uint8_t qos = 1;  // at most
  std::string local_prefix;
  std::string remote_prefix;

  std::string local_filter() const { return local_prefix + pattern; }
  std::string remote_filter() const { return remote_prefix + pattern; }
  bool goes_out() const { return direction != BridgeDirection::kIn; }
  bool comes_in() const { return direction != BridgeDirection::kOut; }
};

struct BridgeOptions {
  std::string name;
  net::Address address;
  std::optional<net::TlsClientOptions> tls;
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::kV5;
  std::optional<std::string> user;
  std::optional<std::string> password;
  std::string client_id;  // that the remote broker knows us by; with clean_start off it keeps what comes for us while the link is down
  bool clean_start = false;
  uint16_t keep_alive_s = 60;
  // Version 3: says in CONNECT that this is a bridge, so that the remote does not send back what it got over it and keeps the retain
  // flag. A broker that does not know that refuses it, and is asked without from then on.
  bool try_private = true;
  std::vector<BridgeTopic> topics;
  // The wait before the next attempt doubles from the first to the second, with jitter.
  uint32_t reconnect_min_s = 1;
  uint32_t reconnect_max_s = 60;
  uint32_t connect_timeout_s = 10;  // of TCP and TLS together, and again for the remote's answer
  // QoS 1 and 2 messages each side may have unacknowledged at the other; further ones wait in the sender's session.
  uint16_t in_flight_max = 100;
  std::string state_topic;      // retained "1" while the link is up and "0" while it is not; empty: none
  bool state_to_remote = true;  // there as well, with the will for when this program falls

  // What the local broker takes from a client.
  uint32_t local_packet_bytes_max = 1u << 20;
  uint16_t local_receive_maximum = 1024;
  uint32_t topic_levels_max = mqtt::kTopicLevelsLimit;
};

// "in", "out" or "both"
std::string_view to_string(BridgeDirection direction);

// The client identifier of the bridge's session with its own broker, which holds what waits for the remote: "bridge/city". Its user
// name is the same; clients that come from outside are refused such identifiers.
std::string bridge_client_id(std::string_view name);
bool is_bridge_client_id(std::string_view client_id);

// "$SYS/broker/connection/<client id>/state", where Mosquitto has it.
std::string bridge_state_topic(std::string_view client_id);

// Errors: kInvalidArgument, saying what cannot be and what to do.
Result<void> check(const BridgeOptions& options);

}  // namespace campanile::broker
