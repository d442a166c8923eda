#include "app/wiring.h"

#include <algorithm>
#include <thread>

#include "api/audit.h"
#include "api/backups.h"
#include "api/bridges.h"
#include "api/clients.h"
#include "api/corrections.h"
#include "api/derived.h"
#include "api/health.h"
#include "api/history.h"
#include "api/influx_query.h"
#include "api/influx_v2.h"
#include "api/influx_write.h"
#include "api/jobs.h"
#include "api/live.h"
#include "api/page.h"
#include "api/publish.h"
#include "api/rejected.h"
#include "api/retained.h"
#include "api/seal.h"
#include "api/router.h"
#include "api/sensor_directory.h"
#include "api/sensors.h"
#include "api/status.h"
#include "api/topics.h"
#include "app/config/durability.h"
#include "app/continuous_queries.h"
#include "app/derived/derived_series.h"
#include "app/health_checks.h"
#include "app/job_port.h"
#include "app/module_options.h"
#include "app/mqtt_listeners.h"
#include "app/recompute/jobs.h"
#include "audit/audit_log.h"
#include "backup/service.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/process_memory.h"
#include "base/worker_pool.h"
#include "broker/bridges.h"
#include "broker/broker.h"
#include "broker/retained_store.h"
#include "broker/session_store.h"
#include "ingest/pipeline.h"
#include "ingest/rejected.h"
#include "journal/checkpoint.h"
#include "journal/commit_queue.h"
#include "journal/journal.h"
#include "kv/store.h"
#include "net/event_loop.h"
#include "net/http_server.h"
#include "registry/accounts.h"
#include "tsdb/engine.h"

namespace campanile::app {
namespace {

class AccountsAuthenticator final : public broker::Authenticator {
 public:
  explicit AccountsAuthenticator(const registry::Accounts& accounts) : accounts_(accounts) {}
  Result<std::string> authenticate(const broker::Login& login) override { return accounts_.authenticate(login.user, login.password); }

 private:
  const registry::Accounts& accounts_;
};

// Each record goes to the participant that wrote it.
journal::ReplayFunction replay_into(const std::vector<journal::Participant*>& participants, uint64_t& records) {
  return [&participants, &records](const journal::Record& record) -> Result<void> {
    ++records;
    const auto owner = std::find_if(participants.begin(), participants.end(), [&](const auto* one) { return one->owns(record.type); });
    if (owner != participants.end()) return (*owner)->replay(record);
    return fail(ErrorCode::kUnsupported,
                "the journal holds a record of type {} that this version does not know: start the newer version that wrote it",
                static_cast<int>(record.type));
  };
}

Result<std::vector<api::Asset>> page_assets(const std::string& folder) {
  if (folder.empty()) return api::embedded_assets();
  return api::read_assets(folder);
}

}  // namespace

// In the order in which they are made, so that they go in the reverse order: nothing outlives what it refers to.
struct Program::Parts {
  Parts(const Config& settings, const std::filesystem::path& path, const Clock& the_clock)
      : config(settings), data(path), clock(the_clock) {}

  Result<void> open_stores();
  Result<void> check_store_is_whole() const;
  Result<void> replay_journal();
  Result<void> start_ingest();
  Result<void> start_broker();
  void register_gauges();
  Result<api::Sealed> seal_everything();
  Result<void> make_resources(std::vector<api::Asset> assets);
  void add_routes();
  Result<void> listen();
  std::vector<api::StatusSources::Listener> listener_status() const;
  std::vector<api::StatusSources::Database> database_status() const;

  const Config config;
  const std::filesystem::path data;
  const Clock& clock;
  Metrics metrics;

  std::unique_ptr<kv::Store> store;
  std::unique_ptr<tsdb::Engine> engine;
  std::unique_ptr<DerivedSeries> derived;
  std::unique_ptr<audit::AuditLog> audit;
  std::unique_ptr<ingest::RejectedStore> rejected;
  std::unique_ptr<broker::RetainedStore> retained;
  std::unique_ptr<broker::SessionStore> sessions;
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<net::EventLoopPool> loops;
  std::vector<std::unique_ptr<journal::CommitQueue>> commits;  // one per loop
  std::unique_ptr<WorkerPool> workers;
  std::unique_ptr<journal::Checkpointer> checkpointer;
  std::unique_ptr<HealthChecks> problems;
  std::unique_ptr<ContinuousQueries> continuous;
  std::unique_ptr<Jobs> jobs;
  std::unique_ptr<backup::Service> backups;

