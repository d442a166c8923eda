// FaithfulClient: a client that forgets nothing, and does what the standard asks of it over whatever connections it is given [section 4.3].
//
//   FaithfulClient client("p1", "t/p1");
//   client.connect(connection);           // CONNECT; once let in, everything that is not acknowledged goes out again
//   client.publish(2, "payload");
//   client.read(false);                   // takes what has come, and answers
//
// Threads: that of the test.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mqtt/decode.h"
#include "mqtt/encode.h"
#include "tests/broker/fakes.h"

namespace campanile::broker {

class FaithfulClient {
 public:
  explicit FaithfulClient(std::string its_id, std::string its_topic) : id(std::move(its_id)), topic(std::move(its_topic)) {}

  // A new connection, on which CONNECT is sent. What was read of the one before and not answered is lost.
  void connect(std::shared_ptr<FakeConnection> made) {
    late_.clear();
    input_.clear();
    connected_ = false;
    connection = std::move(made);
    std::string packet;
    mqtt::encode_connect(packet, {.version = kVersion, .clean_start = false, .keep_alive_s = 0, .client_id = id});
    connection->feed(packet);
  }
  void drop() {
    if (connection) connection->lose("connection reset");
    connection.reset();
  }
  void forget_connection() { connection.reset(); }

  void publish(uint8_t qos, std::string payload) {
    do {
      ++next_id_;
    } while (next_id_ == 0 || outgoing.contains(next_id_));
    outgoing[next_id_] = {.payload = payload, .qos = qos, .order = ++published_};
    (qos == 2 ? exactly_once : at_least_once).insert(std::move(payload));
    if (connected_ && connection) send_publish(next_id_, false);
  }

  void subscribe(std::string_view filter, uint8_t qos) {
    const mqtt::SubscribeEntry entry{.filter = filter, .qos = qos};
    std::string packet;
    mqtt::encode_subscribe(packet, kVersion, 1, {&entry, 1}, 0);
    connection->feed(packet);
  }

  // Takes some of what has come. `lazy`: leaves acknowledgements for later.
  void read(bool lazy) {
    if (!connection) return;
    for (auto& kept : std::exchange(late_, {})) connection->feed(kept);
    input_ += connection->take();
    for (;;) {
      const auto frame = mqtt::next_frame(input_, SIZE_MAX);
      ASSERT_TRUE(frame);
      if (!*frame) break;
      take(**frame, lazy);
      if (!connection) return;
      input_.erase(0, (*frame)->size);
    }
    if (connection->closing) connection.reset();
    if (!connection) input_.clear();
  }
  bool idle() const { return outgoing.empty() && incoming.empty() && late_.empty(); }

  struct Outgoing {
    std::string payload;
    uint8_t qos = 1;
    int order = 0;
    bool received = false;
  };
  const std::string id, topic;
  std::shared_ptr<FakeConnection> connection;
  std::map<uint16_t, Outgoing> outgoing;
  std::set<std::string> at_least_once, exactly_once;  // payloads that were published
  std::set<uint16_t> incoming;
  std::multiset<std::string> got;
  bool subscribed = false;

 private:
  using PacketType = mqtt::PacketType;
  static constexpr auto kVersion = mqtt::ProtocolVersion::kV311;

  void take(const mqtt::Frame& frame, bool lazy) {
    switch (frame.type) {
      case PacketType::kConnack: return connack(frame);
      case PacketType::kSuback: subscribed = true; return;
      case PacketType::kPublish: return publish_came(frame, lazy);
      default: break;
    }
    const auto packet = mqtt::decode_ack(frame, kVersion);
    ASSERT_TRUE(packet);
    const auto found = outgoing.find(packet->packet_id);
    if (frame.type == PacketType::kPubrel) {
      incoming.erase(packet->packet_id);
      answer(PacketType::kPubcomp, packet->packet_id, lazy);
    } else if (found != outgoing.end()) {
      if (frame.type == PacketType::kPubrec) {
        found->second.received = true;
        answer(PacketType::kPubrel, packet->packet_id, lazy);
      } else {
        outgoing.erase(found);
      }
    }
  }
  void connack(const mqtt::Frame& frame) {
    connected_ = true;
    const auto packet = mqtt::decode_connack(frame.body, kVersion);
    ASSERT_TRUE(packet);
    ASSERT_EQ(packet->reason, mqtt::ReasonCode::kSuccess);
    EXPECT_TRUE(packet->session_present || !had_session_) << id << ": a session that was acknowledged is gone";
    had_session_ = true;
    std::map<int, uint16_t> in_order;
    for (const auto& [packet_id, message] : outgoing) in_order[message.order] = packet_id;
    for (const auto& [order, packet_id] : in_order) {
      if (outgoing[packet_id].received) {
        answer(PacketType::kPubrel, packet_id, false);
      } else {
        send_publish(packet_id, true);
      }
    }
  }
  void publish_came(const mqtt::Frame& frame, bool lazy) {
    const auto packet = mqtt::decode_publish(frame, kVersion, mqtt::Limits{});
    ASSERT_TRUE(packet);
    const std::string payload(packet->payload);
    if (packet->qos == 1) {
      got.insert(payload);
      answer(PacketType::kPuback, packet->packet_id, lazy);
    } else if (packet->qos == 2) {
      if (incoming.insert(packet->packet_id).second) got.insert(payload);
      answer(PacketType::kPubrec, packet->packet_id, lazy);
    }
  }
  void send_publish(uint16_t packet_id, bool duplicate) {
    const Outgoing& message = outgoing[packet_id];
    std::string packet;
    mqtt::encode_publish(packet, kVersion, {.topic = topic, .payload = message.payload, .qos = message.qos, .duplicate = duplicate, .packet_id = packet_id});
    connection->feed(packet);
  }
  void answer(PacketType type, uint16_t packet_id, bool lazy) {
    std::string packet;
    mqtt::encode_ack(packet, kVersion, type, packet_id);
    if (lazy || !late_.empty()) {
      late_.push_back(std::move(packet));
    } else {
      connection->feed(packet);
    }
  }

  std::string input_;
  std::vector<std::string> late_;
  bool connected_ = false;
  bool had_session_ = false;
  uint16_t next_id_ = 0;
  int published_ = 0;
};

}  // namespace campanile::broker
