#include "app/client/client_options.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>

#include "app/client/message_format.h"
#include "base/text.h"
#include "mqtt/topic.h"

namespace campanile::app::client {
namespace {

constexpr std::array kFlags{
    Flag{"-t", "TOPIC", true, true, "The topic; sub takes several, with wildcards."},
    Flag{"-m", "MESSAGE", true, false, "Send this text."},
    Flag{"-f", "FILE", true, false, "Send the content of a file."},
    Flag{"-l", "", true, false, "Send each line of standard input as a message."},
    Flag{"-s", "", true, false, "Send all of standard input as one message."},
    Flag{"-n", "", true, false, "Send an empty message; with -r it clears the retained one."},
    Flag{"-r", "", true, false, "Ask the server to keep the message for later subscribers."},
    Flag{"--repeat", "N", true, false, "Send the message N times."},
    Flag{"--repeat-delay", "SECONDS", true, false, "Wait between two of them."},
    Flag{"-M", "N", true, false, "Messages of QoS 1 and 2 on their way at a time. (20)"},
    Flag{"-v", "", false, true, "Print the topic in front of the message."},
    Flag{"-C", "N", false, true, "End after N messages."},
    Flag{"-W", "SECONDS", false, true, "End after so long, with exit code 27."},
    Flag{"-E", "", false, true, "End once the subscriptions are acknowledged."},
    Flag{"-F", "FORMAT", false, true, "Print in this form: %t topic, %p payload, %q QoS, %r retained, %l length, %j JSON, %I and %U time."},
    Flag{"-N", "", false, true, "Print no line end behind the message."},
    Flag{"-R", "", false, true, "Leave out messages that were retained."},
    Flag{"--retained-only", "", false, true, "Only retained messages; end at the first other one."},
    Flag{"--remove-retained", "", false, true, "Clear the retained messages that come."},
    Flag{"-T", "TOPIC", false, true, "Leave out messages of these topics."},
    Flag{"-U", "TOPIC", false, true, "Unsubscribe from this topic, for a session that is kept."},
    Flag{"-h", "HOST", true, true, "The server. (localhost)"},
    Flag{"-p", "PORT", true, true, "Its port. (1883, with TLS 8883)"},
    Flag{"-L", "URL", true, true, "mqtt(s)://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC in place of -h, -p, -u, -P and -t."},
    Flag{"-q", "QOS", true, true, "Quality of service: 0, 1 or 2. (0)"},
    Flag{"-u", "USER", true, true, "The name to log in with."},
    Flag{"-P", "PASSWORD", true, true, "Its password."},
    Flag{"-i", "ID", true, true, "The client identifier; without one the server picks it."},
    Flag{"-I", "PREFIX", true, true, "The client identifier is this and the process's number."},
    Flag{"-k", "SECONDS", true, true, "Keep-alive. (60)"},
    Flag{"-c", "", true, true, "Keep the session when the client goes; needs -i."},
    Flag{"-x", "SECONDS", true, true, "How long the server keeps the session (MQTT 5)."},
    Flag{"-V", "VERSION", true, true, "mqttv5, mqttv311 or mqttv31. (mqttv311)"},
    Flag{"--will-topic", "TOPIC", true, true, "Where the server sends the will when the client is lost."},
    Flag{"--will-payload", "TEXT", true, true, "What the will says."},
    Flag{"--will-qos", "QOS", true, true, "Its quality of service."},
    Flag{"--will-retain", "", true, true, "Whether it is retained."},
    Flag{"--cafile", "FILE", true, true, "Certificates to trust; turns TLS on."},
    Flag{"--cert", "FILE", true, true, "Client certificate; needs --key."},
    Flag{"--key", "FILE", true, true, "Its key."},
    Flag{"--insecure", "", true, true, "Do not check that the certificate bears the host's name."},
    Flag{"--tls-use-os-certs", "", true, true, "TLS with the certificates that the system trusts."},
    Flag{"-d", "", true, true, "Tell each packet."},
    Flag{"--quiet", "", true, true, "Print no error messages."},
    Flag{"--nodelay", "", true, true, "Accepted; small packets are never held back."},
    Flag{"--help", "", true, true, "Print this."},
};

// Long forms that the real tools know beside the letters.
constexpr std::array<std::pair<std::string_view, std::string_view>, 28> kAliases{{
    {"--topic", "-t"},         {"--message", "-m"},        {"--file", "-f"},       {"--stdin-line", "-l"},    {"--stdin-file", "-s"},
    {"--null-message", "-n"},  {"--retain", "-r"},         {"--verbose", "-v"},    {"--host", "-h"},          {"--port", "-p"},
    {"--url", "-L"},           {"--qos", "-q"},            {"--username", "-u"},   {"--pw", "-P"},            {"--id", "-i"},
    {"--id-prefix", "-I"},     {"--keepalive", "-k"},      {"--disable-clean-session", "-c"},                 {"--session-expiry-interval", "-x"},
    {"--protocol-version", "-V"}, {"--debug", "-d"},       {"--max-inflight", "-M"}, {"--filter-out", "-T"},  {"--unsubscribe", "-U"},
    {"--count", "-C"},         {"--format", "-F"},         {"--tls-use-os-certs", "--tls-use-os-certs"},      {"--stdin", "-l"},
}};

struct ParseState {
  ToolOptions options;
  std::string error;

