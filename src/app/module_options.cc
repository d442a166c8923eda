#include "app/module_options.h"

#include <algorithm>

#include "app/backup/directory.h"
#include "app/config/listener_check.h"
#include "base/clock.h"

namespace campanile::app {
namespace {

// The protocol refuses longer packets as soon as it knows their length; the input needs room for one whole packet and the next one's head.
constexpr size_t kInputRoomBytes = 64 * 1024;

// CONNECT comes before anybody is known: it gets no more room than other packets, and no more than a will needs.
void limit_connect(mqtt::ServerSettings& protocol) { protocol.connect_bytes_max = std::min(protocol.connect_bytes_max, protocol.limits.packet_bytes_max); }

uint64_t own_or(uint64_t own, uint64_t general) { return own != 0 ? own : general; }

broker::AnonymousRights rights_of(ListenerAnonymous anonymous) {
  switch (anonymous) {
    case ListenerAnonymous::kRead: return broker::AnonymousRights::kRead;
    case ListenerAnonymous::kAll: return broker::AnonymousRights::kAll;
    case ListenerAnonymous::kAuto:
    case ListenerAnonymous::kNone: break;
  }
  return broker::AnonymousRights::kNone;
}

}  // namespace

journal::JournalOptions journal_options(const Config& config) {
  const auto& storage = config.storage;
  return {.segment_bytes = storage.journal_segment_bytes,
          .pending_bytes_max = storage.journal_pending_bytes_max,
          .sync_every_ms = storage.sync == SyncMode::kEvery ? static_cast<uint32_t>(storage.sync_every_ms) : 0};
}

journal::CheckpointOptions checkpoint_options(const Config& config) {
  return {.journal_bytes = config.storage.checkpoint_journal_bytes,
          .interval_s = static_cast<uint32_t>(config.storage.checkpoint_interval_s)};
}

kv::RocksDbOptions store_options(const Config& config) { return {.block_cache_bytes = config.storage.block_cache_bytes}; }

tsdb::EngineOptions engine_options(const Config& config) {
  tsdb::EngineOptions options{.head_bytes_max = config.storage.head_bytes_max,
                              .chunk_points_max = static_cast<uint32_t>(config.storage.chunk_points_max),
                              .series_max = static_cast<uint32_t>(config.storage.series_max),
                              .sync_within = {}};
  for (const DatabaseConfig& database : config.storage.databases) {
    if (database.sync_every_ms > 0) options.sync_within.emplace(database.name, database.sync_every_ms);
  }
  return options;
}

ingest::RejectedOptions rejected_options(const Config& config) {
  return {.bytes_max = config.ingest.rejected_bytes_max, .count_max = config.ingest.rejected_count_max};
}

audit::AuditOptions audit_options(const Config& config) {
  return {.entries_max = config.audit.entries_max, .age_max_ns = static_cast<int64_t>(config.audit.age_max_s) * kNanosPerSecond};
}

ingest::IngestOptions ingest_options(const Config& config) {
  return {.defaults = {.database = config.ingest.database, .measurement = config.ingest.measurement},
          .routes = config.ingest.routes,
          .builtin_routes = config.ingest.builtin_routes,
          .broker_load = config.ingest.broker_load};
}

broker::BrokerOptions broker_options(const Config& config) {
  const auto& mqtt = config.mqtt;
  broker::BrokerOptions options;
  options.protocol.limits.packet_bytes_max = static_cast<uint32_t>(mqtt.packet_bytes_max);
  options.protocol.limits.receive_maximum = static_cast<uint16_t>(mqtt.receive_maximum);
  options.protocol.limits.topic_alias_maximum = static_cast<uint16_t>(mqtt.topic_alias_max);
  options.protocol.limits.topic_levels_max = static_cast<uint32_t>(mqtt.topic_levels_max);
  options.response_topics = mqtt.response_topics;
  options.topic_aliases_to_client_max = static_cast<uint16_t>(mqtt.topic_aliases_to_client_max);
  options.protocol.connect_timeout_s = static_cast<uint32_t>(mqtt.connect_timeout_s);
  options.protocol.packet_timeout_s = static_cast<uint32_t>(mqtt.packet_timeout_s);
  limit_connect(options.protocol);
  options.keep_alive_max_s = static_cast<uint16_t>(mqtt.keep_alive_max_s);
  options.sessions_max = mqtt.sessions_max;
  options.session_expiry_max_s = static_cast<uint32_t>(mqtt.session_expiry_max_s);
  options.subscriptions_per_session_max = mqtt.subscriptions_per_session_max;
  options.subscriptions_max = mqtt.subscriptions_max;
  options.in_flight_max = static_cast<uint16_t>(mqtt.in_flight_max);
  options.connection_bytes_max = mqtt.connection_bytes_max;
  options.input_memory_bytes_max = mqtt.input_memory_bytes_max;
  options.wills_bytes_max = mqtt.wills_bytes_max;
  options.queues_bytes_max = mqtt.session_queues_bytes_max;
  options.queue_memory_bytes_max = mqtt.queue_memory_bytes_max;
  options.queue_age_max_s = static_cast<uint32_t>(mqtt.session_queue_age_max_s);
  options.queue_messages_max = mqtt.session_queue_messages_max;
  options.queue_bytes_max = mqtt.session_queue_bytes_max;
  options.retained_messages_max = mqtt.retained_messages_max;
  options.retained_bytes_max = mqtt.retained_bytes_max;
  options.system_interval_s = static_cast<uint32_t>(mqtt.sys_interval_s);
  options.version = CAMPANILE_VERSION;
  return options;
}

std::vector<broker::BridgeOptions> bridge_options(const Config& config) {
  const broker::BrokerOptions local = broker_options(config);
  std::vector<broker::BridgeOptions> all;
  for (const BridgeConfig& bridge : config.bridges) {
    broker::BridgeOptions options = bridge_options_of(bridge);
    options.local_packet_bytes_max = local.protocol.limits.packet_bytes_max;
    options.local_receive_maximum = local.protocol.limits.receive_maximum;
    options.topic_levels_max = local.protocol.limits.topic_levels_max;
    all.push_back(std::move(options));
  }
  return all;
}

net::TcpOptions mqtt_listener_options(const Config& config) {
  return {.input_bytes_max = config.mqtt.packet_bytes_max + kInputRoomBytes, .connections_max = config.mqtt.connections_max};
}

net::TcpOptions mqtt_listener_options(const Config& config, const ListenerConfig& listener) {
  return {.input_bytes_max = own_or(listener.packet_bytes_max, config.mqtt.packet_bytes_max) + kInputRoomBytes,
          .connections_max = own_or(listener.connections_max, config.mqtt.connections_max)};
}

net::TransportOptions transport_options(const Config& config, const ListenerConfig& listener) {
  net::TransportOptions options;
  options.proxy_protocol = listener.proxy_protocol;
  options.opening_timeout = std::chrono::seconds(own_or(listener.connect_timeout_s, config.mqtt.connect_timeout_s));
  options.input_bytes_max = mqtt_listener_options(config, listener).input_bytes_max;
  if (listener.has_websocket()) {
    // A browser does not send a password by itself: where one is needed, any page may ask its reader for it.
    options.websocket = net::WebSocketTransport{.any_origin = anonymous_at(listener, config.auth) == ListenerAnonymous::kNone,
                                                .allowed_origins = listener.origins};
  }
  return options;
}

net::TlsServerOptions tls_options(const ListenerConfig& listener) {
  return {.certificate_file = listener.certificate,
          .key_file = listener.key,
          .ca_file = listener.client_ca,
          .crl_file = listener.client_crl,
          .client_certificate = static_cast<net::ClientCertificate>(listener.client_certificate),
          .certificate_name = static_cast<net::CertificateName>(listener.user_from)};
}

broker::ListenerProfile default_listener_profile(const Config& config) {
  const broker::BrokerOptions options = broker_options(config);
  return {.anonymous = config.auth.anonymous_allowed() ? broker::AnonymousRights::kAll : broker::AnonymousRights::kNone,
          .protocol_settings = options.protocol,
          .keep_alive_max_s = options.keep_alive_max_s};
}

broker::ListenerProfile listener_profile(const Config& config, const ListenerConfig& listener) {
  broker::ListenerProfile profile = default_listener_profile(config);
  profile.name = listener.name;
  profile.protocol = to_string(listener.protocol);
  profile.anonymous = rights_of(anonymous_at(listener, config.auth));
  // Without accounts the account book lets in any name, which only a listener that lets in everybody may do.
  profile.accounts = listener.accounts && (!config.auth.users.empty() || profile.anonymous == broker::AnonymousRights::kAll);
  profile.certificates = listener.client_certificate != ClientCertificateMode::kNone;
  profile.mount = listener.mount;
  mqtt::ServerSettings& protocol = profile.protocol_settings;
  protocol.limits.packet_bytes_max = static_cast<uint32_t>(own_or(listener.packet_bytes_max, config.mqtt.packet_bytes_max));
  protocol.limits.receive_maximum = static_cast<uint16_t>(own_or(listener.receive_maximum, config.mqtt.receive_maximum));
  protocol.connect_timeout_s = static_cast<uint32_t>(own_or(listener.connect_timeout_s, config.mqtt.connect_timeout_s));
  limit_connect(protocol);
  profile.keep_alive_max_s = static_cast<uint16_t>(own_or(listener.keep_alive_max_s, config.mqtt.keep_alive_max_s));
  profile.queue = {.bytes_max = listener.session_queue_bytes_max,
                   .messages_max = static_cast<uint32_t>(listener.session_queue_messages_max),
                   .age_max_s = static_cast<uint32_t>(listener.session_queue_age_max_s)};
  return profile;
}

net::HttpServerOptions http_options(const Config& config) {
  const auto& http = config.http;
  net::HttpServerOptions options;
  options.header_bytes_max = http.header_bytes_max;
  options.body_bytes_max = http.body_bytes_max;
  options.connections_max = http.connections_max;
  options.idle_timeout = std::chrono::seconds(http.idle_timeout_s);
  options.read_timeout = std::chrono::seconds(http.read_timeout_s);
  options.websocket_queue_bytes_max = http.websocket_queue_bytes_max;
  return options;
}

registry::Accounts accounts_of(const Config& config) {
  std::vector<registry::Account> accounts;
  for (const auto& user : config.auth.users) accounts.push_back({user.name, user.password});
  const auto anonymous = config.auth.anonymous_allowed() ? registry::AnonymousAccess::kAll : registry::AnonymousAccess::kNone;
  return {anonymous, std::move(accounts)};
}

backup::ServiceOptions backup_options(const Config& config, const std::filesystem::path& data) {
  return {.data = data,
          .place = backup_directory(config, data),
          .program = CAMPANILE_VERSION,
          .free_bytes_min = config.storage.free_bytes_min};
}

std::vector<api::PlaceRule> place_rules(const Config& config) {
  std::vector<api::PlaceRule> rules;
  for (const auto& place : config.places) {
    rules.push_back({.measurement = place.measurement,
                     .place = place.place,
                     .name = place.name,
                     .quantity = place.quantity,
                     .unit = place.unit,
                     .unit_field = place.unit_field,
                     .skipped_fields = place.skipped_fields});
  }
  return rules;
}

api::InfluxWriteOptions write_options(const Config& config) { return {.body_bytes_max = config.http.body_bytes_max}; }

api::InfluxQueryOptions query_options(const Config& config, audit::AuditLog& audit) {
  api::InfluxQueryOptions options;
  options.limits.series_max = config.query.series_max;
  options.limits.rows_max = config.query.rows_max;
  options.limits.windows_max = config.query.windows_max;
  options.limits.values_max = config.query.values_max;
  options.timeout = std::chrono::seconds(config.query.timeout_s);
  options.version = CAMPANILE_VERSION;
  options.audit = &audit;
  const uint64_t cores = std::max(1u, std::thread::hardware_concurrency());
  options.helpers_max = std::min(config.query.workers, cores) - 1;
  return options;
}

api::LiveOptions live_options(const Config& config) {
  return {.updates_per_s = static_cast<uint32_t>(config.live.updates_per_s), .clients_max = config.live.pages_max};
}

}  // namespace campanile::app
