// Bridges: GET /api/v1/bridges, how the connections to other brokers are doing (docs/api.md).
//
// Threads: any; reads counters.
#pragma once

#include <functional>
#include <vector>

#include "broker/bridge.h"
#include "net/http_server.h"

namespace campanile::api {

class BridgesResource {
 public:
  explicit BridgesResource(std::function<std::vector<broker::BridgeStatus>()> status) : status_(std::move(status)) {}
  void handle(net::HttpRequest request, net::HttpResponder responder) const;

 private:
  const std::function<std::vector<broker::BridgeStatus>()> status_;
};

}  // namespace campanile::api
