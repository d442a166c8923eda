// ClientOptions of `campanile pub` and `campanile sub`: the flags of mosquitto_pub and mosquitto_sub, by the same letters.
//
//   const ParsedFlags parsed = parse_client_flags(Tool::kPublish, arguments);   // without "campanile pub"
//   if (!parsed.error.empty()) { print(parsed.error); return 1; }
//
// The real tools take each argument as it is: `-m -5` sends "-5", letters are not joined (`-vd`), and `--flag=value` is not known. So does
// this parser, which is why it is not CLI11. flag_table() is the one list of flags, for parsing, help and completion.
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mqtt/protocol.h"

namespace campanile::app::client {

enum class Tool { kPublish, kSubscribe };

enum class PayloadSource { kNone, kText, kFile, kStdin, kLines, kNull };

struct ToolOptions {
  // The connection, for both tools.
  std::string host = "localhost";
  std::optional<uint16_t> port;  // none: 1883, or 8883 with TLS
  std::string client_id;
  std::optional<std::string> user;
  std::optional<std::string> password;
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::kV311;
  uint16_t keep_alive_s = 60;
  bool clean = true;
  std::optional<uint32_t> session_expiry_s;
  uint8_t qos = 0;
  bool debug = false;
  bool quiet = false;
  bool tls = false;
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  bool insecure = false;
  std::string will_topic;
  std::optional<std::string> will_payload;
  std::optional<uint8_t> will_qos;
  bool will_retain = false;
  std::vector<std::string> topics;  // one for pub, at least one for sub

  // pub
  PayloadSource source = PayloadSource::kNone;
  std::string payload;  // the text of -m, the path of -f
  bool retain = false;
  uint32_t repeat = 1;
  double repeat_delay_s = 0;
  uint16_t in_flight_max = 20;

  // sub
  std::vector<std::string> filtered_out;
  std::vector<std::string> unsubscribed;
  uint64_t message_count = 0;  // 0: no end
  uint64_t timeout_s = 0;      // 0: none
  bool verbose = false;
  bool end_of_line = true;
  bool no_stale = false;         // -R
  bool retained_only = false;
  bool remove_retained = false;
  bool exit_after_subscribe = false;  // -E
  std::string format;

  bool help = false;
};

struct ParsedFlags {
  ToolOptions options;
  std::string error;  // in mosquitto's words; empty: fine
};

struct Flag {
  std::string_view name;         // "-t", "--will-topic"
  std::string_view value;        // what follows, for help: "TOPIC"; empty: nothing
  bool publish = true;           // known to pub
  bool subscribe = true;         // known to sub
  std::string_view description;
};

std::span<const Flag> flag_table();

ParsedFlags parse_client_flags(Tool tool, std::span<const std::string> arguments);

// "-t TOPIC …" lines and examples.
std::string client_help(Tool tool);

}  // namespace campanile::app::client
