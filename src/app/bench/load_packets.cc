// The packets of a load run: what publishers send, and what is done with what comes.
#include "app/bench/load_thread.h"
#include "base/clock.h"
#include "mqtt/decode.h"
#include "mqtt/encode.h"

namespace campanile::app::bench {
namespace {

using mqtt::PacketType;
using mqtt::ReasonCode;

// What a QoS 0 publisher encodes before others have their turn.
constexpr size_t kFillBytes = 32 * 1024;

uint16_t u16_at(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 | static_cast<uint8_t>(bytes[at + 1]));
}

}  // namespace

bool LoadThread::has_room(const LoadConnection& connection) const {
  if (connection.unsent() >= kOutBytesMax) return false;
  return plan_.options.qos == 0 || !connection.publisher->free_slots.empty();
}

// REQUIRES: has_room().
void LoadThread::publish(LoadConnection& connection, int64_t now_ns) {
  PublisherState& publisher = *connection.publisher;
  const uint64_t sequence = publisher.next_sequence++;
  const uint32_t topic = plan_.topic_of(publisher.number, sequence);
  uint16_t packet_id = 0;
  if (plan_.options.qos > 0) {
    const uint16_t slot = publisher.free_slots.back();
    publisher.free_slots.pop_back();
    publisher.slots[slot] = {.sequence = sequence, .sent_ns = now_ns, .in_use = true};
    packet_id = static_cast<uint16_t>(slot + 1);
  }
  mqtt::encode_publish(connection.out, plan_.options.version,
                       {.topic = plan_.topics[topic],
                        .payload = payloads_.make({.publisher = publisher.number, .sequence = sequence, .sent_ns = now_ns}, topic),
                        .qos = plan_.options.qos,
                        .retain = plan_.options.retain,
                        .packet_id = packet_id});
  counters_.add(Count::kSent);
}

// As many as may be sent now, where there is no rate to keep. The clock is read once: what is encoded here leaves in one write.
void LoadThread::fill(LoadConnection& connection) {
  if (!publishing() || plan_.options.rate > 0) return;
  if (!has_room(connection)) return;
  const int64_t now_ns = SystemClock().steady_ns();
  const size_t until = connection.unsent() + kFillBytes;
  while (has_room(connection) && connection.unsent() < until) publish(connection, now_ns);
}

void LoadThread::publish_due(int64_t now_ns) {
  uint64_t due = publishing_->due(now_ns);
  // Each publisher in turn; whoever has no room is passed over, and when nobody has, the rest stays due.
  size_t without_room = 0;
  while (due > 0 && without_room < publishers_.size()) {
    LoadConnection& publisher = *publishers_[next_publisher_];
    next_publisher_ = next_publisher_ + 1 == publishers_.size() ? 0 : next_publisher_ + 1;
    if (publisher.state != LinkState::kUp || !has_room(publisher)) {
      ++without_room;
      continue;
    }
    without_room = 0;
    if (publisher.unsent() == 0) touched_.push_back(&publisher);
    publish(publisher, now_ns);
    publishing_->done();
    --due;
  }
  for (LoadConnection* publisher : touched_) flush(*publisher);
  touched_.clear();
}

// False where the connection is closed.
bool LoadThread::take(LoadConnection& connection, const mqtt::Frame& frame) {
  switch (frame.type) {
    case PacketType::kPublish: take_message(connection, frame); break;
    case PacketType::kPuback:
    case PacketType::kPubrec:
    case PacketType::kPubcomp: take_acknowledgement(connection, frame); break;
    case PacketType::kPubrel:
      if (frame.body.size() >= 2) mqtt::encode_ack(connection.out, plan_.options.version, PacketType::kPubcomp, u16_at(frame.body, 0));
      break;
    case PacketType::kConnack: return take_connack(connection, frame);
    case PacketType::kSuback: return take_suback(connection, frame);
    case PacketType::kDisconnect: {
      const auto packet = mqtt::decode_disconnect(frame, plan_.options.version);
      lose(connection, fmt::format("disconnected by the broker: {}", packet ? mqtt::to_string(packet->reason) : "no reason"));
      return false;
    }
    default: break;  // PINGRESP
  }
  return true;
}

bool LoadThread::take_connack(LoadConnection& connection, const mqtt::Frame& frame) {
  const auto packet = mqtt::decode_connack(frame.body, plan_.options.version);
  if (!packet || mqtt::is_error(packet->reason)) {
    lose(connection, fmt::format("refused by the broker: {}{}", packet ? mqtt::to_string(packet->reason) : packet.error().what,
                                 plan_.options.user ? "" : " (--username and --password log in)"));
    return false;
  }
  switch (connection.role) {
    case Role::kSubscriber: subscribe(connection, plan_.options.filter, plan_.options.qos); return true;
    case Role::kVisitor: subscribe(connection, fmt::format("bench/visitors/{}/#", connection.number), 0); return true;
    case Role::kPublisher:
      if (plan_.options.qos > 0) {
        connection.publisher->set_window(std::min(plan_.options.window, packet->properties.receive_maximum));
      }
      break;
    case Role::kIdle: break;
  }
  came_up(connection);
  return true;
}

