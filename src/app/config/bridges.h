// BridgeConfig: a connection to another broker as it stands in the configuration, and what it means to the broker.
//
//   const broker::BridgeOptions options = bridge_options_of(config.bridges[0]);
//
// docs/guides/bridges.md explains each value. Threads: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/bridge_options.h"
#include "net/tcp.h"

namespace campanile::app {

enum class BridgeVersion { kV5, kV311 };

struct BridgeTopicConfig {
  std::string pattern;
  broker::BridgeDirection direction = broker::BridgeDirection::kOut;
  uint64_t qos = 1;
  std::string local_prefix;
  std::string remote_prefix;
};

struct BridgeConfig {
  std::string name;
  net::Address address;
  BridgeVersion version = BridgeVersion::kV5;
  bool tls = false;
  std::string tls_ca_file;
  std::string tls_certificate_file;
  std::string tls_key_file;
  bool tls_insecure = false;
  std::string user;
  std::string password;
  std::string password_file;  // read into password when the configuration is loaded
  std::string client_id;      // empty: the machine's name and the bridge's
  bool clean_start = false;
  uint64_t keep_alive_s = 60;
  bool try_private = true;
  std::vector<BridgeTopicConfig> topics;
  uint64_t in_flight_max = 100;
  uint64_t reconnect_min_s = 1;
  uint64_t reconnect_max_s = 60;
  uint64_t connect_timeout_s = 10;
  bool state = true;
  std::string state_topic;  // empty: where Mosquitto has it
  bool state_to_remote = true;
};

// With the defaults filled in that depend on others. The limits of the local broker are the caller's to set.
broker::BridgeOptions bridge_options_of(const BridgeConfig& bridge);

// Whether the last one makes sense by itself and beside the others. Errors: kInvalidArgument.
Result<void> check_last(const std::vector<BridgeConfig>& bridges);

}  // namespace campanile::app
