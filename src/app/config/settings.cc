#include "app/config/settings.h"

#include <algorithm>
#include <array>

#include "app/config/listener_check.h"
#include "base/text.h"

namespace campanile::app {
namespace {

constexpr uint64_t kTextBytesMax = 4096;
constexpr uint64_t kDayS = 86'400;

Setting text(std::string_view path, std::string* value, std::string_view comment, uint64_t low = 0) {
  return {.path = path, .kind = Kind::kText, .target = value, .low = low, .high = kTextBytesMax, .comment = comment};
}
Setting secret(std::string_view path, std::string* value, std::string_view comment) {
  return {.path = path, .kind = Kind::kSecret, .target = value, .low = 0, .high = 65'535, .comment = comment};
}
Setting directory(std::string_view path, std::string* value, std::string_view comment, uint64_t low = 0) {
  return {.path = path, .kind = Kind::kPath, .target = value, .low = low, .high = kTextBytesMax, .comment = comment};
}
Setting address(std::string_view path, net::Address* value, std::string_view comment) {
  return {.path = path, .kind = Kind::kAddress, .target = value, .comment = comment};
}
Setting flag(std::string_view path, bool* value, std::string_view comment) {
  return {.path = path, .kind = Kind::kFlag, .target = value, .comment = comment};
}
Setting number(Kind kind, std::string_view path, uint64_t* value, uint64_t low, uint64_t high, std::string_view comment) {
  return {.path = path, .kind = kind, .target = value, .low = low, .high = high, .comment = comment};
}
Setting count(std::string_view path, uint64_t* value, uint64_t low, uint64_t high, std::string_view comment) {
  return number(Kind::kCount, path, value, low, high, comment);
}
Setting bytes(std::string_view path, uint64_t* value, uint64_t low, uint64_t high, std::string_view comment) {
  return number(Kind::kBytes, path, value, low, high, comment);
}
Setting seconds(std::string_view path, uint64_t* value, uint64_t low, uint64_t high, std::string_view comment) {
  return number(Kind::kSeconds, path, value, low, high, comment);
}
Setting texts(std::string_view path, std::vector<std::string>* value, std::string_view comment) {
  return {.path = path, .kind = Kind::kTexts, .target = value, .comment = comment};
}
Setting pairs(std::string_view path, TextPairs* value, std::string_view comment) {
  return {.path = path, .kind = Kind::kTextPairs, .target = value, .comment = comment};
}

// REQUIRES: the words stand in the order of the enum's values, which count up from 0.
template <typename Enum>
Setting choice(std::string_view path, Enum* value, std::vector<std::string_view> words, std::string_view comment) {
  return {.path = path,
          .kind = Kind::kChoice,
          .target = Choice{.words = std::move(words),
                           .set = [value](size_t index) { *value = static_cast<Enum>(index); },
                           .get = [value] { return static_cast<size_t>(*value); }},
          .comment = comment};
}

std::vector<Setting> settings_of(UserConfig& user) {
  std::vector<Setting> out{
      text("name", &user.name, "The name to log in with.", 1),
      secret("password", &user.password, "The password. Better kept in a file: password_file."),
      directory("password_file", &user.password_file, "A file that holds the password; a relative path starts at the configuration file."),
  };
  out[0].required = true;
  return out;
}

std::vector<Setting> settings_of(ListenerConfig& listener) {
  std::vector<Setting> out{
      text("name", &listener.name, "What it is called in the log and in `/api/v1/status`.", 1),
      choice("protocol", &listener.protocol, {"tcp", "tls", "ws", "wss", "unix"}, "How MQTT travels: plain, in TLS, in WebSockets, in both, over a local socket."),
      text("listen", &listener.listen, "ADDRESS:PORT such as 0.0.0.0:8883, port 0 for any free one; with unix the path of the socket.", 1),
      text("mode", &listener.mode, "With unix: who may connect, as chmod has it.", 3),
      directory("certificate", &listener.certificate, "With tls and wss: the server's certificate and its chain, PEM; a relative path starts at the configuration file."),
      directory("key", &listener.key, "Its key, without a passphrase; empty: it lies in the same file."),
      choice("client_certificate", &listener.client_certificate, {"none", "optional", "required"}, "Whether clients are asked for a certificate."),
      directory("client_ca", &listener.client_ca, "Who vouches for clients' certificates, PEM."),
      directory("client_crl", &listener.client_crl, "Which of these are revoked, PEM: one list for each CA that issues them; empty: none."),
      choice("user_from", &listener.user_from, {"cn", "san_dns", "san_email", "san_uri"}, "What of a client's certificate is the user's name."),
      flag("proxy_protocol", &listener.proxy_protocol, "true: connections come from a proxy that begins each with a PROXY header of version 2."),
      choice("anonymous", &listener.anonymous, {"auto", "none", "read", "all"},
             "What clients may do that name nobody: nothing, only subscribe, everything; auto: as `auth.anonymous` has it."),
      flag("accounts", &listener.accounts, "Whether names and passwords are checked; false: they are not looked at."),
      text("mount", &listener.mount, "A prefix such as `campus-a/` that the topics of these clients have for everybody else."),
      texts("origins", &listener.origins, "With ws and wss: pages that may connect beside those of the same host, such as https://wall.example.org; `*`: all."),
      count("connections_max", &listener.connections_max, 0, 1'000'000, "Connections at a time; 0: as `mqtt.connections_max`."),
      bytes("packet_bytes_max", &listener.packet_bytes_max, 0, 256 * kMiB, "Largest packet, 1KiB or more; 0: as `mqtt.packet_bytes_max`."),
      seconds("keep_alive_max_s", &listener.keep_alive_max_s, 0, 65'535, "Longest keep-alive; 0: as `mqtt.keep_alive_max_s`."),
      count("receive_maximum", &listener.receive_maximum, 0, 65'535, "Messages that a client may send before the first is acknowledged; 0: as `mqtt.receive_maximum`."),
      seconds("connect_timeout_s", &listener.connect_timeout_s, 0, 3600, "Longest wait for handshake, upgrade and CONNECT, each; 0: as `mqtt.connect_timeout_s`."),
      count("session_queue_messages_max", &listener.session_queue_messages_max, 0, 10'000'000,
            "Messages that wait for one client whose last connection came in here; 0: as `mqtt.session_queue_messages_max`."),
      bytes("session_queue_bytes_max", &listener.session_queue_bytes_max, 0, 16 * kGiB, "And bytes of them, 64KiB or more; 0: as `mqtt.session_queue_bytes_max`."),
      seconds("session_queue_age_max_s", &listener.session_queue_age_max_s, 0, 3650 * kDayS, "And how long each may wait; 0: as `mqtt.session_queue_age_max_s`."),
  };
  out[0].required = true;
  out[2].required = true;
  return out;
}

std::vector<Setting> settings_of(RouteConfig& route) {
  std::vector<Setting> out{
      text("pattern", &route.pattern, "The topics it is for: `{name}` or `+` stand for one level, `#` for the rest.", 1),
      flag("skip", &route.skip, "true: these messages are passed on to subscribers, and not stored."),
      text("decoder", &route.decoder, "What reads the payload: neocampus, json, value or line_protocol.", 1),
      text("measurement", &route.measurement, "The measurement of its points; empty: `ingest.measurement`."),
      text("database", &route.database, "The database of its points; empty: `ingest.database`."),
      text("field", &route.field, "The field of a payload that names none.", 1),
      pairs("tags", &route.tags, "Tags beside those that the pattern's names give."),
  };
  out[0].required = true;
  return out;
}

std::vector<Setting> settings_of(PlaceConfig& place) {
  std::vector<Setting> out{
      text("measurement", &place.measurement, "The measurement it is for; `*`: any.", 1),
      text("place", &place.place, "The path in the tree. `{building}/{room}` takes tags; `{a|b|=c}` the first there is, or the text after `=`."),
      text("name", &place.name, "What the sensor is called: `{unitID}/{subID}`."),
      text("quantity", &place.quantity, "What it measures: `{kind}`, or `{field}` for the field's name."),
      text("unit", &place.unit, "The unit: `celsius`, or `{unit}`."),
      text("unit_field", &place.unit_field, "A text field of the same series that tells the unit, such as `value_units`."),
      texts("skipped_fields", &place.skipped_fields, "Fields that are no readings of their own."),
  };
  out[1].required = true;
  return out;
}

std::vector<Setting> settings_of(BridgeTopicConfig& topic) {
  std::vector<Setting> out{
      text("pattern", &topic.pattern, "Topics as in a subscription, behind either prefix. Empty: the prefixes are the topic."),
      choice("direction", &topic.direction, {"out", "in", "both"}, "out: to the other broker; in: from it."),
      count("qos", &topic.qos, 0, 2, "The highest QoS that passes. 0 is lost while the link is down, 1 and 2 wait."),
      text("local_prefix", &topic.local_prefix, "What stands before the pattern here: `u4/`."),
      text("remote_prefix", &topic.remote_prefix, "And what stands there instead: `campus/u4/`."),
  };
  out[0].required = true;
  return out;
}

// Defined below; an item of `bridges` holds a list itself.
template <typename Record>
Setting records(std::string_view path, std::vector<Record>* list, std::string_view comment, std::string_view example);

constexpr std::string_view kBridgeTopicsExample =
    "- pattern: \"#\"\n"
    "  direction: out\n"
    "  qos: 1\n"
    "  local_prefix: \"u4/\"\n"
    "  remote_prefix: \"campus/u4/\"\n";

std::vector<Setting> settings_of(BridgeConfig& bridge) {
  std::vector<Setting> out{
      text("name", &bridge.name, "What it is called here: in the log, the metrics and its client identifier.", 1),
      address("address", &bridge.address, "The other broker."),
      records("topics", &bridge.topics, "What passes, and where to. The first that fits decides under which name.", kBridgeTopicsExample),
      choice("version", &bridge.version, {"5", "3.1.1"}, "The version of MQTT to speak. 5 where the other broker knows it."),
      flag("tls", &bridge.tls, "Whether to speak TLS."),
      directory("tls_ca_file", &bridge.tls_ca_file, "The authority that the other broker's certificate is checked against; empty: the system's."),
      directory("tls_certificate_file", &bridge.tls_certificate_file, "A client certificate, where the other broker wants one."),
      directory("tls_key_file", &bridge.tls_key_file, "Its key; empty: it lies in the certificate's file."),
      flag("tls_insecure", &bridge.tls_insecure, "true: the certificate may be for another name. For trying out."),
      text("user", &bridge.user, "The user name there; empty: none."),
      secret("password", &bridge.password, "Its password. Better kept in a file: password_file."),
      directory("password_file", &bridge.password_file, "A file that holds the password; a relative path starts at the configuration file."),
      text("client_id", &bridge.client_id, "The client identifier there; empty: the machine's name and the bridge's, as `campus.city`."),
      flag("clean_start", &bridge.clean_start, "true: the other broker keeps nothing for this one while the link is down."),
      seconds("keep_alive_s", &bridge.keep_alive_s, 1, 65'535, "A ping after so long without traffic; no answer for as long again ends the link."),
      flag("try_private", &bridge.try_private, "With 3.1.1: say that this is a bridge, as Mosquitto's do, so that nothing is sent back. Refused, it is left out."),
      count("in_flight_max", &bridge.in_flight_max, 1, 65'535, "Messages of QoS 1 and 2 sent and not acknowledged, each way; further ones wait with their sender."),
      seconds("reconnect_min_s", &bridge.reconnect_min_s, 1, kDayS, "The wait after a first failure; it doubles with each."),
      seconds("reconnect_max_s", &bridge.reconnect_max_s, 1, kDayS, "The longest wait."),
      seconds("connect_timeout_s", &bridge.connect_timeout_s, 1, 3600, "The longest wait for a connection, and for an answer over it."),
      flag("state", &bridge.state, "Whether a retained 1 or 0 tells if the link is up."),
      text("state_topic", &bridge.state_topic, "Where; empty: `$SYS/broker/connection/<client_id>/state`."),
      flag("state_to_remote", &bridge.state_to_remote, "Whether to tell it at the other broker as well."),
  };
  for (size_t i = 0; i < 3; ++i) out[i].required = true;
  return out;
}

std::vector<Setting> settings_of(LevelConfig& level) {
  std::vector<Setting> out{
      seconds("every_s", &level.every_s, 1, kDayS, "The windows' length, of which a day is a multiple: 30s, 1m, 1h, 1d."),
      seconds("keep_s", &level.keep_s, 0, 36'500 * kDayS, "How long they are kept; 0: as long as the database's default retention policy keeps points."),
  };
  out[0].required = true;
  return out;
}

constexpr std::string_view kLevelsExample =
    "- {every_s: 1m, keep_s: 90d}\n"
    "- {every_s: 1h, keep_s: 3650d}\n"
    "- {every_s: 1d}\n";

std::vector<Setting> settings_of(TierConfig& tier) {
  std::vector<Setting> out{
      text("name", &tier.name, "What it is called in the log and for jobs.", 1),
      texts("measurements", &tier.measurements, "Of which measurements: names, in which `*` stands for anything."),
      text("database", &tier.database, "In which database; empty: `ingest.database`."),
      text("retention_policy", &tier.retention_policy, "In which of its retention policies; empty: the default one."),
      texts("fields", &tier.fields, "Of which fields; empty: all."),
      texts("aggregates", &tier.aggregates, "What of them: mean, min, max, sum, count, stddev, median, first, last; empty: all of these. Text and booleans have count, first and last."),
      texts("by", &tier.by, "The tags that rows have; empty: all, so that each series is kept for itself and queries are answered from it."),
      text("target", &tier.target, "The measurement that is written.", 1),
      text("column", &tier.column, "And its fields.", 1),
      records("levels", &tier.levels, "Over which windows; empty: 1m, 1h and 1d.", kLevelsExample),
  };
  out[0].required = true;
  out[1].required = true;
  return out;
}

std::vector<Setting> settings_of(TreeNodeConfig& node) {
  std::vector<Setting> out{
      text("id", &node.id, "What stands for `{node}` in the names of measurements.", 1),
      text("name", &node.name, "What people call it."),
      flag("root", &node.root, "Whether it is the top of the tree."),
      texts("children", &node.children, "The identifiers of the nodes below."),
      text("target", &node.target, "Of a node without children: the sensor, as the tree's tag names it."),
  };
  out[0].required = true;
  return out;
}

std::vector<Setting> settings_of(RatioConfig& ratio) {
  std::vector<Setting> out{
      text("id", &ratio.id, "What stands for `{node}` in the names of measurements: `pue`.", 1),
      text("of", &ratio.of, "A node: `datacenter`.", 1),
      text("to", &ratio.to, "The node that it is divided by: `hardware_cluster`.", 1),
  };
  for (Setting& each : out) each.required = true;
  return out;
}

constexpr std::string_view kNodesExample =
    "- {id: datacenter, name: Data centre, root: true, children: [hardware_cluster, cooling]}\n"
    "- {id: hardware_cluster, children: [rack_1, rack_2]}\n"
    "- {id: rack_1, target: pdu-1}\n"
    "- {id: rack_2, target: pdu-2}\n"
    "- {id: cooling, target: cooler-1}\n";
constexpr std::string_view kRatiosExample = "- {id: pue, of: datacenter, to: hardware_cluster}\n";

std::vector<Setting> settings_of(TreeConfig& tree) {
  std::vector<Setting> out{
      text("name", &tree.name, "What it is called in the log and for jobs.", 1),
      records("nodes", &tree.nodes, "The nodes. A node's value is the sum of the sensors below it.", kNodesExample),
      text("database", &tree.database, "In which database; empty: `ingest.database`."),
      text("retention_policy", &tree.retention_policy, "In which of its retention policies; empty: the default one."),
      text("measurement", &tree.measurement, "Where the sensors' values are.", 1),
      text("tag", &tree.tag, "The tag that says which sensor it is.", 1),
      text("field", &tree.field, "The field that is summed.", 1),
      text("target", &tree.target, "The measurement of a node.", 1),
      text("column", &tree.column, "And its field.", 1),
      records("ratios", &tree.ratios, "What of the values of two nodes is divided, such as the power usage effectiveness.", kRatiosExample),
      records("levels", &tree.levels, "Over which windows; empty: 30s, 1m, 1h and 1d. The shortest are the sums of the sensors' means, the others the means of these.", kLevelsExample),
  };
  out[0].required = true;
  out[1].required = true;
  return out;
}

std::vector<Setting> settings_of(DatabaseConfig& database) {
  std::vector<Setting> out{
      text("name", &database.name, "The database, whether it is there yet or not.", 1),
      number(Kind::kMilliseconds, "sync_every_ms", &database.sync_every_ms, 0, 60'000,
             "Its points are acknowledged when they are written, and synced at the latest so long afterwards: a power cut may take those of that time. "
             "0: as `storage.sync`."),
  };
  out[0].required = true;
  return out;
}

Result<void> check_last(const std::vector<DatabaseConfig>& databases) {
  const DatabaseConfig& database = databases.back();
  const auto same_name = [&](const DatabaseConfig& other) { return other.name == database.name; };
  if (std::count_if(databases.begin(), databases.end(), same_name) > 1) return fail(ErrorCode::kInvalidArgument, "'{}' stands twice", excerpt(database.name));
  return {};
}

Result<void> check_last(const std::vector<BridgeTopicConfig>&) { return {}; }  // with the bridge that holds it

// These three with what holds them.
Result<void> check_last(const std::vector<LevelConfig>&) { return {}; }
Result<void> check_last(const std::vector<TreeNodeConfig>&) { return {}; }
Result<void> check_last(const std::vector<RatioConfig>&) { return {}; }

Result<void> check_last(const std::vector<UserConfig>& users) {
  const UserConfig& user = users.back();
  const auto same_name = [&](const UserConfig& other) { return other.name == user.name; };
  if (std::count_if(users.begin(), users.end(), same_name) > 1) return fail(ErrorCode::kInvalidArgument, "'{}' stands twice", user.name);
  if (user.password.empty() == user.password_file.empty()) {
    return fail(ErrorCode::kInvalidArgument, "'{}' has {}; give one of password and password_file", user.name,
                user.password.empty() ? "no password" : "a password and a password_file");
  }
  return {};
}

Result<void> check_last(const std::vector<RouteConfig>& routes) {
  const RouteConfig& route = routes.back();
  const auto compiled = ingest::TopicRoutes::compile({&route, 1}, {});
  if (compiled) return {};
  // The reader names the line; the number that compile() gives is that of a list of one.
  std::string message = compiled.error().message;
  const std::string context = fmt::format("route 1 ({}): ", excerpt(route.pattern));
  if (message.starts_with(context)) message.erase(0, context.size());
  return fail(ErrorCode::kInvalidArgument, "'{}': {}", excerpt(route.pattern), message);
}

Result<void> check_last(const std::vector<PlaceConfig>&) { return {}; }

Result<void> check_last(const std::vector<ListenerConfig>& listeners) {
  const ListenerConfig& listener = listeners.back();
  const auto same_name = [&](const ListenerConfig& other) { return other.name == listener.name; };
  if (listener.name == "mqtt") return fail(ErrorCode::kInvalidArgument, "'mqtt' is what mqtt.listen is called; give another name");
  if (std::count_if(listeners.begin(), listeners.end(), same_name) > 1) return fail(ErrorCode::kInvalidArgument, "'{}' stands twice", listener.name);
  if (auto checked = check_listener(listener); !checked) return with_context(std::move(checked.error()), fmt::format("'{}'", excerpt(listener.name)));
  return {};
}

template <typename Record>
Setting records(std::string_view path, std::vector<Record>* list, std::string_view comment, std::string_view example) {
  RecordList target{
      .clear = [list] { list->clear(); },
      .append = [list] { return settings_of(list->emplace_back()); },
      .items =
          [list] {
            std::vector<std::vector<Setting>> out;
            for (Record& record : *list) out.push_back(settings_of(record));
            return out;
          },
      .check = [list] { return check_last(*list); },
  };
  return {.path = path, .kind = Kind::kRecords, .target = std::move(target), .comment = comment, .example = example};
}

constexpr std::array kSections{
    Section{"data", "Where the data is."},
    Section{"http", "The page, the API and the endpoints of InfluxDB and Prometheus clients."},
    Section{"mqtt", "The MQTT broker."},
    Section{"storage", "How points are kept."},
    Section{"ingest", "What becomes of a message."},
    Section{"query", "Limits of queries."},
    Section{"audit", "What is kept of what was erased and corrected."},
    Section{"live", "What the page is told as it happens."},
    Section{"auth", "Who may come in."},
    Section{"log", "What is logged, to standard error."},
};

constexpr std::string_view kRoutesExample =
    "- pattern: \"greenhouse/{zone}/{kind}\"\n"
    "  decoder: json\n"
    "  measurement: greenhouse\n"
    "  tags: {site: north}\n"
    "- pattern: \"debug/#\"\n"
    "  skip: true\n";
constexpr std::string_view kUsersExample =
    "- name: campus\n"
    "  password_file: /etc/campanile/campus.password\n";
constexpr std::string_view kListenersExample =
    "- name: campus-tls\n"
    "  protocol: tls\n"
    "  listen: \"0.0.0.0:8883\"\n"
    "  certificate: /etc/campanile/server.pem\n"
    "  key: /etc/campanile/server.key\n";
constexpr std::string_view kBridgesExample =
    "- name: city\n"
    "  address: mqtt.city.example:8883\n"
    "  tls: true\n"
    "  user: campus\n"
    "  password_file: /etc/campanile/city.password\n"
    "  topics:\n"
    "    - {pattern: \"#\", direction: out, local_prefix: \"u4/\", remote_prefix: \"campus/u4/\"}\n"
    "    - {pattern: \"commands/#\", direction: in}\n";
constexpr std::string_view kTiersExample =
    "- name: rooms\n"
    "  measurements: [\"*\"]\n"
    "  levels:\n"
    "    - {every_s: 1m, keep_s: 90d}\n"
    "    - {every_s: 1h}\n";
constexpr std::string_view kTreesExample =
    "- name: consumption\n"
    "  measurement: sensors\n"
    "  nodes:\n"
    "    - {id: datacenter, root: true, children: [hardware_cluster, cooling]}\n"
    "    - {id: hardware_cluster, target: pdu-1}\n"
    "    - {id: cooling, target: cooler-1}\n"
    "  ratios:\n"
    "    - {id: pue, of: datacenter, to: hardware_cluster}\n";
constexpr std::string_view kDatabasesExample =
    "- name: metrics\n"
    "  sync_every_ms: 200ms\n";
constexpr std::string_view kPlacesExample =
    "- measurement: greenhouse\n"
    "  place: \"greenhouse/{zone}\"\n"
    "  quantity: \"{kind}\"\n";

void add_network(Config& c, std::vector<Setting>& out) {
  const auto add = [&](Setting setting) { out.push_back(std::move(setting)); };
  add(address("http.listen", &c.http.listen, "Where HTTP is served."));
  add(bytes("http.body_bytes_max", &c.http.body_bytes_max, kKiB, 16 * kGiB, "Largest body of a request; beyond it 413."));
  add(bytes("http.header_bytes_max", &c.http.header_bytes_max, kKiB, kMiB, "Largest header of a request; beyond it 431."));
  add(count("http.connections_max", &c.http.connections_max, 1, 1'000'000, "Connections at a time; further ones are closed at once."));
  add(seconds("http.idle_timeout_s", &c.http.idle_timeout_s, 1, kDayS, "A connection without a request for so long is closed."));
  add(seconds("http.read_timeout_s", &c.http.read_timeout_s, 1, kDayS, "Longest wait for a whole header, and between pieces of a body."));
  add(bytes("http.websocket_queue_bytes_max", &c.http.websocket_queue_bytes_max, 64 * kKiB, kGiB,
            "What may wait for a page that reads slowly."));
  add(directory("http.web_directory", &c.http.web_directory, "The files of the page; empty: found beside the program."));

  add(address("mqtt.listen", &c.mqtt.listen, "Where MQTT is served."));
  add(records("mqtt.listeners", &c.mqtt.listeners, "Where else, each with its own protocol, rights and limits; docs/guides/listeners.md explains them.",
              kListenersExample));
  add(bytes("mqtt.packet_bytes_max", &c.mqtt.packet_bytes_max, kKiB, 256 * kMiB, "Largest packet; a client that sends a larger one is cut off."));
  add(count("mqtt.connections_max", &c.mqtt.connections_max, 1, 1'000'000, "Connections at a time; further ones are closed at once."));
  add(seconds("mqtt.connect_timeout_s", &c.mqtt.connect_timeout_s, 1, 3600, "A client that has not sent CONNECT for so long is closed."));
  add(seconds("mqtt.packet_timeout_s", &c.mqtt.packet_timeout_s, 1, 86'400, "A client that has not completed a packet for so long after its first bytes is closed."));
  add(seconds("mqtt.keep_alive_max_s", &c.mqtt.keep_alive_max_s, 0, 65'535, "Longest keep-alive that a client may have; 0: as it wishes."));
  add(count("mqtt.receive_maximum", &c.mqtt.receive_maximum, 1, 65'535, "Messages of QoS 1 and 2 that a client may send before the first is acknowledged."));
  add(count("mqtt.topic_levels_max", &c.mqtt.topic_levels_max, 1, mqtt::kTopicLevelsLimit,
            "Levels of a topic or filter; deeper ones are refused. The default is what the longest topic can have."));
  add(count("mqtt.topic_alias_max", &c.mqtt.topic_alias_max, 0, 65'535, "Topic aliases that an MQTT 5 client may use."));
  add(count("mqtt.topic_aliases_to_client_max", &c.mqtt.topic_aliases_to_client_max, 0, 256,
            "Topics that an MQTT 5 client may be sent as a number, at most as many as it asks for."));
  add(text("mqtt.response_topics", &c.mqtt.response_topics,
           "What an MQTT 5 client that asks for response information is told to begin its response topics with; empty: nothing."));
  add(count("mqtt.in_flight_max", &c.mqtt.in_flight_max, 1, 65'535, "Messages of QoS 1 and 2 sent to a client and not acknowledged; further ones wait."));
  add(count("mqtt.session_queue_messages_max", &c.mqtt.session_queue_messages_max, 1, 10'000'000,
            "Messages of QoS 1 and 2 that wait for one client; beyond it new ones are dropped and counted."));
  add(bytes("mqtt.session_queue_bytes_max", &c.mqtt.session_queue_bytes_max, 64 * kKiB, 16 * kGiB, "And bytes of them."));
  add(seconds("mqtt.session_queue_age_max_s", &c.mqtt.session_queue_age_max_s, 0, 3650 * kDayS,
              "How long a message may wait for a client; then it is dropped and counted, the oldest first. 0: as long as the session lives."));
  add(bytes("mqtt.session_queues_bytes_max", &c.mqtt.session_queues_bytes_max, kMiB, 1024 * kGiB,
            "Bytes that wait for all clients together, in memory and on disk; beyond it new ones are dropped and counted."));
  add(bytes("mqtt.queue_memory_bytes_max", &c.mqtt.queue_memory_bytes_max, 64 * kKiB, 64 * kGiB,
            "Memory for messages that wait, of all clients together; beyond it they wait on disk."));
  add(bytes("mqtt.connection_bytes_max", &c.mqtt.connection_bytes_max, 64 * kKiB, kGiB,
            "What waits for one connection to take it; beyond it messages of QoS 0 are dropped and counted."));
  add(bytes("mqtt.input_memory_bytes_max", &c.mqtt.input_memory_bytes_max, kMiB, 64 * kGiB,
            "Memory for packets that are begun and not complete, of all connections together, twice the largest packet at least. The fuller it is, the "
            "smaller are those that still pass: whose packet would grow beyond what is free is cut off. Packets of up to 16KiB always pass."));
  add(bytes("mqtt.wills_bytes_max", &c.mqtt.wills_bytes_max, kMiB, 64 * kGiB,
            "Memory for the wills of all clients together; beyond it a new client that has one is refused."));
  add(seconds("mqtt.session_expiry_max_s", &c.mqtt.session_expiry_max_s, 0, 3650 * kDayS, "How long a session is kept for a client that is away."));
  add(count("mqtt.sessions_max", &c.mqtt.sessions_max, 1, 10'000'000, "Sessions, of clients connected or away; beyond it a new client is refused."));
  add(count("mqtt.subscriptions_per_session_max", &c.mqtt.subscriptions_per_session_max, 1, 1'000'000, "Subscriptions of one client; further ones are refused."));
  add(count("mqtt.subscriptions_max", &c.mqtt.subscriptions_max, 1, 100'000'000, "Subscriptions of all clients together."));
  add(count("mqtt.retained_messages_max", &c.mqtt.retained_messages_max, 0, 100'000'000, "Retained messages; beyond it new ones are delivered but not retained."));
  add(bytes("mqtt.retained_bytes_max", &c.mqtt.retained_bytes_max, 0, 64 * kGiB, "Bytes of all retained messages."));
  add(seconds("mqtt.sys_interval_s", &c.mqtt.sys_interval_s, 0, kDayS, "How often the broker publishes its state under $SYS; 0: never."));
}

void add_storage(Config& c, std::vector<Setting>& out) {
  const auto add = [&](Setting setting) { out.push_back(std::move(setting)); };
  add(choice("storage.sync", &c.storage.sync, {"before_acknowledge", "every"},
             "before_acknowledge: what is acknowledged survives a power cut. every: the last storage.sync_every_ms may be lost in one."));
  add(number(Kind::kMilliseconds, "storage.sync_every_ms", &c.storage.sync_every_ms, 1, 60'000, "Time between two syncs, with sync: every."));
  add(records("storage.databases", &c.storage.databases, "Databases that may lose their newest points in a power cut, for faster acknowledgements.", kDatabasesExample));
  add(bytes("storage.journal_segment_bytes", &c.storage.journal_segment_bytes, kMiB, 4 * kGiB, "Size of one file of the journal."));
  add(bytes("storage.journal_pending_bytes_max", &c.storage.journal_pending_bytes_max, kMiB, 4 * kGiB,
            "What may wait for the disk; beyond it senders are slowed."));
  add(bytes("storage.head_bytes_max", &c.storage.head_bytes_max, 16 * kMiB, kGiB * 1024,
            "Memory for recent points; beyond it the largest and oldest are packed and written out."));
  add(count("storage.chunk_points_max", &c.storage.chunk_points_max, 64, 16'384, "Points of a column that are packed together at first; later up to four times as many."));
  add(count("storage.series_max", &c.storage.series_max, 1, 1'000'000'000, "Series; further new ones are refused."));
  add(seconds("storage.checkpoint_interval_s", &c.storage.checkpoint_interval_s, 1, kDayS,
              "A checkpoint shortens the journal and the next start; this is the longest time between two."));
  add(bytes("storage.checkpoint_journal_bytes", &c.storage.checkpoint_journal_bytes, kMiB, 1024 * kGiB, "A journal this large brings one at once."));
  add(bytes("storage.block_cache_bytes", &c.storage.block_cache_bytes, kMiB, 1024 * kGiB, "Memory for blocks of packed points that were read."));
  add(bytes("storage.free_bytes_min", &c.storage.free_bytes_min, 0, 1024 * 1024 * kGiB,
            "With less than that free on the disk of the data, /health and the page warn; nothing is refused before it is full. 0: no warning."));
  add(directory("storage.backup_directory", &c.storage.backup_directory,
                "Where `campanile backup` and POST /api/v1/backups put backups, better on another disk; empty: `backups` in the data directory."));
}

void add_ingest(Config& c, std::vector<Setting>& out) {
  const auto add = [&](Setting setting) { out.push_back(std::move(setting)); };
  add(text("ingest.database", &c.ingest.database, "The database of messages whose route names none.", 1));
  add(text("ingest.measurement", &c.ingest.measurement, "The measurement of messages whose route names none.", 1));
  add(flag("ingest.builtin_routes", &c.ingest.builtin_routes, "Whether the neOCampus and course topics are known beside your own routes."));
  add(flag("ingest.broker_load", &c.ingest.broker_load, "Whether one of the built-in routes stores the broker's load averages, in the measurement mqtt."));
  add(records("ingest.routes", &c.ingest.routes, "Your topics, tried in this order before the built-in ones.", kRoutesExample));
  add(bytes("ingest.rejected_bytes_max", &c.ingest.rejected_bytes_max, kMiB, 64 * kGiB,
            "Messages that could not be decoded are kept up to this size; beyond it the oldest go."));
  add(count("ingest.rejected_count_max", &c.ingest.rejected_count_max, 1, 100'000'000, "And up to this number."));
}

void add_answers(Config& c, std::vector<Setting>& out) {
  const auto add = [&](Setting setting) { out.push_back(std::move(setting)); };
  add(seconds("query.timeout_s", &c.query.timeout_s, 1, kDayS, "A query that takes longer is stopped."));
  add(count("query.workers", &c.query.workers, 1, 1024, "Threads that answer queries and take large writes."));
  add(count("query.queue_max", &c.query.queue_max, 1, 1'000'000, "Requests that wait for them; beyond it 503."));
  add(count("query.series_max", &c.query.series_max, 1, 1'000'000'000, "Series that one query may read."));
  add(count("query.rows_max", &c.query.rows_max, 1, 1'000'000'000, "Rows that one query may answer."));
  add(count("query.windows_max", &c.query.windows_max, 1, 1'000'000'000, "Time windows that one query holds for a group."));
  add(count("query.values_max", &c.query.values_max, 1, 1'000'000'000, "Values that one query holds for medians, percentiles and the like."));
  add(count("live.updates_per_s", &c.live.updates_per_s, 1, 50, "How often a page is told new values, a second."));
  add(count("live.pages_max", &c.live.pages_max, 1, 100'000, "Pages that are told at a time; further ones get 503."));
  add(count("live.sensors_max", &c.live.sensors_max, 1, 10'000'000, "Sensors that the page knows."));
}

void add_audit(Config& c, std::vector<Setting>& out) {
  out.push_back(count("audit.entries_max", &c.audit.entries_max, 100, 100'000'000, "What was erased and corrected, by whom and why, is kept up to this number of entries; beyond it the oldest go."));
  out.push_back(seconds("audit.age_max_s", &c.audit.age_max_s, 0, 36'500 * kDayS, "And up to this age. 0: for ever."));
}

void add_access(Config& c, std::vector<Setting>& out) {
  const auto add = [&](Setting setting) { out.push_back(std::move(setting)); };
  add(choice("auth.anonymous", &c.auth.anonymous, {"auto", "none", "all"},
             "Whether one gets in without a name. all: to everything; none: nobody; auto: all while there is no account, none after that."));
  add(text("auth.user", &c.auth.user, "The name of one account, for when the environment gives it; others go under auth.users."));
  add(secret("auth.password", &c.auth.password, "Its password."));
  add(records("auth.users", &c.auth.users, "The accounts. They log in over MQTT and HTTP alike.", kUsersExample));
}

}  // namespace

std::span<const Section> sections() { return kSections; }

std::vector<Setting> settings_of(Config& config) {
  std::vector<Setting> out;
  out.push_back(directory("data.directory", &config.data.directory,
                          "What is kept, and its lock. The default is in the working directory; `campanile demo` uses a scratch one unless told.", 1));
  add_network(config, out);
  add_storage(config, out);
  add_ingest(config, out);
  add_answers(config, out);
  add_audit(config, out);
  add_access(config, out);
  out.push_back(records("places", &config.places, "Where series belong in the tree of places, tried in this order before the built-in rules.",
                        kPlacesExample));
  out.push_back(records("bridges", &config.bridges, "Other brokers that topics are exchanged with (docs/guides/bridges.md).", kBridgesExample));
  out.push_back(records("tiers", &config.tiers, "Means, extremes and the like that are kept of measurements for long (docs/guides/downsampling.md).", kTiersExample));
  out.push_back(records("trees", &config.trees, "Sums over trees of sensors, such as all that a building consumes (docs/guides/downsampling.md).", kTreesExample));
  out.push_back(choice("log.level", &config.log.level, {"debug", "info", "warning", "error", "off"}, "The least important lines that are written."));
  out.push_back(count("threads", &config.threads, 0, 1024, "Event loops; 0: one per core."));
  return out;
}

const Setting* find_setting(std::span<const Setting> settings, std::string_view path) {
  const auto found = std::find_if(settings.begin(), settings.end(), [&](const Setting& s) { return s.path == path; });
  return found == settings.end() ? nullptr : &*found;
}

}  // namespace campanile::app
