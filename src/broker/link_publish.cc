// PUBLISH and what answers it: retain -> store -> deliver -> acknowledge once durable.
#include "base/log.h"
#include "broker/bridge_marks.h"
#include "broker/bridge_options.h"
#include "broker/link.h"
#include "broker/mount.h"

namespace campanile::broker {
namespace {

using mqtt::PacketType;
using mqtt::ReasonCode;
using mqtt::Taken;

// How soon a packet that the store had no room for is tried again.
constexpr std::chrono::milliseconds kRetry{10};

}  // namespace

Taken Link::on_publish(const mqtt::PublishPacket& packet) {
  if (uncommitted_bytes_ + (batch_ ? batch_->bytes : 0) > loop_.shared().options.uncommitted_bytes_max) {
    pause_reading();  // until committed()
    return Taken::kLater;
  }
  if (packet.qos == 2) {
    // [MQTT-4.3.3-10]: the same message again, unless it was released meanwhile.
    if (const auto lsn = session_->received(packet.packet_id)) {
      acknowledge_later(packet, {.synced = *lsn}, ReasonCode::kSuccess);
      return Taken::kYes;
    }
  }
  if (is_denied(packet)) return Taken::kYes;
  return profile_.mount.empty() ? store_and_deliver(packet) : mount_and_deliver(packet);
}

// What the broker says about itself is not for clients to say; but a bridge of another broker tells there whether it is connected, as
// Mosquitto's do. That it is a digit keeps these topics, which no limit of retained messages counts, small.
bool Link::is_brokers_own(std::string_view topic, std::string_view payload, std::string_view client_id) {
  return is_own_topic(topic) && (payload.size() > 1 || topic != bridge_state_topic(client_id));
}

// Guests say nothing. Version 3 has no word for it: the message is acknowledged and dropped [MQTT-3.3.5-2 of 3.1.1].
bool Link::is_denied(const mqtt::PublishPacket& packet) {
  const bool reserved = read_only_ || is_brokers_own(packet.topic, packet.payload, session_->client_id());
  if (!reserved && !has_been_here(packet)) return false;
  ++loop_.traffic().messages_in;
  loop_.traffic().drop(reserved ? DropReason::kDenied : DropReason::kLooped);
  acknowledge_later(packet, {}, reserved ? ReasonCode::kNotAuthorized : ReasonCode::kSuccess);
  return true;
}

// A message that went out over one of our own bridges and came back round: its subscribers have had it.
bool Link::has_been_here(const mqtt::PublishPacket& packet) const {
  if (packet.properties.find(kViaProperty) == std::string_view::npos) return false;
  bool found = false;
  mqtt::each_user_property(packet.properties, [&](std::string_view name, std::string_view value) {
    found = found || (name == kViaProperty && value == loop_.shared().id);
  });
  return found;
}

Taken Link::mount_and_deliver(const mqtt::PublishPacket& packet) {
  if (profile_.mount.size() + packet.topic.size() > UINT16_MAX) {
    ++loop_.traffic().messages_in;
    loop_.traffic().drop(DropReason::kDenied);
    acknowledge_later(packet, {}, ReasonCode::kTopicNameInvalid);
    return Taken::kYes;
  }
  const std::string topic = mount_topic(profile_.mount, packet.topic);
  const std::string properties = packet.properties.empty() ? std::string() : mount_response_topic(profile_.mount, packet.properties);
  mqtt::PublishPacket mounted = packet;
  mounted.topic = topic;
  mounted.properties = properties;
  return store_and_deliver(mounted);
}

Taken Link::store_and_deliver(const mqtt::PublishPacket& packet) {
  const int64_t now_ns = loop_.input_ns();
  std::string properties;
  if (!packet.properties.empty()) mqtt::append_forwarded_properties(properties, packet.properties);
  Publication publication{.topic = packet.topic, .payload = packet.payload, .properties = properties, .published_ns = now_ns,
                          .qos = packet.qos, .retain = packet.retain, .publisher = session_.get(),
                          .stays = packet.properties.empty() && profile_.mount.empty()};  // otherwise topic and properties may be copies of this call
  if (packet.message_expiry_s) publication.expires_ns = now_ns + *packet.message_expiry_s * kNanosPerSecond;

  journal::Awaited awaited;
  if (packet.retain) {
    const auto retained = retain(publication);
    if (!retained) return protocol_.closed() ? Taken::kYes : Taken::kLater;
    awaited.synced = *retained;
  }
  const ReceivedMessage message{.topic = packet.topic, .payload = packet.payload, .qos = packet.qos, .retain = packet.retain,
                                .client_id = session_->client_id(), .user = user_, .received_ns = loop_.own_time(now_ns)};
  if (packet.qos == 2 && session_->durable()) {
    publication.received_id = packet.packet_id;
    publication.unstored = &message;
    accepted_.emplace();
  } else if (!accepted_) {
    const auto accepted = loop_.shared().offer(message);
    if (!accepted) return not_stored(accepted.error());
    accepted_ = *accepted;
  }
  const auto delivered = loop_.fan_out(publication, now_ns);
  if (!delivered) return not_stored(delivered.error());
  awaited.include(*accepted_);
  awaited.include({.synced = delivered->lsn});
  retained_lsn_ = kNotYet;
  accepted_.reset();
  ++messages_in_;
  ++loop_.traffic().messages_in;
  loop_.traffic().payload_bytes_in += packet.payload.size();
  acknowledge_later(packet, awaited, delivered->wanted ? ReasonCode::kSuccess : ReasonCode::kNoMatchingSubscribers);
  return Taken::kYes;
}

Taken Link::not_stored(const Error& error) {
  if (error.code == ErrorCode::kOverloaded) {
    retry_soon();
    return Taken::kLater;
  }
  storage_failed(error);
  return Taken::kYes;
}

std::optional<journal::Lsn> Link::retain(Publication& publication) {
  if (retained_lsn_ != kNotYet) return retained_lsn_;  // a second attempt, after sink or sessions had no room
  const auto kept = loop_.shared().retained.set(publication);
  if (kept) {
    retained_lsn_ = *kept;
  } else if (kept.error().code == ErrorCode::kOverloaded) {
    retry_soon();
    return std::nullopt;
  } else if (kept.error().code == ErrorCode::kTooLarge) {
    loop_.traffic().drop(DropReason::kRetainedLimit);
    retained_lsn_ = 0;
  } else {
    storage_failed(kept.error());
    return std::nullopt;
  }
  return retained_lsn_;
}

void Link::acknowledge_later(const mqtt::PublishPacket& packet, const journal::Awaited& awaited, ReasonCode reason) {
  if (packet.qos == 0) return;
  const bool v5 = protocol_.version() == mqtt::ProtocolVersion::kV5;
  if (!v5) reason = ReasonCode::kSuccess;
  batch().acknowledgements.push_back(
      {.packet_id = packet.packet_id, .type = packet.qos == 1 ? PacketType::kPuback : PacketType::kPubrec, .reason = reason});
  batch_->awaited.include(awaited);
  batch_->bytes += packet.topic.size() + packet.payload.size();
  // A PUBREC with an error ends the exchange, any other makes the identifier known until PUBREL [MQTT-4.3.3-9].
  if (packet.qos == 2 && !mqtt::is_error(reason)) session_->receive(packet.packet_id, std::max(awaited.synced, awaited.written));
}

Link::Batch& Link::batch() {
  if (!batch_) batch_ = std::make_unique<Batch>();
  return *batch_;
}

void Link::commit_batch() {
  if (!batch_) return;
  uncommitted_bytes_ += batch_->bytes;
  journal::Awaited& awaited = batch_->awaited;
  // Acknowledgements go out in the order of their messages [MQTT-4.6.0-2]: behind one that waits for the sync, all do.
  if (batches_unsynced_ > 0) awaited.synced = std::max({awaited.synced, awaited.written, journal::Lsn{1}});
  if (awaited.synced > 0) ++batches_unsynced_;
  loop_.commits().when_safe(journal::Awaited(awaited), [self = shared_from_this(), batch = std::move(batch_)](const Result<void>& stored) {
    self->committed(*batch, stored);
  });
}

void Link::committed(const Batch& batch, const Result<void>& stored) {
  uncommitted_bytes_ -= batch.bytes;
  if (batch.awaited.synced > 0) --batches_unsynced_;
  // [MQTT-3.14.4-1]: nothing follows a DISCONNECT, which the input that is being answered may have earned.
  if (ended_ || protocol_.closed()) return;
  if (!stored) {
    storage_failed(stored.error());
    send_out();
    end_if_closed();
    loop_.end_batch();
    return;
  }
  for (const Acknowledgement& acknowledgement : batch.acknowledgements) {
    mqtt::encode_ack(out(), protocol_.version(), acknowledgement.type, acknowledgement.packet_id, acknowledgement.reason);
    const bool goes_on = acknowledgement.type == PacketType::kPubrec && !mqtt::is_error(acknowledgement.reason);
    if (!goes_on) protocol_.release_receive();
  }
  send_out();
  if (paused_ && uncommitted_bytes_ <= loop_.shared().options.uncommitted_bytes_max / 2) resume_reading();
}

// The message is not acknowledged: the client keeps it and sends it again on its next connection, when the store may have recovered.
void Link::storage_failed(const Error& error) {
  complain(session_->client_id(), "is disconnected because its message could not be stored", error);
  protocol_.disconnect(out(), ReasonCode::kImplementationSpecificError, "the message could not be stored");
}

// A disk that takes nothing is no fault of this client's, and all the others come with the same.
void Link::complain(std::string_view client_id, std::string_view what, const Error& error) {
  const uint64_t times = loop_.shared().not_stored.note(loop_.shared().clock.steady_ns());
  if (times == 1) log::warning("'{:.200}' {}: {}", client_id, what, error.message);
  if (times > 1) log::warning("'{:.200}' {}, and {} other times since the last such line: {}", client_id, what, times - 1, error.message);
}

void Link::pause_reading() {
  if (std::exchange(paused_, true)) return;
  loop_.shared().counters.reading_paused.add();
  connection_->pause_reading();
}

void Link::retry_soon() {
  pause_reading();
  loop_.event_loop().run_after(kRetry, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->resume_reading();
  });
}

