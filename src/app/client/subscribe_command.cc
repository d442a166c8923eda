#include "app/client/subscribe_command.h"

#include <chrono>
#include <cstdio>
#include <future>
#include <memory>

#include "app/client/message_format.h"
#include "app/client/mqtt_client.h"
#include "app/client/tool_connection.h"
#include "base/clock.h"
#include "mqtt/topic.h"

namespace campanile::app::client {
namespace {

constexpr auto kRetry = std::chrono::seconds(1);

// Works on the loop; the main thread waits for `finished`.
class Subscriber final : public MqttClientEvents {
 public:
  Subscriber(const ToolOptions& options, net::EventLoopPool& loops) : options_(options), loops_(loops), loop_(loops.at(0)) {}

  void start() {
    client_ = std::make_shared<MqttClient>(loops_, loop_, connection_options(options_), *this);
    if (options_.timeout_s > 0) {
      loop_.run_after(std::chrono::seconds(options_.timeout_s), [this] {
        if (leaving_) return;
        error("Timed out");
        leave(kExitTimedOut);
      });
    }
    connect();
  }

  std::future<int> finished() { return finished_.get_future(); }

 private:
  void connect() {
    debug("sending CONNECT");
    connecting_ = true;
    client_->connect();
  }

  void on_connected(const mqtt::ConnectResult&) override {
    debug("received CONNACK (0)");
    ever_connected_ = true;
    std::vector<mqtt::SubscribeRequest> requests;
    for (const std::string& topic : options_.topics) {
      debug(fmt::format("sending SUBSCRIBE (Mid: 1, Topic: {}, QoS: {}, Options: 0x00)", topic, options_.qos));
      requests.push_back({.filter = topic, .qos = options_.qos});
    }
    check(client_->subscribe(requests, [this](std::span<const mqtt::ReasonCode> reasons) { subscribed(reasons); }));
    if (options_.unsubscribed.empty()) return;
    const std::vector<std::string_view> filters(options_.unsubscribed.begin(), options_.unsubscribed.end());
    check(client_->unsubscribe(filters));
  }

  void subscribed(std::span<const mqtt::ReasonCode> reasons) {
    if (!client_->connected()) return;  // answered for want of a connection; asked again with the next
    debug("received SUBACK");
    std::string granted;
    bool some_allowed = false;
    for (const mqtt::ReasonCode reason : reasons) {
      granted += fmt::format("{}{}", granted.empty() ? "" : ", ", static_cast<int>(reason));
      some_allowed |= !mqtt::is_error(reason);
    }
    if (options_.debug && !options_.quiet) print(fmt::format("Subscribed (mid: 1): {}\n", granted));
    if (!some_allowed) {
      error("All subscription requests were denied.");
      return leave(1);
    }
    if (options_.exit_after_subscribe) leave(0);
  }

  void on_message(const mqtt::IncomingMessage& message) override {
    if (leaving_) return;
    if (options_.debug) {
      print(fmt::format("Client {} received PUBLISH (d{}, q{}, r{}, m{}, '{}', ... ({} bytes))\n", shown_id(options_), message.duplicate ? 1 : 0,
                        message.qos, message.retain ? 1 : 0, message.packet_id, message.topic, message.payload.size()));
    }
    if (options_.retained_only && !message.retain) return leave(0);
    if (options_.no_stale && message.retain) return;
    for (const std::string& filter : options_.filtered_out) {
      if (mqtt::topic_matches(filter, message.topic)) return;
    }
    if (options_.remove_retained && message.retain) check(client_->publish({.topic = message.topic, .retain = true}));
    print_message(message);
    if (std::ferror(stdout)) return leave(1);
    if (options_.message_count > 0 && ++messages_ == options_.message_count) leave(0);
  }

  void print_message(const mqtt::IncomingMessage& message) {
    const std::string_view end = options_.end_of_line ? "\n" : "";
    if (!options_.format.empty()) {
      const auto text = format_message(options_.format,
                                       {.topic = message.topic, .payload = message.payload, .qos = message.qos, .retain = message.retain,
                                        .packet_id = message.packet_id, .properties = message.properties},
                                       SystemClock().now_ns());
      if (text) {
        print(fmt::format("{}{}", *text, end));
      } else {
        error(fmt::format("Error: {}", text.error().message));
      }
    } else if (options_.verbose) {
      // The real tool has no word for an empty message but this one, and scripts compare it.
      if (!message.payload.empty() || options_.end_of_line) {
        print(fmt::format("{} {}{}", message.topic, message.payload.empty() ? "(null)" : message.payload, end));
      }
    } else if (!message.payload.empty()) {
      print(fmt::format("{}{}", message.payload, end));
    }
  }

  void on_closed(const Closed& closed) override {
    connecting_ = false;
    if (leaving_) return finish(code_);
    const bool comes_back = ever_connected_ && (closed.cause == Closed::Cause::kLost || closed.cause == Closed::Cause::kUnreached);
    if (!comes_back) {
      error(describe(closed, options_.version));
      return finish(exit_code(closed, options_.version));
    }
    debug(fmt::format("lost its connection: {}", closed.words));
    loop_.run_after(kRetry, [this] {
      if (!leaving_) connect();
    });
  }

  void leave(int code) {
    leaving_ = true;
    code_ = code;
    if (!connecting_) return finish(code);
    if (client_->connected()) debug("sending DISCONNECT");
    client_->close();
  }

  void finish(int code) {
    if (std::exchange(is_finished_, true)) return;
    finished_.set_value(code);
  }

  void check(const Result<void>& asked) {
    if (asked) return;
    error(fmt::format("Error: {}", asked.error().message));
    leave(1);
  }
  void print(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
  void debug(std::string_view line) {
    if (options_.debug) print(fmt::format("Client {} {}\n", shown_id(options_), line));
  }
  void error(const std::string& line) {
    if (!options_.quiet) std::fputs((line + "\n").c_str(), stderr);
  }

  const ToolOptions& options_;
  net::EventLoopPool& loops_;
  net::EventLoop& loop_;
  std::shared_ptr<MqttClient> client_;
  std::promise<int> finished_;
  uint64_t messages_ = 0;
  int code_ = 0;
  bool ever_connected_ = false;
  bool connecting_ = false;  // or connected: on_closed() will come
  bool leaving_ = false;
  bool is_finished_ = false;
};

}  // namespace

int subscribe_command(const ToolOptions& options) {
  net::EventLoopPool loops(1);
  Subscriber subscriber(options, loops);
  std::future<int> finished = subscriber.finished();
  loops.start();
  loops.at(0).post([&] { subscriber.start(); });
  const int code = finished.get();
  loops.stop();
  return code;
}

}  // namespace campanile::app::client
