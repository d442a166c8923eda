// Link: one network connection of a client, from accept to close: bytes -> ServerConnection -> session, store and receivers -> answers.
//
//   on_publish: limits -> retain -> MessageSink::accept -> fan-out -> acknowledge once durable
//
// A PUBLISH of QoS 1 or 2 is acknowledged by committed(), in the order of reception [MQTT-4.6.0-2, 4.6.0-3], after the journal has
// everything that the connection sent up to then. Where the store has no room, or more than uncommitted_bytes_max wait for it, the
// packet stays in the input and the connection is not read.
// The sources: link.cc is its life, link_connect.cc, link_publish.cc and link_subscribe.cc answer the packets of that kind.
// Threads: its loop's. Ownership: shared by its connection, its session, and tasks under way.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker_loop.h"
#include "broker/deadline_wheel.h"
#include "broker/listener_profile.h"
#include "broker/session.h"
#include "mqtt/server_connection.h"
#include "net/tcp.h"

namespace campanile::broker {

// What only the connection's loop knows of it.
struct LinkStatus {
  std::string peer;
  std::string user;  // empty: anonymous
  std::string listener;  // that it came through
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::kV311;
  uint16_t keep_alive_s = 0;  // as agreed; 0: none
  uint64_t messages_in = 0;   // over this connection
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  size_t unsent_bytes = 0;
  std::string will_topic;  // empty: no will
};

class Link final : public std::enable_shared_from_this<Link>, public net::TcpHandler, public mqtt::ServerHandler {
 public:
  // The profile outlives the link.
  Link(BrokerLoop& loop, const ListenerProfile& profile);
  ~Link() override;

  BrokerLoop& loop() { return loop_; }
  WheelPlace wheel_place;

  void on_open(net::TcpConnection& connection) override;
  size_t on_bytes(net::TcpConnection& connection, std::string_view bytes) override;
  void on_send_queue_low(net::TcpConnection& connection) override;
  void on_closed(net::TcpConnection& connection, std::string_view reason) override;

  // What the session's outbox held.
  void send_output(std::string bytes, bool more);
  void on_deadline(int64_t steady_ns);
  // Another connection has the session now, or it was ended [MQTT-3.1.4-3].
  void taken_over();
  void shut_down();
  void disconnect_by_operator();
  LinkStatus status() const;

 private:
  struct Acknowledgement {
    uint16_t packet_id = 0;
    mqtt::PacketType type = mqtt::PacketType::kPuback;
    mqtt::ReasonCode reason = mqtt::ReasonCode::kSuccess;
  };
  // The acknowledgements of one portion of input, and the position in the journal that they wait for.
  struct Batch {
    std::vector<Acknowledgement> acknowledgements;
    journal::Awaited awaited;
    size_t bytes = 0;
  };

  void on_connect(const mqtt::ConnectPacket& packet) override;
  mqtt::Taken on_publish(const mqtt::PublishPacket& packet) override;
  void on_ack(const mqtt::AckPacket& packet) override;
  void on_release(const mqtt::AckPacket& packet) override;
  void on_subscribe(const mqtt::SubscribePacket& packet) override;
  void on_unsubscribe(const mqtt::UnsubscribePacket& packet) override;
  void on_disconnect(const mqtt::DisconnectPacket& packet) override;
  void on_violation(const mqtt::Violation& violation) override;

  // CONNECT
  bool log_in(const mqtt::ConnectPacket& packet, const std::string& client_id);
  bool log_in_bridge(const std::string& client_id);
  // The client's name for its session inside the broker; nothing where it could be mistaken for another listener's.
  std::optional<std::string> mounted_client_id(std::string_view client_id) const;
  uint32_t session_expiry(const mqtt::ConnectPacket& packet) const;
  mqtt::PropertyWriter terms_told(const mqtt::ConnectPacket& packet, const LinkTerms& terms, std::string_view client_id) const;
  // Null: it was refused. REQUIRES: the packet has one.
  std::shared_ptr<Will> make_will(const mqtt::ConnectPacket& packet, const std::string& client_id);
  void refuse(mqtt::ReasonCode reason, std::string_view why);

  // PUBLISH
  static bool is_brokers_own(std::string_view topic, std::string_view payload, std::string_view client_id);
  bool is_denied(const mqtt::PublishPacket& packet);
  bool has_been_here(const mqtt::PublishPacket& packet) const;
  mqtt::Taken mount_and_deliver(const mqtt::PublishPacket& packet);
  mqtt::Taken store_and_deliver(const mqtt::PublishPacket& packet);
  // The journal position of the retained message; nothing where the packet must wait or the link has been closed.
  std::optional<journal::Lsn> retain(Publication& publication);
  // Waits for room, or closes the connection: the message will come again.
  mqtt::Taken not_stored(const Error& error);
  void not_recorded(const mqtt::AckPacket& packet, const Error& error, void (Link::*again)(const mqtt::AckPacket&));
  void acknowledge_later(const mqtt::PublishPacket& packet, const journal::Awaited& awaited, mqtt::ReasonCode reason);
  Batch& batch();
  void commit_batch();
  void committed(const Batch& batch, const Result<void>& stored);
  void storage_failed(const Error& error);
  void complain(std::string_view client_id, std::string_view what, const Error& error);
  void pause_reading();
  void retry_soon();
  void resume_reading();

  // SUBSCRIBE
  void violate(const mqtt::Violation& violation);
  void subscribe_all(const mqtt::SubscribePacket& packet);
  mqtt::ReasonCode subscribe(const mqtt::SubscribeEntry& entry, uint32_t identifier, bool& wants_retained, journal::Lsn& lsn);
  // Now, or once `lsn` is durable, in order.
  void when_durable(journal::Lsn lsn, std::move_only_function<void()> action);

  void take_acknowledged();
  void hold_input(size_t bytes);
  std::string& out() { return loop_.scratch(); }
  void look_again(int64_t steady_ns);
  void send_out();
  void hold_output(journal::Lsn lsn);
  void flush_session();
  void end_if_closed();
  void end();

  BrokerLoop& loop_;
  const ListenerProfile& profile_;
  mqtt::ServerConnection protocol_;
  std::shared_ptr<net::TcpConnection> connection_;  // null before on_open() and after on_closed()
  std::shared_ptr<Session> session_;                // from CONNECT on
  std::string user_;
  struct Held {
    std::string answers;   // CONNACK first
    std::string messages;  // of the session's outbox
  };
  std::unique_ptr<Held> held_;                      // what is sent once CONNACK may be; null: nothing waits
  std::unique_ptr<Batch> batch_;     // null between portions of input
  size_t uncommitted_bytes_ = 0;
  uint32_t batches_unsynced_ = 0;    // that wait for the journal's sync
  uint64_t messages_in_ = 0;
  uint64_t bytes_in_ = 0;
  uint64_t bytes_out_ = 0;
  // Of the packet that waits for room, what is done already.
  static constexpr journal::Lsn kNotYet = UINT64_MAX;
  journal::Lsn retained_lsn_ = kNotYet;
  std::optional<journal::Awaited> accepted_;
  uint32_t input_charged_ = 0;       // of the input budget
  uint16_t keep_alive_s_ = 0;
  bool paused_ = false;
  bool bridge_ = false;              // version 3: every subscription is no-local and retain-as-published
  bool session_written_ = false;     // the session's outbox may hold answers to the input at hand
  bool ended_ = false;
  bool read_only_ = false;           // a guest: what it publishes is dropped
};

}  // namespace campanile::broker
