// LiveHub: the WebSocket channel that carries new values to open pages (docs/api.md, "Live").
//
//   LiveHub hub(directory, status_json, clock, options);
//   hub.start();
//   router.add("GET", "/api/v1/live", [&](auto request, auto responder) { hub.accept(std::move(responder)); });
//
// One thread polls the newest values of what is subscribed, some times a second, and sends each page what changed since that page's last
// message. Coalescing needs no queue of its own: a page that was too slow for one message gets the newest values with the next.
// Threads: accept() on any loop; the hub's thread sends. Lock order: the hub's mutex, then the directory's.
// Limits: clients_max (further ones get 503); a page that takes nothing for slow_client_timeout_ms is closed with 1013.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "api/sensor_directory.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "net/http_server.h"

namespace campanile::api {

struct LiveOptions {
  uint32_t updates_per_s = 4;
  size_t clients_max = 1'000;
  uint32_t slow_client_timeout_ms = 30'000;
};

class LiveHub {
 public:
  LiveHub(SensorDirectory& directory, std::function<std::string()> status_json, const Clock& clock, const LiveOptions& options, Metrics& metrics);
  ~LiveHub();
  void start();
  void stop();
  void accept(net::HttpResponder responder);

 private:
  struct Client;
  class Connection;
  using Clients = std::vector<std::shared_ptr<Client>>;

  void run();
  void send_new_sensors(const Clients& clients);
  void send_values(const Clients& clients);
  void send_status(const Clients& clients);
  void drop_stuck(const Clients& clients);
  std::vector<size_t> subscribed_by_any(const Clients& clients) const;
  void resolve(Client& client) const;

  SensorDirectory& directory_;
  const std::function<std::string()> status_json_;
  const Clock& clock_;
  const LiveOptions options_;
  Counter& messages_sent_;
  Counter& messages_deferred_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  Clients clients_;
  std::thread thread_;
  int64_t status_due_ns_ = 0;  // the hub's thread only
};

}  // namespace campanile::api
