// ServerConnection: the server's side of one MQTT connection, without a socket and without a clock. It turns bytes into calls of a
// handler, keeps the rules of the connection (what may come when, receive maximum, topic aliases, keep-alive) and answers what
// the protocol answers by itself. Sessions and their messages are the broker's.
//
//   ServerConnection connection(settings, now);
//   used = connection.receive(bytes, now, out, handler);    // inside on_connect() the handler calls accept() or refuse()
//   connection.notify_timer(now, out, handler);             // at deadline_ns() or later
//   if (connection.closed()) close the socket once `out` is sent;
//
// `out` is where every call appends the bytes to send. Threads: one owner. Ownership: views live for the call; the settings
// outlive the connection. Size: about fifty bytes while idle. Errors: a violation is answered as the version wants it
// (CONNACK, DISCONNECT or nothing [section 4.13]), told to on_violation(), and closes the connection.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mqtt/encode.h"
#include "mqtt/packets.h"
#include "mqtt/protocol.h"
#include "mqtt/wire.h"

namespace campanile::mqtt {

struct ServerSettings {
  Limits limits;
  uint32_t connect_timeout_s = 10;       // from opening to a complete CONNECT
  uint32_t packet_timeout_s = 60;        // from the first bytes of a packet to its last, once connected
  uint32_t connect_bytes_max = 1u << 20; // of a CONNECT, which comes before anybody is known
};

enum class Taken {
  kYes,
  kLater,  // the packet stays in the input: receive() returns and gets it again
};

class ServerHandler {
 public:
  virtual ~ServerHandler() = default;
  // REQUIRES of the handler: accept() or refuse() before it returns.
  virtual void on_connect(const ConnectPacket& packet) = 0;
  // The topic is valid and aliases are resolved.
  virtual Taken on_publish(const PublishPacket& packet) = 0;
  // PUBACK, PUBREC or PUBCOMP of a message that was sent to the client.
  virtual void on_ack(const AckPacket& packet) = 0;
  // PUBREL of a message that came from the client.
  virtual void on_release(const AckPacket& packet) = 0;
  virtual void on_subscribe(const SubscribePacket& packet) = 0;
  virtual void on_unsubscribe(const UnsubscribePacket& packet) = 0;
  // The client is done; nothing is answered.
  virtual void on_disconnect(const DisconnectPacket& packet) = 0;
  virtual void on_violation(const Violation& violation) = 0;
};

class ServerConnection {
 public:
  // REQUIRES: `settings` outlives the connection. Times are of any steady clock.
  ServerConnection(const ServerSettings& settings, int64_t now_ns);

  // Takes whole packets from `bytes` and returns how many bytes were used.
  size_t receive(std::string_view bytes, int64_t now_ns, std::string& out, ServerHandler& handler);

  // Whether the client takes a packet of that size [MQTT-3.1.2-24].
  bool fits(size_t packet_bytes) const { return packet_bytes <= peer_packet_bytes_max_; }
  // The answers to CONNECT. accept() REQUIRES connack_fits(); a refusal that does not fit is left out. `keep_alive_s` is what is enforced, times one and a half [MQTT-3.1.2-22].
  bool connack_fits(const PropertyWriter& properties) const;
  void accept(std::string& out, bool session_present, uint16_t keep_alive_s, const PropertyWriter& properties);
  void refuse(std::string& out, ReasonCode reason, std::string_view why);

  // Ends the connection from the server's side: DISCONNECT with version 5, nothing with version 3.
  void disconnect(std::string& out, ReasonCode reason, std::string_view why);
  // A QoS 1 or 2 message has been acknowledged, or was a duplicate: it no longer counts against the receive maximum.
  void release_receive() { receiving_ -= receiving_ > 0; }

  // The owner has not been reading: silence until now was its own doing.
  void excuse_silence(int64_t now_ns) {
    heard_ns_ = now_ns;
    if (begun_ns_ != kNotBegun) begun_ns_ = now_ns;
  }
  // Closes a connection that has been silent for too long [MQTT-3.1.2-22], brought no CONNECT, or does not end the packet it began: who
  // drips bytes would otherwise hold a buffer for ever, since a keep-alive of 0 knows no silence.
  void notify_timer(int64_t now_ns, std::string& out, ServerHandler& handler);
  int64_t deadline_ns() const;  // INT64_MAX: none

  // How many packets receive() has taken since the last call.
  uint32_t take_packet_count() { return std::exchange(packets_, 0); }

  ProtocolVersion version() const { return version_; }
  bool connected() const { return state_ == State::kConnected; }
  bool closed() const { return state_ == State::kClosed; }

 private:
  enum class State : uint8_t { kWaiting, kConnecting, kConnected, kClosed };
  struct Aliases {
    std::vector<std::string> topics;  // by alias - 1; empty: not set
  };

  Taken dispatch(const Frame& frame, std::string& out, ServerHandler& handler);
  void receive_connect(const Frame& frame, std::string& out, ServerHandler& handler);
  Taken receive_publish(const Frame& frame, std::string& out, ServerHandler& handler);
  bool resolve_alias(PublishPacket& packet, std::string& out, ServerHandler& handler);
  void keep_alias(const PublishPacket& packet);
  void violate(const Violation& violation, std::string& out, ServerHandler& handler);

  const ServerSettings& settings_;
  static constexpr int64_t kNotBegun = INT64_MIN;

  int64_t heard_ns_;
  int64_t begun_ns_ = kNotBegun;  // when the first bytes of the packet that is not complete came
  std::unique_ptr<Aliases> aliases_;  // made with the first alias
  uint32_t silence_max_ms_ = 0;
  uint32_t peer_packet_bytes_max_ = UINT32_MAX;
  uint32_t packets_ = 0;
  uint16_t receiving_ = 0;
  ProtocolVersion version_ = ProtocolVersion::kV311;
  State state_ = State::kWaiting;
};

}  // namespace campanile::mqtt