void LoadThread::subscribe(LoadConnection& connection, std::string_view filter, uint8_t qos) {
  const mqtt::SubscribeEntry entry{.filter = filter, .qos = qos};
  mqtt::encode_subscribe(connection.out, plan_.options.version, 1, std::span(&entry, 1));
}

bool LoadThread::take_suback(LoadConnection& connection, const mqtt::Frame& frame) {
  const auto packet = mqtt::decode_suback(frame.body, plan_.options.version);
  if (!packet || packet->reasons.empty() || mqtt::is_error(packet->reasons[0])) {
    lose(connection, fmt::format("the broker refuses the subscription: {}",
                                 packet && !packet->reasons.empty() ? mqtt::to_string(packet->reasons[0]) : "no reason"));
    return false;
  }
  if (connection.role == Role::kVisitor) {
    leave(connection);
    return false;
  }
  if (static_cast<uint8_t>(packet->reasons[0]) < plan_.options.qos) {
    lose(connection, fmt::format("the broker grants QoS {} only", static_cast<int>(packet->reasons[0])));
    return false;
  }
  came_up(connection);
  return true;
}

void LoadThread::take_acknowledgement(LoadConnection& connection, const mqtt::Frame& frame) {
  if (frame.body.size() < 2 || !connection.publisher) return;
  PublisherState& publisher = *connection.publisher;
  const uint16_t packet_id = u16_at(frame.body, 0);
  if (packet_id == 0 || packet_id > publisher.slots.size() || !publisher.slots[packet_id - 1].in_use) {
    ++failures_["an acknowledgement of nothing"];
    counters_.add(Count::kFailures);
    return;
  }
  PublisherState::Slot& slot = publisher.slots[packet_id - 1];
  const auto reason = static_cast<ReasonCode>(frame.body.size() > 2 ? frame.body[2] : 0);
  if (frame.type == PacketType::kPubrec && !mqtt::is_error(reason)) {
    if (std::exchange(slot.released, true)) return;
    return mqtt::encode_ack(connection.out, plan_.options.version, PacketType::kPubrel, packet_id);
  }
  if (mqtt::is_error(reason)) {
    publisher.refused.insert(slot.sequence);
    counters_.add(Count::kRefused);
    ++failures_[fmt::format("message refused: {}", mqtt::to_string(reason))];
  } else {
    counters_.add(Count::kAcknowledged);
    if (state_.is_measured(slot.sent_ns)) acknowledgement_latency_.add(static_cast<uint64_t>(now_ns_ - slot.sent_ns));
  }
  slot.in_use = false;
  slot.released = false;
  publisher.free_slots.push_back(static_cast<uint16_t>(packet_id - 1));
}

// Reads only what is counted: the broker's encoder has tests of its own.
void LoadThread::take_message(LoadConnection& connection, const mqtt::Frame& frame) {
  mqtt::Reader in(frame.body);
  in.bytes(in.u16());
  const uint8_t qos = frame.flags >> 1 & 3;
  if (qos > 0) {
    mqtt::encode_ack(connection.out, plan_.options.version, qos == 1 ? PacketType::kPuback : PacketType::kPubrec, in.u16());
  }
  if (plan_.options.version == mqtt::ProtocolVersion::kV5) in.bytes(in.varint());
  const std::string_view payload = in.rest();
  if (!plan_.is_stamped) {
    ++connection.delivered;
    return counters_.add(Count::kDelivered);
  }
  const std::optional<Stamp> stamp = read_stamp(payload, plan_.run_tag);
  if (!stamp || stamp->publisher >= plan_.options.publishers) return counters_.add(Count::kForeign);
  if (connection.tracker) {
    switch (connection.tracker->note(stamp->publisher, stamp->sequence)) {
      case DeliveryTracker::Seen::kDuplicate: return counters_.add(Count::kDuplicates);
      case DeliveryTracker::Seen::kLate: counters_.add(Count::kReordered); break;
      case DeliveryTracker::Seen::kNew: break;
    }
  }
  ++connection.delivered;
  counters_.add(Count::kDelivered);
  if (state_.is_measured(stamp->sent_ns) && now_ns_ >= stamp->sent_ns) {
    delivery_latency_.add(static_cast<uint64_t>(now_ns_ - stamp->sent_ns));
  }
}

}  // namespace campanile::app::bench