  std::unique_ptr<registry::Accounts> accounts;
  std::unique_ptr<AccountsAuthenticator> authenticator;
  std::unique_ptr<ingest::Ingest> ingest;
  std::unique_ptr<broker::Broker> broker;
  std::unique_ptr<broker::Bridges> bridges;

  std::unique_ptr<api::Page> page;
  std::unique_ptr<api::HealthResource> health;
  std::unique_ptr<api::StatusResource> status;
  std::unique_ptr<api::BackupsResource> backup_list;
  std::unique_ptr<api::BridgesResource> bridge_list;
  std::unique_ptr<api::SensorDirectory> directory;
  std::unique_ptr<api::SensorsResource> sensors;
  std::unique_ptr<api::HistoryResource> history;
  std::unique_ptr<api::RejectedResource> rejected_messages;
  std::unique_ptr<api::AuditResource> audit_entries;
  std::unique_ptr<api::CorrectionsResource> corrections;
  std::unique_ptr<api::InfluxV2Resource> influx_v2;
  std::unique_ptr<api::JobsResource> job_list;
  std::unique_ptr<api::DerivedResource> derived_list;
  std::unique_ptr<api::ClientsResource> clients;
  std::unique_ptr<api::RetainedResource> retained_messages;
  std::unique_ptr<api::SealResource> seal;
  std::unique_ptr<api::PublishResource> publish;
  std::unique_ptr<api::TopicsResource> topics;
  std::unique_ptr<api::InfluxWriteResource> influx_write;
  std::unique_ptr<api::InfluxQueryResource> influx_query;
  std::unique_ptr<api::LiveHub> live;
  std::unique_ptr<api::Router> router;

