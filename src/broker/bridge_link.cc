#include "broker/bridge_link.h"

#include <utility>

#include "net/local_pair.h"

namespace campanile::broker {
namespace {

// What may wait for one side before the other is read no further. Above net's high water mark, so that on_send_queue_low() follows.
constexpr size_t kSendQueueBytesMax = 1 << 20;
// Unused input of the remote beside one whole packet.
constexpr size_t kInputRoomBytes = 1 << 20;
constexpr std::chrono::milliseconds kTimerStep{500};

size_t index_of(BridgeSide side) { return static_cast<size_t>(side); }
BridgeSide other(BridgeSide side) { return side == BridgeSide::kLocal ? BridgeSide::kRemote : BridgeSide::kLocal; }

}  // namespace

// What net owns of the link.
class BridgeLink::End final : public net::TcpHandler {
 public:
  End(std::shared_ptr<BridgeLink> link, BridgeSide side) : link_(std::move(link)), side_(side) {}
  void on_open(net::TcpConnection&) override { link_->opened(side_); }
  size_t on_bytes(net::TcpConnection&, std::string_view bytes) override { return link_->received(side_, bytes); }
  void on_send_queue_low(net::TcpConnection&) override { link_->send_queue_low(side_); }
  void on_closed(net::TcpConnection&, std::string_view reason) override { link_->closed(side_, reason); }

 private:
  const std::shared_ptr<BridgeLink> link_;
  const BridgeSide side_;
};

BridgeLink::BridgeLink(const BridgeLinkContext& context, BridgeIdentity identity, BridgeMemory& memory, BridgeLinkEvents& events)
    : context_(context), identity_(std::move(identity)), events_(events), relay_(context.options, context.topics, identity_, memory, *this) {}

BridgeLink::~BridgeLink() = default;

std::shared_ptr<BridgeLink> BridgeLink::start(const BridgeLinkContext& context, BridgeIdentity identity, BridgeMemory& memory,
                                              BridgeLinkEvents& events) {
  std::shared_ptr<BridgeLink> link(new BridgeLink(context, std::move(identity), memory, events));
  const BridgeOptions& options = context.options;
  auto end = std::make_shared<End>(link, BridgeSide::kRemote);
  if (context.connect_remote) {
    link->remote_ = context.connect_remote(std::move(end));
  } else {
    link->remote_ = net::tcp_connect(*context.loops, context.loop,
                                     {.address = options.address,
                                      .tls = options.tls,
                                      .timeout = std::chrono::seconds(options.connect_timeout_s),
                                      .input_bytes_max = options.local_packet_bytes_max + kInputRoomBytes},
                                     std::move(end));
  }
  return link;
}

void BridgeLink::opened(BridgeSide side) {
  if (closing_) return;
  const int64_t now_ns = context_.clock.steady_ns();
  if (side == BridgeSide::kRemote) {
    remote_open_ = true;
    relay_.remote_opened(now_ns);
    arm_timer();
  } else {
    relay_.local_opened(now_ns);
  }
  flush();
}

void BridgeLink::on_local_wanted() {
  local_ = net::connect_local(context_.loop, context_.local_handler(context_.loop), std::make_shared<End>(shared_from_this(), BridgeSide::kLocal));
}

size_t BridgeLink::received(BridgeSide side, std::string_view bytes) {
  if (closing_) return bytes.size();
  const auto& to = connection(other(side));
  if (to && to->send_queue_bytes() > kSendQueueBytesMax) {
    congested_[index_of(side)] = true;
    pause(side);
    return 0;
  }
  receiving_ = true;
  const size_t used = relay_.receive(side, bytes, context_.clock.steady_ns());
  receiving_ = false;
  // Unused and not merely incomplete: more would only pile up.
  if (!closing_ && relay_.holding(side)) pause(side);
  flush();
  return used;
}

void BridgeLink::pause(BridgeSide side) {
  if (std::exchange(paused_[index_of(side)], true)) return;
  relay_.excuse_silence(side);
  if (connection(side)) connection(side)->pause_reading();
}

void BridgeLink::resume(BridgeSide side) {
  if (!std::exchange(paused_[index_of(side)], false) || !connection(side)) return;
  connection(side)->resume_reading();
}

void BridgeLink::on_input_wanted(BridgeSide side) {
  if (!congested_[index_of(side)]) resume(side);
}

void BridgeLink::send_queue_low(BridgeSide side) {
  const BridgeSide from = other(side);
  if (std::exchange(congested_[index_of(from)], false)) resume(from);
}

void BridgeLink::flush() {
  if (receiving_) return;
  for (const BridgeSide side : {BridgeSide::kLocal, BridgeSide::kRemote}) {
    std::string bytes = relay_.take_output(side);
    if (!bytes.empty() && connection(side)) connection(side)->send_owned(std::move(bytes));
  }
  events_.on_traffic(relay_.take_traffic());
  if (closing_) finish();
}

void BridgeLink::on_failed(const BridgeFailure& failure) {
  closing_ = true;
  if (!why_) why_ = failure;
  flush();
}

void BridgeLink::stop() {
  if (std::exchange(closing_, true)) return;
  why_ = BridgeFailure{.words = "stopped", .protocol_refused = false};
  relay_.stop();
  flush();
}

// Closes what is open; closed() does the rest.
void BridgeLink::finish() {
  if (std::exchange(finished_, true)) return;
  if (timer_) context_.loop.cancel(*std::exchange(timer_, std::nullopt));
  if (local_) local_->close();
  if (!remote_) return;
  if (remote_open_) {
    remote_->close();
  } else {
    remote_->abort();
  }
}

void BridgeLink::closed(BridgeSide side, std::string_view reason) {
  connection(side).reset();
  if (!why_) {
    why_ = BridgeFailure{.words = side == BridgeSide::kLocal ? fmt::format("the local broker ended the connection: {}", reason) : std::string(reason),
                         .protocol_refused = remote_open_ && !relay_.accepted()};
  }
  closing_ = true;
  if (local_ || remote_) return finish();
  if (timer_) context_.loop.cancel(*std::exchange(timer_, std::nullopt));
  events_.on_down(*why_);
}

void BridgeLink::arm_timer() {
  timer_ = context_.loop.run_after(kTimerStep, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->closing_) return;
    for (const BridgeSide side : {BridgeSide::kLocal, BridgeSide::kRemote}) {
      if (self->paused_[index_of(side)]) self->relay_.excuse_silence(side);
    }
    self->arm_timer();
    self->relay_.notify_timer(self->context_.clock.steady_ns());
    self->flush();
  });
}

}  // namespace campanile::broker
