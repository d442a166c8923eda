#include "app/client/publish_command.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>

#include "app/client/line_source.h"
#include "app/client/mqtt_client.h"
#include "app/client/tool_connection.h"

namespace campanile::app::client {
namespace {

constexpr size_t kPayloadBytesMax = 268'435'455;

// Works on the loop; the main thread waits for `finished`.
class Publisher final : public MqttClientEvents {
 public:
  Publisher(const ToolOptions& options, std::string payload, net::EventLoopPool& loops)
      : options_(options), payload_(std::move(payload)), loops_(loops), loop_(loops.at(0)) {}

  void start() {
    debug("sending CONNECT");
    client_ = std::make_shared<MqttClient>(loops_, loop_, connection_options(options_), *this);
    client_->connect();
  }

  // Sends as much as there is room for, and leaves once everything is taken.
  void pump() {
    if (!client_ || !client_->connected() || leaving_) return;
    while (!waiting_ && client_->can_take() && has_next()) {
      if (!send_next()) return;
    }
    if (!waiting_ && is_over() && outstanding_ == 0) leave();
  }

  void set_lines(LineSource* lines) { lines_ = lines; }
  std::future<int> finished() { return finished_.get_future(); }

 private:
  bool has_next() {
    if (next_) return true;
    if (options_.source == PayloadSource::kLines) {
      if (lines_) next_ = lines_->take();
    } else if (repeats_ < options_.repeat) {
      ++repeats_;
      next_ = payload_;
    }
    return next_.has_value();
  }

  bool is_over() const {
    if (next_) return false;
    return options_.source == PayloadSource::kLines ? lines_ && lines_->ended() : repeats_ == options_.repeat;
  }

  // False where it cannot go on.
  bool send_next() {
    const uint64_t number = ++sent_;
    ++outstanding_;
    const auto taken = client_->publish({.topic = options_.topics[0], .payload = *next_, .qos = options_.qos, .retain = options_.retain},
                                        [this](const mqtt::PublishResult& result) { acknowledged(result); });
    if (!taken) {
      --outstanding_;
      --sent_;
      if (taken.error().code == ErrorCode::kOverloaded) return false;  // again when something is acknowledged
      error(fmt::format("Error: {}", taken.error().message));
      code_ = 1;
      leave();
      return false;
    }
    debug(fmt::format("sending PUBLISH (d0, q{}, r{}, m{}, '{}', ... ({} bytes))", options_.qos, options_.retain ? 1 : 0, number, options_.topics[0],
                      next_->size()));
    next_.reset();
    if (options_.repeat_delay_s > 0 && repeats_ < options_.repeat && options_.source != PayloadSource::kLines) pause();
    return true;
  }

  void pause() {
    waiting_ = true;
    loop_.run_after(std::chrono::milliseconds(static_cast<int64_t>(options_.repeat_delay_s * 1000)), [this] {
      waiting_ = false;
      pump();
    });
  }

  void acknowledged(const mqtt::PublishResult& result) {
    --outstanding_;
    if (options_.qos > 0) {
      debug(fmt::format("received {} (Mid: {}, RC:{})", options_.qos == 1 ? "PUBACK" : "PUBCOMP", result.packet_id, static_cast<int>(result.reason)));
    }
    if (!mqtt::is_error(result.reason)) return;
    error(fmt::format("Warning: Publish {} failed: {}.", result.packet_id, mqtt::to_string(result.reason)));
    code_ = 1;
  }

  void leave() {
    leaving_ = true;
    debug("sending DISCONNECT");
    client_->close();
  }

  void on_connected(const mqtt::ConnectResult&) override {
    debug("received CONNACK (0)");
    pump();
  }
  void on_room() override { pump(); }
  void on_closed(const Closed& closed) override {
    if (leaving_ && closed.cause == Closed::Cause::kAsked) return finish(code_);
    error(describe(closed, options_.version));
    finish(exit_code(closed, options_.version));
  }

  void finish(int code) {
    if (std::exchange(is_finished_, true)) return;
    finished_.set_value(code);
  }

  void debug(std::string_view line) const {
    if (!options_.debug) return;
    std::fputs(fmt::format("Client {} {}\n", shown_id(options_), line).c_str(), stdout);
    std::fflush(stdout);
  }
  void error(const std::string& line) const {
    if (!options_.quiet) std::fputs((line + "\n").c_str(), stderr);
  }

  const ToolOptions& options_;
  const std::string payload_;
  net::EventLoopPool& loops_;
  net::EventLoop& loop_;
  std::shared_ptr<MqttClient> client_;
  LineSource* lines_ = nullptr;
  std::optional<std::string> next_;
  std::promise<int> finished_;
  uint32_t repeats_ = 0;
  uint64_t sent_ = 0;
  uint64_t outstanding_ = 0;
  int code_ = 0;
  bool waiting_ = false;
  bool leaving_ = false;
  bool is_finished_ = false;
};

Result<std::string> read_all(std::istream& in, std::string_view name) {
  std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (bytes.size() > kPayloadBytesMax) return fail(ErrorCode::kTooLarge, "{} is larger than {} bytes", name, kPayloadBytesMax);
  return bytes;
}

Result<std::string> read_payload(const ToolOptions& options) {
  switch (options.source) {
    case PayloadSource::kText: return options.payload;
    case PayloadSource::kFile: {
      std::ifstream in(options.payload, std::ios::binary);
      if (!in) return fail(ErrorCode::kIoError, "Unable to open file \"{}\".", options.payload);
      return read_all(in, options.payload);
    }
    case PayloadSource::kStdin: {
      std::ifstream in("/dev/stdin", std::ios::binary);
      return read_all(in, "standard input");
    }
    default: return std::string();
  }
}

}  // namespace

int publish_command(const ToolOptions& options) {
  Result<std::string> payload = read_payload(options);
  if (!payload) {
    if (!options.quiet) std::fputs(fmt::format("Error: {}\n", payload.error().message).c_str(), stderr);
    return 1;
  }
  net::EventLoopPool loops(1);
  Publisher publisher(options, *std::move(payload), loops);
  std::future<int> finished = publisher.finished();
  loops.start();
  std::unique_ptr<LineSource> lines;
  if (options.source == PayloadSource::kLines) {
    net::EventLoop& loop = loops.at(0);
    lines = std::make_unique<LineSource>(STDIN_FILENO, kLinesMax, [&] { loop.post([&] { publisher.pump(); }); });
  }
  loops.at(0).post([&] {
    publisher.set_lines(lines.get());
    publisher.start();
  });
  const int code = finished.get();
  lines.reset();
  loops.stop();
  return code;
}

}  // namespace campanile::app::client
