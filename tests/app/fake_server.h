// FakeServer: an MQTT server on a free port of this machine, as small as the client tools need for their tests: it acknowledges what comes, passes
// it on with QoS 0 to whoever subscribed, and lets the test look at it and break connections.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "mqtt/server_connection.h"
#include "mqtt/topic.h"
#include "net/tcp.h"

namespace campanile::app {

struct SeenMessage {
  std::string topic;
  std::string payload;
  uint8_t qos = 0;
  bool retain = false;
};

// Polls until the condition holds; false after a generous limit.
inline bool eventually(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

class FakeServer {
 public:
  FakeServer() {
    loops_.start();
    auto listener = net::TcpListener::listen(loops_, {"127.0.0.1", 0}, {}, [this](net::EventLoop&) { return std::make_unique<Peer>(*this); });
    if (listener) listener_ = std::move(*listener);
  }
  ~FakeServer() {
    listener_->close();
    loops_.stop();
  }

  net::Address address() const { return listener_->address(); }
  std::string port() const { return std::to_string(address().port); }
  std::vector<SeenMessage> messages() const {
    const std::lock_guard lock(mutex_);
    return messages_;
  }
  std::vector<std::string> client_ids() const {
    const std::lock_guard lock(mutex_);
    return client_ids_;
  }
  size_t disconnects() const { return disconnects_; }  // that clients announced
  // Logins are turned away with this reason from now on.
  void refuse_with(mqtt::ReasonCode reason) { refusal_ = reason; }
  void refuse_subscriptions() { refuses_subscriptions_ = true; }
  // Cuts every connection, without a word.
  void cut() {
    run([this] {
      for (Peer* peer : std::set<Peer*>(peers_)) peer->tcp->abort();
    });
  }
  // Sends to every subscriber of the topic.
  void send(const std::string& topic, const std::string& payload, bool retain = false) {
    run([&] { deliver(topic, payload, retain); });
  }
  size_t connections() {
    size_t count = 0;
    run([&] { count = peers_.size(); });
    return count;
  }
  size_t subscribers() {
    size_t count = 0;
    run([&] {
      for (const Peer* peer : peers_) count += !peer->filters.empty();
    });
    return count;
  }

 private:
  struct Peer final : net::TcpHandler, mqtt::ServerHandler {
    explicit Peer(FakeServer& its_server) : server(its_server), protocol(its_server.settings_, 0) {}

    void on_open(net::TcpConnection& connection) override {
      tcp = &connection;
      server.peers_.insert(this);
    }
    size_t on_bytes(net::TcpConnection& connection, std::string_view bytes) override {
      const size_t used = protocol.receive(bytes, 0, out, *this);
      flush();
      if (protocol.closed()) connection.close();
      return used;
    }
    void on_closed(net::TcpConnection&, std::string_view) override { server.peers_.erase(this); }

    void on_connect(const mqtt::ConnectPacket& packet) override {
      if (server.refusal_ != mqtt::ReasonCode::kSuccess) return protocol.refuse(out, server.refusal_, "no");
      {
        const std::lock_guard lock(server.mutex_);
        server.client_ids_.emplace_back(packet.client_id);
      }
      protocol.accept(out, false, packet.keep_alive_s, {});
    }
    mqtt::Taken on_publish(const mqtt::PublishPacket& packet) override {
      {
        const std::lock_guard lock(server.mutex_);
        server.messages_.push_back({std::string(packet.topic), std::string(packet.payload), packet.qos, packet.retain});
      }
      if (packet.qos > 0) answer(packet.qos == 1 ? mqtt::PacketType::kPuback : mqtt::PacketType::kPubrec, packet.packet_id);
      if (packet.qos == 1) protocol.release_receive();
      server.deliver(packet.topic, packet.payload, false);
      return mqtt::Taken::kYes;
    }
    void on_ack(const mqtt::AckPacket&) override {}
    void on_release(const mqtt::AckPacket& packet) override {
      answer(mqtt::PacketType::kPubcomp, packet.packet_id);
      protocol.release_receive();
    }
    void on_subscribe(const mqtt::SubscribePacket& packet) override {
      std::vector<mqtt::ReasonCode> reasons;
      for (const mqtt::SubscribeEntry& entry : packet.entries) {
        reasons.push_back(server.refuses_subscriptions_ ? mqtt::ReasonCode::kNotAuthorized : static_cast<mqtt::ReasonCode>(entry.qos));
        if (!server.refuses_subscriptions_) filters.emplace_back(entry.filter);
      }
      mqtt::encode_suback(out, protocol.version(), packet.packet_id, reasons);
    }
    void on_unsubscribe(const mqtt::UnsubscribePacket& packet) override {
      const std::vector<mqtt::ReasonCode> reasons(packet.filters.size(), mqtt::ReasonCode::kSuccess);
      mqtt::encode_unsuback(out, protocol.version(), packet.packet_id, reasons);
    }
    void on_disconnect(const mqtt::DisconnectPacket&) override { ++server.disconnects_; }
    void on_violation(const mqtt::Violation&) override {}

    void answer(mqtt::PacketType type, uint16_t packet_id) { mqtt::encode_ack(out, protocol.version(), type, packet_id); }
    void flush() {
      if (!out.empty()) tcp->send(std::exchange(out, {}));
    }

    FakeServer& server;
    mqtt::ServerConnection protocol;
    net::TcpConnection* tcp = nullptr;
    std::string out;
    std::vector<std::string> filters;
  };

  void deliver(std::string_view topic, std::string_view payload, bool retain) {
    for (Peer* peer : peers_) {
      const bool wanted = std::any_of(peer->filters.begin(), peer->filters.end(),
                                      [&](const std::string& filter) { return mqtt::topic_matches(filter, topic); });
      if (!wanted) continue;
      mqtt::encode_publish(peer->out, peer->protocol.version(), {.topic = topic, .payload = payload, .retain = retain});
      peer->flush();
    }
  }
  void run(const std::function<void()>& work) {
    // Shared, since the waiter may be gone before set_value() has quite returned.
    const auto done = std::make_shared<std::promise<void>>();
    loops_.at(0).post([&work, done] {
      work();
      done->set_value();
    });
    done->get_future().wait();
  }

  const mqtt::ServerSettings settings_;
  mutable std::mutex mutex_;
  std::vector<SeenMessage> messages_;
  std::vector<std::string> client_ids_;
  std::atomic<size_t> disconnects_ = 0;
  std::atomic<mqtt::ReasonCode> refusal_ = mqtt::ReasonCode::kSuccess;
  std::atomic<bool> refuses_subscriptions_ = false;
  std::set<Peer*> peers_;  // on the loop
  std::unique_ptr<net::TcpListener> listener_;
  net::EventLoopPool loops_{1};
};

}  // namespace campanile::app
