// Health: /ping, /health, /ready and /metrics, for load balancers, clients that probe, and Prometheus.
//
// /ping answers as InfluxDB 1.8 does: 204, or 200 with the version where verbose=true.
// /health and /ready answer as InfluxDB 2 does: {"name","message","status","version","checks"}. "fail" with 503 while writes are refused, so that
// a load balancer goes elsewhere; a problem that refuses nothing yet is among the checks, and the answer is "pass" with 200.
// Threads: any loop.
#pragma once

#include <string>
#include <string_view>

#include "api/problems.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "net/http_server.h"

namespace campanile::api {

// The version that InfluxDB clients are told: they choose their dialect by it.
inline constexpr std::string_view kInfluxVersion = "1.8.10";

class HealthResource {
 public:
  HealthResource(const Clock& clock, const Metrics& metrics, std::string version, Problems problems);

  void ping(net::HttpRequest request, net::HttpResponder responder) const;
  void health(net::HttpRequest request, net::HttpResponder responder) const;
  void ready(net::HttpRequest request, net::HttpResponder responder) const;
  void metrics(net::HttpRequest request, net::HttpResponder responder) const;

 private:
  const Metrics& metrics_;
  const std::string version_;
  const Problems problems_;
  const Clock& clock_;
  const int64_t started_ns_;
};

}  // namespace campanile::api
