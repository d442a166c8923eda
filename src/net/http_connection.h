// HttpConnection: one client of an HTTP server, request after request, and the exchange that an answer goes through.
// Private to net; written against TcpConnection, so TLS changes nothing here.
//
//   reading -> handling (an Exchange is out with the handler) -> reading ... or -> WebSocket
//
// Threads: the connection's loop; HttpResponder::Exchange says its own.
#pragma once

#include <atomic>
#include <optional>

#include "net/connection.h"
#include "net/http_request_reader.h"
#include "net/http_response_text.h"
#include "net/outbox.h"
#include "net/websocket_session.h"

namespace campanile::net {

class HttpConnection;

// What the connections of one server share.
struct HttpServing {
  HttpServerOptions options;
  HttpHandler handler;
  std::shared_ptr<std::atomic<size_t>> connections = std::make_shared<std::atomic<size_t>>(0);
  std::atomic<size_t> bodies_bytes{0};
  std::atomic<bool> closing{false};
};

// What an answer must know of its request, kept when the request itself has gone to the handler.
struct RequestTraits {
  bool head = false;
  bool keep_alive = false;
  bool http_1_0 = false;
  bool upgrade = false;  // to "websocket"
  std::string websocket_key;
  std::string websocket_version;
  std::string origin;
  std::string host;
};

// One request and its answer. The responder's side (begun, ended) belongs to the thread that has the responder; `owner`
// and `keep_alive` to the loop; the outbox is any thread's. Owned by the responder and, until it is answered, by the
// connection.
struct HttpResponder::Exchange : std::enable_shared_from_this<HttpResponder::Exchange> {
  std::shared_ptr<TcpConnection> connection;
  std::shared_ptr<Outbox> outbox;
  RequestTraits traits;
  HttpConnection* owner = nullptr;  // null once the answer is complete or the client has gone
  bool begun = false;
  bool ended = false;
  bool chunked = false;
  bool has_body = true;
  bool keep_alive = true;
};

class HttpConnection final : public TcpHandler {
 public:
  using Exchange = HttpResponder::Exchange;

  // `refused`: beyond connections_max; all it gets is a 503.
  HttpConnection(std::shared_ptr<HttpServing> serving, ConnectionSlot slot, bool refused);

  void on_open(TcpConnection& connection) override;
  size_t on_bytes(TcpConnection& connection, std::string_view bytes) override;
  void on_send_queue_low(TcpConnection& connection) override;
  void on_closed(TcpConnection& connection, std::string_view reason) override;

  // The exchange's answer has gone into the connection.
  void answered(Exchange& exchange);
  // The exchange's answer is to turn the connection into a WebSocket.
  void upgrade(Exchange& exchange, std::unique_ptr<WebSocketHandler> handler);

 private:
  using Time = std::chrono::steady_clock::time_point;

  bool may_read() const { return !exchange_ && !websocket_ && !closing_ && !connection_->send_queue_is_high(); }
  bool read_request(std::string_view bytes, size_t& used);
  bool account_body();
  void release_body();
  void handle();
  void refuse(int status, std::string_view message);
  void watch_reading();
  void expire_at(Time time);
  void arm_timer(Time time);
  void timer_fired();
  void expired();

  const std::shared_ptr<HttpServing> serving_;
  ConnectionSlot slot_;
  const bool refused_;
  Connection* connection_ = nullptr;
  std::optional<HttpRequestReader> reader_;  // while a request has begun to arrive
  std::shared_ptr<Exchange> exchange_;       // while one is handled
  std::shared_ptr<WebSocketSession> websocket_;
  size_t body_bytes_ = 0;  // counted in serving_->bodies_bytes
  Time expires_ = Time::max();
  Time timer_at_ = Time::max();
  TimerId timer_ = 0;
  uint64_t sent_bytes_ = 0;  // at the last look of expired()
  bool waited_ = false;      // then: something was still to be sent
  bool in_on_bytes_ = false;
  bool closing_ = false;
  bool header_timed_ = false;
};

}  // namespace campanile::net
