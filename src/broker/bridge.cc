#include "broker/bridge.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "base/log.h"

namespace campanile::broker {
namespace {

Labels labels_of(const BridgeOptions& options) { return {{"bridge", options.name}}; }

// A link that has stood for so long was a good one: the next attempt is soon.
constexpr int64_t kStoodNs = 30 * kNanosPerSecond;

uint64_t random_seed() {
  uint64_t seed = 0;
  const std::string bytes = random_bytes(sizeof seed);
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return seed;
}

}  // namespace

std::string_view to_string(BridgeState state) {
  switch (state) {
    case BridgeState::kConnecting: return "connecting";
    case BridgeState::kConnected: return "connected";
    case BridgeState::kWaiting: return "waiting";
    case BridgeState::kStopped: return "stopped";
  }
  return "";
}

int64_t next_wait_ms(uint32_t& delay_s, uint32_t min_s, uint32_t max_s, Random& random) {
  delay_s = delay_s == 0 ? min_s : static_cast<uint32_t>(std::min<uint64_t>(uint64_t{delay_s} * 2, max_s));
  const int64_t delay_ms = int64_t{delay_s} * 1000;
  return random.between(delay_ms / 2, delay_ms);
}

Bridge::Bridge(BridgeOptions options, BridgeParts parts)
    : options_(std::move(options)),
      topics_(options_.topics),
      parts_(std::move(parts)),
      context_{.options = options_, .topics = topics_, .loops = parts_.loops, .loop = parts_.loop, .clock = parts_.clock,
               .local_handler = parts_.local_handler, .connect_remote = parts_.connect_remote},
      random_(random_seed()),
      private_(options_.try_private),
      connections_(parts_.metrics.counter("campanile_bridge_connections_total", "Links to other brokers that came up", labels_of(options_))),
      messages_in_(parts_.metrics.counter("campanile_bridge_messages_received_total", "Messages from the other broker", labels_of(options_))),
      messages_out_(parts_.metrics.counter("campanile_bridge_messages_sent_total", "Messages to the other broker", labels_of(options_))),
      dropped_(parts_.metrics.counter("campanile_bridge_messages_dropped_total", "Messages that the other side would not take, or that no topic lets pass",
                                      labels_of(options_))),
      looped_(parts_.metrics.counter("campanile_bridge_messages_looped_total", "Messages not passed on because they had been there before",
                                     labels_of(options_))),
      shared_(std::make_shared<Shared>()) {
  shared_->status = {.name = options_.name, .address = options_.address.to_string(), .client_id = options_.client_id,
                     .since_ns = parts_.clock.now_ns(), .last_error = {}};
  parts_.metrics.gauge("campanile_bridge_connected", "1 while the link to the other broker is up",
                       [weak = std::weak_ptr<Shared>(shared_)] {
                         const auto shared = weak.lock();
                         if (!shared) return 0.0;
                         std::lock_guard lock(shared->mutex);
                         return shared->status.state == BridgeState::kConnected ? 1.0 : 0.0;
                       },
                       labels_of(options_));
}

Bridge::~Bridge() = default;

void Bridge::start() {
  parts_.loop.post([this] {
    if (stopping_) return;
    // What a former life of this program may have left there.
    if (!options_.state_topic.empty()) parts_.publish_state(options_.state_topic, "0");
    prepare();
  });
}

void Bridge::stop(std::function<void()> done) {
  parts_.loop.post([this, done = std::move(done)]() mutable {
    stopping_ = true;
    stopped_ = std::move(done);
    if (timer_) parts_.loop.cancel(*std::exchange(timer_, std::nullopt));
    if (link_) {
      link_->stop();
    } else if (preparation_) {
      preparation_->abort();
    } else {
      set_state(BridgeState::kStopped);
      std::exchange(stopped_, nullptr)();
    }
  });
}

BridgeStatus Bridge::status() const {
  BridgeStatus status;
  {
    std::lock_guard lock(shared_->mutex);
    status = shared_->status;
  }
  status.connections = connections_.value();
  status.messages_in = messages_in_.value();
  status.messages_out = messages_out_.value();
  status.dropped = dropped_.value();
  status.looped = looped_.value();
  return status;
}

void Bridge::set_state(BridgeState state) {
  std::lock_guard lock(shared_->mutex);
  shared_->status.state = state;
  shared_->status.since_ns = parts_.clock.now_ns();
}

void Bridge::prepare() {
  const auto done = [this](const Result<bool>& was_present) {
    preparation_.reset();
    if (stopping_) {
      set_state(BridgeState::kStopped);
      if (stopped_) std::exchange(stopped_, nullptr)();
      return;
    }
    if (!was_present) log::warning("bridge {}: {}", options_.name, was_present.error().message);
    memory_.local_is_new = was_present && !*was_present;
    dial();
  };
  preparation_ = prepare_session(parts_.loop, parts_.local_handler(parts_.loop), options_, stale_filters(), done);
}

void Bridge::dial() {
  set_state(BridgeState::kConnecting);
  BridgeIdentity identity{.broker_id = parts_.broker_id,
                          .try_private = private_,
                          .request_id = static_cast<uint16_t>(1 + random_.below(65'534)),
                          .stale_filters = stale_filters()};
  link_ = BridgeLink::start(context_, std::move(identity), memory_, *this);
}

// What a former configuration subscribed and this one does not.
std::vector<std::string> Bridge::stale_filters() const {
  std::set<std::string> wanted;
  for (const BridgeTopic& topic : topics_.all()) {
    if (topic.goes_out()) wanted.insert(topic.local_filter());
  }
  std::vector<std::string> stale = parts_.filters_of(bridge_client_id(options_.name));
  std::erase_if(stale, [&](const std::string& filter) { return wanted.contains(filter); });
  return stale;
}

void Bridge::on_up() {
  connections_.add();
  up_since_ns_ = parts_.clock.steady_ns();
  told_error_.clear();
  set_state(BridgeState::kConnected);
  log::info("bridge {}: connected to {}", options_.name, options_.address.to_string());
  if (!options_.state_topic.empty()) parts_.publish_state(options_.state_topic, "1");
}

void Bridge::on_traffic(const BridgeTraffic& traffic) {
  if (traffic.messages_in > 0) messages_in_.add(traffic.messages_in);
  if (traffic.messages_out > 0) messages_out_.add(traffic.messages_out);
  if (traffic.dropped > 0) dropped_.add(traffic.dropped);
  if (traffic.looped > 0) looped_.add(traffic.looped);
}

void Bridge::on_not_granted(std::string_view filter, mqtt::ReasonCode reason) {
  std::string words = fmt::format("'{}' is not granted: {}", filter, mqtt::to_string(reason));
  log::warning("bridge {}: {}", options_.name, words);
  std::lock_guard lock(shared_->mutex);
  shared_->status.last_error = std::move(words);
  shared_->status.last_error_ns = parts_.clock.now_ns();
}

void Bridge::on_down(const BridgeFailure& why) {
  // The link calls from one of its connections; it goes when they do.
  link_.reset();
  const std::optional<int64_t> up_since_ns = std::exchange(up_since_ns_, std::nullopt);
  const bool was_up = up_since_ns.has_value();
  if (was_up && !options_.state_topic.empty()) parts_.publish_state(options_.state_topic, "0");
  if (stopping_) {
    set_state(BridgeState::kStopped);
    if (stopped_) std::exchange(stopped_, nullptr)();
    return;
  }
  if (was_up && parts_.clock.steady_ns() - *up_since_ns >= kStoodNs) delay_s_ = 0;
  const bool private_refused = why.protocol_refused && options_.version != mqtt::ProtocolVersion::kV5 && options_.try_private;
  if (private_refused) private_ = !private_;
  if (why.words != told_error_) log::warning("bridge {}: {}: {}", options_.name, options_.address.to_string(), why.words);
  told_error_ = why.words;
  {
    std::lock_guard lock(shared_->mutex);
    shared_->status.state = BridgeState::kWaiting;
    shared_->status.since_ns = shared_->status.last_error_ns = parts_.clock.now_ns();
    shared_->status.last_error = why.words;
  }
  schedule();
}

void Bridge::schedule() {
  const int64_t wait_ms = next_wait_ms(delay_s_, options_.reconnect_min_s, options_.reconnect_max_s, random_);
  timer_ = parts_.loop.run_after(std::chrono::milliseconds(wait_ms), [this] {
    timer_.reset();
    dial();
  });
}

}  // namespace campanile::broker
