// Health: /ping, /health, /ready and /metrics, for load balancers, clients that probe, and Prometheus.
//
// /ping answers as InfluxDB 1.8 does: 204, or 200 with the version where verbose=true.
// /health and /ready answer as InfluxDB 2 does: {"name","message","status","version"}; "fail" with 503 where the journal cannot write.
// Threads: any loop.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "net/http_server.h"

namespace campanile::api {

// The version that InfluxDB clients are told: they choose their dialect by it.
inline constexpr std::string_view kInfluxVersion = "1.8.10";

class HealthResource {
 public:
  // `problems` tells in words what is wrong now; empty while all is well.
  HealthResource(const Clock& clock, const Metrics& metrics, std::string version, std::function<std::vector<std::string>()> problems);

  void ping(net::HttpRequest request, net::HttpResponder responder) const;
  void health(net::HttpRequest request, net::HttpResponder responder) const;
  void ready(net::HttpRequest request, net::HttpResponder responder) const;
  void metrics(net::HttpRequest request, net::HttpResponder responder) const;

 private:
  const Metrics& metrics_;
  const std::string version_;
  const std::function<std::vector<std::string>()> problems_;
  const Clock& clock_;
  const int64_t started_ns_;
};

}  // namespace campanile::api
