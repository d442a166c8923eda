// ClientConnection: the client's side of one MQTT session, without a socket and without a clock. The owner moves bytes between
// it and the network and tells it the time.
//
//   ClientConnection client(options, handler);
//   client.start(clock.steady_ns());                      // once TCP is up: queues CONNECT
//   socket.send(client.take_output());                    // after every call below
//   used = client.receive(bytes, clock.steady_ns());      // feed what came; bytes beyond `used` come again with more behind them
//   client.publish({.topic = "u4/302/co2", .payload = "412", .qos = 1}, [](const PublishResult& result) { ... });
//   client.notify_timer(clock.steady_ns());               // about once a second, or at next_timer_ns()
//   client.connection_lost();                             // TCP is gone; start() may be called again on a new connection
//
// Incoming messages of QoS 1 and 2 are acknowledged by the connection itself, after on_message() has returned.
// Threads: one owner. Ownership: views given to callbacks live for the call; what is passed in is copied.
// Limits: options.in_flight_max publishes wait for their acknowledgement, then publish() answers kOverloaded until a
// callback has run. A QoS 0 message is done as soon as it stands in the output.
// Errors: where the server breaks the protocol, refuses, or falls silent, on_failed() tells once; the owner closes TCP.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "mqtt/protocol.h"

namespace campanile::mqtt {

struct ClientWill {
  std::string topic;
  std::string payload;
  uint8_t qos = 0;
  bool retain = false;
  uint32_t delay_s = 0;  // version 5
};

struct ClientOptions {
  ProtocolVersion version = ProtocolVersion::kV311;
  std::string client_id;  // empty: the server picks one (needs clean_start with version 3)
  bool clean_start = true;  // "clean session" in version 3
  uint16_t keep_alive_s = 60;  // 0: no pings
  std::optional<std::string> user;
  std::optional<std::string> password;
  std::optional<ClientWill> will;
  std::optional<uint32_t> session_expiry_s;      // version 5; 0xFFFFFFFF: never
  std::optional<uint16_t> receive_maximum;       // version 5
  std::vector<std::pair<std::string, std::string>> user_properties;  // version 5, of CONNECT
  Limits limits{.packet_bytes_max = kPacketBytesLimit};
  uint16_t in_flight_max = 1000;
  uint32_t connect_timeout_s = 10;  // for the CONNACK
};

// The server's answer to CONNECT.
struct ConnectResult {
  bool session_present = false;
  std::string client_id;  // the assigned one where the server picked it
  uint16_t keep_alive_s = 0;  // in force
  uint8_t maximum_qos = 2;
  bool retain_available = true;
};

struct IncomingMessage {
  std::string_view topic;
  std::string_view payload;
  uint8_t qos = 0;
  bool retain = false;
  bool duplicate = false;
  uint16_t packet_id = 0;  // 0 with QoS 0
  std::string_view properties;  // version 5, encoded as received; decode_properties() reads them
};

class ClientHandler {
 public:
  virtual ~ClientHandler() = default;
  virtual void on_connected(const ConnectResult&) {}
  virtual void on_message(const IncomingMessage&) {}
  // The session cannot go on over this connection: close TCP once the output is sent. `reason` is what a CONNACK or DISCONNECT
  // said or would say. Errors: kUnauthenticated, kPermissionDenied, kUnavailable, kTimeout, kInvalidArgument, kUnsupported.
  virtual void on_failed(ReasonCode reason, const Error& error) = 0;
};

// One message to send. Views are copied by publish().
struct PublishRequest {
  std::string_view topic;
  std::string_view payload;
  uint8_t qos = 0;
  bool retain = false;
  std::string_view properties = {};  // version 5, encoded by PropertyWriter (mqtt/properties.h)
};

struct PublishResult {
  uint16_t packet_id = 0;
  ReasonCode reason = ReasonCode::kSuccess;  // an error: the server did not take the message and it is not sent again
};

struct SubscribeRequest {
  std::string_view filter;
  uint8_t qos = 0;
  bool no_local = false;             // version 5
  bool retain_as_published = false;  // version 5
  uint8_t retain_handling = 0;       // version 5: 0 always, 1 only a new subscription, 2 never
};

class ClientConnection {
 public:
  using PublishCallback = std::move_only_function<void(const PublishResult&)>;
  // One reason per filter in the order asked: granted QoS 0-2, or an error. Version 3's 0x80 is kUnspecifiedError;
  // version 3's UNSUBACK, which has none, gives kSuccess for each.
  using ReasonsCallback = std::move_only_function<void(std::span<const ReasonCode>)>;

  // REQUIRES: the handler outlives the connection.
  ClientConnection(ClientOptions options, ClientHandler& handler);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // Queues CONNECT, or tells on_failed() what in the options it cannot carry.
  // REQUIRES: not started, or connection_lost() since. `now_ns` here and below: any steady clock.
  void start(int64_t now_ns);
  // Takes what the network gave and returns how much of it was used; callbacks run inside. An incomplete packet is left.
  size_t receive(std::string_view bytes, int64_t now_ns);
  // The bytes to send, in order; empty when there is nothing. has_output() is cheap.
  std::string take_output();
  bool has_output() const;
  // Pings, and gives up on a server that does not answer.
  void notify_timer(int64_t now_ns);
  // When notify_timer() next has something to do; INT64_MAX for never.
  int64_t next_timer_ns() const;
  // TCP is gone. Publishes in flight stay and go out again after the next start(), with DUP where the server kept the session;
  // subscribes and unsubscribes in flight are answered with kUnspecifiedError.
  void connection_lost();

  // Errors: kUnavailable (not connected), kOverloaded (in_flight_max or the server's receive maximum reached), kInvalidArgument
  // (topic, QoS), kUnsupported (the server allows no such QoS or no retain), kTooLarge (over the server's maximum packet size).
  // With QoS 0 `done` runs before publish() returns.
  Result<void> publish(const PublishRequest& request, PublishCallback done = {});
  // Errors: kUnavailable, kInvalidArgument (a filter), kOverloaded, kTooLarge (over the server's maximum packet size).
  Result<void> subscribe(std::span<const SubscribeRequest> requests, ReasonsCallback done = {});
  Result<void> unsubscribe(std::span<const std::string_view> filters, ReasonsCallback done = {});
  // Queues DISCONNECT; the owner closes TCP once the output is sent. kDisconnectWithWill asks a version 5 server to send the will.
  void disconnect(ReasonCode reason = ReasonCode::kSuccess);

  bool connected() const;             // CONNACK has come and nothing has ended the session since
  size_t in_flight() const;           // publishes that wait for their acknowledgement
  bool can_publish() const;           // connected and below the in-flight limit
  const ClientOptions& options() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace campanile::mqtt
