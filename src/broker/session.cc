#include "broker/session.h"

#include <algorithm>

#include "base/check.h"
#include "base/clock.h"
#include "broker/retained_store.h"
#include "mqtt/encode.h"

namespace campanile::broker {
namespace {

// Retained messages go out in portions of about that size: a subscription to '#' may match a million of them. It is the
// connection's own high water mark, so that on_send_queue_low() follows whenever it is passed.
constexpr size_t kRetainedPortionBytes = 256 * 1024;
constexpr size_t kRetainedPortionMessages = 128;
constexpr size_t kOutboxReserveBytesMax = 64 * 1024;

}  // namespace

// In the order in which it goes out.
struct Session::Waiting {
  InFlight in_flight;
  // Subscriptions whose retained messages are being sent. Only how far they are is kept, never the messages: a million of them may
  // match, and what is read when its turn comes is never older than what the subscription has delivered meanwhile.
  struct RetainedWalk {
    std::string filter;
    std::string after;  // the last topic that was sent
    DeliveryTerms terms;
  };
  std::deque<RetainedWalk> walks;
  std::deque<OutgoingMessage> queue;
  size_t queue_bytes = 0;

  bool anything_to_send() const { return in_flight.resending() || !walks.empty() || !queue.empty(); }
};

// A message's bytes, wherever they are.
struct Session::View {
  std::string_view topic;
  std::string_view payload;
  std::string_view properties;
  int64_t expires_ns = 0;

