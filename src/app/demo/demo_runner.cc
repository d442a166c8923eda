#include "app/demo/demo_runner.h"

#include <ctime>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

#include "app/client/mqtt_client.h"
#include "app/demo/campus_model.h"
#include "app/demo/commands.h"
#include "base/log.h"
#include "base/random.h"

namespace campanile::app::demo {
namespace {

using client::Closed;
using client::MqttClient;
using std::chrono::milliseconds;

constexpr auto kTick = milliseconds(100);
constexpr auto kRetryMin = milliseconds(250);
constexpr auto kRetryMax = milliseconds(5000);
constexpr uint16_t kInFlightMax = 256;
constexpr int64_t kStatusEveryNs = 1800 * kNanosPerSecond;

// How far the clocks on the campus's walls are ahead of UTC.
int64_t local_offset_s(int64_t now_ns) {
  const std::time_t now = now_ns / kNanosPerSecond;
  std::tm local{};
  return ::localtime_r(&now, &local) ? local.tm_gmtoff : 0;
}

std::string random_client_id(std::string_view unit_id) {
  std::string out = fmt::format("{}-", unit_id);
  for (const char byte : random_bytes(4)) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return out;
}

// Counted by the loop, read by any thread. What somebody waits for changes under the mutex; messages are counted without it, so that a
// waiting thread is not woken for each of them.
struct Progress {
  std::atomic<uint64_t> history_messages = 0;
  std::atomic<uint64_t> live_messages = 0;
  std::mutex mutex;
  std::condition_variable changed;
  size_t connected = 0;
  size_t modules_with_history = 0;  // that have still to send some
};

// One module's life. On the runner's loop only.
class Player final : public client::MqttClientEvents {
 public:
  Player(const DemoOptions& options, const CampusModel& campus, const Module& module, const Clock& clock, Progress& progress, int64_t start_ns)
      : options_(options), campus_(campus), module_(module), clock_(clock), progress_(progress), played_until_ns_(start_ns) {
    const int64_t history_ns = std::chrono::nanoseconds(options.history).count();
    std::vector<Message> history;
    campus.readings(module, start_ns - history_ns, start_ns, Stamp::kTime, history);
    history_.assign(std::make_move_iterator(history.begin()), std::make_move_iterator(history.end()));
  }

  void start(net::EventLoopPool& loops, net::EventLoop& loop) {
    loop_ = &loop;
    client::MqttClientOptions options;
    options.tcp.address = options_.server;
    options.mqtt.client_id = random_client_id(module_.unit_id);
    options.mqtt.keep_alive_s = 60;
    options.mqtt.user = options_.user;
    options.mqtt.password = options_.password;
    options.mqtt.in_flight_max = kInFlightMax;
    client_ = std::make_shared<MqttClient>(loops, loop, std::move(options), *this);
    client_->connect();
    if (history_.empty()) history_finished();
  }

  void stop() {
    stopping_ = true;
    if (client_) client_->close();
  }

  // Sends what has become due since the last tick.
  void tick() {
    const int64_t now_ns = clock_.now_ns();
    const int64_t from_ns = std::exchange(played_until_ns_, now_ns);
    if (!client_ || !client_->connected() || from_ns >= now_ns) return;
    std::vector<Message> due;
    campus_.readings(module_, from_ns, now_ns, Stamp::kNone, due);
    if (!module_.mac.empty() && now_ns - status_sent_ns_ >= kStatusEveryNs) {
      due.push_back(campus_.device_status(module_, status_sent_ns_ == 0 ? "starting" : "running", now_ns));
      status_sent_ns_ = now_ns;
    }
    for (const Message& message : due) send_live(message);
  }

 private:
  void on_connected(const mqtt::ConnectResult&) override {
    retry_ = kRetryMin;
    change_connected(1);
    if (!module_.mac.empty()) {
      const std::string filter = module_.place + "/+/command";
      const mqtt::SubscribeRequest request{.filter = filter};
      if (const auto asked = client_->subscribe({&request, 1}); !asked) log::warning("demo: {}: {}", filter, asked.error().message);
    }
    send_history();
  }

  void on_message(const mqtt::IncomingMessage& message) override {
    for (const Message& reply : answer_command(campus_, module_, message.topic, message.payload, clock_.now_ns())) send_live(reply);
  }

  void on_room() override { send_history(); }

  void on_closed(const Closed& closed) override {
    if (closed.was_connected) change_connected(-1);
    if (stopping_) return;
    if (closed.cause == Closed::Cause::kRefused) log::warning("demo: {} was refused: {}", module_.unit_id, closed.words);
    loop_->run_after(retry_, [this] {
      if (!stopping_) client_->connect();
    });
    retry_ = std::min(retry_ * 2, milliseconds(kRetryMax));
  }

