// LoadReport: what a load run found, as the closing table for people and as one line of JSON for scripts.
//
//   std::fputs(format_table(report).c_str(), stdout);
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "app/bench/histogram.h"
#include "app/bench/load_options.h"

namespace campanile::app::bench {

struct LoadReport {
  struct Broker {
    uint64_t resident_before_bytes = 0;     // before the first connection
    uint64_t resident_connected_bytes = 0;  // all connections up, nothing sent
    uint64_t resident_after_bytes = 0;      // when measuring ended
    double cpu_s = 0;                       // while measuring
  };

  std::string broker_name;
  LoadOptions options;
  double measured_s = 0;
  double connecting_s = 0;
  uint64_t connected = 0;

  // While measuring: the rates.
  uint64_t sent = 0;
  uint64_t acknowledged = 0;
  uint64_t delivered = 0;

  // Of the whole run, warm-up and draining included.
  uint64_t sent_total = 0;
  uint64_t acknowledged_total = 0;
  uint64_t delivered_total = 0;
  uint64_t unacknowledged = 0;         // still in flight at the end
  uint64_t refused = 0;
  std::optional<uint64_t> lost;        // QoS 1 and 2: acknowledged and not delivered to a subscriber; nothing: cannot be told
  std::optional<uint64_t> undelivered; // QoS 0
  uint64_t duplicates = 0;
  uint64_t reordered = 0;
  uint64_t foreign = 0;
  uint64_t visits = 0;
  uint64_t missed = 0;                 // what --rate asked for and could not be sent
  uint64_t failures = 0;
  std::map<std::string, uint64_t> reasons;

  Histogram acknowledgement_latency;
  Histogram delivery_latency;
  std::optional<Broker> broker;
  double own_cpu_s = 0;

  double per_second(uint64_t count) const { return measured_s > 0 ? static_cast<double>(count) / measured_s : 0; }
};

inline constexpr int kExitFailures = 1;
inline constexpr int kExitLost = 3;
int exit_code(const LoadReport& report);

std::string format_table(const LoadReport& report);
// One line, with '\n'.
std::string format_json(const LoadReport& report);
// "1,234,567"
std::string with_commas(uint64_t number);
// "50 publishers -> 1 subscriber, QoS 1, 140 B, 50 in flight each"
std::string describe_load(const LoadOptions& options);

}  // namespace campanile::app::bench
