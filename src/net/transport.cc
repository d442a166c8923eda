#include "net/transport.h"

#include "net/proxy_handler.h"
#include "net/tls_connection.h"
#include "net/websocket_stream_connection.h"

namespace campanile::net {

// From the handler outwards.
TcpListener::HandlerFactory over_transport(const TransportOptions& options, TcpListener::HandlerFactory inner) {
  const auto layer_over = [&](TcpListener::HandlerFactory above) {
    return LayerOptions{.inner = std::make_shared<const TcpListener::HandlerFactory>(std::move(above)),
                        .opening_timeout = options.opening_timeout,
                        .input_bytes_max = options.input_bytes_max};
  };
  TcpListener::HandlerFactory factory = std::move(inner);
  if (options.websocket) {
    auto websocket = std::make_shared<const WebSocketTransport>(*options.websocket);
    factory = [layer = layer_over(std::move(factory)), websocket = std::move(websocket)](EventLoop&) {
      return std::make_shared<WebSocketStreamConnection>(layer, websocket);
    };
  }
  if (options.tls) {
    factory = [layer = layer_over(std::move(factory)), tls = options.tls](EventLoop&) { return std::make_shared<TlsConnection>(layer, tls); };
  }
  if (options.proxy_protocol) {
    auto above = std::make_shared<const TcpListener::HandlerFactory>(std::move(factory));
    factory = [above = std::move(above), timeout = options.opening_timeout](EventLoop&) { return std::make_shared<ProxyHandler>(above, timeout); };
  }
  return factory;
}

}  // namespace campanile::net