void Link::resume_reading() {
  if (ended_ || !std::exchange(paused_, false)) return;
  protocol_.excuse_silence(loop_.shared().clock.steady_ns());
  connection_->resume_reading();
}

// A journal without room has some soon: the answer is late. One that cannot write keeps the client's state as it was, by ending the connection.
void Link::not_recorded(const mqtt::AckPacket& packet, const Error& error, void (Link::*again)(const mqtt::AckPacket&)) {
  if (error.code != ErrorCode::kOverloaded) return storage_failed(error);
  loop_.event_loop().run_after(kRetry, [weak = weak_from_this(), packet, again] {
    const auto self = weak.lock();
    if (!self || self->ended_) return;
    self->loop_.begin_input();
    (self.get()->*again)(packet);
    self->send_out();
    self->commit_batch();
    if (std::exchange(self->session_written_, false)) self->flush_session();
    self->end_if_closed();
    self->loop_.end_batch();
  });
}

void Link::on_release(const mqtt::AckPacket& packet) {
  const auto released = session_->release(packet.packet_id);
  if (!released) return not_recorded(packet, released.error(), &Link::on_release);
  const auto lsn = *released;
  if (!lsn) {
    mqtt::encode_ack(out(), protocol_.version(), PacketType::kPubcomp, packet.packet_id, ReasonCode::kPacketIdentifierNotFound);
    return;
  }
  batch().acknowledgements.push_back({.packet_id = packet.packet_id, .type = PacketType::kPubcomp});  // [MQTT-4.3.3-11]
  batch_->awaited.include({.synced = *lsn});
}

void Link::on_ack(const mqtt::AckPacket& packet) {
  if (packet.type == PacketType::kPuback) return loop_.acknowledged().push_back(packet.packet_id);
  const auto done = session_->acknowledge(packet, loop_.input_ns(), loop_.traffic());
  if (!done) return not_recorded(packet, done.error(), &Link::on_ack);
  session_written_ = true;
}

}  // namespace campanile::broker
