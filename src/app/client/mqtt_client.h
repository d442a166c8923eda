// MqttClient: one MQTT connection to a server: mqtt::ClientConnection with a socket under it and a timer beside it.
//
//   auto client = std::make_shared<MqttClient>(loops, loops.at(0), options, events);
//   loops.at(0).post([client] { client->connect(); });
//   // events.on_connected(): client->publish({.topic = "u4/302/co2", .payload = "412", .qos = 1}, done);
//
// Threads: everything on the loop it was made for. Ownership: kept alive by shared_ptr; `events` must outlive it, or close() must have been
// called before. Limits: those of mqtt::ClientConnection; can_take() tells a sender of QoS 0 when the socket lags behind.
// Errors: events.on_closed() is the only end of a connection, after which connect() may be called again.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "mqtt/client_connection.h"
#include "net/tcp.h"

namespace campanile::app::client {

struct MqttClientOptions {
  net::ConnectOptions tcp;
  mqtt::ClientOptions mqtt;
};

// Why a connection ended.
struct Closed {
  enum class Cause {
    kAsked,      // by our own close()
    kUnreached,  // there was no connection to begin with: refused, unknown host, TLS
    kRefused,    // the server's CONNACK or DISCONNECT says no: `reason`
    kLost,       // the network, or the server without a word
  };
  Cause cause = Cause::kLost;
  mqtt::ReasonCode reason = mqtt::ReasonCode::kSuccess;
  bool was_connected = false;  // CONNACK had come
  std::string_view words;
};

class MqttClientEvents {
 public:
  virtual ~MqttClientEvents() = default;
  virtual void on_connected(const mqtt::ConnectResult&) {}
  virtual void on_message(const mqtt::IncomingMessage&) {}
  // Something acknowledged or sent: there may be room for more.
  virtual void on_room() {}
  virtual void on_closed(const Closed&) = 0;
};

class MqttClient : public std::enable_shared_from_this<MqttClient>, private mqtt::ClientHandler {
 public:
  MqttClient(net::EventLoopPool& loops, net::EventLoop& loop, MqttClientOptions options, MqttClientEvents& events);
  ~MqttClient() override;

  // REQUIRES: not connected nor connecting.
  void connect();
  // Says goodbye with DISCONNECT and closes; on_closed() comes later, unless there was no connection.
  void close(mqtt::ReasonCode reason = mqtt::ReasonCode::kSuccess);

  bool connected() const { return mqtt_.connected(); }
  // Whether publish() takes another message and the socket is not far behind.
  bool can_take() const;
  size_t in_flight() const { return mqtt_.in_flight(); }

  Result<void> publish(const mqtt::PublishRequest& request, mqtt::ClientConnection::PublishCallback done = {});
  Result<void> subscribe(std::span<const mqtt::SubscribeRequest> requests, mqtt::ClientConnection::ReasonsCallback done = {});
  Result<void> unsubscribe(std::span<const std::string_view> filters, mqtt::ClientConnection::ReasonsCallback done = {});

 private:
  class Socket;

  void on_connected(const mqtt::ConnectResult& result) override;
  void on_message(const mqtt::IncomingMessage& message) override;
  void on_failed(mqtt::ReasonCode reason, const Error& error) override;

  void opened();
  size_t received(std::string_view bytes);
  void lost(std::string_view reason);
  void flush();
  void arm_timer();
  int64_t now_ns() const;

  net::EventLoopPool& loops_;
  net::EventLoop& loop_;
  const net::ConnectOptions tcp_options_;
  MqttClientEvents& events_;
  mqtt::ClientConnection mqtt_;
  std::shared_ptr<net::TcpConnection> tcp_;
  std::optional<net::TimerId> timer_;
  bool open_ = false;       // TCP is up
  bool accepted_ = false;   // CONNACK has come on this connection
  bool closing_ = false;
  bool receiving_ = false;  // inside received(), which flushes at its end
  std::optional<mqtt::ReasonCode> close_wanted_;
  std::optional<mqtt::ReasonCode> failure_;
  std::string failure_words_;
};

}  // namespace campanile::app::client
