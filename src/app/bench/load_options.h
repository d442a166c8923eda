// LoadOptions: what `campanile bench mqtt` is asked to do, as flags of the command line and as checked values.
//
//   LoadFlags flags;
//   add_mqtt_bench(bench_command, flags);        // CLI11 fills them
//   const LoadOptions options = TRY(check_load_flags(flags));
//
// Threads: values. Errors: kInvalidArgument and kTooLarge, naming the flag and what to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/bench/payload.h"
#include "base/result.h"
#include "mqtt/protocol.h"

namespace campanile::app::bench {

inline constexpr uint64_t kTopicsMax = 1'000'000;      // the table of topics is kept whole
inline constexpr uint64_t kConnectionsMax = 1'000'000;
inline constexpr uint64_t kPayloadBytesMax = 1u << 20;
inline constexpr uint64_t kThreadsMax = 256;

// The flags as they were given.
struct LoadFlags {
  std::string host = "localhost";
  uint16_t port = 0;  // 0: 1883, or 8883 with TLS
  uint64_t publishers = 50;
  uint64_t subscribers = 1;
  uint64_t idle = 0;
  int qos = 1;
  uint64_t size = 140;
  double rate = 0;
  uint64_t window = 50;
  uint64_t topics = 1'000;
  std::string topic;
  std::string filter;
  std::string payload = "random";
  std::string file;
  double duration_s = 10;
  double warm_up_s = 1;
  std::string user;
  std::string password;
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  bool tls = false;
  bool insecure = false;
  std::string source_addresses;
  double connect_rate = 0;
  double churn = 0;
  uint64_t threads = 1;
  uint64_t keep_alive_s = 60;
  std::string protocol = "3.1.1";
  bool retain = false;
  int broker_pid = 0;
  bool json = false;
  bool quiet = false;
};

struct LoadOptions {
  std::string host;
  uint16_t port = 0;
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::kV311;
  uint32_t publishers = 0;
  uint32_t subscribers = 0;
  uint32_t idle = 0;
  uint8_t qos = 0;
  size_t size = 0;
  double rate = 0;       // messages a second of all publishers together; 0: as fast as they are taken or acknowledged
  uint16_t window = 1;   // QoS 1 and 2 messages of one publisher that wait for their acknowledgement
  uint32_t topics = 1;
  std::string topic;     // with {t} and {b}, and perhaps {p}
  std::string filter;
  PayloadKind payload = PayloadKind::kRandom;
  std::string file;
  double duration_s = 10;
  double warm_up_s = 1;
  std::optional<std::string> user;
  std::optional<std::string> password;
  bool tls = false;
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  bool insecure = false;
  std::vector<uint32_t> source_addresses;  // host byte order; empty: the system chooses
  double connect_rate = 0;  // connections a second; 0: as fast as they are accepted
  double churn = 0;         // visitors a second, which connect, subscribe and leave
  uint32_t threads = 1;
  uint16_t keep_alive_s = 60;
  bool retain = false;
  int broker_pid = 0;
  bool json = false;
  bool quiet = false;

  uint64_t connections() const { return uint64_t{publishers} + subscribers + idle; }
};

// Adds `mqtt` with its flags, help and examples to the command `bench`.
void add_mqtt_bench(CLI::App& bench, LoadFlags& flags);

Result<LoadOptions> check_load_flags(const LoadFlags& flags);

}  // namespace campanile::app::bench
