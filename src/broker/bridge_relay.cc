#include "broker/bridge_relay.h"

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "broker/bridge_marks.h"
#include "broker/bridge_session.h"
#include "mqtt/topic.h"

namespace campanile::broker {
namespace {

using mqtt::PacketType;
using mqtt::ProtocolVersion;
using mqtt::ReasonCode;

// What the standard allows at most; what the local broker allows is looked at when a name is known.
const mqtt::Limits kStandardLimits{.packet_bytes_max = mqtt::kPacketBytesLimit, .topic_levels_max = mqtt::kTopicLevelsLimit};
// A packet that leaves room for no message is no offer.
constexpr uint32_t kPacketBytesLeast = 64;
// A broker's name is 20 bytes; what is much longer is none.
constexpr size_t kBrokerIdBytesMax = 64;

// The user property that says that a message was at that broker.
std::string mark_of(std::string_view broker_id) {
  mqtt::PropertyWriter mark;
  mark.user(kViaProperty, broker_id);
  return mark.bytes();
}
// What a mark adds to a packet: itself, and up to three bytes of length.
size_t mark_bytes(size_t broker_id_bytes) { return mark_of({}).size() + broker_id_bytes + 3; }

}  // namespace

BridgeRelay::BridgeRelay(const BridgeOptions& options, const BridgeTopics& topics, const BridgeIdentity& identity, BridgeMemory& memory,
                         BridgeRelayHandler& handler)
    : options_(options), topics_(topics), identity_(identity), memory_(memory), handler_(handler) {
  remote_.version = options.version;
  via_here_ = mark_of(identity.broker_id);
}

void BridgeRelay::fail(std::string words, bool protocol_refused) {
  if (stage_ == Stage::kEnded) return;
  stage_ = Stage::kEnded;
  handler_.on_failed({.words = std::move(words), .protocol_refused = protocol_refused});
}

void BridgeRelay::wake(BridgeSide side) {
  if (std::exchange(end(side).holding, false)) handler_.on_input_wanted(side);
}

void BridgeRelay::remote_opened(int64_t now_ns) {
  stage_ = Stage::kConnecting;
  now_ns_ = stage_since_ns_ = now_ns;
  const bool v5 = options_.version == ProtocolVersion::kV5;
  mqtt::OutgoingConnect connect{.version = options_.version, .bridge = !v5 && identity_.try_private, .clean_start = options_.clean_start,
                                .keep_alive_s = options_.keep_alive_s, .client_id = options_.client_id};
  if (options_.user) connect.user = *options_.user;
  if (options_.password) connect.password = *options_.password;
  if (options_.state_to_remote && !options_.state_topic.empty()) {
    connect.will = mqtt::OutgoingWill{.topic = options_.state_topic, .payload = "0", .qos = 1, .retain = true, .properties = {}};
  }
  if (v5) {
    if (!options_.clean_start) connect.properties.u32(mqtt::PropertyId::kSessionExpiryInterval, UINT32_MAX);
    connect.properties.u16(mqtt::PropertyId::kReceiveMaximum, std::min(options_.in_flight_max, options_.local_receive_maximum));
    const size_t growth = topics_.growth_in() + mark_bytes(kBrokerIdBytesMax);
    const size_t room = options_.local_packet_bytes_max > growth ? options_.local_packet_bytes_max - growth : 0;
    connect.properties.u32(mqtt::PropertyId::kMaximumPacketSize, std::max(static_cast<uint32_t>(room), kPacketBytesLeast));
    connect.properties.user(kBridgeProperty, identity_.broker_id);
  }
  mqtt::encode_connect(remote_.out, connect);
}

void BridgeRelay::local_opened(int64_t now_ns) {
  now_ns_ = stage_since_ns_ = now_ns;
  // What the remote would not take is not even queued: the local session drops and counts it.
  const size_t growth = topics_.growth_out() + (remote_.version == ProtocolVersion::kV5 ? mark_bytes(identity_.broker_id.size()) : 0);
  uint32_t packet_bytes_max = remote_.packet_bytes_max;
  if (packet_bytes_max < UINT32_MAX) {
    if (packet_bytes_max < growth + kPacketBytesLeast) {
      return fail(fmt::format("the remote broker takes packets of {} bytes at most", packet_bytes_max));
    }
    packet_bytes_max -= static_cast<uint32_t>(growth);
  }
  encode_session_connect(local_.out, options_.name, std::min(options_.in_flight_max, remote_.receive_maximum),
                         packet_bytes_max);
}

size_t BridgeRelay::receive(BridgeSide side, std::string_view bytes, int64_t now_ns) {
  now_ns_ = now_ns;
  End& from = end(side);
  from.holding = false;
  size_t used = 0;
  while (stage_ != Stage::kEnded) {
    // Before the other side has accepted us there is nowhere to pass anything on to.
    if (stage_ == Stage::kJoining && side == BridgeSide::kRemote) {
      if (used == bytes.size()) return used;
      from.holding = true;
      return used;
    }
    if (from.skip > 0) {
      const size_t skipped = std::min(from.skip, bytes.size() - used);
      used += skipped;
      from.skip -= skipped;
      if (from.skip > 0) return used;
    }
    const auto frame = mqtt::next_frame(bytes.substr(used), options_.local_packet_bytes_max);
    if (!frame && frame.error().reason == ReasonCode::kPacketTooLarge && from.version != ProtocolVersion::kV5) {
      const size_t head = skip_large(side, bytes.substr(used));
      if (head == 0) return used;
      used += head;
      continue;
    }
    if (!frame) {
      fail(fmt::format("{} broke the protocol: {}", from.name, frame.error().what));
      break;
    }
    if (!*frame) return used;
    if (dispatch(side, **frame) == Taken::kHeld) {
      from.holding = true;
      return used;
    }
    used += (*frame)->size;
  }
  return bytes.size();
}

BridgeRelay::Taken BridgeRelay::dispatch(BridgeSide side, const mqtt::Frame& frame) {
  End& from = end(side);
  const bool waits = side == BridgeSide::kRemote ? stage_ == Stage::kConnecting : stage_ == Stage::kJoining;
  if (waits) {
    receive_connack(side, frame);
    return Taken::kYes;
  }
  switch (frame.type) {
    case PacketType::kPublish: return receive_publish(side, frame);
    case PacketType::kPuback:
    case PacketType::kPubrec:
    case PacketType::kPubrel:
    case PacketType::kPubcomp: receive_ack(side, frame); return Taken::kYes;
    case PacketType::kSuback:
    case PacketType::kUnsuback: receive_answer(side, frame); return Taken::kYes;
    case PacketType::kPingresp: from.ping_sent_ns = kNever; return Taken::kYes;
    case PacketType::kDisconnect: {
      const auto packet = mqtt::decode_disconnect(frame, from.version);
      const std::string_view why = packet ? packet->properties.reason_string : std::string_view();
      fail(fmt::format("{} ended the connection: {}{}{}", from.name, mqtt::to_string(packet ? packet->reason : packet.error().reason),
                       why.empty() ? "" : ": ", excerpt(why, 200)));
      return Taken::kYes;
    }
    default:
      fail(fmt::format("{} broke the protocol: a packet that only clients send", from.name));
      return Taken::kYes;
  }
}

void BridgeRelay::receive_connack(BridgeSide side, const mqtt::Frame& frame) {
  End& from = end(side);
  if (frame.type != PacketType::kConnack) return fail(fmt::format("{} broke the protocol: its first packet is not CONNACK", from.name));
  const auto packet = mqtt::decode_connack(frame.body, from.version);
  if (!packet) return fail(fmt::format("{} broke the protocol: {}", from.name, packet.error().what));
  if (mqtt::is_error(packet->reason)) {
    const std::string_view why = packet->properties.reason_string;
    return fail(fmt::format("{} refused the connection: {}{}{}", from.name, mqtt::to_string(packet->reason), why.empty() ? "" : ": ", excerpt(why, 200)),
                packet->reason == ReasonCode::kUnsupportedProtocolVersion);
  }
  const mqtt::Properties& told = packet->properties;
  from.session_present = packet->session_present;
  if (told.has(mqtt::PropertyId::kMaximumPacketSize)) from.packet_bytes_max = told.maximum_packet_size;
  from.receive_maximum = told.receive_maximum;
  from.maximum_qos = told.maximum_qos;
  from.retain_available = told.retain_available;
  const uint16_t wanted_s = side == BridgeSide::kRemote ? options_.keep_alive_s : 0;
  from.keep_alive_ns = (told.has(mqtt::PropertyId::kServerKeepAlive) ? told.server_keep_alive_s : wanted_s) * kNanosPerSecond;
  from.sent_ns = now_ns_;
  if (side == BridgeSide::kLocal) return joined();
  if (from.version == ProtocolVersion::kV5) {
    mqtt::each_user_property(told.raw, [&](std::string_view name, std::string_view value) {
      if (name == kBrokerProperty && value.size() <= kBrokerIdBytesMax) remote_id_ = value;
    });
    if (!remote_id_.empty()) via_there_ = mark_of(remote_id_);
  }
  accepted_ = true;
  stage_ = Stage::kJoining;
  stage_since_ns_ = now_ns_;
  handler_.on_local_wanted();
}

void BridgeRelay::joined() {
  stage_ = Stage::kRelaying;
  stage_since_ns_ = now_ns_;
  const auto begin = [](BridgeMemory::Releases& releases) {
    releases.wanted = true;
    releases.done.reset();
  };
  if (memory_.local_is_new) local_.session_present = false;  // made for this link, and empty but for what came since
  if (local_.session_present != remote_.session_present) begin(local_.session_present ? memory_.to_local : memory_.to_remote);
  // Both new: nobody remembers anything.
  if (!local_.session_present && !remote_.session_present) memory_.to_local.wanted = memory_.to_remote.wanted = false;
  subscribe_remote();
  subscribe_local();
  if (stage_ == Stage::kRelaying) wake(BridgeSide::kRemote);
}

namespace {

// Retained messages come with a subscription that is new. Where it is not, changes of QoS 1 and 2 have been queued meanwhile; those of
// QoS 0 have not, and are learnt again. 2 is never used: somebody's value would stay old for ever.
uint8_t retain_handling(bool both_sessions_present, uint8_t qos) { return both_sessions_present && qos > 0 ? 1 : 0; }

}  // namespace

void BridgeRelay::subscribe_remote() {
  std::vector<std::string> filters;
  std::vector<mqtt::SubscribeEntry> entries;
  filters.reserve(topics_.all().size());
  for (const BridgeTopic& topic : topics_.all()) {
    if (!topic.comes_in()) continue;
    filters.push_back(topic.remote_filter());
    entries.push_back({.filter = filters.back(), .qos = topic.qos, .no_local = true, .retain_as_published = true,
                       .retain_handling = retain_handling(remote_.session_present && local_.session_present, topic.qos)});
    if (remote_.version != ProtocolVersion::kV5) entries.back() = {.filter = filters.back(), .qos = topic.qos};
  }
  std::string packet;
  if (!entries.empty()) {
    mqtt::encode_subscribe(packet, remote_.version, id_of(kSubscribe), entries);
    request(remote_, kSubscribe, packet);
  }
  // What goes out only may have come in under a former configuration.
  std::vector<std::string> unwanted;
  for (const BridgeTopic& topic : topics_.all()) {
    if (!topic.comes_in() && std::ranges::find(filters, topic.remote_filter()) == filters.end()) unwanted.push_back(topic.remote_filter());
  }
  if (unwanted.empty() || !remote_.session_present) return;
  const std::vector<std::string_view> views(unwanted.begin(), unwanted.end());
  packet.clear();
  mqtt::encode_unsubscribe(packet, remote_.version, id_of(kUnsubscribe), views);
  request(remote_, kUnsubscribe, packet);
}

void BridgeRelay::subscribe_local() {
  std::vector<std::string> filters;
  std::vector<mqtt::SubscribeEntry> entries;
  filters.reserve(topics_.all().size());
  for (const BridgeTopic& topic : topics_.all()) {
    if (!topic.goes_out()) continue;
    filters.push_back(topic.local_filter());
    const uint8_t qos = std::min(topic.qos, remote_.maximum_qos);
    entries.push_back({.filter = filters.back(), .qos = qos, .no_local = true, .retain_as_published = true,
                       .retain_handling = retain_handling(remote_.session_present && local_.session_present, qos)});
  }
  std::string packet;
  if (!entries.empty()) {
    mqtt::encode_subscribe(packet, local_.version, id_of(kSubscribe), entries);
    request(local_, kSubscribe, packet);
  }
  if (identity_.stale_filters.empty()) return;
  const std::vector<std::string_view> stale(identity_.stale_filters.begin(), identity_.stale_filters.end());
  packet.clear();
  mqtt::encode_unsubscribe(packet, local_.version, id_of(kUnsubscribe), stale);
  request(local_, kUnsubscribe, packet);
}

// What is larger than the other side takes must not be sent [MQTT-3.2.2-15]; it would end the connection over it again and again.
void BridgeRelay::request(End& to, Request which, std::string_view packet) {
  if (stage_ == Stage::kEnded) return;
  if (packet.size() > to.packet_bytes_max) {
    return fail(fmt::format("{} takes packets of {} bytes at most, and the request for all topics has {}", to.name, to.packet_bytes_max, packet.size()));
  }
  to.out.append(packet);
  to.requests |= which;
}

void BridgeRelay::receive_answer(BridgeSide side, const mqtt::Frame& frame) {
  End& from = end(side);
  const bool is_suback = frame.type == PacketType::kSuback;
  const auto packet = is_suback ? mqtt::decode_suback(frame.body, from.version) : mqtt::decode_unsuback(frame.body, from.version);
  if (!packet) return fail(fmt::format("{} broke the protocol: {}", from.name, packet.error().what));
  const Request which = is_suback ? kSubscribe : kUnsubscribe;
  if ((from.requests & which) == 0 || packet->packet_id != id_of(which)) {
    return fail(fmt::format("{} broke the protocol: an answer to a request that was not made", from.name));
  }
  from.requests &= static_cast<uint8_t>(~which);
  if (is_suback) {
    size_t i = 0;
    for (const BridgeTopic& topic : topics_.all()) {
      if (!(side == BridgeSide::kRemote ? topic.comes_in() : topic.goes_out())) continue;
      if (i >= packet->reasons.size()) return fail(fmt::format("{} broke the protocol: fewer answers than subscriptions", from.name));
      const ReasonCode reason = packet->reasons[i++];
      if (mqtt::is_error(reason)) handler_.on_not_granted(side == BridgeSide::kRemote ? topic.remote_filter() : topic.local_filter(), reason);
    }
  }
  // Messages that use a request's identifier waited for this.
  if (from.requests == 0) wake(other(side));
  if (!up() || std::exchange(told_up_, true)) return;
  memory_.local_is_new = false;
  publish_state("1");
  handler_.on_up();
}

// An identifier that one of our own requests uses at the other side must not mean a message there as well [MQTT-2.2.1-3]; nor may more
// be under way than the other side takes.
bool BridgeRelay::must_wait(BridgeSide side, const mqtt::PublishPacket& packet) const {
  const End& to = end(other(side));
  if (packet.qos == 0) return false;
  if (to.requests > 0 && (packet.packet_id == id_of(kSubscribe) || packet.packet_id == id_of(kUnsubscribe))) return true;
  return side == BridgeSide::kRemote && end(side).unfinished.size() >= local_.receive_maximum;
}

BridgeRelay::Taken BridgeRelay::receive_publish(BridgeSide side, const mqtt::Frame& frame) {
  End& from = end(side);
  const auto packet = mqtt::decode_publish(frame, from.version, kStandardLimits);
  if (!packet || packet->topic_alias != 0) {
    fail(fmt::format("{} broke the protocol: {}", from.name, packet ? "a topic alias, which was not allowed" : packet.error().what));
    return Taken::kYes;
  }
  if (must_wait(side, *packet)) return Taken::kHeld;
  if (has_looped(side, packet->properties)) {
    ++traffic_.looped;
    decline(side, *packet, ReasonCode::kSuccess);
    return Taken::kYes;
  }
  const bool mapped = side == BridgeSide::kLocal ? topics_.to_remote(packet->topic, topic_) : topics_.to_local(packet->topic, topic_);
  const bool fits = mapped && topic_.size() <= UINT16_MAX && packet->qos <= end(other(side)).maximum_qos &&
                    (side == BridgeSide::kLocal || is_for_local(*packet));
  if (!fits) {
    ++traffic_.dropped;
    decline(side, *packet, ReasonCode::kImplementationSpecificError);
    return Taken::kYes;
  }
  pass_on(side, *packet);
  return Taken::kYes;
}

// Whether the local broker takes a message with such topics; it would end the connection over one that it does not.
bool BridgeRelay::is_for_local(const mqtt::PublishPacket& packet) const {
  if (!mqtt::is_valid_topic(topic_, options_.topic_levels_max)) return false;
  if (packet.properties.empty()) return true;
  const auto properties = mqtt::decode_properties(packet.properties, mqtt::PropertyOwner::kPublish);
  return properties && (properties->response_topic.empty() || mqtt::is_valid_topic(properties->response_topic, options_.topic_levels_max));
}

void BridgeRelay::pass_on(BridgeSide side, const mqtt::PublishPacket& packet) {
  End& to = end(other(side));
  mqtt::OutgoingPublish publish{.topic = topic_, .payload = packet.payload, .qos = packet.qos, .duplicate = packet.duplicate,
                                .retain = packet.retain && to.retain_available, .packet_id = packet.packet_id, .properties = packet.properties};
  const std::string& mark = side == BridgeSide::kLocal ? via_here_ : via_there_;
  if (to.version == ProtocolVersion::kV5 && (!mark.empty() || packet.has_subscription_identifier)) {
    properties_.clear();  // a subscription identifier of the one side means nothing to the other [MQTT-3.3.4-6]
    mqtt::append_forwarded_properties(properties_, packet.properties);
    properties_.append(mark);
    publish.properties = properties_;
    publish.message_expiry_s = packet.message_expiry_s;
  }
  if (mqtt::publish_size(to.version, publish) > std::min<size_t>(to.packet_bytes_max, mqtt::kPacketBytesLimit)) {
    ++traffic_.dropped;
    return decline(side, packet, ReasonCode::kImplementationSpecificError);
  }
  if (packet.qos == 2) release_first(other(side), packet.packet_id);
  mqtt::encode_publish(to.out, to.version, publish);
  to.sent = true;
  if (packet.qos > 0) end(side).unfinished.insert(packet.packet_id);
  ++(side == BridgeSide::kLocal ? traffic_.messages_out : traffic_.messages_in);
}

void BridgeRelay::release_first(BridgeSide to, uint16_t packet_id) {
  BridgeMemory::Releases& releases = to == BridgeSide::kLocal ? memory_.to_local : memory_.to_remote;
  if (!releases.wanted || releases.done.test(packet_id)) return;
  releases.done.set(packet_id);
  mqtt::encode_ack(end(to).out, end(to).version, PacketType::kPubrel, packet_id);
  end(to).releases.insert(packet_id);
}

// Whether the message has been here before, or was at the remote. Without a mark (version 3, other brokers) only the two sides' no-local
// keeps it from coming back.
bool BridgeRelay::has_looped(BridgeSide side, std::string_view properties) const {
  if (properties.find(kViaProperty) == std::string_view::npos) return false;
  bool looped = false;
  mqtt::each_user_property(properties, [&](std::string_view name, std::string_view value) {
    if (name != kViaProperty) return;
    if (value == identity_.broker_id) looped = true;
    if (side == BridgeSide::kLocal && value == remote_id_) looped = true;
  });
  return looped;
}

// Takes the message off its sender's hands without passing it on.
void BridgeRelay::decline(BridgeSide side, const mqtt::PublishPacket& packet, ReasonCode reason) {
  if (packet.qos == 0) return;
  End& from = end(side);
  const PacketType type = packet.qos == 1 ? PacketType::kPuback : PacketType::kPubrec;
  // A PUBREC without an error is followed by PUBREL, which the other side answers with PUBCOMP, known to it or not.
  if (packet.qos == 2) reason = ReasonCode::kImplementationSpecificError;
  mqtt::encode_ack(from.out, from.version, type, packet.packet_id, from.version == ProtocolVersion::kV5 ? reason : ReasonCode::kSuccess);
  from.sent = true;
}

void BridgeRelay::receive_ack(BridgeSide side, const mqtt::Frame& frame) {
  End& from = end(side);
  End& to = end(other(side));
  const auto packet = mqtt::decode_ack(frame, from.version);
  if (!packet) return fail(fmt::format("{} broke the protocol: {}", from.name, packet.error().what));
  if (packet->type == PacketType::kPubcomp && from.releases.erase(packet->packet_id) > 0) return;
  const ReasonCode reason = to.version == ProtocolVersion::kV5 ? packet->reason : ReasonCode::kSuccess;
  mqtt::encode_ack(to.out, to.version, packet->type, packet->packet_id, reason);
  to.sent = true;
  const bool ends = packet->type == PacketType::kPuback || packet->type == PacketType::kPubcomp ||
                    (packet->type == PacketType::kPubrec && mqtt::is_error(packet->reason));
  if (ends && to.unfinished.erase(packet->packet_id) > 0) wake(other(side));
}

// A message of a version 3 remote that the local broker would not take: the remote cannot be told, and would send it again for ever.
// Returns how many bytes its head has; 0 while that is incomplete.
size_t BridgeRelay::skip_large(BridgeSide side, std::string_view bytes) {
  mqtt::Reader in(bytes);
  const uint8_t first = in.u8();
  const size_t body = in.varint();
  const size_t whole = bytes.size() - in.size() + body;
  if (first >> 4 != static_cast<uint8_t>(PacketType::kPublish)) {
    fail(fmt::format("{} sent a packet of {} bytes; mqtt.packet_bytes_max is {}", end(side).name, whole, options_.local_packet_bytes_max));
    return bytes.size();
  }
  mqtt::PublishPacket packet{.qos = static_cast<uint8_t>((first >> 1) & 3)};
  const size_t topic_bytes = in.u16();
  const size_t head_bytes = 2 + topic_bytes + (packet.qos > 0 ? 2 : 0);  // of the body
  in.bytes(topic_bytes);
  if (packet.qos > 0) packet.packet_id = in.u16();
  const bool whole_head = !in.failed();
  if (packet.qos > 2 || head_bytes > body || (whole_head && packet.qos > 0 && packet.packet_id == 0)) {
    fail(fmt::format("{} broke the protocol: a large message whose head cannot be", end(side).name));
    return bytes.size();
  }
  if (!whole_head) return 0;
  ++traffic_.dropped;
  decline(side, packet, ReasonCode::kImplementationSpecificError);
  end(side).skip = body - head_bytes;
  return bytes.size() - in.size();
}

// QoS 0, since identifiers are the local session's.
void BridgeRelay::publish_state(std::string_view state) {
  if (!options_.state_to_remote || options_.state_topic.empty()) return;
  const mqtt::OutgoingPublish publish{.topic = options_.state_topic, .payload = state, .retain = remote_.retain_available};
  if (mqtt::publish_size(remote_.version, publish) > remote_.packet_bytes_max) return;  // it would end the connection over it
  mqtt::encode_publish(remote_.out, remote_.version, publish);
  remote_.sent = true;
}

void BridgeRelay::keep_alive(BridgeSide side) {
  End& at = end(side);
  if (at.keep_alive_ns == 0) return;
  if (std::exchange(at.sent, false)) at.sent_ns = now_ns_;
  if (at.ping_sent_ns != kNever) {
    if (now_ns_ - at.ping_sent_ns >= at.keep_alive_ns) {
      fail(fmt::format("{} did not answer for {} s", at.name, at.keep_alive_ns / kNanosPerSecond));
    }
    return;
  }
  // A quarter early, so that a late timer still keeps [MQTT-3.1.2-20].
  if (now_ns_ - at.sent_ns < at.keep_alive_ns / 4 * 3) return;
  mqtt::encode_pingreq(at.out);
  at.sent_ns = at.ping_sent_ns = now_ns_;
}

void BridgeRelay::notify_timer(int64_t now_ns) {
  now_ns_ = now_ns;
  const bool answered = stage_ == Stage::kIdle || stage_ == Stage::kEnded || up();
  if (!answered && now_ns - stage_since_ns_ >= options_.connect_timeout_s * kNanosPerSecond) {
    const bool remote = stage_ == Stage::kConnecting || (stage_ == Stage::kRelaying && remote_.requests > 0);
    return fail(fmt::format("{} did not answer {} within {} s", remote ? remote_.name : local_.name,
                            stage_ == Stage::kRelaying ? "SUBSCRIBE" : "CONNECT", options_.connect_timeout_s));
  }
  if (stage_ != Stage::kRelaying) return;
  keep_alive(BridgeSide::kRemote);
  if (stage_ == Stage::kRelaying) keep_alive(BridgeSide::kLocal);
}

void BridgeRelay::stop() {
  if (stage_ == Stage::kRelaying) {
    publish_state("0");
    mqtt::encode_disconnect(local_.out, local_.version, ReasonCode::kSuccess);
  }
  if (stage_ == Stage::kRelaying || stage_ == Stage::kJoining) mqtt::encode_disconnect(remote_.out, remote_.version, ReasonCode::kSuccess);
  stage_ = Stage::kEnded;
}

}  // namespace campanile::broker
