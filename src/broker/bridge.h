// Bridge: one other broker, for as long as the program runs: it connects, passes messages both ways, and connects again when the link
// has gone, waiting longer each time.
//
//   Bridge bridge(options, parts);
//   bridge.start();
//   bridge.status();
//   bridge.stop([] { ... });        // runs once both connections have closed
//
// What is meant for the remote while the link is down waits in the bridge's session with its own broker, under that session's limits;
// of QoS 0 nothing waits.
// Threads: start(), stop() and status() from any; everything else on its loop. Ownership: what `parts` refers to outlives the bridge, and
// the bridge outlives its loop or stop()'s callback.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/metrics.h"
#include "base/random.h"
#include "broker/bridge_link.h"
#include "broker/bridge_session.h"

namespace campanile::broker {

enum class BridgeState : uint8_t { kConnecting, kConnected, kWaiting, kStopped };
// "connecting", "connected", "waiting" or "stopped"
std::string_view to_string(BridgeState state);

struct BridgeStatus {
  std::string name;
  std::string address;
  std::string client_id;
  BridgeState state = BridgeState::kWaiting;
  int64_t since_ns = 0;        // wall time, of the state
  uint64_t connections = 0;    // links that came up, since start like all below
  uint64_t messages_in = 0;
  uint64_t messages_out = 0;
  uint64_t dropped = 0;
  uint64_t looped = 0;
  std::string last_error;      // why the last link or attempt ended; empty: none has
  int64_t last_error_ns = 0;
};

struct BridgeParts {
  net::EventLoopPool* loops = nullptr;  // null in tests, see BridgeLinkContext
  net::EventLoop& loop;
  const Clock& clock;
  Metrics& metrics;
  std::string broker_id;
  std::function<std::shared_ptr<net::TcpHandler>(net::EventLoop&)> local_handler;
  // Tells the local subscribers of the state topic, and retains it.
  std::function<void(std::string_view topic, std::string_view payload)> publish_state;
  // What the session of that client identifier subscribes now.
  std::function<std::vector<std::string>(std::string_view client_id)> filters_of;
  std::function<std::shared_ptr<net::TcpConnection>(std::shared_ptr<net::TcpHandler>)> connect_remote = {};
};

class Bridge final : private BridgeLinkEvents {
 public:
  Bridge(BridgeOptions options, BridgeParts parts);
  ~Bridge() override;

  void start();
  void stop(std::function<void()> done);
  BridgeStatus status() const;

 private:
  void prepare();
  void dial();
  std::vector<std::string> stale_filters() const;
  void schedule();
  void set_state(BridgeState state);
  void on_up() override;
  void on_traffic(const BridgeTraffic& traffic) override;
  void on_not_granted(std::string_view filter, mqtt::ReasonCode reason) override;
  void on_down(const BridgeFailure& why) override;

  const BridgeOptions options_;
  const BridgeTopics topics_;
  const BridgeParts parts_;
  const BridgeLinkContext context_;
  BridgeMemory memory_;
  Random random_;
  std::shared_ptr<net::TcpConnection> preparation_;  // null once it is over
  std::shared_ptr<BridgeLink> link_;                 // null while waiting
  std::optional<net::TimerId> timer_;
  std::function<void()> stopped_;
  bool stopping_ = false;
  bool private_ = false;  // whether the next attempt says that it is a bridge
  uint32_t delay_s_ = 0;
  std::optional<int64_t> up_since_ns_;  // steady; nothing while the link is not up
  std::string told_error_;  // logged last, so that a remote that stays away does not fill the log

  Counter& connections_;
  Counter& messages_in_;
  Counter& messages_out_;
  Counter& dropped_;
  Counter& looped_;

  struct Shared {
    mutable std::mutex mutex;  // a leaf
    BridgeStatus status;
  };
  const std::shared_ptr<Shared> shared_;  // the metrics' gauge looks at it weakly
};

// The wait before an attempt that follows a failed one: `delay_s` doubles up to `max_s`, and what is waited is between half of it and the
// whole, so that the bridges of many brokers do not all come back to one that has restarted in the same moment.
int64_t next_wait_ms(uint32_t& delay_s, uint32_t min_s, uint32_t max_s, Random& random);

}  // namespace campanile::broker