  std::unique_ptr<net::HttpServer> http;
  std::unique_ptr<MqttListeners> mqtt;
  bool stopped = false;
};

// RocksDB opens with what stands before a damaged place in its own log, as after a power cut. What it had synced for a checkpoint may be behind it, and
// the journal has let go of that.
Result<void> Program::Parts::check_store_is_whole() const {
  const journal::Lsn let_go = journal->status().let_go;
  const journal::Lsn reached = engine->status().checkpoint_lsn;
  if (reached >= let_go) return {};
  return fail(ErrorCode::kCorrupt, "the store {} ends at journal position {}, and the journal begins after {}: a file of the store is damaged (the log says which), missing, or older than the others",
              (data / "store").string(), reached, let_go);
}

Result<void> Program::Parts::open_stores() {
  store = TRY(kv::open_rocksdb(data / "store", store_options(config)));
  engine = TRY(tsdb::Engine::open(engine_options(config), *store, clock));
  derived = TRY(DerivedSeries::open(config, *store, *engine, clock, metrics));
  audit = TRY(audit::AuditLog::open(audit_options(config), *store, clock));
  rejected = TRY(ingest::RejectedStore::open(rejected_options(config), *store));
  retained = TRY(broker::RetainedStore::load(*store, broker_options(config)));
  sessions = TRY(broker::SessionStore::load(*store, broker_options(config)));
  return {};
}

Result<void> Program::Parts::replay_journal() {
  const std::vector<journal::Participant*> participants = {engine.get(), audit.get(), rejected.get(), retained.get(), sessions.get()};
  const int64_t started_ns = clock.steady_ns();
  uint64_t records = 0;
  journal = TRY(journal::Journal::open(data / "journal", journal_options(config), replay_into(participants, records)));
  TRY(check_store_is_whole());
  if (records > 0) log::info("journal: {} records replayed in {} ms", records, (clock.steady_ns() - started_ns) / kNanosPerMilli);

  loops = std::make_unique<net::EventLoopPool>(config.threads > 0 ? config.threads : std::max(1u, std::thread::hardware_concurrency()));
  for (size_t i = 0; i < loops->size(); ++i) {
    net::EventLoop& loop = loops->at(i);
    commits.push_back(std::make_unique<journal::CommitQueue>(*journal, [&loop](journal::CommitQueue::Task task) { loop.post(std::move(task)); }));
  }
  workers = std::make_unique<WorkerPool>(WorkerPoolOptions{.threads = config.query.workers, .queue_max = config.query.queue_max});
  checkpointer = std::make_unique<journal::Checkpointer>(*journal, participants, checkpoint_options(config));
  return {};
}

Result<void> Program::Parts::start_ingest() {
  engine->start(*journal);
  engine->register_metrics(metrics);
  audit->start(*journal);
  rejected->start(*journal, workers.get());
  retained->attach(*journal);
  sessions->attach(*journal);
  ingest = TRY(ingest::Ingest::open(ingest_options(config), *engine, *rejected, clock, metrics));
  checkpointer->start();
  problems = std::make_unique<HealthChecks>(HealthSources{.journal = *journal, .engine = *engine, .checkpointer = *checkpointer,
                                                          .rejected = *rejected, .sessions = *sessions},
                                            data, config.storage.free_bytes_min, clock);
  problems->start();
  backups = std::make_unique<backup::Service>(backup_options(config, data), *store, *journal, clock);
  return {};
}

Result<void> Program::Parts::start_broker() {
  accounts = std::make_unique<registry::Accounts>(accounts_of(config));
  authenticator = std::make_unique<AccountsAuthenticator>(*accounts);
  std::vector<net::EventLoop*> all_loops;
  for (size_t i = 0; i < loops->size(); ++i) all_loops.push_back(&loops->at(i));
  broker = TRY(broker::Broker::create(broker_options(config), {.loops = std::move(all_loops),
                                                               .journal = *journal,
                                                               .retained = *retained,
                                                               .sessions = *sessions,
                                                               .sink = *ingest,
                                                               .authenticator = *authenticator,
                                                               .clock = clock,
                                                               .metrics = metrics,
                                                               .memory_bytes = [] { return resident_bytes(); }}));
  sessions->start();
  bridges = TRY(broker::Bridges::create(bridge_options(config), {.broker = *broker,
                                                                 .loops = *loops,
                                                                 .clock = clock,
                                                                 .metrics = metrics}));
  return {};
}

std::vector<api::StatusSources::Listener> Program::Parts::listener_status() const {
  std::vector<api::StatusSources::Listener> out;
  if (!mqtt) return out;
  for (auto& one : mqtt->status()) {
    out.push_back({.name = std::move(one.name), .protocol = std::move(one.protocol), .address = std::move(one.address),
                   .mount = std::move(one.mount), .connections = one.connections});
  }
  return out;
}

std::vector<api::StatusSources::Database> Program::Parts::database_status() const {
  std::vector<api::StatusSources::Database> out;
  for (std::string& name : engine->databases()) {
    const uint64_t ms = sync_every_ms(config, name);
    out.push_back({.name = std::move(name), .sync_every_ms = ms});
  }
  return out;
}

void Program::Parts::register_gauges() {
  metrics.gauge("campanile_journal_kept_bytes", "Journal on disk", [this] { return static_cast<double>(journal->status().kept_bytes); });
  metrics.gauge("campanile_journal_unsynced_bytes", "Appended to the journal and not yet on disk", [this] {
    const auto now = journal->status();
    return static_cast<double>(now.end - now.durable);
  });
  metrics.gauge("campanile_journal_failed", "1 while the journal cannot write", [this] { return journal->status().failure.empty() ? 0.0 : 1.0; });
  metrics.gauge("campanile_problems", "What is wrong now, as /health has it", [this] { return static_cast<double>(problems->now().size()); });
  metrics.gauge("campanile_disk_free_bytes", "Free where the data is", [this] { return static_cast<double>(problems->free_bytes()); });
  metrics.gauge("campanile_audit_entries", "Entries of the audit log", [this] { return static_cast<double>(audit->counts().kept); });
  metrics.gauge("campanile_audit_dropped", "Entries that went because of its limits", [this] { return static_cast<double>(audit->counts().dropped); });
  metrics.gauge("campanile_store_bytes", "Key-value store on disk", [this] { return static_cast<double>(store->disk_bytes()); });
  metrics.gauge("campanile_resident_bytes", "Memory this process holds", [] { return static_cast<double>(resident_bytes()); });
  const auto heap = [this](const char* state, uint64_t HeapUse::*part) {
    metrics.gauge("campanile_heap_bytes", "Memory handed out by the allocator (used), and kept by it for later (free)",
                  [part] { return static_cast<double>(heap_use().*part); }, {{"state", state}});
  };
  heap("used", &HeapUse::used);
  heap("free", &HeapUse::free);
  const auto store_memory = [this](const char* name, uint64_t kv::StoreMemory::*part) {
    metrics.gauge("campanile_store_memory_bytes", "Memory of the key-value store", [this, part] { return static_cast<double>(store->memory().*part); },
                  {{"part", name}});
  };
  store_memory("write_buffers", &kv::StoreMemory::write_buffers);
  store_memory("cached_blocks", &kv::StoreMemory::cached_blocks);
  store_memory("open_files", &kv::StoreMemory::open_files);
  metrics.gauge("campanile_backup_newest_timestamp_seconds", "When the newest backup was made, 0 without one",
                [this] { return static_cast<double>(backups->newest_ns()) / kNanosPerSecond; });
  metrics.gauge("campanile_uptime_seconds", "Time since this process started to serve",
                [this, started_ns = clock.steady_ns()] { return static_cast<double>(clock.steady_ns() - started_ns) / kNanosPerSecond; });
  metrics.gauge("campanile_mqtt_connections", "Open MQTT connections", [this] { return static_cast<double>(mqtt->connections()); });
  metrics.gauge("campanile_http_connections", "Open HTTP connections", [this] { return static_cast<double>(http->connections()); });
  metrics.gauge("campanile_workers_waiting", "Tasks that wait for a worker", [this] { return static_cast<double>(workers->waiting()); });
}

Result<void> Program::Parts::make_resources(std::vector<api::Asset> assets) {
  const api::Background background = [this](WorkerPool::Task task) { return workers->submit(std::move(task)); };
  const auto now_wrong = [this] { return problems->now(); };
  page = std::make_unique<api::Page>(std::move(assets));
  health = std::make_unique<api::HealthResource>(clock, metrics, CAMPANILE_VERSION, now_wrong);
  status = std::make_unique<api::StatusResource>(
      api::StatusSources{.ingest = *ingest,
                         .rejected = *rejected,
                         .engine = *engine,
                         .journal = *journal,
                         .store = *store,
                         .clients = [this] {
                           const auto now = broker->status();
                           return api::StatusSources::Clients{.connected = now.connections, .subscriptions = now.subscriptions};
                         },
                         .listeners = [this] { return listener_status(); },
                         .databases = [this] { return database_status(); },
                         .problems = now_wrong},
      clock, CAMPANILE_VERSION);
  backup_list = std::make_unique<api::BackupsResource>(*backups, *accounts, background);
  bridge_list = std::make_unique<api::BridgesResource>([this] { return bridges->status(); });
  directory = std::make_unique<api::SensorDirectory>(*engine, api::PlaceRules(place_rules(config)), clock, api::SensorDirectoryOptions{.sensors_max = config.live.sensors_max});
  sensors = std::make_unique<api::SensorsResource>(*directory, clock, background);
  history = std::make_unique<api::HistoryResource>(*directory, *engine, clock, background);
  rejected_messages = std::make_unique<api::RejectedResource>(*rejected, background);
  audit_entries = std::make_unique<api::AuditResource>(*audit, background);
  corrections = std::make_unique<api::CorrectionsResource>(*engine, *audit, clock, std::chrono::seconds(config.query.timeout_s), background);
  influx_v2 = std::make_unique<api::InfluxV2Resource>(*engine, *audit, clock, std::chrono::seconds(config.query.timeout_s), background);
  clients = std::make_unique<api::ClientsResource>(*broker, background);
  retained_messages = std::make_unique<api::RetainedResource>(*retained, clock, background);
  seal = std::make_unique<api::SealResource>([this] { return seal_everything(); }, background);
  publish = std::make_unique<api::PublishResource>(*broker);
  topics = std::make_unique<api::TopicsResource>(*broker, clock, background);
  influx_write = std::make_unique<api::InfluxWriteResource>(
      *ingest, *engine, [this](net::EventLoop& loop) -> journal::CommitQueue& { return *commits[loop.index()]; }, background, clock,
      write_options(config));
  auto queries = query_options(config, *audit);
  queries.help = [this](WorkerPool::Task task) { return workers->submit_if_idle(std::move(task)); };
  queries.tiers = derived.get();
  const query::influxql::RunOptions running_by_itself{.context = {.limits = queries.limits, .help = queries.help, .helpers_max = queries.helpers_max}, .tiers = derived.get(), .reads_tiers = false};
  continuous = std::make_unique<ContinuousQueries>(*engine, clock, running_by_itself, queries.timeout, metrics);
  jobs = TRY(Jobs::open(*store, *engine, derived.get(), clock, running_by_itself, metrics));
  job_list = std::make_unique<api::JobsResource>(job_port(*jobs), background);
  derived_list = std::make_unique<api::DerivedResource>([this] { return derived_views(*derived); }, background);
  influx_query = std::make_unique<api::InfluxQueryResource>(*engine, clock, std::move(queries), background);
  live = std::make_unique<api::LiveHub>(*directory, [this] { return status->json(); }, clock, live_options(config), metrics);
  live->start();
  continuous->start();
  jobs->start();
  derived->start(running_by_itself, [this](const std::string& database, const std::string& set, tsdb::TimeRange range) { return fill_by_job(*jobs, database, set, range); });
  return {};
}

Result<api::Sealed> Program::Parts::seal_everything() {
  TRY(checkpointer->run_once());
  const uint64_t merged = TRY(engine->merge_small_chunks());
  TRY(store->compact());
  return api::Sealed{.series_merged = merged, .store_bytes = store->disk_bytes(), .journal_bytes = journal->status().kept_bytes};
}

void Program::Parts::add_routes() {
  const auto to = [](auto& resource, auto member) {
    return [&resource, member](net::HttpRequest request, net::HttpResponder responder) {
      (resource.*member)(std::move(request), std::move(responder));
    };
  };
  router = std::make_unique<api::Router>(*accounts, to(*page, &api::Page::handle));
  for (const std::string_view method : {"GET", "HEAD"}) {
    router->add_open(method, "/ping", to(*health, &api::HealthResource::ping));
  }
  router->add_open("GET", "/health", to(*health, &api::HealthResource::health));
  router->add_open("GET", "/ready", to(*health, &api::HealthResource::ready));
  router->add("GET", "/metrics", to(*health, &api::HealthResource::metrics));
  router->add("POST", "/write", to(*influx_write, &api::InfluxWriteResource::handle_v1));
  router->add("GET", "/api/v2/buckets", to(*influx_v2, &api::InfluxV2Resource::handle_buckets));
  router->add("POST", "/api/v2/buckets", to(*influx_v2, &api::InfluxV2Resource::handle_buckets));
  router->add("DELETE", "/api/v2/buckets/", to(*influx_v2, &api::InfluxV2Resource::handle_buckets));
  router->add("POST", "/api/v2/delete", to(*influx_v2, &api::InfluxV2Resource::handle_delete));
  router->add("POST", "/api/v2/write", to(*influx_write, &api::InfluxWriteResource::handle_v2));
  router->add("GET", "/query", to(*influx_query, &api::InfluxQueryResource::handle));
  router->add("POST", "/query", to(*influx_query, &api::InfluxQueryResource::handle));
  router->add("GET", "/api/v1/sensors", to(*sensors, &api::SensorsResource::handle));
  router->add("GET", "/api/v1/sensors/", to(*history, &api::HistoryResource::handle));
  router->add("GET", "/api/v1/rejected", to(*rejected_messages, &api::RejectedResource::handle));
  router->add("GET", "/api/v1/audit", to(*audit_entries, &api::AuditResource::handle));
  router->add("GET", "/api/v1/jobs", to(*job_list, &api::JobsResource::list));
  router->add("GET", "/api/v1/derived", to(*derived_list, &api::DerivedResource::handle));
  router->add("POST", "/api/v1/jobs", to(*job_list, &api::JobsResource::add));
  router->add("POST", "/api/v1/jobs/", to(*job_list, &api::JobsResource::change));
  router->add("POST", "/api/v1/corrections", to(*corrections, &api::CorrectionsResource::handle));
  router->add("GET", "/api/v1/clients", to(*clients, &api::ClientsResource::list));
  router->add("GET", "/api/v1/clients/", to(*clients, &api::ClientsResource::show));
  router->add("DELETE", "/api/v1/clients/", to(*clients, &api::ClientsResource::disconnect));
  router->add("GET", "/api/v1/subscriptions", to(*clients, &api::ClientsResource::subscriptions));
  router->add("GET", "/api/v1/retained", to(*retained_messages, &api::RetainedResource::handle));
  router->add("POST", "/api/v1/seal", to(*seal, &api::SealResource::handle));
  router->add("POST", "/api/v1/publish", to(*publish, &api::PublishResource::handle));
  router->add("GET", "/api/v1/topics", to(*topics, &api::TopicsResource::handle));
  router->add("GET", "/api/v1/status", to(*status, &api::StatusResource::handle));
  router->add("GET", "/api/v1/backups", to(*backup_list, &api::BackupsResource::list));
  router->add("POST", "/api/v1/backups", to(*backup_list, &api::BackupsResource::start));
  router->add("GET", "/api/v1/bridges", to(*bridge_list, &api::BridgesResource::handle));
  router->add("GET", "/api/v1/live", [this](net::HttpRequest, net::HttpResponder responder) { live->accept(std::move(responder)); });
}

Result<void> Program::Parts::listen() {
  loops->start();
  const auto handle = [this](net::HttpRequest request, net::HttpResponder responder) { router->handle(std::move(request), std::move(responder)); };
  http = TRY(net::HttpServer::listen(*loops, config.http.listen, http_options(config), handle));
  mqtt = TRY(MqttListeners::open(config, *loops, *broker));
  return {};
}

Program::Program(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Program::~Program() { stop(); }

Result<std::unique_ptr<Program>> Program::start(const Config& config, const std::filesystem::path& data, const Clock& clock) {
  std::unique_ptr<Program> program(new Program(std::make_unique<Parts>(config, data, clock)));
  Parts& parts = *program->parts_;
  auto assets = TRY(page_assets(config.http.web_directory));
  TRY(parts.open_stores());
  TRY(parts.replay_journal());
  TRY(parts.start_ingest());
  TRY(parts.start_broker());
  TRY(parts.make_resources(std::move(assets)));
  parts.add_routes();
  TRY(parts.listen());
  parts.bridges->start();
  parts.register_gauges();
  return program;
}

net::Address Program::http_address() const { return parts_->http->address(); }

net::Address Program::mqtt_address() const { return parts_->mqtt->address(); }

void Program::reload_tls() { parts_->mqtt->reload_tls(); }

void Program::stop() {
  Parts& parts = *parts_;
  if (parts.stopped) return;
  parts.stopped = true;
  // From the outside inwards: no new connections, none at all, nobody who works for them, then the stores.
  if (parts.http) parts.http->close();
  if (parts.mqtt) parts.mqtt->close();
  if (parts.bridges) parts.bridges->stop();
  if (parts.broker) parts.broker->shut_down();
  if (parts.loops) parts.loops->stop();
  if (parts.live) parts.live->stop();
  if (parts.derived) parts.derived->stop();
  if (parts.jobs) parts.jobs->stop();
  if (parts.continuous) parts.continuous->stop();
  if (parts.problems) parts.problems->stop();
  if (parts.workers) parts.workers->stop();
  if (parts.backups) parts.backups->stop();
  if (parts.checkpointer) parts.checkpointer->stop();
  if (parts.sessions) parts.sessions->stop();
  if (parts.engine) parts.engine->stop();
  if (!parts.journal) return;
  if (const auto flushed = parts.journal->wait_durable(parts.journal->end()); !flushed) {
    log::error("the last messages could not be flushed: {}", flushed.error().message);
  }
}

}  // namespace campanile::app
