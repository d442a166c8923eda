// HttpServer: HTTP/1.1 with keep-alive, bounded bodies, streamed answers and WebSocket upgrades.
//
//   auto server = TRY(HttpServer::listen(loops, address, options, [](HttpRequest request, HttpResponder responder) {
//     responder.respond({.status = 200, .headers = {{"Content-Type", "text/plain"}}, .body = "hello\n"});
//   }));
//
// Threads: the handler runs on the connection's loop and must not block; the responder may be used from any thread, once.
// A request whose responder is dropped unanswered gets 500.
// Limits: header_bytes_max -> 431, body_bytes_max -> 413 (at once from Content-Length, without reading the body),
// idle and slow connections are closed after their time-outs. One request of a connection is handled at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/event_loop.h"
#include "net/tcp.h"

namespace campanile::net {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;   // "GET"
  std::string path;     // percent-decoded: "/api/v1/sensors"
  std::string query;    // as sent, after '?'
  std::vector<std::pair<std::string, std::string>> parameters;  // of the query, decoded, in order
  HttpHeaders headers;
  std::string body;     // as sent: a Content-Encoding is still in place
  Address peer;
  EventLoop* loop = nullptr;  // the connection's loop

  // The first one of that name (case-insensitive for headers), or nothing.
  std::optional<std::string_view> header(std::string_view name) const;
  std::optional<std::string_view> parameter(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;
  std::string body;
};

// One WebSocket connection. send_text() from any thread, the rest and the callbacks on its loop.
class WebSocket {
 public:
  virtual ~WebSocket() = default;
  // Queues a message. Returns false, and drops it, where more than queue_bytes_max wait: the caller coalesces and tries later.
  virtual bool send_text(std::string text) = 0;
  virtual size_t queue_bytes() const = 0;  // any thread
  virtual void close(uint16_t code, std::string_view reason) = 0;  // any thread
};

class WebSocketHandler {
 public:
  virtual ~WebSocketHandler() = default;
  virtual void on_open(std::shared_ptr<WebSocket> socket) = 0;
  virtual void on_text(std::string_view text) = 0;
  virtual void on_closed() = 0;
};

class HttpResponder {
 public:
  struct Exchange;  // of the server
  explicit HttpResponder(std::shared_ptr<Exchange> exchange);
  HttpResponder(HttpResponder&&) noexcept;
  HttpResponder& operator=(HttpResponder&&) noexcept;
  ~HttpResponder();

  // Answers, with Content-Length; a HEAD request gets the headers alone.
  void respond(HttpResponse response);
  // Answers in pieces (chunked): begin once, write any number of times, then finish. write() returns false once the client has gone.
  void begin(int status, HttpHeaders headers);
  bool write(std::string piece);
  void finish();
  // Turns the connection into a WebSocket. The request must ask for an upgrade, or it gets 426.
  void accept_websocket(std::unique_ptr<WebSocketHandler> handler);
  // Whether the client has gone; any thread. Long work asks now and then and stops.
  bool client_gone() const;

 private:
  std::shared_ptr<Exchange> exchange_;
};

struct HttpServerOptions {
  size_t header_bytes_max = 16 * 1024;
  size_t body_bytes_max = 64ull << 20;
  size_t connections_max = 10'000;
  std::chrono::seconds idle_timeout{75};
  std::chrono::seconds read_timeout{30};  // for a whole header, and between pieces of a body
  size_t websocket_message_bytes_max = 64 * 1024;
  size_t websocket_queue_bytes_max = 1ull << 20;
};

using HttpHandler = std::function<void(HttpRequest, HttpResponder)>;

class HttpServer {
 public:
  static Result<std::unique_ptr<HttpServer>> listen(EventLoopPool& loops, const Address& address, const HttpServerOptions& options,
                                                    HttpHandler handler);
  virtual ~HttpServer() = default;
  virtual Address address() const = 0;
  virtual void close() = 0;
};

// "a=1&b=x%20y+z" -> pairs, decoded. For query strings and form bodies.
std::vector<std::pair<std::string, std::string>> parse_form(std::string_view text);
std::string percent_decode(std::string_view text);

}  // namespace campanile::net
