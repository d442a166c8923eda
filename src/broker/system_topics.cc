#include "broker/system_topics.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/clock.h"

namespace campanile::broker {
namespace {

constexpr std::array<std::string_view, 9> kLoadNames = {"messages/received", "messages/sent",  "publish/dropped",
                                                        "publish/received",  "publish/sent",   "bytes/received",
                                                        "bytes/sent",        "sockets",        "connections"};
constexpr std::array<int, 3> kMinutes = {1, 5, 15};

uint64_t dropped_at_limits(const SystemSample& sample) {
  uint64_t total = 0;
  for (size_t i = 0; i < kDropReasons; ++i) {
    if (is_limit(static_cast<DropReason>(i))) total += sample.dropped[i];
  }
  return total;
}

}  // namespace

bool is_limit(DropReason reason) {
  switch (reason) {
    case DropReason::kOffline:
    case DropReason::kExpired:
    case DropReason::kPacketTooLarge:
    case DropReason::kDenied:
    case DropReason::kRetainedLimit:
    case DropReason::kSessionEnded: return false;
    default: return true;
  }
}

void SystemTopics::update_loads(const SystemSample& sample, int64_t steady_ns) {
  const std::array<uint64_t, kLoads> totals = {sample.packets_in,       sample.packets_out, dropped_at_limits(sample), sample.messages_in, sample.messages_out,
                                               sample.bytes_in,         sample.bytes_out,   sample.sockets_opened,     sample.connects};
  const double seconds = static_cast<double>(steady_ns - last_ns_) / kNanosPerSecond;
  for (size_t i = 0; i < kLoads; ++i) {
    Load& load = loads_[i];
    // The counters of a loop are added up after each batch: a total never goes back.
    const uint64_t counted = totals[i] - std::exchange(load.total, totals[i]);
    if (seconds <= 0) continue;
    const double rate = static_cast<double>(counted) * 60 / seconds;
    for (size_t j = 0; j < kMinutes.size(); ++j) {
      load.per_minute[j] = rate + std::exp(-seconds / (60.0 * kMinutes[j])) * (load.per_minute[j] - rate);
    }
  }
}

void SystemTopics::set(std::string_view topic, std::string payload, std::vector<Change>& changes) {
  if (next_ == published_.size()) published_.push_back({.topic = fmt::format("$SYS/broker/{}", topic)});
  Published& known = published_[next_++];
  if (known.payload == payload) return;
  known.payload = std::move(payload);
  changes.push_back({.topic = known.topic, .payload = known.payload});
}

std::vector<SystemTopics::Change> SystemTopics::update(const SystemSample& sample, int64_t steady_ns) {
  update_loads(sample, steady_ns);
  last_ns_ = steady_ns;
  heap_most_ = std::max(heap_most_, sample.heap_bytes);

  std::vector<Change> changes;
  next_ = 0;
  // Views of topics are handed out: the list must not move once it is made.
  published_.reserve(128);
  const auto number = [&](std::string_view topic, uint64_t value) { set(topic, fmt::format("{}", value), changes); };
  set("version", version_, changes);
  set("uptime", fmt::format("{} seconds", sample.uptime_s), changes);
  number("clients/total", sample.clients_connected + sample.clients_away);
  number("clients/maximum", sample.clients_most);
  number("clients/connected", sample.clients_connected);
  number("clients/active", sample.clients_connected);
  number("clients/disconnected", sample.clients_away);
  number("clients/inactive", sample.clients_away);
  number("clients/expired", sample.clients_expired);
  for (size_t i = 0; i < kLoads; ++i) {
    for (size_t j = 0; j < kMinutes.size(); ++j) {
      set(fmt::format("load/{}/{}min", kLoadNames[i], kMinutes[j]), fmt::format("{:.2f}", loads_[i].per_minute[j]), changes);
    }
  }
  number("messages/received", sample.packets_in);
  number("messages/sent", sample.packets_out);
  number("messages/stored", sample.retained_messages + sample.queued_messages);
  number("messages/inflight", sample.in_flight);
  number("store/messages/count", sample.retained_messages + sample.queued_messages);
  number("store/messages/bytes", sample.retained_bytes + sample.queued_bytes);
  number("publish/messages/received", sample.messages_in);
  number("publish/messages/sent", sample.messages_out);
  number("publish/messages/dropped", dropped_at_limits(sample));
  for (size_t i = 0; i < kDropReasons; ++i) {
    number(fmt::format("publish/messages/dropped/{}", to_string(static_cast<DropReason>(i))), sample.dropped[i]);
  }
  number("publish/bytes/received", sample.payload_bytes_in);
  number("publish/bytes/sent", sample.payload_bytes_out);
  number("bytes/received", sample.bytes_in);
  number("bytes/sent", sample.bytes_out);
  number("subscriptions/count", sample.subscriptions);
  number("shared_subscriptions/count", sample.shared_subscriptions);
  number("retained messages/count", sample.retained_messages);
  if (heap_most_ > 0) {
    number("heap/current", sample.heap_bytes);
    number("heap/maximum", heap_most_);
  }
  CHECK(published_.size() <= 128);
  return changes;
}

}  // namespace campanile::broker
