// Config: every setting of the program as plain values; the initialisers here are the defaults.
//
//   const LoadedConfig loaded = TRY(load_config({.file = "campanile.yaml", .environment = environment_of_process()}));  // load.h
//   listen(loaded.config.http.listen);
//
// settings.h names each value once (path, limits, comment); reading, printing, the environment and the guide follow that table.
// Threads: a value, written before the threads start. Units are in the names. app/wiring.cc copies the values to the modules.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "app/config/bridges.h"
#include "app/config/derived.h"
#include "base/log.h"
#include "ingest/topic_route.h"
#include "mqtt/protocol.h"
#include "net/tcp.h"

namespace campanile::app {

inline constexpr uint64_t kKiB = 1024;
inline constexpr uint64_t kMiB = 1024 * kKiB;
inline constexpr uint64_t kGiB = 1024 * kMiB;

using TextPairs = std::vector<std::pair<std::string, std::string>>;

struct DataConfig {
  std::string directory = "campanile-data";
};

struct HttpConfig {
  net::Address listen{"127.0.0.1", 8086};
  uint64_t body_bytes_max = 64 * kMiB;
  uint64_t header_bytes_max = 16 * kKiB;
  uint64_t connections_max = 10'000;
  uint64_t idle_timeout_s = 75;
  uint64_t read_timeout_s = 30;
  uint64_t websocket_queue_bytes_max = kMiB;
  std::string web_directory;  // empty: looked for beside the program
};

enum class ListenerProtocol { kTcp, kTls, kWs, kWss, kUnix };
enum class ListenerAnonymous { kAuto, kNone, kRead, kAll };
enum class ClientCertificateMode { kNone, kOptional, kRequired };
enum class CertificateUser { kCommonName, kSanDns, kSanEmail, kSanUri };

// One more place where MQTT is served, beside mqtt.listen. A limit of 0 is the one of mqtt.*.
struct ListenerConfig {
  std::string name;
  ListenerProtocol protocol = ListenerProtocol::kTcp;
  std::string listen;  // ADDRESS:PORT, or the path of the socket with unix
  std::string mode = "0660";
  std::string certificate;  // the files' paths are made absolute when the configuration is loaded
  std::string key;
  ClientCertificateMode client_certificate = ClientCertificateMode::kNone;
  std::string client_ca;
  std::string client_crl;
  CertificateUser user_from = CertificateUser::kCommonName;
  bool proxy_protocol = false;
  ListenerAnonymous anonymous = ListenerAnonymous::kAuto;
  bool accounts = true;
  std::string mount;
  std::vector<std::string> origins;
  uint64_t connections_max = 0;
  uint64_t packet_bytes_max = 0;
  uint64_t keep_alive_max_s = 0;
  uint64_t receive_maximum = 0;
  uint64_t connect_timeout_s = 0;
  uint64_t session_queue_messages_max = 0;
  uint64_t session_queue_bytes_max = 0;
  uint64_t session_queue_age_max_s = 0;

