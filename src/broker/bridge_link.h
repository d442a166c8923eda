// BridgeLink: one attempt of a bridge: its connection to the remote broker, its connection to the local one, and the relay between them.
// They live and die together: where one ends, so does the other, and what was under way stays with the two sessions.
//
//   auto link = BridgeLink::start(context, identity, memory, events);
//   ...
//   link->stop();       // says goodbye; events.on_down() follows
//
// Threads: its loop's. Ownership: kept by its connections until both have closed; `events`, the context and the memory outlive it.
// Limits: while more than a megabyte waits for the one side, the other is not read.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "broker/bridge_relay.h"
#include "net/event_loop.h"
#include "net/tcp.h"

namespace campanile::broker {

class BridgeLinkEvents {
 public:
  virtual ~BridgeLinkEvents() = default;
  virtual void on_up() = 0;
  virtual void on_traffic(const BridgeTraffic& traffic) = 0;
  virtual void on_not_granted(std::string_view filter, mqtt::ReasonCode reason) = 0;
  // The last call: both connections have closed.
  virtual void on_down(const BridgeFailure& why) = 0;
};

struct BridgeLinkContext {
  const BridgeOptions& options;
  const BridgeTopics& topics;
  net::EventLoopPool* loops = nullptr;  // null in tests, which bring `connect_remote`
  net::EventLoop& loop;
  const Clock& clock;
  // A handler of the local broker for one connection.
  std::function<std::shared_ptr<net::TcpHandler>(net::EventLoop&)> local_handler;
  // Instead of net::tcp_connect().
  std::function<std::shared_ptr<net::TcpConnection>(std::shared_ptr<net::TcpHandler>)> connect_remote = {};
};

class BridgeLink final : public std::enable_shared_from_this<BridgeLink>, private BridgeRelayHandler {
 public:
  static std::shared_ptr<BridgeLink> start(const BridgeLinkContext& context, BridgeIdentity identity, BridgeMemory& memory,
                                           BridgeLinkEvents& events);
  ~BridgeLink() override;

  void stop();

 private:
  class End;

  BridgeLink(const BridgeLinkContext& context, BridgeIdentity identity, BridgeMemory& memory, BridgeLinkEvents& events);

  // From the connections.
  void opened(BridgeSide side);
  size_t received(BridgeSide side, std::string_view bytes);
  void send_queue_low(BridgeSide side);
  void closed(BridgeSide side, std::string_view reason);

  void on_local_wanted() override;
  void on_up() override { events_.on_up(); }
  void on_not_granted(std::string_view filter, mqtt::ReasonCode reason) override { events_.on_not_granted(filter, reason); }
  void on_input_wanted(BridgeSide side) override;
  void on_failed(const BridgeFailure& failure) override;

  std::shared_ptr<net::TcpConnection>& connection(BridgeSide side) { return side == BridgeSide::kLocal ? local_ : remote_; }
  void pause(BridgeSide side);
  void resume(BridgeSide side);
  void flush();
  void arm_timer();
  void finish();

  const BridgeLinkContext& context_;
  const BridgeIdentity identity_;
  BridgeLinkEvents& events_;
  BridgeRelay relay_;
  std::shared_ptr<net::TcpConnection> local_;   // null before it is wanted and once it has closed
  std::shared_ptr<net::TcpConnection> remote_;  // null once it has closed
  bool remote_open_ = false;
  bool paused_[2] = {false, false};
  bool congested_[2] = {false, false};  // the other side has more than enough to send
  bool receiving_ = false;
  bool closing_ = false;   // nothing is passed on any more
  bool finished_ = false;  // both have been told to close
  std::optional<net::TimerId> timer_;
  std::optional<BridgeFailure> why_;
};

}  // namespace campanile::broker
