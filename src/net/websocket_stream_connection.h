// WebSocketStreamConnection: the server's side of one WebSocket that carries MQTT: upgrade request, then binary frames as a stream of
// bytes. Private to net.
//
// The path does not matter. The subprotocol must be "mqtt" [MQTT-6.0.0-3, 6.0.0-4], or "mqttv3.1" as clients of version 3.1 say. What
// the handler sends in one go is one frame.
//
// A browser sends its page's Origin. It is let in from every page where `any_origin` is set, otherwise from pages of the same host
// (whatever the port) and from `allowed_origins`: a broker that takes anybody must not take the scripts of any page somebody opens.
//
// Threads: the loop's. Limits: a request header of 16 KiB; net/layered_connection.h.
#pragma once

#include <memory>
#include <optional>

#include "net/http_request_reader.h"
#include "net/layered_connection.h"
#include "net/transport.h"
#include "net/websocket_stream.h"

namespace campanile::net {

class WebSocketStreamConnection final : public LayeredConnection {
 public:
  WebSocketStreamConnection(LayerOptions options, std::shared_ptr<const WebSocketTransport> websocket);

  void send(std::string_view bytes) override;

 protected:
  void start() override;
  size_t take(std::string_view bytes) override;
  void say_goodbye() override;
  std::string_view name() const override { return "WebSocket"; }

 private:
  size_t read_request(std::string_view bytes);
  void upgrade(const HttpRequest& request);
  void refuse(int status, std::string_view why, HttpHeaders headers = {});
  bool origin_allowed(const HttpRequest& request) const;

  const std::shared_ptr<const WebSocketTransport> websocket_;
  std::optional<HttpRequestReader> request_;  // until the upgrade
  WebSocketStreamReader reader_;
  bool close_sent_ = false;
};

}  // namespace campanile::net
