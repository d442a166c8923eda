#include "app/client/mqtt_client.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace campanile::app::client {
namespace {

// Beyond it a sender waits for the socket: enough to keep a fast link busy, little enough to stop soon.
constexpr size_t kSendQueueBytesMax = 1 << 20;
constexpr auto kTimerStep = std::chrono::milliseconds(500);

}  // namespace

// What net owns: it passes everything on for as long as the client lives.
class MqttClient::Socket final : public net::TcpHandler {
 public:
  explicit Socket(std::shared_ptr<MqttClient> client) : client_(std::move(client)) {}
  void on_open(net::TcpConnection&) override { client_->opened(); }
  size_t on_bytes(net::TcpConnection&, std::string_view bytes) override { return client_->received(bytes); }
  void on_send_queue_low(net::TcpConnection&) override {
    if (client_->connected()) client_->events_.on_room();
  }
  void on_closed(net::TcpConnection&, std::string_view reason) override {
    // The client may be let go of inside.
    const auto client = std::exchange(client_, nullptr);
    client->lost(reason);
  }

 private:
  std::shared_ptr<MqttClient> client_;
};

MqttClient::MqttClient(net::EventLoopPool& loops, net::EventLoop& loop, MqttClientOptions options, MqttClientEvents& events)
    : loops_(loops), loop_(loop), tcp_options_(std::move(options.tcp)), events_(events), mqtt_(std::move(options.mqtt), *this) {}

MqttClient::~MqttClient() = default;

int64_t MqttClient::now_ns() const { return SystemClock().steady_ns(); }

void MqttClient::connect() {
  open_ = accepted_ = closing_ = false;
  close_wanted_.reset();
  failure_.reset();
  failure_words_.clear();
  tcp_ = net::tcp_connect(loops_, loop_, tcp_options_, std::make_unique<Socket>(shared_from_this()));
}

void MqttClient::close(mqtt::ReasonCode reason) {
  if (!tcp_ || closing_) return;
  // Inside a callback the acknowledgement of the message at hand is still to come: say goodbye after it.
  if (receiving_) {
    close_wanted_ = reason;
    return;
  }
  closing_ = true;
  if (mqtt_.connected()) mqtt_.disconnect(reason);
  flush();
  if (open_) {
    tcp_->close();
  } else {
    tcp_->abort();
  }
}

bool MqttClient::can_take() const { return tcp_ && !closing_ && mqtt_.can_publish() && tcp_->send_queue_bytes() < kSendQueueBytesMax; }

Result<void> MqttClient::publish(const mqtt::PublishRequest& request, mqtt::ClientConnection::PublishCallback done) {
  Result<void> result = mqtt_.publish(request, std::move(done));
  flush();
  return result;
}

Result<void> MqttClient::subscribe(std::span<const mqtt::SubscribeRequest> requests, mqtt::ClientConnection::ReasonsCallback done) {
  Result<void> result = mqtt_.subscribe(requests, std::move(done));
  flush();
  return result;
}

Result<void> MqttClient::unsubscribe(std::span<const std::string_view> filters, mqtt::ClientConnection::ReasonsCallback done) {
  Result<void> result = mqtt_.unsubscribe(filters, std::move(done));
  flush();
  return result;
}

void MqttClient::on_connected(const mqtt::ConnectResult& result) {
  accepted_ = true;
  events_.on_connected(result);
}

void MqttClient::on_message(const mqtt::IncomingMessage& message) { events_.on_message(message); }

void MqttClient::on_failed(mqtt::ReasonCode reason, const Error& error) {
  failure_ = reason;
  failure_words_ = error.message;
  if (!tcp_) return;
  const std::string output = mqtt_.take_output();
  if (!output.empty()) tcp_->send(output);
  tcp_->close();
}

void MqttClient::opened() {
  open_ = true;
  if (closing_) return tcp_->abort();
  mqtt_.start(now_ns());
  flush();
  arm_timer();
}

size_t MqttClient::received(std::string_view bytes) {
  receiving_ = true;
  const size_t before = mqtt_.in_flight();
  const size_t used = mqtt_.receive(bytes, now_ns());
  if (mqtt_.connected() && !closing_ && mqtt_.in_flight() < before) events_.on_room();
  receiving_ = false;
  flush();
  if (close_wanted_) close(*std::exchange(close_wanted_, std::nullopt));
  return failure_ ? bytes.size() : used;
}

void MqttClient::flush() {
  if (receiving_ || !open_ || !tcp_ || !mqtt_.has_output()) return;
  tcp_->send(mqtt_.take_output());
}

void MqttClient::arm_timer() {
  timer_ = loop_.run_after(kTimerStep, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || !self->open_) return;
    self->mqtt_.notify_timer(self->now_ns());
    self->flush();
    if (self->open_) self->arm_timer();
  });
}

void MqttClient::lost(std::string_view reason) {
  const bool was_open = std::exchange(open_, false);
  if (timer_) loop_.cancel(*std::exchange(timer_, std::nullopt));
  tcp_.reset();
  if (was_open) mqtt_.connection_lost();
  Closed closed{.was_connected = accepted_, .words = reason};
  if (failure_) {
    closed.cause = Closed::Cause::kRefused;
    closed.reason = *failure_;
    closed.words = failure_words_;
  } else if (closing_) {
    closed.cause = Closed::Cause::kAsked;
  } else if (!was_open) {
    closed.cause = Closed::Cause::kUnreached;
  }
  events_.on_closed(closed);
}

}  // namespace campanile::app::client
