// Bridges: every connection of this broker to others.
//
//   auto bridges = TRY(Bridges::create(options, {.broker = *broker, .loops = *loops, .clock = clock, .metrics = metrics}));
//   bridges->start();
//   ...
//   bridges->stop();                // before the broker is shut down
//
// Threads: create(), start() and stop() from one; status() from any. Ownership: what `parts` refers to outlives the bridges, and the
// bridges outlive the loops' run. Limit: kBridgesMax, and kBridgeTopicsMax topics each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/bridge.h"
#include "broker/broker.h"

namespace campanile::broker {

inline constexpr size_t kBridgesMax = 100;
inline constexpr size_t kBridgeTopicsMax = 1000;

struct BridgesParts {
  Broker& broker;
  net::EventLoopPool& loops;
  const Clock& clock;
  Metrics& metrics;
};

class Bridges {
 public:
  // Errors: kInvalidArgument, naming the bridge.
  static Result<std::unique_ptr<Bridges>> create(std::vector<BridgeOptions> options, const BridgesParts& parts);

  // REQUIRES: the loops run or are about to.
  void start();
  // Says goodbye to every remote and returns when that is on its way, within two seconds. REQUIRES: not on a loop.
  void stop();
  std::vector<BridgeStatus> status() const;

 private:
  Bridges() = default;

  std::vector<std::unique_ptr<Bridge>> bridges_;
  bool started_ = false;
};

}  // namespace campanile::broker
