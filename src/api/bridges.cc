#include "api/bridges.h"

#include <boost/json/array.hpp>

#include "api/answers.h"

namespace campanile::api {
namespace {

boost::json::value as_json(const broker::BridgeStatus& bridge) {
  boost::json::value error = nullptr;
  if (!bridge.last_error.empty()) error = {{"message", bridge.last_error}, {"time_ms", to_ms(bridge.last_error_ns)}};
  return {{"name", bridge.name},
          {"address", bridge.address},
          {"client_id", bridge.client_id},
          {"state", to_string(bridge.state)},
          {"since_ms", to_ms(bridge.since_ns)},
          {"connections", bridge.connections},
          {"messages_in", bridge.messages_in},
          {"messages_out", bridge.messages_out},
          {"dropped", bridge.dropped},
          {"looped", bridge.looped},
          {"last_error", error}};
}

}  // namespace

void BridgesResource::handle(net::HttpRequest, net::HttpResponder responder) const {
  boost::json::array bridges;
  for (const broker::BridgeStatus& bridge : status_()) bridges.push_back(as_json(bridge));
  responder.respond(json_answer(200, {{"bridges", std::move(bridges)}}));
}

}  // namespace campanile::api
