// A broker without threads, sockets, disk or clock: everything happens when the test says so.
//
//   Bench bench;                            // a broker on two loops
//   TestClient sub(bench, "sub");           // connected, version 3.1.1
//   sub.subscribe("a/#", 1);
//   EXPECT_EQ(sub.read(), "SUBACK(1:1)");
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "broker/broker.h"
#include "journal/journal.h"
#include "kv/store.h"
#include "mqtt/decode.h"
#include "mqtt/encode.h"
#include "net/certified_peer.h"
#include "net/tcp.h"

namespace campanile::broker {

class FakeLoop final : public net::EventLoop {
 public:
  FakeLoop(size_t index, ManualClock& clock) : index_(index), clock_(clock) {}
  // From any thread, as a real journal does.
  void post(net::Task task) override {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  net::TimerId run_after(std::chrono::milliseconds delay, net::Task task) override {
    timers_.emplace(clock_.steady_ns() + delay.count() * kNanosPerMilli, std::move(task));
    return ++timer_;
  }
  void cancel(net::TimerId) override {}
  bool is_current() const override { return true; }
  size_t index() const override { return index_; }
  // Runs what is due; false where there was nothing.
  bool run_some();

 private:
  const size_t index_;
  ManualClock& clock_;
  std::mutex mutex_;
  std::deque<net::Task> tasks_;
  std::multimap<int64_t, net::Task> timers_;
  net::TimerId timer_ = 0;
};

class FakeJournal final : public journal::Journal {
 public:
  Result<journal::Lsn> append(journal::RecordType type, std::string_view head, std::string_view tail) override {
    if (append_error) return std::unexpected(*append_error);
    records.emplace_back(type, std::string(head).append(tail));
    end_ += head.size() + tail.size() + 16;
    lsns.push_back(end_);
    return end_;
  }
  Result<journal::Lsn> append_together(std::span<const journal::NewRecord> unit) override {
    if (append_error) return std::unexpected(*append_error);
    for (const journal::NewRecord& record : unit) {
      records.emplace_back(record.type, std::string(record.head).append(record.tail));
      end_ += record.head.size() + record.tail.size() + 16;
    }
    lsns.insert(lsns.end(), unit.size(), end_);
    return end_;
  }
  journal::Lsn durable() const override { return durable_; }
  journal::Lsn written() const override { return std::max(written_, durable_); }
  journal::Lsn end() const override { return end_; }
  journal::JournalStatus status() const override { return {.end = end_, .durable = durable_}; }
  void add_listener(journal::CommitListener listener) override { listeners_.push_back(std::move(listener)); }
  Result<void> wait_durable(journal::Lsn) override { return {}; }
  Result<void> truncate_before(journal::Lsn) override { return {}; }
  Result<std::unique_ptr<journal::SegmentHold>> hold_segments() override { return fail(ErrorCode::kUnsupported, "a journal without files"); }

  void commit() {
    durable_ = end_;
    for (auto& listener : listeners_) listener(durable_, {});
  }
  void write() {
    written_ = end_;
    for (auto& listener : listeners_) listener(durable_, {});
  }
  void fail_commit() {
    for (auto& listener : listeners_) listener(durable_, fail(ErrorCode::kIoError, "no space left on device"));
  }

  std::vector<std::pair<journal::RecordType, std::string>> records;
  std::vector<journal::Lsn> lsns;  // of the records
  std::optional<Error> append_error;

 private:
  journal::Lsn end_ = 1000;
  journal::Lsn durable_ = 1000;
  journal::Lsn written_ = 0;
  std::vector<journal::CommitListener> listeners_;
};

// Takes messages into the journal, as the store does.
class FakeSink final : public MessageSink {
 public:
  explicit FakeSink(FakeJournal& journal) : journal_(journal) {}
  Result<journal::Awaited> accept(const ReceivedMessage& message) override {
    if (error) return std::unexpected(*error);
    accepted.push_back(std::string(message.topic) + "=" + std::string(message.payload));
    times_ns.push_back(message.received_ns);
    users.push_back(std::string(message.client_id) + "/" + std::string(message.user));
    if (lsn_without_append) return journal::Awaited{.synced = journal_.end()};
    const journal::NewRecord record{.type = journal::RecordType::kPoints, .head = message.payload};
    const journal::Lsn lsn = TRY(message.append ? (*message.append)({&record, 1}) : journal_.append_together({&record, 1}));
    return is_relaxed ? journal::Awaited{.written = lsn} : journal::Awaited{.synced = lsn};
  }
  bool wants(std::string_view topic) override { return topic.starts_with(wanted_own); }
  std::string wanted_own = "nothing";  // of the broker's own topics
  bool lsn_without_append = false;
  bool is_relaxed = false;  // its acknowledgements do not wait for the sync
  std::vector<std::string> accepted;
  std::vector<std::string> users;
  std::vector<int64_t> times_ns;
  std::optional<Error> error;

 private:
  FakeJournal& journal_;
};

// "secret" is everybody's password; a client without a user name is anonymous; the user "banned" may not.
class FakeAuthenticator final : public Authenticator {
 public:
  Result<std::string> authenticate(const Login& login) override {
    if (!login.user) return std::string();
    if (login.password != "secret") return fail(ErrorCode::kUnauthenticated, "wrong password");
    if (*login.user == "banned") return fail(ErrorCode::kPermissionDenied, "not here");
    return std::string(*login.user);
  }
};

struct Bench {
  explicit Bench(BrokerOptions given = {}, size_t loop_count = 2);
  ~Bench();
  // Until nothing is left to do. With `commits` everything appended becomes durable on the way.
  void run(bool commits = true);
  void advance(int64_t seconds);
  // Ends the program and starts it again: what is in the store, then every record of the journal, those that a checkpoint has made
  // useless too. With `crash` nothing is recorded at the end. Clients of before are gone.
  void restart(bool crash = true);

