// WebSocketSession: the server's side of one WebSocket, between a connection and its handler. Private to net.
//
// Text messages only. A ping goes out every 30 seconds; a peer that has sent nothing at all between two of them is
// given up. Threads: as WebSocket says; the rest on the loop.
#pragma once

#include <atomic>
#include <memory>

#include "net/http_server.h"
#include "net/outbox.h"
#include "net/websocket_frames.h"

namespace campanile::net {

class WebSocketSession final : public WebSocket, public std::enable_shared_from_this<WebSocketSession> {
 public:
  WebSocketSession(std::shared_ptr<TcpConnection> connection, const HttpServerOptions& options,
                   std::unique_ptr<WebSocketHandler> handler);

  bool send_text(std::string text) override;
  size_t queue_bytes() const override { return outbox_->bytes(); }
  void close(uint16_t code, std::string_view reason) override;

  void open();
  size_t on_bytes(std::string_view bytes);
  void on_send_queue_low() { outbox_->move_on(); }
  void on_closed();

 private:
  void watch();
  void end(std::string close_frame);

  const std::shared_ptr<TcpConnection> connection_;
  const std::shared_ptr<Outbox> outbox_;
  const size_t queue_bytes_max_;
  const std::chrono::milliseconds ping_interval_;
  std::unique_ptr<WebSocketHandler> handler_;
  WebSocketReader reader_;
  TimerId ping_timer_ = 0;
  bool heard_ = true;  // since the last ping
  bool open_ = true;
};

}  // namespace campanile::net
