// BrokerServer: a broker on real loops and an HTTP server with one handler beside it, for the resources that look at the broker.
//
//   BrokerServer server;
//   ClientsResource clients(server.broker(), server.background());
//   server.serve([&](auto request, auto responder) { clients.list(std::move(request), std::move(responder)); });
//   MqttConnection client(server, "neosensor-1");
#pragma once

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "api/background.h"
#include "base/worker_pool.h"
#include "broker/broker.h"
#include "kv/store.h"
#include "mqtt/encode.h"
#include "tests/api/test_server.h"

namespace campanile::api {

// Durable as soon as appended.
class InstantJournal final : public journal::Journal {
 public:
  Result<journal::Lsn> append(journal::RecordType, std::string_view head, std::string_view tail) override { return end_ += head.size() + tail.size() + 16; }
  Result<journal::Lsn> append_together(std::span<const journal::NewRecord> records) override { return end_ += 16 * records.size(); }
  journal::Lsn durable() const override { return end_; }
  journal::Lsn end() const override { return end_; }
  journal::JournalStatus status() const override { return {.end = end_, .durable = end_}; }
  void add_listener(journal::CommitListener) override {}
  Result<void> wait_durable(journal::Lsn) override { return {}; }
  Result<void> truncate_before(journal::Lsn) override { return {}; }
  Result<std::unique_ptr<journal::SegmentHold>> hold_segments() override { return fail(ErrorCode::kUnsupported, "a journal without files"); }

 private:
  std::atomic<journal::Lsn> end_{1000};
};

class RecordingSink final : public broker::MessageSink {
 public:
  Result<journal::Awaited> accept(const broker::ReceivedMessage& message) override {
    const std::lock_guard lock(mutex_);
    accepted_.push_back(std::string(message.topic) + "=" + std::string(message.payload));
    return journal::Awaited{};
  }
  bool wants(std::string_view) override { return false; }
  std::vector<std::string> accepted() const {
    const std::lock_guard lock(mutex_);
    return accepted_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> accepted_;
};

class EverybodyIn final : public broker::Authenticator {
 public:
  Result<std::string> authenticate(const broker::Login& login) override { return std::string(login.user.value_or("")); }
};

class BrokerServer {
 public:
  BrokerServer() : store_(kv::make_memory_store()), loops_(2), workers_(WorkerPoolOptions{.threads = 1, .queue_max = 64}) {
    retained_ = std::move(*broker::RetainedStore::load(*store_, {}));
    retained_->attach(journal_);
    sessions_ = std::move(*broker::SessionStore::load(*store_));
    sessions_->attach(journal_);
    auto made = broker::Broker::create({}, {.loops = {&loops_.at(0), &loops_.at(1)},
                                            .journal = journal_,
                                            .retained = *retained_,
                                            .sessions = *sessions_,
                                            .sink = sink_,
                                            .authenticator = authenticator_,
                                            .clock = clock_,
                                            .metrics = metrics_});
    EXPECT_TRUE(made);
    broker_ = std::move(*made);
    loops_.start();
    auto listening = net::TcpListener::listen(loops_, {"127.0.0.1", 0}, {}, [this](net::EventLoop& loop) { return broker_->make_handler(loop); });
    EXPECT_TRUE(listening);
    mqtt_ = std::move(*listening);
  }
  ~BrokerServer() {
    http_.reset();
    mqtt_->close();
    broker_->shut_down();
    loops_.stop();
    workers_.stop();
  }

  void serve(net::HttpHandler handler) { http_ = std::make_unique<TestServer>(std::move(handler)); }
  Answer ask(const std::string& request) { return http_->ask(request); }
  // The body as JSON; the status must be 200.
  boost::json::value get(const std::string& path) {
    const Answer answer = http_->get(path);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return boost::json::parse(answer.body);
  }

  broker::Broker& broker() { return *broker_; }
  broker::RetainedStore& retained() { return *retained_; }
  RecordingSink& sink() { return sink_; }
  const Clock& clock() const { return clock_; }
  uint16_t mqtt_port() const { return mqtt_->address().port; }
  Background background() {
    return [this](WorkerPool::Task task) { return workers_.submit(std::move(task)); };
  }

 private:
  SystemClock clock_;
  Metrics metrics_;
  std::unique_ptr<kv::Store> store_;
  InstantJournal journal_;
  RecordingSink sink_;
  EverybodyIn authenticator_;
  net::EventLoopPool loops_;
  WorkerPool workers_;
  std::unique_ptr<broker::RetainedStore> retained_;
  std::unique_ptr<broker::SessionStore> sessions_;
  std::unique_ptr<broker::Broker> broker_;
  std::unique_ptr<net::TcpListener> mqtt_;
  std::unique_ptr<TestServer> http_;
};

// A client that is connected when the constructor returns.
class MqttConnection {
 public:
  MqttConnection(BrokerServer& server, std::string_view id, std::string_view user = "") : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{.tv_sec = 20};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.mqtt_port());
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    std::string bytes;
    mqtt::OutgoingConnect connect{.clean_start = false, .keep_alive_s = 60, .client_id = id};
    if (!user.empty()) connect.user = user;
    mqtt::encode_connect(bytes, connect);
    send(bytes);
    EXPECT_EQ(read(4).size(), 4u);  // CONNACK
  }
  ~MqttConnection() { close(fd_); }

  void subscribe(std::string_view filter, uint8_t qos) {
    std::string bytes;
    const mqtt::SubscribeEntry entry{.filter = filter, .qos = qos};
    mqtt::encode_subscribe(bytes, mqtt::ProtocolVersion::kV311, 1, {&entry, 1});
    send(bytes);
    EXPECT_EQ(read(5).size(), 5u);  // SUBACK
  }
  // Until that many have come, or the other side has closed.
  std::string read(size_t bytes) {
    std::string got(bytes, '\0');
    size_t have = 0;
    while (have < bytes) {
      const ssize_t count = recv(fd_, got.data() + have, bytes - have, 0);
      if (count <= 0) break;
      have += static_cast<size_t>(count);
    }
    got.resize(have);
    return got;
  }

 private:
  void send(const std::string& bytes) { EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size())); }
  const int fd_;
};

}  // namespace campanile::api