  void fail(std::string message) {
    if (error.empty()) error = std::move(message);
  }
};


bool is_string(std::string_view text) { return text.size() <= 65'535 && is_valid_utf8(text) && text.find('\0') == std::string_view::npos; }

template <typename T>
std::optional<T> number(std::string_view text, uint64_t low, uint64_t high) {
  const Result<uint64_t> value = parse_uint64(text);
  if (!value || *value < low || *value > high) return std::nullopt;
  return static_cast<T>(*value);
}

void set_source(ParseState& state, PayloadSource source, std::string payload = {}) {
  if (state.options.source != PayloadSource::kNone) return state.fail("Only one type of message can be sent at once.");
  state.options.source = source;
  state.options.payload = std::move(payload);
}

void add_topic(ParseState& state, Tool tool, std::string_view topic) {
  if (tool == Tool::kPublish) {
    if (!is_string(topic) || !mqtt::is_valid_topic(topic, mqtt::kTopicLevelsLimit)) {
      return state.fail(fmt::format("Invalid publish topic '{}', does it contain '+' or '#'?", excerpt(topic)));
    }
    state.options.topics = {std::string(topic)};
    return;
  }
  const auto shared = mqtt::parse_shared(topic);
  if (!is_string(topic) || !mqtt::is_valid_filter(shared ? shared->filter : topic, mqtt::kTopicLevelsLimit)) {
    return state.fail(fmt::format("Invalid subscription topic '{}', are all '+' and '#' wildcards correct?", excerpt(topic)));
  }
  state.options.topics.emplace_back(topic);
}

void add_filter(ParseState& state, std::vector<std::string>& list, std::string_view filter, std::string_view what) {
  if (!is_string(filter) || !mqtt::is_valid_filter(filter, mqtt::kTopicLevelsLimit)) {
    return state.fail(fmt::format("Invalid {} topic '{}', are all '+' and '#' wildcards correct?", what, excerpt(filter)));
  }
  list.emplace_back(filter);
}

// mqtt(s)://[user[:password]@]host[:port]/topic
void set_url(ParseState& state, Tool tool, std::string_view url) {
  ToolOptions& options = state.options;
  if (url.starts_with("mqtt://")) {
    url.remove_prefix(7);
  } else if (url.starts_with("mqtts://")) {
    url.remove_prefix(8);
    options.tls = true;
  } else {
    return state.fail("unsupported URL scheme.");
  }
  const size_t slash = url.find('/');
  if (slash == std::string_view::npos) return state.fail("Invalid URL for -L argument specified - topic missing.");
  add_topic(state, tool, url.substr(slash + 1));
  std::string_view host = url.substr(0, slash);
  if (const size_t at = host.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = host.substr(0, at);
    const size_t colon = login.find(':');
    options.user = std::string(login.substr(0, colon));
    if (colon != std::string_view::npos) options.password = std::string(login.substr(colon + 1));
    host.remove_prefix(at + 1);
  }
  const size_t bracket = host.rfind(']');
  if (const size_t colon = host.rfind(':'); colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const auto port = number<uint16_t>(host.substr(colon + 1), 1, 65'535);
    if (!port) return state.fail("Invalid URL for -L argument specified - port is no number from 1 to 65535.");
    options.port = *port;
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (!host.empty()) options.host = std::string(host);
}

void set_version(ParseState& state, std::string_view text) {
  if (text == "mqttv5" || text == "5") {
    state.options.version = mqtt::ProtocolVersion::kV5;
  } else if (text == "mqttv311" || text == "311") {
    state.options.version = mqtt::ProtocolVersion::kV311;
  } else if (text == "mqttv31" || text == "31") {
    state.options.version = mqtt::ProtocolVersion::kV31;
  } else {
    state.fail("Invalid protocol version argument given.");
  }
}

void set_format(ParseState& state, std::string_view format) {
  if (const auto checked = check_format(format); !checked) return state.fail(checked.error().message);
  state.options.format = std::string(format);
}

void apply_connection(ParseState& state, Tool tool, std::string_view name, const std::string& value) {
  ToolOptions& o = state.options;
  const auto whole = [&](auto& into, uint64_t low, uint64_t high, std::string_view message) {
    const auto parsed = number<uint64_t>(value, low, high);
    if (!parsed) return state.fail(fmt::format("{}: {}", message, excerpt(value)));
    into = static_cast<std::remove_reference_t<decltype(into)>>(*parsed);
  };
  if (name == "-t") add_topic(state, tool, value);
  if (name == "-h") o.host = value;
  if (name == "-p") {
    const auto port = number<uint16_t>(value, 1, 65'535);
    if (!port) state.fail(fmt::format("Invalid port given: {}", excerpt(value)));
    o.port = port;
  }
  if (name == "-L") set_url(state, tool, value);
  if (name == "-q") whole(o.qos, 0, 2, "Invalid QoS given");
  if (name == "-u") o.user = value;
  if (name == "-P") o.password = value;
  if (name == "-i") o.client_id = value;
  if (name == "-I") o.client_id = fmt::format("{}{}", value, ::getpid());
  if (name == "-k") {
    const auto seconds = number<uint16_t>(value, 5, 65'535);
    if (!seconds) state.fail("Invalid keepalive given, it must be between 5 and 65535 inclusive.");
    o.keep_alive_s = seconds.value_or(60);
  }
  if (name == "-c") o.clean = false;
  if (name == "-x") {
    constexpr uint64_t kNever = 0xFFFFFFFF;
    const auto seconds = value == "-1" || value == "∞" ? std::optional<uint32_t>(kNever) : number<uint32_t>(value, 0, kNever);
    if (!seconds) state.fail("Invalid session expiry interval given.");
    o.session_expiry_s = seconds;
  }
  if (name == "-V") set_version(state, value);
  if (name == "-d") o.debug = true;
  if (name == "--quiet") o.quiet = true;
}

void apply_will_and_tls(ParseState& state, std::string_view name, const std::string& value) {
  ToolOptions& o = state.options;
  if (name == "--will-topic") {
    if (!is_string(value) || !mqtt::is_valid_topic(value, mqtt::kTopicLevelsLimit)) {
      state.fail(fmt::format("Invalid will topic '{}', does it contain '+' or '#'?", excerpt(value)));
    }
    o.will_topic = value;
  }
  if (name == "--will-payload") o.will_payload = value;
  if (name == "--will-qos") {
    o.will_qos = number<uint8_t>(value, 0, 2);
    if (!o.will_qos) state.fail(fmt::format("Invalid will QoS {}.", excerpt(value)));
  }
  if (name == "--will-retain") o.will_retain = true;
  if (name == "--cafile") o.ca_file = value;
  if (name == "--cert") o.certificate_file = value;
  if (name == "--key") o.key_file = value;
  if (name == "--insecure") o.insecure = true;
  if (name == "--tls-use-os-certs") o.tls = true;
}

void apply_publish(ParseState& state, std::string_view name, const std::string& value) {
  ToolOptions& o = state.options;
  if (name == "-m") set_source(state, PayloadSource::kText, value);
  if (name == "-f") set_source(state, PayloadSource::kFile, value);
  if (name == "-l") set_source(state, PayloadSource::kLines);
  if (name == "-s") set_source(state, PayloadSource::kStdin);
  if (name == "-n") set_source(state, PayloadSource::kNull);
  if (name == "-r") o.retain = true;
  if (name == "--repeat") {
    const auto count = number<uint32_t>(value, 1, std::numeric_limits<uint32_t>::max());
    if (!count) state.fail("--repeat argument must be >0.");
    o.repeat = count.value_or(1);
  }
  if (name == "--repeat-delay") {
    const Result<double> seconds = parse_double(value);
    if (!seconds || !(*seconds >= 0 && *seconds < 1e6)) state.fail("--repeat-delay argument must be >=0.0.");
    o.repeat_delay_s = seconds.value_or(0);
  }
  if (name == "-M") {
    const auto count = number<uint16_t>(value, 1, 65'535);
    if (!count) state.fail("Invalid maximum inflight given, it must be between 1 and 65535 inclusive.");
    o.in_flight_max = count.value_or(20);
  }
}

void apply_subscribe(ParseState& state, std::string_view name, const std::string& value) {
  ToolOptions& o = state.options;
  if (name == "-v") o.verbose = true;
  if (name == "-E") o.exit_after_subscribe = true;
  if (name == "-N") o.end_of_line = false;
  if (name == "-R") o.no_stale = true;
  if (name == "--retained-only") o.retained_only = true;
  if (name == "--remove-retained") o.remove_retained = true;
  if (name == "-T") add_filter(state, o.filtered_out, value, "filter");
  if (name == "-U") add_filter(state, o.unsubscribed, value, "unsubscribe");
  if (name == "-F") set_format(state, value);
  if (name == "-C") {
    const auto count = number<uint64_t>(value, 1, std::numeric_limits<uint32_t>::max());
    if (!count) state.fail(fmt::format("Invalid message count \"{}\".", excerpt(value)));
    o.message_count = count.value_or(0);
  }
  if (name == "-W") {
    const auto seconds = number<uint64_t>(value, 1, std::numeric_limits<uint32_t>::max());
    if (!seconds) state.fail(fmt::format("Invalid timeout \"{}\".", excerpt(value)));
    o.timeout_s = seconds.value_or(0);
  }
}

// What only the whole of the flags can tell.
void check_whole(ParseState& state, Tool tool) {
  ToolOptions& o = state.options;
  if (tool == Tool::kPublish && (o.topics.empty() || o.source == PayloadSource::kNone)) return state.fail("Both topic and message must be supplied.");
  if (tool == Tool::kSubscribe && o.topics.empty()) return state.fail("You must specify a topic to subscribe to.");
  if (o.will_payload && o.will_topic.empty()) return state.fail("Will payload given, but no will topic given.");
  if (o.will_retain && o.will_topic.empty()) return state.fail("Will retain given, but no will topic given.");
  if (o.will_qos && o.will_topic.empty()) return state.fail("Will QoS given, but no will topic given.");
  if (o.certificate_file.empty() != o.key_file.empty()) return state.fail("Both certfile and keyfile must be provided if one of them is set.");
  if (o.password && !o.user) return state.fail("Problem setting username and/or password.");
  if (!o.clean && o.client_id.empty()) return state.fail("You must provide a client id if you are using the -c option.");
  if (o.no_stale && o.retained_only) return state.fail("-R and --retained-only are incompatible options.");
  if (!o.ca_file.empty() || !o.certificate_file.empty() || o.port == 8883) o.tls = true;
  if (!o.clean && !o.session_expiry_s) o.session_expiry_s = 0xFFFFFFFF;
}

std::string_view canonical(std::string_view name) {
  const auto alias = std::find_if(kAliases.begin(), kAliases.end(), [&](const auto& pair) { return pair.first == name; });
  return alias == kAliases.end() ? name : alias->second;
}

const Flag* find_flag(Tool tool, std::string_view name) {
  const auto found = std::find_if(kFlags.begin(), kFlags.end(), [&](const Flag& flag) {
    return flag.name == canonical(name) && (tool == Tool::kPublish ? flag.publish : flag.subscribe);
  });
  return found == kFlags.end() ? nullptr : &*found;
}

}  // namespace

std::span<const Flag> flag_table() { return kFlags; }

ParsedFlags parse_client_flags(Tool tool, std::span<const std::string> arguments) {
  ParseState state;
  for (size_t i = 0; i < arguments.size() && state.error.empty(); ++i) {
    const std::string& name = arguments[i];
    const Flag* flag = find_flag(tool, name);
    if (!flag) {
      state.fail(fmt::format("Unknown option '{}'.", excerpt(name)));
      break;
    }
    if (flag->name == "--help") {
      state.options.help = true;
      return {std::move(state.options), ""};
    }
    std::string value;
    if (!flag->value.empty()) {
      if (i + 1 == arguments.size()) {
        state.fail(fmt::format("{} argument given but no {} specified.", name, to_lower(flag->value)));
        break;
      }
      value = arguments[++i];
    }
    apply_connection(state, tool, flag->name, value);
    apply_will_and_tls(state, flag->name, value);
    if (tool == Tool::kPublish) {
      apply_publish(state, flag->name, value);
    } else {
      apply_subscribe(state, flag->name, value);
    }
  }
  if (state.error.empty()) check_whole(state, tool);
  return {std::move(state.options), std::move(state.error)};
}

std::string client_help(Tool tool) {
  const bool publish = tool == Tool::kPublish;
  std::string out = publish ? "campanile pub: publishes messages to an MQTT server. The flags are those of mosquitto_pub.\n\n"
                              "Usage: campanile pub {-t TOPIC | -L URL} {-m MESSAGE | -f FILE | -l | -s | -n} [FLAGS]\n\n"
                            : "campanile sub: prints the messages of an MQTT server's topics. The flags are those of mosquitto_sub.\n\n"
                              "Usage: campanile sub {-t TOPIC… | -L URL} [FLAGS]\n\n";
  for (const Flag& flag : kFlags) {
    if (publish ? !flag.publish : !flag.subscribe) continue;
    std::string left = fmt::format("{} {}", flag.name, flag.value);
    if (flag.value.empty()) left = std::string(flag.name);
    out += fmt::format("  {:<24} {}\n", left, flag.description);
  }
  out += publish ? "\nExamples:\n"
                   "  campanile pub -t u4/302/temperature -m '{\"value\":21.5,\"value_units\":\"celsius\",\"subID\":\"24\",\"unitID\":\"lab\"}'\n"
                   "  read_meter | campanile pub -t meter/readings -l -q 1\n"
                   "  campanile pub -L mqtts://user:password@tower.example/lab/switch -m on -r\n"
                   "\nExit code: 0; 1 for an error; the server's own code where it refuses the connection.\n"
                 : "\nExamples:\n"
                   "  campanile sub -t 'u4/#' -v\n"
                   "  campanile sub -t 'u4/+/temperature' -C 1 -W 30\n"
                   "  campanile sub -t '#' -F '%I %t %p'\n"
                   "\nExit code: 0; 27 where -W passed; 1 for an error; the server's own code where it refuses the connection.\n";
  return out;
}

}  // namespace campanile::app::client
