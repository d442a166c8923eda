#include "broker/system_publisher.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/broker_loop.h"

namespace campanile::broker {

SystemPublisher::SystemPublisher(SharedState& shared, std::function<uint64_t()> memory_bytes)
    : shared_(shared),
      memory_bytes_(std::move(memory_bytes)),
      started_ns_(shared.clock.steady_ns()),
      due_ns_(started_ns_),
      topics_(fmt::format("campanile version {}", shared.options.version), started_ns_) {}

SystemSample SystemPublisher::sample(int64_t steady_ns) const {
  const BrokerCounters& counters = shared_.counters;
  const size_t connected = shared_.clients.load();
  const size_t sessions = shared_.registry.size();
  const size_t subscriptions = shared_.tree.size();
  const size_t in_groups = shared_.tree.shared_size();
  SystemSample sample{.uptime_s = static_cast<uint64_t>((steady_ns - started_ns_) / kNanosPerSecond),
                      .clients_connected = connected,
                      // A connection that is being taken over counts for a moment beside the one that takes over.
                      .clients_away = sessions > connected ? sessions - connected : 0,
                      .clients_most = shared_.clients_max.load(),
                      .clients_expired = counters.sessions_expired.value(),
                      .subscriptions = subscriptions > in_groups ? subscriptions - in_groups : 0,
                      .shared_subscriptions = in_groups,
                      .retained_messages = shared_.retained.size(),
                      .retained_bytes = shared_.retained.bytes(),
                      .queued_messages = shared_.environment.queued_messages.load(),
                      .queued_bytes = shared_.environment.queued_bytes.load(),
                      .in_flight = static_cast<uint64_t>(std::max<int64_t>(counters.in_flight_messages.load(), 0)),
                      .heap_bytes = memory_bytes_ ? memory_bytes_() : 0,
                      .packets_in = counters.packets_in.value(),
                      .packets_out = counters.others_out.value() + counters.messages_out.value(),
                      .messages_in = counters.messages_in.value(),
                      .messages_out = counters.messages_out.value(),
                      .payload_bytes_in = counters.payload_bytes_in.value(),
                      .payload_bytes_out = counters.payload_bytes_out.value(),
                      .bytes_in = counters.bytes_in.value(),
                      .bytes_out = counters.bytes_out.value(),
                      .sockets_opened = counters.sockets_opened.value(),
                      .connects = counters.connections_opened.value() + counters.connections_refused.value()};
  for (size_t i = 0; i < kDropReasons; ++i) sample.dropped[i] = counters.dropped[i]->value();
  return sample;
}

void SystemPublisher::tick(BrokerLoop& loop, int64_t steady_ns) {
  if (steady_ns < due_ns_) return;
  due_ns_ = steady_ns + int64_t{shared_.options.system_interval_s} * kNanosPerSecond;
  const int64_t now_ns = shared_.clock.now_ns();
  // An average that has been zero from the start says nothing.
  const bool first = !std::exchange(said_, true);
  for (const SystemTopics::Change& change : topics_.update(sample(steady_ns), steady_ns)) {
    Publication publication{.topic = change.topic, .payload = change.payload, .published_ns = now_ns, .retain = true};
    if (const auto kept = shared_.retained.set(publication); !kept) log::debug("'{}' was not retained: {}", change.topic, kept.error().message);
    if (!(first && change.payload == "0.00") && shared_.sink.wants(change.topic)) {
      const auto stored = shared_.sink.accept({.topic = change.topic, .payload = change.payload, .retain = true, .received_ns = now_ns});
      if (!stored) log::debug("'{}' was not stored: {}", change.topic, stored.error().message);
    }
    if (const auto sent = loop.fan_out(publication, now_ns); !sent) log::debug("'{}' was not sent: {}", change.topic, sent.error().message);
  }
}

}  // namespace campanile::broker
