#include "net/http_server.h"

#include "net/http_connection.h"

namespace campanile::net {
namespace {

// Connections beyond connections_max that are still told so; further ones are closed without a word.
constexpr size_t kRefusalsMax = 256;

class Server final : public HttpServer {
 public:
  Server(std::shared_ptr<HttpServing> serving, std::unique_ptr<TcpListener> listener)
      : serving_(std::move(serving)), listener_(std::move(listener)) {}
  ~Server() override { close(); }
  Address address() const override { return listener_->address(); }
  size_t connections() const override { return *serving_->connections; }
  void close() override {
    serving_->closing = true;
    listener_->close();
  }

 private:
  const std::shared_ptr<HttpServing> serving_;
  const std::unique_ptr<TcpListener> listener_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(EventLoopPool& loops, const Address& address,
                                                       const HttpServerOptions& options, HttpHandler handler) {
  auto serving = std::make_shared<HttpServing>();
  serving->options = options;
  serving->handler = std::move(handler);
  const TcpOptions tcp{
      // What a connection may hold unread: a header, pipelined requests, or a WebSocket message.
      .input_bytes_max = std::max(options.header_bytes_max, options.websocket_message_bytes_max) + (1 << 20),
      .connections_max = options.connections_max + kRefusalsMax,
  };
  auto listener = TRY(TcpListener::listen(loops, address, tcp, [serving](EventLoop&) {
    const bool refused = *serving->connections >= serving->options.connections_max;
    return std::make_shared<HttpConnection>(serving, refused ? ConnectionSlot() : ConnectionSlot(serving->connections),
                                            refused);
  }));
  return std::make_unique<Server>(std::move(serving), std::move(listener));
}

}  // namespace campanile::net
