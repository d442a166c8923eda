#include "net/local_pair.h"

#include <utility>

namespace campanile::net {
namespace {

// The water marks of net/tcp.h.
constexpr size_t kHighWaterBytes = 256 * 1024;
constexpr size_t kLowWaterBytes = 64 * 1024;

class LocalEnd final : public TcpConnection {
 public:
  LocalEnd(EventLoop& loop, std::shared_ptr<TcpHandler> handler) : loop_(loop), handler_(std::move(handler)) {}

  void pair_with(std::shared_ptr<LocalEnd> peer) { peer_ = std::move(peer); }
  void open() {
    if (handler_) handler_->on_open(*this);
  }

  void send(std::string_view bytes) override {
    if (bytes.empty() || closing_ || !peer_) return;
    queue_.append(bytes);
    sent(bytes.size());
  }
  void send_owned(std::string bytes) override {
    if (!queue_.empty()) return send(bytes);
    if (bytes.empty() || closing_ || !peer_) return;
    const size_t size = bytes.size();
    queue_ = std::move(bytes);
    sent(size);
  }
  size_t send_queue_bytes() const override { return queue_.size() - taken_; }
  uint64_t sent_bytes() const override { return sent_bytes_; }
  void pause_reading() override { paused_ = true; }
  void resume_reading() override {
    paused_ = false;
    schedule_receive();
  }
  void close() override {
    if (std::exchange(closing_, true)) return;
    loop_.post([self = own()] {
      if (self->peer_) self->peer_->receive();
      self->end("closed by this side", "closed by the peer");
    });
  }
  void abort() override {
    closing_ = aborted_ = true;
    loop_.post([self = own()] { self->end("closed by this side", "connection reset"); });
  }
  EventLoop& loop() override { return loop_; }
  const Address& peer() const override { return address_; }

 private:
  std::shared_ptr<LocalEnd> own() { return std::static_pointer_cast<LocalEnd>(shared_from_this()); }

  void sent(size_t bytes) {
    sent_bytes_ += bytes;
    was_high_ = was_high_ || send_queue_bytes() > kHighWaterBytes;
    if (peer_) peer_->schedule_receive();
  }

  void schedule_receive() {
    if (std::exchange(scheduled_, true)) return;
    loop_.post([self = own()] {
      self->scheduled_ = false;
      self->receive();
    });
  }

  // Gives the handler what the peer has queued.
  void receive() {
    if (paused_ || closing_ || !handler_ || !peer_ || peer_->aborted_ || peer_->send_queue_bytes() == 0) return;
    LocalEnd& from = *peer_;
    // The handler may send, which makes the peer queue for this end in turn, but never to `from`'s queue while it is being read:
    // that one's handler runs in another task.
    const size_t used = handler_->on_bytes(*this, std::string_view(from.queue_).substr(from.taken_));
    from.take(used);
  }

  void take(size_t bytes) {
    taken_ += bytes;
    if (taken_ == queue_.size()) {
      queue_.clear();
      taken_ = 0;
      if (queue_.capacity() > kHighWaterBytes) queue_ = {};
    } else if (taken_ > kHighWaterBytes) {
      queue_.erase(0, taken_);
      taken_ = 0;
    }
    if (!was_high_ || send_queue_bytes() >= kLowWaterBytes) return;
    was_high_ = false;
    loop_.post([self = own()] {
      if (self->handler_ && !self->closing_) self->handler_->on_send_queue_low(*self);
    });
  }

  void end(std::string_view own_reason, std::string_view peer_reason) {
    const auto other = std::exchange(peer_, nullptr);
    if (!other) return;
    other->peer_.reset();
    finish(own_reason);
    other->finish(peer_reason);
  }
  void finish(std::string_view reason) {
    closing_ = true;
    queue_ = {};
    taken_ = 0;
    // The handler is kept until its last call has returned.
    if (const auto handler = std::exchange(handler_, nullptr)) handler->on_closed(*this, reason);
  }

  EventLoop& loop_;
  std::shared_ptr<TcpHandler> handler_;
  std::shared_ptr<LocalEnd> peer_;
  const Address address_{std::string(kInProcess), 0};
  std::string queue_;  // what the peer has not used, from taken_ on
  size_t taken_ = 0;
  uint64_t sent_bytes_ = 0;
  bool was_high_ = false;
  bool paused_ = false;
  bool closing_ = false;
  bool aborted_ = false;  // what is queued goes nowhere
  bool scheduled_ = false;
};

}  // namespace

std::shared_ptr<TcpConnection> connect_local(EventLoop& loop, std::shared_ptr<TcpHandler> server, std::shared_ptr<TcpHandler> client) {
  const auto server_end = std::make_shared<LocalEnd>(loop, std::move(server));
  const auto client_end = std::make_shared<LocalEnd>(loop, std::move(client));
  server_end->pair_with(client_end);
  client_end->pair_with(server_end);
  loop.post([server_end, client_end] {
    server_end->open();
    client_end->open();
  });
  return client_end;
}

}  // namespace campanile::net
