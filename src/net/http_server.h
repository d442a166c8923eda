// HttpServer: HTTP/1.1 with keep-alive, bounded bodies, streamed answers and WebSocket upgrades.
//
//   auto server = TRY(HttpServer::listen(loops, address, options, [](HttpRequest request, HttpResponder responder) {
//     responder.respond({.status = 200, .headers = {{"Content-Type", "text/plain"}}, .body = "hello\n"});
//   }));
//
// Threads: the handler runs on the connection's loop and must not block; the responder may be used from any thread, once.
// A request whose responder is dropped unanswered gets 500.
// A handler that throws the responder away has not hung the client. Errors of this server's own have the body {"error": "..."}.
// Limits: header_bytes_max -> 431, body_bytes_max -> 413 (at once from Content-Length, without reading the body), all bodies
// together bodies_bytes_max -> 503, connections_max -> 503; slow ones -> 408 and idle ones are closed after their time-outs. One
// request of a connection is handled at a time; what is pipelined behind it waits (64 KiB, then the client is held back).
// What handlers refer to must live until the loops have stopped.
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
  std::string user;           // as whom it may act, empty for nobody by name; for whoever authenticates requests to fill in
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
  // Queues a message. Returns false, and drops it, where it would make more than queue_bytes_max wait, or once the connection is
  // closed: the caller coalesces and tries later. queue_bytes() counts what waits beyond the 256 KiB of the connection's own queue.
  virtual bool send_text(std::string text) = 0;
  virtual size_t queue_bytes() const = 0;  // any thread
  // Sends what is queued, then the code and the reason, and closes.
  virtual void close(uint16_t code, std::string_view reason) = 0;  // any thread
};

// The callbacks come from the connection's loop. Every on_open() is followed by one on_closed(), after which the handler goes.
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
  // Where 8 MiB wait to be sent it waits for room, up to 30 seconds, then gives the client up. On a loop's thread it never waits:
  // there, 64 MiB are the limit, and the client is given up beyond. A responder dropped before finish() cuts the connection, so that
  // the client does not take a part for the whole.
  void begin(int status, HttpHeaders headers);
  bool write(std::string piece);
  void finish();
  // Turns the connection into a WebSocket. The request must ask for an upgrade, or it gets 426. A browser's request from another
  // site (Origin is neither this Host nor among allowed_origins) gets 403: cookies would go with it. Refused, or the client gone, the
  // handler goes without a call.
  void accept_websocket(std::unique_ptr<WebSocketHandler> handler);
  // Whether the client has gone; any thread. Long work asks now and then and stops.
  bool client_gone() const;

 private:
  void answer(HttpResponse response);

  std::shared_ptr<Exchange> exchange_;
};

struct HttpServerOptions {
  size_t header_bytes_max = 16 * 1024;
  size_t body_bytes_max = 64ull << 20;
  size_t bodies_bytes_max = 512ull << 20;  // of all requests under way, from the first byte to the answer
  size_t connections_max = 10'000;
  std::chrono::seconds idle_timeout{75};
  std::chrono::seconds read_timeout{30};  // for a whole header, and between pieces of a body
  size_t websocket_message_bytes_max = 64 * 1024;
  size_t websocket_queue_bytes_max = 1ull << 20;
  std::chrono::milliseconds websocket_ping_interval{30'000};
  // Sites other than the request's own Host whose pages may open WebSockets, as browsers write them ("https://wall.example.org");
  // "*" is all. Programs that are not browsers send no Origin and are not asked.
  std::vector<std::string> allowed_origins;
};

using HttpHandler = std::function<void(HttpRequest, HttpResponder)>;

class HttpServer {
 public:
  static Result<std::unique_ptr<HttpServer>> listen(EventLoopPool& loops, const Address& address, const HttpServerOptions& options,
                                                    HttpHandler handler);
  virtual ~HttpServer() = default;
  virtual Address address() const = 0;
  virtual size_t connections() const = 0;  // open now; any thread
  // Stops accepting. Requests under way are answered, each connection ends with its next answer.
  virtual void close() = 0;
};

// "a=1&b=x%20y+z" -> pairs, decoded. For query strings and form bodies. A '%' without two hex digits stays as it is.
std::vector<std::pair<std::string, std::string>> parse_form(std::string_view text);
std::string percent_decode(std::string_view text);

}  // namespace campanile::net
