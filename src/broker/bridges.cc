#include "broker/bridges.h"

#include <chrono>
#include <condition_variable>
#include <set>

#include "base/log.h"

namespace campanile::broker {
namespace {

constexpr std::chrono::seconds kStopLimit{2};

// A remote of version 3 knows no receive maximum, and one that has more QoS 2 messages under way than a lower limit of ours would wait
// for ever: what releases the first comes behind what is held back.
ListenerProfile profile_of(const BridgeOptions& options) {
  ListenerProfile profile{.name = "bridges", .protocol = "in-process", .mount = {}, .protocol_settings = {}};
  profile.protocol_settings.limits.packet_bytes_max = options.local_packet_bytes_max;
  profile.protocol_settings.limits.topic_levels_max = options.topic_levels_max;
  profile.protocol_settings.limits.receive_maximum = UINT16_MAX;
  return profile;
}

}  // namespace

Result<std::unique_ptr<Bridges>> Bridges::create(std::vector<BridgeOptions> options, const BridgesParts& parts) {
  if (options.size() > kBridgesMax) return fail(ErrorCode::kInvalidArgument, "{} bridges, at most {} are possible", options.size(), kBridgesMax);
  std::unique_ptr<Bridges> made(new Bridges);
  std::set<std::string> names;
  const ListenerProfile* profile = options.empty() ? nullptr : &parts.broker.add_listener(profile_of(options.front()));
  for (BridgeOptions& one : options) {
    if (const auto fits = check(one); !fits) return with_context(fits.error(), fmt::format("bridge '{}'", one.name));
    if (one.topics.size() > kBridgeTopicsMax) {
      return fail(ErrorCode::kInvalidArgument, "bridge '{}': {} topics, at most {} are possible", one.name, one.topics.size(), kBridgeTopicsMax);
    }
    if (!names.insert(one.name).second) return fail(ErrorCode::kInvalidArgument, "bridge '{}' stands twice", one.name);
    Broker& broker = parts.broker;
    net::EventLoop& loop = parts.loops.at(made->bridges_.size() % parts.loops.size());
    made->bridges_.push_back(std::make_unique<Bridge>(
        std::move(one),
        BridgeParts{.loops = &parts.loops,
                    .loop = loop,
                    .clock = parts.clock,
                    .metrics = parts.metrics,
                    .broker_id = broker.id(),
                    .local_handler = [&broker, profile](net::EventLoop& on) { return broker.make_handler(on, *profile); },
                    .publish_state =
                        [&broker](std::string_view topic, std::string_view payload) {
                          const auto published = broker.publish_local(topic, payload, 1, true);
                          if (!published) log::warning("the state of a bridge was not published: {}", published.error().message);
                        },
                    .filters_of = [&broker](std::string_view client_id) { return broker.filters_of(client_id); }}));
  }
  return made;
}

void Bridges::start() {
  started_ = true;
  for (const auto& bridge : bridges_) bridge->start();
}

void Bridges::stop() {
  if (!std::exchange(started_, false) || bridges_.empty()) return;
  // Shared: a bridge that is slower than the limit still tells.
  struct Waiting {
    std::mutex mutex;
    std::condition_variable changed;
    size_t count = 0;
  };
  const auto waiting = std::make_shared<Waiting>();
  waiting->count = bridges_.size();
  for (const auto& bridge : bridges_) {
    bridge->stop([waiting] {
      std::lock_guard lock(waiting->mutex);
      --waiting->count;
      waiting->changed.notify_all();
    });
  }
  std::unique_lock lock(waiting->mutex);
  if (!waiting->changed.wait_for(lock, kStopLimit, [&] { return waiting->count == 0; })) {
    log::warning("{} bridges did not close within {} s", waiting->count, kStopLimit.count());
  }
}

std::vector<BridgeStatus> Bridges::status() const {
  std::vector<BridgeStatus> all;
  for (const auto& bridge : bridges_) all.push_back(bridge->status());
  return all;
}

}  // namespace campanile::broker
