// SystemTopics: what the broker says of itself under $SYS/broker/, with the names and units of mosquitto(8), as text.
//
//   SystemTopics topics("campanile version 0.1.0", clock.steady_ns());
//   for (const SystemTopics::Change& change : topics.update(sample, clock.steady_ns())) publish(change.topic, change.payload);
//
// Totals are whole numbers since start. A load is a moving average per minute: over an interval of t seconds in which n things were
// counted, load = r + exp(-t / T) * (load before - r), where r = n * 60 / t and T is 60, 300 or 900 seconds; two decimals.
// docs/guides/broker-status.md is the table for operators.
// Threads: one owner. Pure: no clock, no I/O. Limit: the number of topics is fixed.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/traffic.h"

namespace campanile::broker {

// The broker's counters at one moment. Totals are since start.
struct SystemSample {
  uint64_t uptime_s = 0;
  uint64_t clients_connected = 0;
  uint64_t clients_away = 0;  // whose sessions are kept
  uint64_t clients_most = 0;  // connected at the same time, since start
  uint64_t clients_expired = 0;
  uint64_t subscriptions = 0;  // in no group
  uint64_t shared_subscriptions = 0;
  uint64_t retained_messages = 0;
  uint64_t retained_bytes = 0;
  uint64_t queued_messages = 0;
  uint64_t queued_bytes = 0;
  uint64_t in_flight = 0;
  uint64_t heap_bytes = 0;  // 0: not known, and then not published

  uint64_t packets_in = 0;  // of every type
  uint64_t packets_out = 0;
  uint64_t messages_in = 0;  // PUBLISH
  uint64_t messages_out = 0;
  uint64_t payload_bytes_in = 0;
  uint64_t payload_bytes_out = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint64_t sockets_opened = 0;
  uint64_t connects = 0;  // CONNECT packets
  std::array<uint64_t, kDropReasons> dropped{};
};

// Whether a drop means that a limit was reached: what mosquitto counts as dropped. The others are what the protocol or the
// receiver asked for, and are counted under their own name alone.
bool is_limit(DropReason reason);

class SystemTopics {
 public:
  // `version` is the payload of $SYS/broker/version; `steady_ns` is when every total was zero.
  explicit SystemTopics(std::string version, int64_t steady_ns = 0) : version_(std::move(version)), last_ns_(steady_ns) {}

  struct Change {
    std::string_view topic;  // lives as long as this object
    std::string payload;
  };
  // The topics whose text has changed since the last call; at the first call all of them.
  // Samples are in order, `steady_ns` never goes back.
  std::vector<Change> update(const SystemSample& sample, int64_t steady_ns);

 private:
  struct Load {
    uint64_t total = 0;
    std::array<double, 3> per_minute{};  // over 1, 5 and 15 minutes
  };
  struct Published {
    std::string topic;
    std::string payload;
  };
  static constexpr size_t kLoads = 9;

  void update_loads(const SystemSample& sample, int64_t steady_ns);
  void set(std::string_view topic, std::string payload, std::vector<Change>& changes);

  const std::string version_;
  int64_t last_ns_;
  uint64_t heap_most_ = 0;
  std::array<Load, kLoads> loads_;
  std::vector<Published> published_;  // in the order of update()'s calls of set(), which is always the same
  size_t next_ = 0;
};

}  // namespace campanile::broker