  static View of(const Publication& from) { return {from.topic, from.payload, from.properties, from.expires_ns}; }
  static View of(const Message& from) { return {from.topic, from.payload, from.properties, from.expires_ns}; }
};

Session::Session(std::string client_id, SessionEnvironment& environment) : client_id_(std::move(client_id)), environment_(environment) {}

Session::~Session() {
  if (!waiting_) return;
  environment_.queued_bytes -= waiting_->queue_bytes;
  environment_.queued_messages -= waiting_->queue.size();
}

SessionStatus Session::status() const {
  std::lock_guard lock(mutex_);
  SessionStatus status{.link = link_, .loop = terms_.loop, .version = terms_.version, .expiry_s = terms_.expiry_s, .since_ns = since_ns_,
                       .subscriptions = filters_.size(), .messages_out = messages_out_};
  if (waiting_) {
    status.in_flight = waiting_->in_flight.size();
    status.queued_messages = waiting_->queue.size();
    status.queued_bytes = waiting_->queue_bytes;
  }
  return status;
}

std::vector<std::string> Session::filters() const {
  std::lock_guard lock(mutex_);
  return {filters_.begin(), filters_.end()};
}

bool Session::connected() const {
  std::lock_guard lock(mutex_);
  return link_ != nullptr;
}

bool Session::ended() const {
  std::lock_guard lock(mutex_);
  return ended_;
}

std::shared_ptr<Link> Session::link() const {
  std::lock_guard lock(mutex_);
  return link_;
}

Session::Waiting& Session::waiting() {
  if (!waiting_) waiting_ = std::make_unique<Waiting>();
  return *waiting_;
}

bool Session::room_in_connection(size_t limit) const {
  return outbox_.size() + send_queue_bytes_.load(std::memory_order_relaxed) <= limit;
}

// How many more QoS 1 and 2 messages the client lets us have in flight [MQTT-3.3.4-9].
size_t Session::free_window() const {
  const size_t window = std::min(terms_.receive_maximum, environment_.options.in_flight_max);
  const size_t used = waiting_ ? waiting_->in_flight.on_link() : 0;
  return used < window ? window - used : 0;
}

int Session::wake_locked() {
  if (!link_ || outbox_.empty() || flush_pending_) return -1;
  flush_pending_ = true;
  return terms_.loop;
}

int Session::deliver(Publication& publication, const DeliveryTerms& terms, int64_t now_ns, Traffic& traffic) {
  const uint8_t qos = std::min(publication.qos, terms.qos);
  const bool retain = terms.retain_as_published && publication.retain;  // [MQTT-3.3.1-12, 3.3.1-13]
  std::lock_guard lock(mutex_);
  if (ended_) return -1;
  const bool room = link_ && room_in_connection(environment_.options.connection_bytes_max);
  if (qos == 0) {
    if (room) {
      send_new(View::of(publication), {.retain = retain, .subscription_ids = terms.subscription_ids}, now_ns, traffic);
    } else {
      traffic.drop(link_ ? DropReason::kSlowConsumer : DropReason::kOffline);
    }
    return wake_locked();
  }
  const bool in_turn = !waiting_ || (!waiting_->in_flight.resending() && !waiting_->in_flight.full() && waiting_->queue.empty());
  if (room && in_turn && free_window() > 0) {
    OutgoingMessage out{.qos = qos, .retain = retain, .subscription_ids = terms.subscription_ids};
    if (terms_.expiry_s > 0) out.message = publication.keep();
    send_new(View::of(publication), std::move(out), now_ns, traffic);
  } else if (!enqueue(publication, terms, qos, retain)) {
    traffic.drop(DropReason::kQueueFull);
  }
  return wake_locked();
}

bool Session::enqueue(Publication& publication, const DeliveryTerms& terms, uint8_t qos, bool retain) {
  const BrokerOptions& options = environment_.options;
  const size_t bytes = publication.bytes();
  Waiting& waits = waiting();
  if (waits.queue.size() >= options.queue_messages_max || waits.queue_bytes + bytes > options.queue_bytes_max) return false;
  if (environment_.queued_bytes.fetch_add(bytes) + bytes > options.queues_bytes_max) {
    environment_.queued_bytes -= bytes;
    return false;
  }
  waits.queue.push_back({.message = publication.keep(), .qos = qos, .retain = retain, .subscription_ids = terms.subscription_ids});
  waits.queue_bytes += bytes;
  ++environment_.queued_messages;
  return true;
}

// Whether the client takes a packet of that size [MQTT-3.1.2-24], and the protocol knows one.
bool Session::fits(const View& message, const OutgoingMessage& terms) const {
  const mqtt::OutgoingPublish sized{.topic = message.topic, .payload = message.payload, .qos = terms.qos, .properties = message.properties,
                                    .message_expiry_s = message.expires_ns ? std::optional<uint32_t>(0) : std::nullopt,
                                    .subscription_identifiers = terms.subscription_ids};
  return mqtt::publish_size(terms_.version, sized) <= std::min<size_t>(terms_.packet_bytes_max, mqtt::kPacketBytesLimit);
}

void Session::write(const View& message, const OutgoingMessage& terms, bool duplicate, uint16_t id, int64_t now_ns, Traffic& traffic) {
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
  InFlight& in_flight = waiting().in_flight;
  const uint16_t id = in_flight.add(std::move(out));
  write(message, in_flight.find(id)->out, false, id, now_ns, traffic);
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
      in_flight.finish(id);
    }
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
      const uint8_t qos = std::min(message->qos, walk.terms.qos);
      if (!room_in_connection(kRetainedPortionBytes)) return;
      if (qos > 0 && (free_window() == 0 || waits.in_flight.full())) return;
      walk.after = message->topic;
      OutgoingMessage out{.qos = qos, .retain = true, .subscription_ids = walk.terms.subscription_ids};  // [MQTT-3.3.1-8]
      if (qos > 0 && terms_.expiry_s > 0) out.message = message;
      send_new(View::of(*message), std::move(out), now_ns, traffic);
    }
    if (portion.size() < kRetainedPortionMessages) waits.walks.pop_front();
  }
}

