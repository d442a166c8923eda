// ProxyHandler: waits for the PROXY header in front of a connection's bytes, gives the connection its real peer, and from then on is
// the handler that it makes. Private to net.
//
//   TcpListener::listen(loops, address, options, [inner](EventLoop&) { return std::make_shared<ProxyHandler>(inner, timeout); });
//
// A connection that begins otherwise, or not in time, is closed: where a proxy is expected, nobody else may say who he is.
// Threads: the loop's.
#pragma once

#include <chrono>
#include <memory>

#include "net/layered_connection.h"

namespace campanile::net {

class ProxyHandler final : public TcpHandler {
 public:
  ProxyHandler(SharedFactory inner, std::chrono::milliseconds timeout) : inner_(std::move(inner)), timeout_(timeout) {}

  // REQUIRES: `connection` is a Connection, no layer.
  void on_open(TcpConnection& connection) override;
  size_t on_bytes(TcpConnection& connection, std::string_view bytes) override;
  void on_send_queue_low(TcpConnection& connection) override;
  void on_closed(TcpConnection& connection, std::string_view reason) override;

 private:
  const SharedFactory inner_;
  const std::chrono::milliseconds timeout_;
  std::shared_ptr<TcpHandler> handler_;
  TimerId timer_ = 0;
};

}  // namespace campanile::net