  void send_history() {
    while (!history_.empty() && client_->can_take()) {
      const Message& message = history_.front();
      const auto taken = client_->publish({.topic = message.topic, .payload = message.payload, .qos = 1}, [this](const mqtt::PublishResult&) {
        // A message the server refused is done with as well: it would refuse it again.
        ++acknowledged_;
        progress_.history_messages.fetch_add(1, std::memory_order_relaxed);
        if (history_.empty() && acknowledged_ == sent_) history_finished();
      });
      if (!taken) return;  // tried again when something is acknowledged
      ++sent_;
      history_.pop_front();
    }
  }

  void send_live(const Message& message) {
    if (client_->publish({.topic = message.topic, .payload = message.payload})) progress_.live_messages.fetch_add(1, std::memory_order_relaxed);
  }

  void history_finished() {
    const std::lock_guard lock(progress_.mutex);
    --progress_.modules_with_history;
    progress_.changed.notify_all();
  }

  void change_connected(int by) {
    const std::lock_guard lock(progress_.mutex);
    progress_.connected += static_cast<size_t>(by);
    progress_.changed.notify_all();
  }

  const DemoOptions& options_;
  const CampusModel& campus_;
  Module module_;
  const Clock& clock_;
  Progress& progress_;
  net::EventLoop* loop_ = nullptr;
  std::shared_ptr<MqttClient> client_;
  std::deque<Message> history_;
  uint64_t sent_ = 0;
  uint64_t acknowledged_ = 0;
  int64_t played_until_ns_ = 0;
  int64_t status_sent_ns_ = 0;
  milliseconds retry_ = kRetryMin;
  bool stopping_ = false;
};

}  // namespace

struct DemoRunner::State {
  State(DemoOptions demo_options, const Clock& demo_clock) : options(std::move(demo_options)), clock(demo_clock) {}

  void tick() {
    if (stopping) return;
    for (const auto& player : players) player->tick();
    loops.at(0).run_after(kTick, [this] { tick(); });
  }

  const DemoOptions options;
  const Clock& clock;
  Progress progress;
  std::optional<CampusModel> campus;
  std::vector<std::unique_ptr<Player>> players;
  bool stopping = false;  // on the loop
  bool running = false;   // of the owner's thread
  // Last, so that the loop ends before what its handlers use.
  net::EventLoopPool loops{1};
};

DemoRunner::DemoRunner(DemoOptions options, const Clock& clock) : state_(std::make_unique<State>(std::move(options), clock)) {}

DemoRunner::~DemoRunner() { stop(); }

void DemoRunner::start() {
  State& state = *state_;
  const int64_t now_ns = state.clock.now_ns();
  state.campus.emplace(CampusOptions{
      .seed = state.options.seed, .start_s = now_ns / kNanosPerSecond, .utc_offset_s = local_offset_s(now_ns)});
  for (const Module& module : state.campus->modules()) {
    state.players.push_back(std::make_unique<Player>(state.options, *state.campus, module, state.clock, state.progress, now_ns));
  }
  state.progress.modules_with_history = state.players.size();
  state.running = true;
  state.loops.start();
  state.loops.at(0).post([&state] {
    for (const auto& player : state.players) player->start(state.loops, state.loops.at(0));
    state.tick();
  });
}

bool DemoRunner::wait_for_history(milliseconds limit) {
  Progress& progress = state_->progress;
  std::unique_lock lock(progress.mutex);
  return progress.changed.wait_for(lock, limit, [&] { return progress.modules_with_history == 0; });
}

DemoStatus DemoRunner::status() const {
  Progress& progress = state_->progress;
  const std::lock_guard lock(progress.mutex);
  return {.modules = state_->players.size(),
          .connected = progress.connected,
          .history_messages = progress.history_messages,
          .live_messages = progress.live_messages,
          .history_done = progress.modules_with_history == 0};
}

void DemoRunner::stop() {
  State& state = *state_;
  if (!std::exchange(state.running, false)) return;
  state.loops.at(0).post([&state] {
    state.stopping = true;
    for (const auto& player : state.players) player->stop();
  });
  // The goodbyes go out while the connections close; a server that has gone already is not waited for.
  {
    std::unique_lock lock(state.progress.mutex);
    state.progress.changed.wait_for(lock, milliseconds(500), [&] { return state.progress.connected == 0; });
  }
  state.loops.stop();
}

}  // namespace campanile::app::demo
