#include "broker/link.h"

#include <algorithm>

#include "base/log.h"

namespace campanile::broker {

Link::Link(BrokerLoop& loop, const ListenerProfile& profile)
    : loop_(loop), profile_(profile), protocol_(profile.protocol_settings, loop.shared().clock.steady_ns()) {}

Link::~Link() = default;

void Link::on_open(net::TcpConnection& connection) {
  connection_ = connection.shared_from_this();
  ++loop_.shared().connections;
  loop_.shared().counters.sockets_opened.add();
  loop_.wheel().add(this, protocol_.deadline_ns());
}

size_t Link::on_bytes(net::TcpConnection&, std::string_view bytes) {
  if (ended_) return bytes.size();
  loop_.begin_input();
  const size_t used = protocol_.receive(bytes, loop_.shared().clock.steady_ns(), out(), *this);
  hold_input(bytes.size() - used);
  bytes_in_ += used;
  loop_.traffic().bytes_in += used;
  loop_.traffic().packets_in += protocol_.take_packet_count();
  if (!loop_.acknowledged().empty()) take_acknowledged();
  send_out();
  commit_batch();
  if (std::exchange(session_written_, false)) flush_session();
  end_if_closed();
  loop_.end_batch();
  return used;
}

// The input that stays: the beginning of a packet. While the connection is not read it is a whole one that waits for room, charged when it
// came, and at most one portion behind it.
void Link::hold_input(size_t bytes) {
  SharedState& shared = loop_.shared();
  if (paused_ || shared.input.hold(bytes, input_charged_)) return;
  shared.counters.input_cut.add();
  log::debug("{} is ended: a packet of {} bytes so far, and {} of {} bytes of input memory are taken",
             session_ ? session_->client_id() : std::string("a client"), bytes, shared.input.bytes(), shared.input.bytes_max());
  protocol_.disconnect(out(), mqtt::ReasonCode::kQuotaExceeded, "the packets of all clients that are not complete take too much memory");
}

void Link::take_acknowledged() {
  session_->acknowledge(loop_.acknowledged(), loop_.input_ns(), loop_.traffic());
  loop_.acknowledged().clear();
  session_written_ = true;
}

void Link::send_out() {
  if (out().empty()) return;
  if (held_) {
    held_->answers.append(out());
    return out().clear();
  }
  bytes_out_ += out().size();
  loop_.traffic().bytes_out += out().size();
  loop_.traffic().others_out += mqtt::count_packets(out());
  if (connection_) connection_->send(out());
  out().clear();
}

void Link::send_output(std::string bytes, bool more) {
  if (!connection_ || ended_) return;
  if (held_) {
    held_->messages.append(bytes);
    return;
  }
  bytes_out_ += bytes.size();
  loop_.traffic().bytes_out += bytes.size();
  connection_->send_owned(std::move(bytes));
  session_->note_send_queue(connection_->send_queue_bytes());
  if (more && session_->pump(loop_.shared().clock.now_ns(), loop_.traffic())) flush_session();
}

void Link::flush_session() { loop_.flush(session_); }

// CONNACK, and whatever comes after it, once what it promises is on disk [MQTT-3.2.0-1].
void Link::hold_output(journal::Lsn lsn) {
  held_ = std::make_unique<Held>();
  send_out();  // the scratch is the loop's, and what is done on this commit may be another link's turn
  pause_reading();
  loop_.commits().when_durable(lsn, [self = shared_from_this()](const Result<void>& stored) {
    const auto held = std::move(self->held_);
    if (self->ended_ || !held) return;
    if (!stored) {
      self->complain(self->session_->client_id(), "is not served", stored.error());
      self->end();
      return self->connection_->close();
    }
    self->out() = std::move(held->answers);
    self->send_out();
    self->resume_reading();
    if (!held->messages.empty()) self->send_output(std::move(held->messages), false);
    self->session_->pump(self->loop_.shared().clock.now_ns(), self->loop_.traffic());
    self->flush_session();
    self->loop_.end_batch();
  });
}

void Link::on_send_queue_low(net::TcpConnection&) {
  if (ended_ || !session_) return;
  session_->note_send_queue(connection_->send_queue_bytes());
  if (session_->pump(loop_.shared().clock.now_ns(), loop_.traffic())) flush_session();
  loop_.end_batch();
}

void Link::on_violation(const mqtt::Violation& violation) {
  loop_.shared().counters.violations.add();
  log::debug("{} from {}: {} ({})", session_ ? session_->client_id() : std::string("a client"),
             connection_ ? connection_->peer().to_string() : std::string("?"), violation.what, mqtt::to_string(violation.reason));
}

void Link::on_disconnect(const mqtt::DisconnectPacket& packet) {
  // [MQTT-3.14.4-3]: the will goes unpublished, unless the client asks for it.
  const bool keeps_will = packet.reason != mqtt::ReasonCode::kSuccess && protocol_.version() == mqtt::ProtocolVersion::kV5;
  if (packet.properties.has(mqtt::PropertyId::kSessionExpiryInterval)) {
    const uint32_t expiry_s = std::min(packet.properties.session_expiry_s, loop_.shared().options.session_expiry_max_s);
    if (!session_->set_expiry(expiry_s)) {  // [MQTT-3.14.2-2]
      const mqtt::Violation violation{mqtt::ReasonCode::kProtocolError, "DISCONNECT gives an expiry to a session that has none"};
      mqtt::encode_disconnect(out(), protocol_.version(), violation.reason);
      return on_violation(violation);
    }
  }
  if (!keeps_will) session_->forget_will(this);
}

void Link::on_deadline(int64_t steady_ns) {
  if (ended_) return;
  if (paused_) return loop_.wheel().add(this, steady_ns + kNanosPerSecond);  // what the client sent lies unread
  protocol_.notify_timer(steady_ns, out(), *this);
  send_out();
  end_if_closed();
  if (!ended_) look_again(steady_ns);
}

// Also where there is no deadline now: a packet that is begun later gets one, and what arrives must not touch the wheel.
void Link::look_again(int64_t steady_ns) {
  const int64_t packet_ns = steady_ns + loop_.shared().options.protocol.packet_timeout_s * kNanosPerSecond;
  loop_.wheel().add(this, std::min(protocol_.deadline_ns(), packet_ns));
}

void Link::taken_over() {
  if (ended_) return;
  protocol_.disconnect(out(), mqtt::ReasonCode::kSessionTakenOver, "another connection uses this client identifier");
  send_out();
  end_if_closed();
  loop_.end_batch();
}

void Link::shut_down() {
  if (ended_) return;
  protocol_.disconnect(out(), mqtt::ReasonCode::kServerShuttingDown, "the server is stopping");
  send_out();
  end_if_closed();
  loop_.end_batch();
}

void Link::disconnect_by_operator() {
  if (ended_) return;
  protocol_.disconnect(out(), mqtt::ReasonCode::kAdministrativeAction, "an operator ended the connection");
  send_out();
  end_if_closed();
  loop_.end_batch();
}

LinkStatus Link::status() const {
  const std::shared_ptr<const Will> will = session_ ? session_->will() : nullptr;
  return {.peer = connection_ ? connection_->peer().to_string() : std::string(),
          .user = user_,
          .listener = profile_.name,
          .version = protocol_.version(),
          .keep_alive_s = keep_alive_s_,
          .messages_in = messages_in_,
          .bytes_in = bytes_in_,
          .bytes_out = bytes_out_,
          .unsent_bytes = connection_ ? connection_->send_queue_bytes() : 0,
          .will_topic = will ? will->message->topic : std::string()};
}

void Link::on_closed(net::TcpConnection&, std::string_view reason) {
  if (!ended_ && session_) log::debug("{}: {}", session_->client_id(), reason);
  end();
  connection_.reset();
  loop_.end_batch();
}

void Link::end_if_closed() {
  if (!protocol_.closed() || ended_) return;
  end();
  if (connection_) connection_->close();
}

// Once, whichever side ends it: the session is left, kept or ended, and the will published, kept or forgotten.
void Link::end() {
  if (std::exchange(ended_, true)) return;
  SharedState& shared = loop_.shared();
  shared.input.hold(0, input_charged_);
  loop_.wheel().remove(this);
  if (connection_) --shared.connections;
  if (!session_) return;
  --shared.clients;
  const int64_t steady_ns = shared.clock.steady_ns();
  const Session::Detached detached = session_->detach(this, shared.clock.now_ns());
  if (!detached.was_attached) return;
  if (detached.expiry_s == 0) {
    Session::Ended ended = session_->end_if_away(detached.epoch, loop_.traffic());
    if (ended.by_this_call) shared.finish(*session_, std::move(ended));
  } else {
    shared.keep_away(session_, detached, steady_ns);
  }
  if (detached.will != 0) loop_.publish_will(detached.will);
}

}  // namespace campanile::broker
