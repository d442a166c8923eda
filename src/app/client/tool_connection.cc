#include "app/client/tool_connection.h"

#include <array>

#include "base/random.h"

namespace campanile::app::client {
namespace {

// What libmosquitto says for each return code of CONNACK in version 3.
constexpr std::array<std::string_view, 6> kReturnCodeWords{
    "Connection Accepted.",
    "Connection Refused: unacceptable protocol version.",
    "Connection Refused: identifier rejected.",
    "Connection Refused: broker unavailable.",
    "Connection Refused: bad user name or password.",
    "Connection Refused: not authorised.",
};

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

}  // namespace

MqttClientOptions connection_options(const ToolOptions& options) {
  MqttClientOptions out;
  const uint16_t default_port = options.tls ? 8883 : 1883;
  out.tcp.address = {options.host, options.port.value_or(default_port)};
  if (options.tls) {
    out.tcp.tls = net::TlsClientOptions{.ca_file = options.ca_file,
                                        .certificate_file = options.certificate_file,
                                        .key_file = options.key_file,
                                        .verify_host = !options.insecure};
  }
  out.mqtt.version = options.version;
  out.mqtt.client_id = options.client_id;
  // MQTT 3.1 has no way to ask the server for an identifier.
  if (out.mqtt.client_id.empty() && options.version == mqtt::ProtocolVersion::kV31) {
    out.mqtt.client_id = "campanile-";
    for (const char byte : random_bytes(6)) out.mqtt.client_id += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  out.mqtt.clean_start = options.clean;
  out.mqtt.keep_alive_s = options.keep_alive_s;
  out.mqtt.user = options.user;
  out.mqtt.password = options.password;
  if (options.version == mqtt::ProtocolVersion::kV5) out.mqtt.session_expiry_s = options.session_expiry_s;
  out.mqtt.in_flight_max = options.in_flight_max;
  if (!options.will_topic.empty()) {
    out.mqtt.will = mqtt::ClientWill{.topic = options.will_topic,
                                     .payload = options.will_payload.value_or(""),
                                     .qos = options.will_qos.value_or(0),
                                     .retain = options.will_retain};
  }
  return out;
}

std::string describe(const Closed& closed, mqtt::ProtocolVersion version) {
  const bool refused = closed.cause == Closed::Cause::kRefused && !closed.was_connected;
  if (!refused) return fmt::format("Error: {}", capitalised(std::string(closed.words)));
  if (version == mqtt::ProtocolVersion::kV5) return fmt::format("Connection error: {}", capitalised(mqtt::to_string(closed.reason)));
  const uint8_t code = mqtt::connect_return_code(closed.reason);
  if (code == 0 || code >= kReturnCodeWords.size()) return fmt::format("Connection error: {}", closed.words);
  return fmt::format("Connection error: {}", kReturnCodeWords[code]);
}

int exit_code(const Closed& closed, mqtt::ProtocolVersion version) {
  if (closed.cause != Closed::Cause::kRefused || closed.was_connected) return 1;
  const int code = version == mqtt::ProtocolVersion::kV5 ? static_cast<int>(closed.reason) : mqtt::connect_return_code(closed.reason);
  return code == 0 ? 1 : code;
}

std::string shown_id(const ToolOptions& options) { return options.client_id.empty() ? "(null)" : options.client_id; }

}  // namespace campanile::app::client
