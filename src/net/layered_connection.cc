#include "net/layered_connection.h"

#include "base/check.h"
#include "base/log.h"

namespace campanile::net {

std::string_view LayeredConnection::certificate_name() const {
  const auto* certified = dynamic_cast<const CertifiedPeer*>(below_.get());
  return certified ? certified->certificate_name() : std::string_view();
}

void LayeredConnection::on_open(TcpConnection& below) {
  below_ = below.shared_from_this();
  timer_ = below_->loop().run_after(options_.opening_timeout, [weak = weak_from_this()] {
    const auto self = std::static_pointer_cast<LayeredConnection>(weak.lock());
    if (!self) return;
    self->timer_ = 0;
    self->reason_ = fmt::format("not done after {} ms", self->options_.opening_timeout.count());
    self->abort();
  });
  start();
}

size_t LayeredConnection::on_bytes(TcpConnection&, std::string_view bytes) {
  const auto self = shared_from_this();
  size_t used = std::exchange(held_, 0);
  if (std::exchange(resumed_, false)) offer_kept();
  while (used < bytes.size() && may_read()) {
    const size_t taken = take(bytes.substr(used));
    CHECK(taken <= bytes.size() - used);
    used += taken;
    if (taken == 0) break;
  }
  finish_if_due();
  if (closing_) {
    kept_ = {};  // nobody asks for it any more
    kept_start_ = 0;
    return bytes.size();
  }
  if (used == bytes.size() && has_kept()) {
    held_ = 1;
    return used - 1;
  }
  return used;
}

void LayeredConnection::on_send_queue_low(TcpConnection&) {
  if (is_open()) handler_->on_send_queue_low(*this);
}

void LayeredConnection::on_closed(TcpConnection&, std::string_view reason) {
  const auto self = shared_from_this();
  closing_ = true;
  drop_timer();
  if (!reason_.empty()) reason = reason_;
  if (handler_) {
    handler_->on_closed(*this, reason);
    handler_.reset();
  } else {
    log::debug("{} with {} did not come about: {}", name(), peer().to_string(), reason);
  }
}

void LayeredConnection::open_above() {
  drop_timer();
  handler_ = (*options_.inner)(below_->loop());
  handler_->on_open(*this);
}

void LayeredConnection::deliver(std::string_view bytes) {
  if (bytes.empty() || !is_open()) return;
  if (paused_ || has_kept()) {
    keep(bytes);
    if (!paused_) offer_kept();
    return;
  }
  const size_t used = handler_->on_bytes(*this, bytes);
  CHECK(used <= bytes.size());
  if (is_open()) keep(bytes.substr(used));
}

void LayeredConnection::keep(std::string_view bytes) {
  if (bytes.empty()) return;
  if (kept_.empty() && kept_.capacity() <= std::string().capacity()) kept_ = net_loop().take_buffer();
  if (kept_start_ > kept_.size() / 2) {
    kept_.erase(0, kept_start_);
    kept_start_ = 0;
  }
  kept_.append(bytes);
  if (kept_.size() - kept_start_ <= options_.input_bytes_max) return;
  reason_ = fmt::format("input over {} bytes", options_.input_bytes_max);
  abort();
}

void LayeredConnection::offer_kept() {
  if (!is_open() || paused_ || !has_kept()) return;
  const size_t size = kept_.size() - kept_start_;
  const size_t used = handler_->on_bytes(*this, std::string_view(kept_).substr(kept_start_));
  CHECK(used <= size);
  kept_start_ += used;
  if (has_kept()) return net_loop().fit_buffer(kept_, kept_start_);
  net_loop().give_buffer(std::exchange(kept_, {}));
  kept_start_ = 0;
}

void LayeredConnection::pause_reading() {
  paused_ = true;
  below_->pause_reading();
}

void LayeredConnection::resume_reading() {
  paused_ = false;
  resumed_ = true;
  below_->resume_reading();
}

void LayeredConnection::peer_finished() {
  finished_ = true;
}

void LayeredConnection::finish_if_due() {
  if (!finished_ || closing_ || (has_kept() && (paused_ || resumed_))) return;
  reason_ = "closed by the peer";
  close();
}

void LayeredConnection::fail(std::string reason) {
  if (closing_) return;
  reason_ = std::move(reason);
  closing_ = true;
  below_->close();
}

void LayeredConnection::close() {
  if (std::exchange(closing_, true)) return;
  say_goodbye();
  below_->close();
}

void LayeredConnection::drop_timer() {
  if (timer_ != 0) below_->loop().cancel(std::exchange(timer_, 0));
}

}  // namespace campanile::net