  bool has_tls() const { return protocol == ListenerProtocol::kTls || protocol == ListenerProtocol::kWss; }
  bool has_websocket() const { return protocol == ListenerProtocol::kWs || protocol == ListenerProtocol::kWss; }
  // REQUIRES: no unix, and checked.
  net::Address address() const { return net::Address::parse(listen).value_or(net::Address{}); }
};

struct MqttConfig {
  net::Address listen{"127.0.0.1", 1883};
  std::vector<ListenerConfig> listeners;
  uint64_t packet_bytes_max = kMiB;
  uint64_t connections_max = 20'000;
  uint64_t connect_timeout_s = 10;
  uint64_t packet_timeout_s = 60;
  uint64_t keep_alive_max_s = 0;  // 0: as the client wishes
  uint64_t receive_maximum = 1024;
  uint64_t topic_levels_max = mqtt::kTopicLevelsLimit;
  uint64_t topic_alias_max = 64;
  uint64_t topic_aliases_to_client_max = 32;
  std::string response_topics = "responses/";
  uint64_t in_flight_max = 8192;
  uint64_t session_queue_messages_max = 100'000;
  uint64_t session_queue_bytes_max = 64 * kMiB;
  uint64_t session_queue_age_max_s = 0;  // 0: as long as the session lives
  uint64_t session_queues_bytes_max = 4 * kGiB;
  uint64_t queue_memory_bytes_max = 64 * kMiB;
  uint64_t connection_bytes_max = 8 * kMiB;
  uint64_t input_memory_bytes_max = 256 * kMiB;
  uint64_t wills_bytes_max = 256 * kMiB;
  uint64_t session_expiry_max_s = 30 * 24 * 3600;
  uint64_t sessions_max = 100'000;
  uint64_t subscriptions_per_session_max = 10'000;
  uint64_t subscriptions_max = 2'000'000;
  uint64_t retained_messages_max = 1'000'000;
  uint64_t retained_bytes_max = 256 * kMiB;
  uint64_t sys_interval_s = 10;  // 0: nothing is published under $SYS
};

enum class SyncMode { kBeforeAcknowledge, kEvery };

// How the points of one database are kept, where that is not as storage.* has it.
struct DatabaseConfig {
  std::string name;
  uint64_t sync_every_ms = 0;  // 0: as storage.sync
};

struct StorageConfig {
  SyncMode sync = SyncMode::kBeforeAcknowledge;
  uint64_t sync_every_ms = 100;
  std::vector<DatabaseConfig> databases;
  uint64_t journal_segment_bytes = 64 * kMiB;
  uint64_t journal_pending_bytes_max = 64 * kMiB;
  uint64_t head_bytes_max = 512 * kMiB;
  uint64_t chunk_points_max = 1024;
  uint64_t series_max = 10'000'000;
  uint64_t checkpoint_interval_s = 600;
  uint64_t checkpoint_journal_bytes = 256 * kMiB;
  uint64_t block_cache_bytes = 64 * kMiB;
  uint64_t free_bytes_min = kGiB;  // 0: no warning
  std::string backup_directory;    // empty: backups in the data directory
};

// One rule that says what the messages of a topic pattern are.
using RouteConfig = ingest::RouteConfig;

struct IngestConfig {
  std::string database = "campanile";
  std::string measurement = "data";
  bool builtin_routes = true;
  bool broker_load = true;
  std::vector<RouteConfig> routes;
  uint64_t rejected_bytes_max = 64 * kMiB;
  uint64_t rejected_count_max = 100'000;
};

struct QueryConfig {
  uint64_t timeout_s = 30;
  uint64_t workers = 2;
  uint64_t queue_max = 256;
  uint64_t series_max = 1'000'000;
  uint64_t rows_max = 10'000'000;
  uint64_t windows_max = 1'000'000;
  uint64_t values_max = 10'000'000;
};

struct AuditConfig {
  uint64_t entries_max = 100'000;
  uint64_t age_max_s = 0;  // 0: for ever
};

struct LiveConfig {
  uint64_t updates_per_s = 4;
  uint64_t pages_max = 1'000;
  uint64_t sensors_max = 100'000;
};

enum class AnonymousMode { kAuto, kNone, kAll };

struct UserConfig {
  std::string name;
  std::string password;
  std::string password_file;  // read into password when the configuration is loaded
};

struct AuthConfig {
  AnonymousMode anonymous = AnonymousMode::kAuto;
  std::string user;  // with password: one account that the environment can give; joins users when loaded
  std::string password;
  std::vector<UserConfig> users;

  // Whether clients that name nobody are let in, to everything.
  bool anonymous_allowed() const {
    return anonymous == AnonymousMode::kAll || (anonymous == AnonymousMode::kAuto && users.empty());
  }
};

// One rule that says where in the places tree the series of a measurement belong, and how they are called there; api/place_rules.h
// explains the templates.
struct PlaceConfig {
  std::string measurement = "*";
  std::string place;
  std::string name = "{field}";
  std::string quantity = "{field}";
  std::string unit;
  std::string unit_field;
  std::vector<std::string> skipped_fields;
};

// Who gets in without a name at one listener, with `auto` resolved.
ListenerAnonymous anonymous_at(const ListenerConfig& listener, const AuthConfig& auth);

struct LogConfig {
  log::Level level = log::Level::kInfo;
};

struct Config {
  DataConfig data;
  HttpConfig http;
  MqttConfig mqtt;
  StorageConfig storage;
  IngestConfig ingest;
  QueryConfig query;
  LiveConfig live;
  AuditConfig audit;
  AuthConfig auth;
  std::vector<PlaceConfig> places;
  std::vector<BridgeConfig> bridges;
  std::vector<TierConfig> tiers;
  std::vector<TreeConfig> trees;
  LogConfig log;
  uint64_t threads = 0;  // 0: one per core
};

}  // namespace campanile::app
