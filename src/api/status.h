// Status: GET /api/v1/status, how the program is doing now: rates, totals, sizes, problems (docs/api.md).
//
//   StatusResource status({.ingest = ingest, ...});
//   std::string text = status.json();     // the live channel sends it every second
//
// Threads: any thread; reads counters and /proc, touches no data.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/problems.h"
#include "base/clock.h"
#include "ingest/pipeline.h"
#include "ingest/rejected.h"
#include "journal/journal.h"
#include "kv/store.h"
#include "net/http_server.h"
#include "tsdb/engine.h"

namespace campanile::api {

// Where the numbers come from; everything outlives the resource.
struct StatusSources {
  ingest::Ingest& ingest;
  const ingest::RejectedStore& rejected;
  const tsdb::Engine& engine;
  const journal::Journal& journal;
  const kv::Store& store;
  struct Clients {
    uint64_t connected = 0;
    uint64_t subscriptions = 0;
  };
  std::function<Clients()> clients;
  // A place where MQTT is served.
  struct Listener {
    std::string name;
    std::string protocol;
    std::string address;
    std::string mount;
    uint64_t connections = 0;
  };
  std::function<std::vector<Listener>()> listeners;
  struct Database {
    std::string name;
    uint64_t sync_every_ms = 0;  // 0: what is acknowledged survives a power cut
  };
  std::function<std::vector<Database>()> databases;
  Problems problems;
};

class StatusResource {
 public:
  StatusResource(StatusSources sources, const Clock& clock, std::string version);

  void handle(net::HttpRequest request, net::HttpResponder responder) const;
  // With "type":"status", as the live channel sends it.
  std::string json() const;

 private:
  const StatusSources sources_;
  const Clock& clock_;
  const std::string version_;
  const int64_t started_ns_;
};

}  // namespace campanile::api