  ManualClock clock{1'700'000'000 * kNanosPerSecond};
  Metrics metrics;
  std::unique_ptr<kv::Store> store = kv::make_memory_store();
  FakeJournal journal;
  FakeSink sink{journal};
  FakeAuthenticator authenticator;
  BrokerOptions options;
  std::vector<std::unique_ptr<FakeLoop>> loops;
  std::unique_ptr<RetainedStore> retained;
  std::unique_ptr<SessionStore> sessions;
  std::unique_ptr<Broker> broker;
  std::vector<std::weak_ptr<class FakeConnection>> connections;
  // Of clients that come from now on: the listener they come through, and the name in their certificate.
  const ListenerProfile* profile = nullptr;
  std::string certificate;

 private:
  void start();
  void stop();

  const size_t loop_count_;
  std::vector<std::unique_ptr<FakeLoop>> former_loops_;  // connections of before refer to them
};

class FakeConnection final : public net::TcpConnection, public net::CertifiedPeer {
 public:
  FakeConnection(net::EventLoop& loop, std::shared_ptr<net::TcpHandler> handler) : loop_(loop), handler_(std::move(handler)) {}
  void send(std::string_view bytes) override {
    if (!closing) queue.append(bytes);
    if (queue.size() > 256 * 1024) was_high_ = true;
  }
  size_t send_queue_bytes() const override { return blocked ? queue.size() : 0; }
  void pause_reading() override { paused = true; }
  void resume_reading() override {
    paused = false;
    loop_.post([self = std::static_pointer_cast<FakeConnection>(shared_from_this())] { self->offer(); });
  }
  void close() override {
    closing = true;
    loop_.post([self = std::static_pointer_cast<FakeConnection>(shared_from_this())] { self->lose("closed by this side"); });
  }
  void abort() override { close(); }
  net::EventLoop& loop() override { return loop_; }
  const net::Address& peer() const override { return peer_; }
  std::string_view certificate_name() const override { return certificate; }

  void open() { handler_->on_open(*this); }
  void feed(std::string_view bytes) {
    kept_.append(bytes);
    offer();
  }
  void offer() {
    if (paused || !handler_ || closing || kept_.empty()) return;
    const size_t used = handler_->on_bytes(*this, kept_);
    EXPECT_LE(used, kept_.size());
    kept_.erase(0, used);
  }
  // TCP goes.
  void lose(std::string_view reason) {
    closing = true;
    if (!handler_) return;
    handler_->on_closed(*this, reason);
    handler_.reset();
  }
  // The peer takes what is queued.
  std::string take() {
    std::string taken = std::exchange(queue, {});
    if (std::exchange(was_high_, false) && handler_ && !closing) {
      loop_.post([self = std::static_pointer_cast<FakeConnection>(shared_from_this())] {
        if (self->handler_) self->handler_->on_send_queue_low(*self);
      });
    }
    return taken;
  }

  std::string queue;
  bool blocked = false;  // what is sent stays in the queue, as with a peer that does not read
  bool paused = false;
  bool closing = false;
  std::string certificate;

 private:
  net::EventLoop& loop_;
  std::shared_ptr<net::TcpHandler> handler_;
  net::Address peer_{"127.0.0.1", 4711};
  std::string kept_;
  bool was_high_ = false;
};

// A client as bytes. `connect` in the constructor may be changed by the function; the first answer is kept in `connack`.
class TestClient {
 public:
  using Change = std::function<void(mqtt::OutgoingConnect&)>;
  TestClient(Bench& bench, std::string client_id, mqtt::ProtocolVersion version = mqtt::ProtocolVersion::kV311, const Change& change = {},
             size_t loop = 0);
  ~TestClient();

  void send(std::string_view bytes);  // and runs the bench
  void send_only(std::string_view bytes) { connection->feed(bytes); }
  void subscribe(std::string_view filter, uint8_t qos = 0);
  void subscribe(const mqtt::SubscribeEntry& entry, uint32_t identifier = 0);
  void unsubscribe(std::string_view filter);
  void publish(std::string_view topic, std::string_view payload, uint8_t qos = 0, uint16_t id = 0, bool retain = false);
  void publish(const mqtt::OutgoingPublish& publish);
  void ack(mqtt::PacketType type, uint16_t id, mqtt::ReasonCode reason = mqtt::ReasonCode::kSuccess);
  void disconnect(mqtt::ReasonCode reason = mqtt::ReasonCode::kSuccess);
  void lose();  // TCP, without a word

  // What has come, in words: "PUBLISH(a=1) PUBLISH(a=2,q1,id1,dup,retain) PUBACK(1)"; where only an alias stands
  // for the topic, "PUBLISH(=3,alias1)".
  std::string read();
  bool closed() const { return connection->closing; }

  Bench& bench;
  mqtt::ProtocolVersion version;
  std::shared_ptr<FakeConnection> connection;
  std::string connack;
};

}  // namespace campanile::broker
