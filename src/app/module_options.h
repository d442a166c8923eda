// Module options: the settings of each module, taken from the configuration. The modules do not know the configuration; this file knows both.
//
// Threads: pure functions.
#pragma once

#include <filesystem>
#include <vector>

#include "api/influx_query.h"
#include "api/influx_write.h"
#include "api/live.h"
#include "api/place_rules.h"
#include "app/config/config.h"
#include "audit/audit_log.h"
#include "backup/service.h"
#include "broker/bridge_options.h"
#include "broker/listener_profile.h"
#include "broker/options.h"
#include "ingest/pipeline.h"
#include "ingest/rejected.h"
#include "journal/checkpoint.h"
#include "journal/journal.h"
#include "kv/store.h"
#include "net/http_server.h"
#include "net/tcp.h"
#include "net/transport.h"
#include "registry/accounts.h"
#include "tsdb/engine.h"

namespace campanile::app {

journal::JournalOptions journal_options(const Config& config);
journal::CheckpointOptions checkpoint_options(const Config& config);
kv::RocksDbOptions store_options(const Config& config);
tsdb::EngineOptions engine_options(const Config& config);
ingest::RejectedOptions rejected_options(const Config& config);
audit::AuditOptions audit_options(const Config& config);
ingest::IngestOptions ingest_options(const Config& config);
broker::BrokerOptions broker_options(const Config& config);
std::vector<broker::BridgeOptions> bridge_options(const Config& config);
net::TcpOptions mqtt_listener_options(const Config& config);
net::TcpOptions mqtt_listener_options(const Config& config, const ListenerConfig& listener);
// Without the certificates, which are files: tls_options() tells where.
net::TransportOptions transport_options(const Config& config, const ListenerConfig& listener);
net::TlsServerOptions tls_options(const ListenerConfig& listener);
// Of mqtt.listen.
broker::ListenerProfile default_listener_profile(const Config& config);
broker::ListenerProfile listener_profile(const Config& config, const ListenerConfig& listener);
net::HttpServerOptions http_options(const Config& config);
registry::Accounts accounts_of(const Config& config);
std::vector<api::PlaceRule> place_rules(const Config& config);
backup::ServiceOptions backup_options(const Config& config, const std::filesystem::path& data);
api::InfluxWriteOptions write_options(const Config& config);
api::InfluxQueryOptions query_options(const Config& config, audit::AuditLog& audit);
api::LiveOptions live_options(const Config& config);

}  // namespace campanile::app