void Session::send_queue(int64_t now_ns, Traffic& traffic) {
  Waiting& waits = *waiting_;
  while (!waits.queue.empty() && free_window() > 0 && !waits.in_flight.full() &&
         room_in_connection(environment_.options.connection_bytes_max)) {
    OutgoingMessage out = std::move(waits.queue.front());
    waits.queue.pop_front();
    const size_t bytes = out.message->bytes();
    waits.queue_bytes -= bytes;
    environment_.queued_bytes -= bytes;
    --environment_.queued_messages;
    const MessagePtr message = out.message;
    if (terms_.expiry_s == 0) out.message = nullptr;
    send_new(View::of(*message), std::move(out), now_ns, traffic);
  }
}

void Session::pump_locked(int64_t now_ns, Traffic& traffic) {
  if (!link_ || !waiting_) return;
  resend_in_flight(now_ns, traffic);
  if (waiting_->in_flight.resending()) return;
  send_queue(now_ns, traffic);
  send_retained(now_ns, traffic);
}

bool Session::pump(int64_t now_ns, Traffic& traffic) {
  std::lock_guard lock(mutex_);
  pump_locked(now_ns, traffic);
  return !outbox_.empty();
}

Session::Output Session::take_output(uint16_t loop) {
  std::lock_guard lock(mutex_);
  flush_pending_ = false;
  if (!link_) return {};
  if (terms_.loop != loop) {
    // The client came back on another loop between the wake-up and now.
    return {.elsewhere = wake_locked()};
  }
  outbox_hint_ = static_cast<uint32_t>(std::min<size_t>(outbox_.size(), UINT32_MAX));
  Output output{.link = link_, .bytes = std::move(outbox_), .more = waiting_ && waiting_->anything_to_send()};
  outbox_ = {};
  return output;
}

void Session::acknowledge(const mqtt::AckPacket& packet, int64_t now_ns, Traffic& traffic) {
  using mqtt::PacketType;
  std::lock_guard lock(mutex_);
  if (!link_) return;
  InFlight::Entry* entry = waiting_ ? waiting_->in_flight.find(packet.packet_id) : nullptr;
  const bool is_qos1 = packet.type == PacketType::kPuback;
  if (!entry || (entry->out.qos == 1) != is_qos1) {
    // Not ours, or of another life: only PUBREC wants an answer, or its sender would wait for ever [section 4.3.3].
    if (packet.type == PacketType::kPubrec) {
      mqtt::encode_ack(outbox_, terms_.version, PacketType::kPubrel, packet.packet_id, mqtt::ReasonCode::kPacketIdentifierNotFound);
      ++traffic.others_out;
    }
    return;
  }
  if (packet.type == PacketType::kPubrec && !mqtt::is_error(packet.reason)) {
    entry->stage = InFlight::Stage::kReceived;
    entry->out.message = nullptr;
    mqtt::encode_ack(outbox_, terms_.version, PacketType::kPubrel, packet.packet_id);  // [MQTT-4.3.3-4]
    ++traffic.others_out;
    return;
  }
  if (packet.type == PacketType::kPubcomp && entry->stage != InFlight::Stage::kReceived) return;  // before its PUBREC: meaningless
  waiting_->in_flight.finish(packet.packet_id);
  pump_locked(now_ns, traffic);
}

bool Session::attach(std::shared_ptr<Link> link, const LinkTerms& terms, int64_t now_ns, Traffic& traffic, std::shared_ptr<Link>& former) {
  std::lock_guard lock(mutex_);
  if (ended_ || (link_ && terms_.expiry_s == 0)) return false;
  former = std::exchange(link_, std::move(link));
  terms_ = terms;
  since_ns_ = now_ns;
  ++epoch_;
  outbox_.clear();  // meant for the former link; what matters of it is in flight
  aliases_.reset();
  flush_pending_ = false;
  send_queue_bytes_ = 0;
  will_.reset();  // [MQTT-3.1.3-9]: back before the delay was over
  if (waiting_) {
    waiting_->in_flight.lose_link();
    pump_locked(now_ns, traffic);
  }
  return true;
}

