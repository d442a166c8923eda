#include "net/connection.h"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>

#include "base/check.h"

namespace campanile::net {
namespace {

constexpr std::chrono::milliseconds kCloseProgressLimit{5'000};
constexpr std::chrono::milliseconds kLingerLimit{2'000};

bool would_block(const boost::system::error_code& error) {
  return error == asio::error::would_block || error == asio::error::try_again;
}

// A TLS peer that drops TCP without its close_notify is common and no different from an end of stream here: every
// protocol above marks where its messages end.
bool is_end(const boost::system::error_code& error) {
  return error == asio::error::eof || error == asio::ssl::error::stream_truncated;
}

}  // namespace

std::string describe(const boost::system::error_code& error) {
  if (error == asio::error::connection_reset || error == asio::error::broken_pipe) return "connection reset";
  return error.message();
}

Connection::Connection(std::shared_ptr<Loop> loop, size_t input_bytes_max, ConnectionSlot slot)
    : loop_(std::move(loop)), input_bytes_max_(input_bytes_max), slot_(std::move(slot)) {}

Connection::~Connection() = default;

bool Connection::join_loop() {
  joined_ = loop_->add(self_as<Connection>());
  return joined_;
}

// Runs a callback of the handler, then writes what it sent to this connection.
template <typename Function>
void Connection::call_handler(Function&& function) {
  CHECK(!in_callback_);
  in_callback_ = true;
  function();
  in_callback_ = false;
  if (state_ > State::kOpen) input_.reset();  // nobody asks for it any more
  flush();
}

void Connection::opened(Address peer) {
  if (state_ != State::kConnecting) return;
  peer_ = std::move(peer);
  state_ = State::kOpen;
  call_handler([this] { handler_->on_open(*this); });
  start_read();
}

// Reading

void Connection::start_read() {
  if (reading_ || eof_ || state_ == State::kConnecting || state_ == State::kClosed) return;
  if (paused_ && state_ == State::kOpen) return;
  reading_ = true;
  stream_read();
}

void Connection::read_done(const ErrorCode& error, std::string_view bytes) {
  reading_ = false;
  if (state_ == State::kClosed) return;
  if (error) {
    read_failed(error);
    return;
  }
  if (state_ == State::kOpen) deliver(bytes);
  start_read();
}

void Connection::deliver(std::string_view bytes) {
  if (paused_ || offer_pending_ || has_kept()) {
    keep(bytes);
    if (!paused_ && !offer_pending_) offer_kept();
  } else {
    size_t used = 0;
    call_handler([&] { used = handler_->on_bytes(*this, bytes); });
    CHECK(used <= bytes.size());
    if (state_ == State::kOpen) keep(bytes.substr(used));
  }
  if (state_ == State::kOpen && has_kept() && input_->left().size() > input_bytes_max_) {
    fail(input_bytes_max_ >= (1u << 20) ? fmt::format("input over {} MiB", input_bytes_max_ >> 20)
                                        : fmt::format("input over {} bytes", input_bytes_max_));
  }
}

void Connection::keep(std::string_view bytes) {
  if (bytes.empty()) return;
  if (!input_) input_ = std::make_unique<Input>(Input{loop_->take_buffer()});
  if (input_->used > input_->bytes.size() / 2) {
    input_->bytes.erase(0, input_->used);
    input_->used = 0;
  }
  input_->bytes.append(bytes);
}

void Connection::offer_kept() {
  if (state_ != State::kOpen || !has_kept()) return;
  size_t used = 0;
  const size_t size = input_->left().size();
  call_handler([&] { used = handler_->on_bytes(*this, input_->left()); });
  CHECK(used <= size);
  if (state_ != State::kOpen) return;
  input_->used += used;
  if (used == size) {
    loop_->give_buffer(std::move(input_->bytes));
    input_.reset();
  } else {
    loop_->fit_buffer(input_->bytes, input_->used);
  }
}

void Connection::resume_reading() {
  paused_ = false;
  if (state_ != State::kOpen) return;
  // Offered from the loop, not from here: the owner may be in the middle of something.
  if ((has_kept() || in_callback_) && !std::exchange(offer_pending_, true)) {
    asio::post(loop_->context(), [self = self_as<Connection>()] {
      self->offer_pending_ = false;
      if (!self->paused_) self->offer_kept();
      if (self->eof_ && self->state_ == State::kOpen) self->peer_closed();
      self->start_read();
    });
  }
  start_read();
}

void Connection::read_failed(const ErrorCode& error) {
  if (!is_end(error)) {
    fail(describe(error));
    return;
  }
  eof_ = true;
  peer_closed();
}

void Connection::peer_closed() {
  if (state_ == State::kLingering) {
    fail(std::string(reason()));
    return;
  }
  // What came before the end, and was held back by a pause, is still for the handler.
  if (state_ == State::kOpen && has_kept() && (paused_ || offer_pending_)) return;
  if (send_queue_bytes() == 0) {
    fail(state_ == State::kOpen ? "closed by the peer" : std::string(reason()));
  } else if (state_ == State::kOpen) {
    start_closing("closed by the peer");  // it may still read what is queued for it
  }
}

// Writing

void Connection::send(std::string_view bytes) {
  if (state_ > State::kOpen || bytes.empty()) return;
  if (out_.empty() && out_.capacity() <= std::string().capacity()) out_ = loop_->take_buffer();
  out_.append(bytes);
  queued();
}

void Connection::send_owned(std::string bytes) {
  if (state_ > State::kOpen || bytes.empty()) return;
  if (out_.empty() && bytes.size() > 4096) {
    loop_->give_buffer(std::exchange(out_, std::move(bytes)));
  } else {
    send(bytes);
    return;
  }
  queued();
}

void Connection::queued() {
  if (send_queue_bytes() > kSendQueueHighBytes) above_high_ = true;
  if (state_ != State::kOpen || in_callback_ || write_pending_) return;
  if (!std::exchange(turn_end_pending_, true)) loop_->at_turn_end(self_as<Connection>());
}

void Connection::turn_ends() {
  turn_end_pending_ = false;
  flush();
}

void Connection::flush() {
  if (write_pending_ || (state_ != State::kOpen && state_ != State::kClosing)) return;
  if (!out_.empty()) {
    ErrorCode error;
    const size_t taken = stream_write_now(out_, error);
    if (error && !would_block(error)) {
      fail(describe(error));
      return;
    }
    sent_bytes_ += taken;
    if (taken == out_.size()) {
      loop_->give_buffer(std::exchange(out_, {}));
    } else {
      writing_ = std::make_unique<Writing>(Writing{std::exchange(out_, {}), taken});
      write_on();
    }
    note_progress();
  }
  shut_down_if_flushed();
}

void Connection::write_on() {
  write_pending_ = true;
  stream_write(unwritten());
}

void Connection::write_done(const ErrorCode& error, size_t bytes) {
  write_pending_ = false;
  if (state_ == State::kClosed) return;
  if (error) {
    fail(describe(error));
    return;
  }
  writing_->taken += bytes;
  sent_bytes_ += bytes;
  if (!unwritten().empty()) {
    write_on();
  } else {
    loop_->give_buffer(std::move(writing_->bytes));
    writing_.reset();
  }
  note_progress();
  flush();
}

void Connection::note_progress() {
  if (!above_high_ || send_queue_bytes() >= kSendQueueLowBytes) return;
  above_high_ = false;
  // Posted, so that a handler that sends more each time and a peer that takes it at once do not nest without end.
  asio::post(loop_->context(), [self = self_as<Connection>()] {
    if (self->state_ != State::kOpen) return;
    self->call_handler([&] { self->handler_->on_send_queue_low(*self); });
  });
}

// Closing

void Connection::close() {
  if (state_ == State::kConnecting) {
    fail("closed before it was connected");
  } else if (state_ == State::kOpen) {
    start_closing("closed by this side");
    start_read();  // discards; sees the peer go even where reading was paused
  }
}

void Connection::start_closing(std::string_view reason) {
  state_ = State::kClosing;
  if (!in_callback_) input_.reset();
  ending_ = std::make_unique<Ending>(Ending{.reason = std::string(reason)});
  watch_closing();
  if (!in_callback_ && !std::exchange(turn_end_pending_, true)) loop_->at_turn_end(self_as<Connection>());
}

void Connection::watch_closing() {
  drop_timer();
  ending_->sent_bytes = sent_bytes_;
  ending_->timer = loop_->run_after(kCloseProgressLimit, [self = self_as<Connection>()] {
    self->ending_->timer = 0;
    if (self->state_ != State::kClosing) return;
    if (self->sent_bytes_ > self->ending_->sent_bytes) {
      self->watch_closing();
    } else {
      self->fail("the peer took nothing for 5 s while closing");
    }
  });
}

void Connection::shut_down_if_flushed() {
  if (state_ != State::kClosing || write_pending_ || !out_.empty()) return;
  if (eof_) {
    fail(std::string(reason()));
    return;
  }
  state_ = State::kLingering;
  drop_timer();
  ending_->timer = loop_->run_after(kLingerLimit, [self = self_as<Connection>()] {
    self->ending_->timer = 0;
    self->fail(std::string(self->reason()));
  });
  stream_shut_down();
  start_read();
}

void Connection::shut_down_done(const ErrorCode& error) {
  if (state_ == State::kLingering && error) fail(std::string(reason()));
}

void Connection::drop_timer() {
  if (ending_ && ending_->timer != 0) loop_->cancel(std::exchange(ending_->timer, 0));
}

void Connection::fail(std::string reason) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  drop_timer();
  ending_ = std::make_unique<Ending>(Ending{.reason = std::move(reason)});
  stream_close();
  out_ = {};
  // writing_ and, during a callback, input_ are still pointed at: they go with the connection.
  asio::post(loop_->context(), [self = self_as<Connection>()] { self->tell_closed(); });
}

void Connection::tell_closed() {
  if (handler_) handler_->on_closed(*this, reason());
  handler_.reset();
  slot_.release();
  writing_.reset();
  input_.reset();
  if (std::exchange(joined_, false)) loop_->remove(*this);
}

}  // namespace campanile::net
