// What goes out to the client: new messages, those in flight, retained ones, and what answers its acknowledgements.
#include <algorithm>

#include "base/check.h"
#include "base/clock.h"
#include "broker/delivery_batch.h"
#include "broker/mount.h"
#include "broker/retained_store.h"
#include "broker/session.h"
#include "broker/session_record.h"
#include "broker/session_store.h"
#include "broker/session_waiting.h"
#include "mqtt/encode.h"

namespace campanile::broker {
namespace {

// Retained messages go out in portions of about that size: a subscription to '#' may match a million of them. It is the
// connection's own high water mark, so that on_send_queue_low() follows whenever it is passed.
constexpr size_t kRetainedPortionBytes = 256 * 1024;
constexpr size_t kRetainedPortionMessages = 128;
constexpr size_t kOutboxReserveBytesMax = 64 * 1024;

}  // namespace

bool Session::room_in_connection(size_t limit) const {
  return outbox_.size() + send_queue_bytes_.load(std::memory_order_relaxed) <= limit;
}

// How many more QoS 1 and 2 messages the client lets us have in flight [MQTT-3.3.4-9].
size_t Session::free_window() const {
  const size_t window = std::min(terms_.receive_maximum, environment_.options.in_flight_max);
  const size_t used = waiting_ ? waiting_->in_flight.on_link() : 0;
  return used < window ? window - used : 0;
}

// The same for messages that have not been sent before, of which we must have the memory to keep them.
bool Session::window_open() const {
  if (free_window() == 0) return false;
  if (!waiting_) return true;
  const bool is_short = environment_.memory_bytes.load(std::memory_order_relaxed) > environment_.options.queue_memory_bytes_max;
  return !waiting_->in_flight.full() && waiting_->in_flight_bytes < (is_short ? kInFlightBytesShort : kInFlightBytesMax);
}

void Session::hold_outbox_until(journal::Lsn lsn) { outbox_lsn_ = std::max(outbox_lsn_, lsn); }

int Session::wake_locked() {
  if (!link_ || (outbox_.empty() && !stalled_) || flush_pending_) return -1;
  flush_pending_ = true;
  return terms_.loop;
}

int Session::deliver(Publication& publication, const DeliveryTerms& terms, int64_t now_ns, Traffic& traffic) {
  std::lock_guard lock(mutex_);
  deliver_locked(publication, terms, now_ns, traffic);
  return wake_locked();
}

int Session::deliver(std::span<const Delivery> deliveries, int64_t now_ns, Traffic& traffic) {
  std::lock_guard lock(mutex_);
  for (const Delivery& delivery : deliveries) deliver_locked(*delivery.publication, delivery.target->terms, now_ns, traffic);
  return wake_locked();
}

void Session::deliver_locked(Publication& publication, const DeliveryTerms& terms, int64_t now_ns, Traffic& traffic) {
  if (ended_ || is_outside(publication.topic)) return;
  const uint8_t qos = std::min(publication.qos, terms.qos);
  const bool retain = terms.retain_as_published && publication.retain;  // [MQTT-3.3.1-12, 3.3.1-13]
  const bool room = link_ && room_in_connection(environment_.options.connection_bytes_max);
  if (qos == 0) {
    if (!room) return traffic.drop(link_ ? DropReason::kSlowConsumer : DropReason::kOffline);
    return send_new(View::of(publication), {.retain = retain, .subscription_ids = terms.subscription_ids}, now_ns, traffic);
  }
  CHECK(!durable_);
  const bool in_turn = !waiting_ || (!waiting_->in_flight.resending() && waiting_->messages == 0);
  if (room && in_turn && window_open()) {
    OutgoingMessage out{.qos = qos, .retain = retain, .subscription_ids = terms.subscription_ids};
    if (shares()) out.message = publication.keep();  // should the session end, another member gets it
    send_new(View::of(publication), std::move(out), now_ns, traffic);
  } else {
    enqueue(publication, terms, true, traffic);
  }
}

uint64_t Session::reserve(Publication& publication, const DeliveryTerms& terms, Traffic& traffic) {
  std::lock_guard lock(mutex_);
  if (ended_ || is_outside(publication.topic)) return 0;
  const OutgoingMessage* queued = enqueue(publication, terms, false, traffic);
  return queued ? queued->sequence : 0;
}

int Session::recorded(uint64_t sequence, int64_t now_ns, Traffic& traffic) {
  std::lock_guard lock(mutex_);
  OutgoingMessage* queued = find_queued(sequence);
  if (!queued) return -1;  // the session has ended
  queued->recorded = true;
  changed_ = true;
  pump_locked(now_ns, traffic);
  return wake_locked();
}

// Whether the client takes a packet of that size [MQTT-3.1.2-24], and the protocol knows one.
bool Session::fits(const View& message, const OutgoingMessage& terms) const {
  const mqtt::OutgoingPublish sized{.topic = message.topic, .payload = message.payload, .qos = terms.qos, .properties = message.properties,
                                    .message_expiry_s = message.expires_ns ? std::optional<uint32_t>(0) : std::nullopt,
                                    .subscription_identifiers = terms.subscription_ids};
  return mqtt::publish_size(terms_.version, sized) <= std::min<size_t>(terms_.packet_bytes_max, mqtt::kPacketBytesLimit);
}

// "mount/#" matches "mount" too, which to a client of that mount does not exist.
bool Session::is_outside(std::string_view topic) const { return terms_.mount && !unmount_topic(*terms_.mount, topic); }

// The message as the client of a mount sees it.
Session::View Session::unmounted(const View& message, std::string& properties) const {
  View seen = message;
  seen.topic = unmount_topic(*terms_.mount, message.topic).value_or(message.topic);
  if (!message.properties.empty()) {
    properties = unmount_response_topic(*terms_.mount, message.properties);
    seen.properties = properties;
  }
  return seen;
}

void Session::write(const View& message, const OutgoingMessage& terms, bool duplicate, uint16_t id, int64_t now_ns, Traffic& traffic) {
  if (!terms_.mount) return write_as_seen(message, terms, duplicate, id, now_ns, traffic);
  std::string properties;
  write_as_seen(unmounted(message, properties), terms, duplicate, id, now_ns, traffic);
}

void Session::write_as_seen(const View& message, const OutgoingMessage& terms, bool duplicate, uint16_t id, int64_t now_ns, Traffic& traffic) {
  mqtt::OutgoingPublish publish{.topic = message.topic, .payload = message.payload, .qos = terms.qos, .duplicate = duplicate,
                                .retain = terms.retain, .packet_id = id, .properties = message.properties,
                                .subscription_identifiers = terms.subscription_ids};
  if (message.expires_ns != 0) {
    // [MQTT-3.3.2-6]: the receiver gets what is left, in whole seconds begun.
    const int64_t left_ns = std::max<int64_t>(message.expires_ns - now_ns, 1);
    publish.message_expiry_s = static_cast<uint32_t>(std::min<int64_t>((left_ns + kNanosPerSecond - 1) / kNanosPerSecond, UINT32_MAX));
  }
  if (outbox_.empty()) outbox_.reserve(std::min<size_t>(outbox_hint_, kOutboxReserveBytesMax));
  if (terms_.topic_alias_maximum > 0) alias_topic(publish);
  mqtt::encode_publish(outbox_, terms_.version, publish);
  ++messages_out_;
  ++traffic.messages_out;
  traffic.payload_bytes_out += message.payload.size();
}

// What is written reaches the link or is lost with it, and the aliases with both: they are the link's [MQTT-3.3.2-7].
void Session::alias_topic(mqtt::OutgoingPublish& publish) {
  if (!aliases_) aliases_ = std::make_unique<mqtt::TopicAliasSender>(terms_.topic_alias_maximum);
  const bool room = terms_.packet_bytes_max == UINT32_MAX ||
                    mqtt::publish_size(terms_.version, publish) + mqtt::TopicAliasSender::kOverheadBytes <= terms_.packet_bytes_max;
  const auto use = aliases_->use(publish.topic, room);
  publish.topic_alias = use.alias;
  if (!use.with_topic) publish.topic = {};
}

// A message for the first time, unless it has expired [MQTT-3.3.2-5] or is larger than the client takes [MQTT-3.1.2-24, 3.1.2-25].
void Session::send_new(const View& message, OutgoingMessage out, int64_t now_ns, Traffic& traffic) {
  if (is_expired(message.expires_ns, now_ns)) return traffic.drop(DropReason::kExpired);
  if (!fits(message, out)) return traffic.drop(DropReason::kPacketTooLarge);
  if (out.qos == 0) return write(message, out, false, 0, now_ns, traffic);
  add_in_flight(message, std::move(out), now_ns, traffic);
}

void Session::add_in_flight(const View& message, OutgoingMessage out, int64_t now_ns, Traffic& traffic) {
  Waiting& waits = waiting();
  if (out.message) {
    waits.in_flight_bytes += memory_cost(*out.message);
    environment_.in_flight_bytes += memory_cost(*out.message);
  }
  const uint16_t id = waits.in_flight.add(std::move(out));
  ++traffic.in_flight;
  write(message, waits.in_flight.find(id)->out, false, id, now_ns, traffic);
}

// Its packet identifier, and with it that the message is on its way, is known after a restart. Nothing of QoS 2 may leave before
// that is on disk, or the message might be sent a second time under another identifier. One of QoS 1 may.
bool Session::give_id(const OutgoingMessage& out) {
  if (!durable_) return true;
  const auto lsn = environment_.store.append(encode_given(number_, out.sequence, waiting().in_flight.next_id()));
  changed_ = true;
  if (!lsn) return out.qos == 1;
  if (out.qos == 2) hold_outbox_until(*lsn);
  return true;
}

int Session::deliver_retained(std::string_view filter, DeliveryTerms terms, int64_t now_ns, Traffic& traffic) {
  std::lock_guard lock(mutex_);
  if (ended_ || !link_) return -1;
  // One walk a filter: a client that repeats its subscription gets everything again, but not all at once.
  auto& walks = waiting().walks;
  std::erase_if(walks, [&](const auto& walk) { return walk.filter == filter; });
  walks.push_back({.filter = std::string(filter), .terms = std::move(terms)});
  pump_locked(now_ns, traffic);
  return wake_locked();
}

void Session::resend_in_flight(int64_t now_ns, Traffic& traffic) {
  InFlight& in_flight = waiting_->in_flight;
  while (free_window() > 0 && room_in_connection(environment_.options.connection_bytes_max)) {
    uint16_t id = 0;
    InFlight::Entry* entry = in_flight.resend(id);
    if (!entry) return;
    if (entry->stage == InFlight::Stage::kReceived) {
      mqtt::encode_ack(outbox_, terms_.version, mqtt::PacketType::kPubrel, id);
      ++traffic.others_out;
    } else if (fits(View::of(*entry->out.message), entry->out)) {
      write(View::of(*entry->out.message), entry->out, true, id, now_ns, traffic);  // [MQTT-3.3.1-1]
    } else {
      // The client came back with less room than it had: to it the message counts as delivered [MQTT-3.1.2-25].
      traffic.drop(DropReason::kPacketTooLarge);
      finish_in_flight(id, traffic);
    }
    // Identifiers and PUBRECs that were recorded just before the connection was lost may not be on disk yet.
    if (durable_ && entry->out.qos == 2) hold_outbox_until(environment_.store.end());
  }
}

void Session::send_retained(int64_t now_ns, Traffic& traffic) {
  Waiting& waits = *waiting_;
  std::vector<MessagePtr> portion;
  while (!waits.walks.empty()) {
    Waiting::RetainedWalk& walk = waits.walks.front();
    portion.clear();
    environment_.retained.collect(walk.filter, walk.after, kRetainedPortionMessages, now_ns, portion);
    for (const MessagePtr& message : portion) {
      if (is_outside(message->topic)) continue;
      const uint8_t qos = std::min(message->qos, walk.terms.qos);
      if (!room_in_connection(kRetainedPortionBytes)) return;
      // Behind what waits already: the queue is in the order in which identifiers are given.
      if (qos > 0 && (!window_open() || waits.messages > 0)) return;
      OutgoingMessage out{.qos = qos, .retain = true, .subscription_ids = walk.terms.subscription_ids};  // [MQTT-3.3.1-8]
      if (!send_one_retained(message, std::move(out), now_ns, traffic)) return;
      walk.after = message->topic;
    }
    if (portion.size() < kRetainedPortionMessages) waits.walks.pop_front();
  }
}

// False where it must be recorded before, and cannot be.
bool Session::send_one_retained(const MessagePtr& message, OutgoingMessage out, int64_t now_ns, Traffic& traffic) {
  if (out.qos > 0 && durable_ && fits(View::of(*message), out)) {
    out.message = message;
    out.sequence = next_sequence_;
    const std::vector<RecordedReceiver> self = {{.session = number_, .sequence = out.sequence, .packet_id = waiting().in_flight.next_id(),
                                                 .qos = out.qos, .retain = true, .subscription_ids = out.subscription_ids}};
    const auto lsn = environment_.store.append(encode_message_head(0, 0, self, Publication::of(message)), message->payload);
    if (!lsn) {
      stalled_ = true;
      return false;
    }
    ++next_sequence_;
    changed_ = true;
    if (out.qos == 2) hold_outbox_until(*lsn);
  }
  send_new(View::of(*message), std::move(out), now_ns, traffic);
  return true;
}

void Session::send_queue(int64_t now_ns, Traffic& traffic) {
  Waiting& waits = *waiting_;
  while (!waits.queue.empty() && waits.queue.front().recorded) {
    const OutgoingMessage& front = waits.queue.front();
    if (const auto reason = stale(*front.message, now_ns)) {
      drop_front(*reason, traffic);
      continue;
    }
    if (!fits(View::of(*front.message), front)) {
      drop_front(DropReason::kPacketTooLarge, traffic);
      continue;
    }
    if (!window_open() || !room_in_connection(environment_.options.connection_bytes_max)) return;
    if (!give_id(front)) {
      stalled_ = true;
      return;
    }
    OutgoingMessage out = take_front();
    const MessagePtr message = out.message;
    if (!durable_) {
      forget_row(out);
      out.row = OutgoingMessage::Row::kNone;
      if (!shares()) out.message = nullptr;
    }
    add_in_flight(View::of(*message), std::move(out), now_ns, traffic);
  }
  ask_for_more();
}

void Session::pump_locked(int64_t now_ns, Traffic& traffic) {
  if (!link_ || !waiting_) return;
  stalled_ = false;
  resend_in_flight(now_ns, traffic);
  if (waiting_->in_flight.resending()) return;
  send_queue(now_ns, traffic);
  send_retained(now_ns, traffic);
}

bool Session::pump(int64_t now_ns, Traffic& traffic) {
  std::lock_guard lock(mutex_);
  pump_locked(now_ns, traffic);
  return !outbox_.empty() || stalled_;
}

Session::Output Session::take_output(uint16_t loop) {
  std::lock_guard lock(mutex_);
  flush_pending_ = false;
  if (!link_) return {};
  if (terms_.loop != loop) {
    // The client came back on another loop between the wake-up and now.
    return {.elsewhere = wake_locked()};
  }
  Output output{.link = link_, .stalled = std::exchange(stalled_, false)};
  if (outbox_lsn_ != 0) {
    if (outbox_lsn_ > environment_.store.durable()) {
      // Whoever waits already comes back no later than that.
      flush_pending_ = true;
      if (waited_lsn_ < outbox_lsn_) output.wait_for = waited_lsn_ = outbox_lsn_;
      return output;
    }
    outbox_lsn_ = waited_lsn_ = 0;
  }
  outbox_hint_ = static_cast<uint32_t>(std::min<size_t>(outbox_.size(), UINT32_MAX));
  output.bytes = std::move(outbox_);
  output.more = waiting_ && waiting_->anything_to_send();
  outbox_ = {};
  return output;
}

void Session::finish_in_flight(uint16_t id, Traffic& traffic) {
  Waiting& waits = *waiting_;
  const InFlight::Entry* entry = waits.in_flight.find(id);
  if (durable_) record(encode_finished(number_, entry->out.sequence));
  forget_row(entry->out);
  if (entry->out.message) {
    waits.in_flight_bytes -= memory_cost(*entry->out.message);
    environment_.in_flight_bytes -= memory_cost(*entry->out.message);
  }
  waits.in_flight.finish(id);
  --traffic.in_flight;
}

Result<void> Session::acknowledge(const mqtt::AckPacket& packet, int64_t now_ns, Traffic& traffic) {
  using mqtt::PacketType;
  std::lock_guard lock(mutex_);
  if (!link_) return {};
  InFlight::Entry* entry = waiting_ ? waiting_->in_flight.find(packet.packet_id) : nullptr;
  const bool is_qos1 = packet.type == PacketType::kPuback;
  if (!entry || (entry->out.qos == 1) != is_qos1) {
    // Not ours, or of another life: only PUBREC wants an answer, or its sender would wait for ever [section 4.3.3].
    if (packet.type == PacketType::kPubrec) {
      mqtt::encode_ack(outbox_, terms_.version, PacketType::kPubrel, packet.packet_id, mqtt::ReasonCode::kPacketIdentifierNotFound);
      ++traffic.others_out;
    }
    return {};
  }
  if (packet.type == PacketType::kPubrec && !mqtt::is_error(packet.reason)) {
    if (durable_) {
      // The client may forget the message once it has PUBREL: we must know then, whatever happens, not to send it again.
      hold_outbox_until(TRY(environment_.store.append(encode_peer_received(number_, entry->out.sequence))));
      changed_ = true;
    }
    entry->stage = InFlight::Stage::kReceived;
    if (entry->out.message) {
      waiting_->in_flight_bytes -= memory_cost(*entry->out.message);
      environment_.in_flight_bytes -= memory_cost(*entry->out.message);
      entry->out.message = nullptr;
    }
    mqtt::encode_ack(outbox_, terms_.version, PacketType::kPubrel, packet.packet_id);  // [MQTT-4.3.3-4]
    ++traffic.others_out;
    return {};
  }
  if (packet.type == PacketType::kPubcomp && entry->stage != InFlight::Stage::kReceived) return {};  // before its PUBREC: meaningless
  finish_in_flight(packet.packet_id, traffic);
  pump_locked(now_ns, traffic);
  return {};
}

void Session::acknowledge(std::span<const uint16_t> packet_ids, int64_t now_ns, Traffic& traffic) {
  std::lock_guard lock(mutex_);
  if (!link_ || !waiting_) return;
  for (const uint16_t id : packet_ids) {
    const InFlight::Entry* entry = waiting_->in_flight.find(id);
    if (entry && entry->out.qos == 1) finish_in_flight(id, traffic);
  }
  pump_locked(now_ns, traffic);
}

}  // namespace campanile::broker