Session::Detached Session::detach(const Link* link, std::unique_ptr<Will>& will, int64_t now_ns) {
  std::lock_guard lock(mutex_);
  if (ended_ || link_.get() != link) return {.ended = ended_};
  link_.reset();
  since_ns_ = now_ns;
  ++epoch_;
  outbox_ = {};
  aliases_.reset();
  if (will && will->delay_s > 0) will_ = std::move(will);
  return {.was_attached = true, .expiry_s = terms_.expiry_s, .will_delay_s = will_ ? will_->delay_s : 0, .epoch = epoch_};
}

bool Session::set_expiry(uint32_t expiry_s) {
  std::lock_guard lock(mutex_);
  if (terms_.expiry_s == 0 && expiry_s != 0) return false;
  terms_.expiry_s = expiry_s;
  return true;
}

void Session::receive(uint16_t packet_id, journal::Lsn lsn) {
  std::lock_guard lock(mutex_);
  if (!received_) received_ = std::make_unique<absl::flat_hash_map<uint16_t, journal::Lsn>>();
  received_->insert_or_assign(packet_id, lsn);
}

std::optional<journal::Lsn> Session::received(uint16_t packet_id) const {
  std::lock_guard lock(mutex_);
  if (!received_) return std::nullopt;
  const auto found = received_->find(packet_id);
  return found == received_->end() ? std::nullopt : std::optional(found->second);
}

std::optional<journal::Lsn> Session::release(uint16_t packet_id) {
  std::lock_guard lock(mutex_);
  if (!received_) return std::nullopt;
  const auto found = received_->find(packet_id);
  if (found == received_->end()) return std::nullopt;
  const journal::Lsn lsn = found->second;
  received_->erase(found);
  return lsn;
}

Session::FilterAdded Session::add_filter(std::string_view filter) {
  std::lock_guard lock(mutex_);
  if (ended_) return FilterAdded::kEnded;
  if (filters_.contains(filter)) return FilterAdded::kKnown;
  if (filters_.size() >= environment_.options.subscriptions_per_session_max) return FilterAdded::kOverLimit;
  filters_.emplace(filter);
  return FilterAdded::kYes;
}

bool Session::remove_filter(std::string_view filter) {
  std::lock_guard lock(mutex_);
  if (waiting_) std::erase_if(waiting_->walks, [&](const auto& walk) { return walk.filter == filter; });
  return filters_.erase(filter) > 0;
}

Session::Ended Session::end_locked(Traffic& traffic) {
  Ended result{.by_this_call = true, .link = std::move(link_), .will = std::move(will_)};
  ended_ = true;
  ++epoch_;
  link_.reset();
  outbox_ = {};
  aliases_.reset();
  for (auto& filter : filters_) result.filters.push_back(filter);
  filters_.clear();
  received_.reset();
  if (waiting_) {
    const size_t lost = waiting_->in_flight.size() + waiting_->queue.size();
    if (lost > 0) traffic.drop(DropReason::kSessionEnded, lost);
    environment_.queued_bytes -= waiting_->queue_bytes;
    environment_.queued_messages -= waiting_->queue.size();
    waiting_.reset();
  }
  return result;
}

Session::Ended Session::end(Traffic& traffic) {
  std::lock_guard lock(mutex_);
  return ended_ ? Ended{} : end_locked(traffic);
}

Session::Ended Session::end_if_away(uint32_t epoch, Traffic& traffic) {
  std::lock_guard lock(mutex_);
  return ended_ || link_ || epoch_ != epoch ? Ended{} : end_locked(traffic);
}

std::unique_ptr<Will> Session::take_will(uint32_t epoch) {
  std::lock_guard lock(mutex_);
  return epoch_ == epoch ? std::move(will_) : nullptr;
}

}  // namespace campanile::broker
