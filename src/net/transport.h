// Transport: what lies between a listener's sockets and its handlers: PROXY header, TLS and WebSocket, in this order.
//
//   auto listener = TRY(TcpListener::listen(loops, address, options, over_transport({.tls = tls, .websocket = true}, factory)));
//
// The handler is the same whatever the transport: it gets the client's bytes and sends its own, peer() is the client and
// the user that its certificate names is in net/certified_peer.h. It is made when the last layer is open.
//
// Threads: as the factory's. Limits: opening_timeout for each of header, handshake and upgrade; input_bytes_max as TcpOptions has it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/tcp.h"
#include "net/tls_server.h"

namespace campanile::net {

// MQTT over WebSocket [section 6 of the standard]: binary frames, subprotocol "mqtt", any path.
struct WebSocketTransport {
  bool any_origin = false;                   // false: pages of the same host, whatever the port, and
  std::vector<std::string> allowed_origins;  // these: "https://wall.example.org"
};

struct TransportOptions {
  bool proxy_protocol = false;  // every connection begins with a PROXY header of version 2
  std::shared_ptr<TlsServer> tls;
  std::optional<WebSocketTransport> websocket;
  std::chrono::milliseconds opening_timeout{10'000};
  size_t input_bytes_max = 256ull << 20;
};

// The factory for a listener over which `inner` makes the handlers.
TcpListener::HandlerFactory over_transport(const TransportOptions& options, TcpListener::HandlerFactory inner);

}  // namespace campanile::net
