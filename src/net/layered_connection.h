// LayeredConnection: a connection whose bytes are wrapped in those of another one: TLS records, WebSocket frames. Private
// to net.
//
//   class Plain : public LayeredConnection { size_t take(std::string_view bytes) override { deliver(bytes); return bytes.size(); } ... };
//   [layer](EventLoop&) { return std::make_shared<Plain>(layer); }   // the factory for TcpListener; layer.inner makes the handler above
//
// A layer is the handler of the connection below and the connection of the handler above, so any stack of them works over any
// socket, and the handler never knows. The handler is made when the layer is open (handshake, upgrade): a flood of strangers costs
// no sessions.
//
// Input that the handler leaves is kept here, unwrapped; as long as there is some, one byte of the wrapped input stays unused as
// well. So the connection below knows that there is something to give again after resume_reading(), and to wait for before it
// tells of the end.
//
// Threads: the loop's. Ownership: the connection below holds the layer as its handler and drops it after on_closed(). Limits:
// input_bytes_max of kept input, then the connection is aborted; a layer that is not open after `opening_timeout` is too.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "net/certified_peer.h"
#include "net/loop.h"
#include "net/tcp.h"

namespace campanile::net {

using SharedFactory = std::shared_ptr<const TcpListener::HandlerFactory>;

struct LayerOptions {
  SharedFactory inner;  // makes the handler above
  std::chrono::milliseconds opening_timeout{10'000};
  size_t input_bytes_max = 256ull << 20;
};

class LayeredConnection : public TcpConnection, public TcpHandler, public CertifiedPeer {
 public:
  explicit LayeredConnection(LayerOptions options) : options_(std::move(options)) {}

  size_t send_queue_bytes() const final { return below_->send_queue_bytes(); }
  uint64_t sent_bytes() const final { return below_->sent_bytes(); }
  void pause_reading() final;
  void resume_reading() final;
  void close() final;
  void abort() final { below_->abort(); }
  EventLoop& loop() final { return below_->loop(); }
  const Address& peer() const final { return below_->peer(); }
  std::string_view certificate_name() const override;

  // From the connection below.
  void on_open(TcpConnection& below) final;
  size_t on_bytes(TcpConnection& below, std::string_view bytes) final;
  void on_send_queue_low(TcpConnection& below) final;
  void on_closed(TcpConnection& below, std::string_view reason) final;

 protected:
  // The connection below is there.
  virtual void start() {}
  // Unwraps from the front and hands over with deliver(), as long as may_read(); returns what it used.
  virtual size_t take(std::string_view bytes) = 0;
  // Our last words in the layer's own language, before the connection below is closed.
  virtual void say_goodbye() {}
  // What the layer is called where it fails to open: "TLS".
  virtual std::string_view name() const = 0;

  TcpConnection& below() { return *below_; }
  Loop& net_loop() { return static_cast<Loop&>(below_->loop()); }
  bool may_read() const { return !paused_ && !closing_; }
  bool is_open() const { return handler_ != nullptr && !closing_; }
  bool closing() const { return closing_; }
  // The layer is through: makes the handler and tells it.
  void open_above();
  void deliver(std::string_view bytes);
  // The peer has finished, in the layer's own words: closes once the handler has had its chance at what was kept.
  void peer_finished();
  // Closes after what is queued; the handler learns `reason`, the log where the layer never opened.
  void fail(std::string reason);

 private:
  bool has_kept() const { return kept_start_ < kept_.size(); }
  void offer_kept();
  void keep(std::string_view bytes);
  void finish_if_due();
  void drop_timer();

  const LayerOptions options_;
  std::shared_ptr<TcpConnection> below_;
  std::shared_ptr<TcpHandler> handler_;
  std::string kept_;  // unwrapped; [0, kept_start_) is used
  size_t kept_start_ = 0;
  size_t held_ = 0;  // wrapped bytes that were taken and are given again
  std::string reason_;
  TimerId timer_ = 0;
  bool paused_ = false;
  bool resumed_ = false;  // what is kept is to be offered, whether more has come or not
  bool finished_ = false;
  bool closing_ = false;
};

}  // namespace campanile::net
