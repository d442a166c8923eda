// Several clients of one broker, in any order: connects, take-overs, subscriptions, messages, acknowledgements, losses, time, raw bytes.
// Each client checks what it is sent: whole well-formed packets, CONNACK first, no more than its limits allow, identifiers and
// aliases used as the standard says, topics it subscribed to. At the end everybody leaves, and the broker must have forgotten all.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "../broker/fakes.h"
#include "base/check.h"
#include "base/log.h"
#include "mqtt/topic.h"

using namespace campanile;
using namespace campanile::broker;
using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::ProtocolVersion;
using mqtt::ReasonCode;

namespace {

constexpr std::array<std::string_view, 3> kClients = {"one", "two", "three"};
constexpr std::array<std::string_view, 12> kFilters = {"a/b", "a/+", "#", "+/b", "a/b/#", "$share/g/a/+", "$share/g/#", "$share/h/a/b",
                                                       "$SYS/#", "a/#/b", "$share//x", "topic/long/enough"};
constexpr std::array<std::string_view, 8> kTopics = {"a/b", "a/c", "a", "a/b/c", "$SYS/x", "$x/b", "topic/long/enough", ""};
constexpr std::array<uint32_t, 4> kExpiries = {0, 5, 60, 1000};

class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  bool empty() const { return rest_.empty(); }
  uint8_t next() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return byte;
  }
  size_t below(size_t bound) { return next() % bound; }
  template <typename Table>
  auto pick(const Table& table) { return table[below(table.size())]; }
  std::string_view bytes(size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

// Filters that each client identifier has ever asked for.
using Wishes = std::map<std::string_view, std::set<std::string_view>>;

// The client's side of one connection.
struct Peer {
  std::shared_ptr<FakeConnection> connection;
  std::string_view client_id;
  ProtocolVersion version = ProtocolVersion::kV311;
  size_t packet_bytes_max = SIZE_MAX;
  size_t receive_maximum = 65'535;
  uint16_t alias_maximum = 0;
  bool greeted = false;  // CONNACK has come
  bool over = false;     // DISCONNECT or a refusal has come
  bool wild = false;     // was given raw bytes: what it has acknowledged is not known
  std::map<uint16_t, std::string> aliases;
  std::map<uint16_t, uint8_t> open;  // identifier to QoS, 3 once PUBREC has gone

  void feed(std::string_view packet) { connection->feed(packet); }
  void drain(const Wishes& wishes);
  void take(const mqtt::Frame& frame, const Wishes& wishes);
  void take_publish(const mqtt::Frame& frame, const Wishes& wishes);
  void acknowledge(PacketType type, uint16_t id, ReasonCode reason);
};

void Peer::drain(const Wishes& wishes) {
  const std::string output = connection->take();
  for (std::string_view rest = output; !rest.empty();) {
    const auto frame = mqtt::next_frame(rest, SIZE_MAX);
    CHECK(frame && *frame);
    CHECK((*frame)->size <= packet_bytes_max);
    CHECK(!over);
    take(**frame, wishes);
    rest.remove_prefix((*frame)->size);
  }
}

void Peer::take(const mqtt::Frame& frame, const Wishes& wishes) {
  if (frame.type == PacketType::kConnack) {
    CHECK(!greeted);
    const auto packet = mqtt::decode_connack(frame.body, version);
    CHECK(packet.has_value());
    greeted = true;
    over = is_error(packet->reason);
    CHECK(!over || !packet->session_present);
    return;
  }
  CHECK(greeted);
  switch (frame.type) {
    case PacketType::kPublish: return take_publish(frame, wishes);
    case PacketType::kPuback:
    case PacketType::kPubrec:
    case PacketType::kPubcomp: CHECK(mqtt::decode_ack(frame, version).has_value()); return;
    case PacketType::kPubrel: {
      const auto packet = mqtt::decode_ack(frame, version);
      CHECK(packet.has_value());
      if (version == ProtocolVersion::kV5 && packet->reason != ReasonCode::kSuccess) return;
      if (open.contains(packet->packet_id) || version == ProtocolVersion::kV5) open[packet->packet_id] = 3;
      CHECK(wild || open.size() <= receive_maximum);
      return;
    }
    case PacketType::kSuback: CHECK(mqtt::decode_suback(frame.body, version).has_value()); return;
    case PacketType::kUnsuback: CHECK(mqtt::decode_unsuback(frame.body, version).has_value()); return;
    case PacketType::kPingresp: CHECK(frame.body.empty()); return;
    case PacketType::kDisconnect:
      CHECK(version == ProtocolVersion::kV5 && mqtt::decode_disconnect(frame, version).has_value());
      over = true;
      return;
    default: CHECK(!"a packet that only clients send");
  }
}

void Peer::take_publish(const mqtt::Frame& frame, const Wishes& wishes) {
  const auto packet = mqtt::decode_publish(frame, version, mqtt::Limits{});
  CHECK(packet.has_value());
  std::string topic(packet->topic);
  if (packet->topic_alias != 0) {
    CHECK(packet->topic_alias <= alias_maximum);
    if (topic.empty()) topic = aliases[packet->topic_alias];
    aliases[packet->topic_alias] = topic;
  }
  CHECK(!topic.empty());
  CHECK(!packet->message_expiry_s || *packet->message_expiry_s > 0);
  if (wild) return;
  bool wanted = false;
  const auto filters = wishes.find(client_id);
  CHECK(filters != wishes.end());
  for (const std::string_view text : filters->second) {
    const auto shared = mqtt::parse_shared(text);
    wanted = wanted || mqtt::topic_matches(shared ? shared->filter : text, topic);
  }
  CHECK(wanted);
  if (packet->qos == 0) return;
  CHECK(!open.contains(packet->packet_id));
  open[packet->packet_id] = packet->qos;
  CHECK(open.size() <= receive_maximum);
}

void Peer::acknowledge(PacketType type, uint16_t id, ReasonCode reason) {
  std::string packet;
  mqtt::encode_ack(packet, version, type, id, reason);
  feed(packet);
  const auto found = open.find(id);
  if (found == open.end()) return;
  if (type == PacketType::kPuback && found->second == 1) open.erase(found);
  else if (type == PacketType::kPubrec && found->second != 1 && is_error(reason) && version == ProtocolVersion::kV5) open.erase(found);
  else if (type == PacketType::kPubcomp && found->second == 3) open.erase(found);
}

class World {
 public:
  explicit World(Input& input) : in_(input), bench_(options()) {}

  void run() {
    for (int steps = 0; !in_.empty() && steps < 200; ++steps) {
      step();
      bench_.run(commits_);
      drain();
    }
    end();
  }

 private:
  static BrokerOptions options() {
    BrokerOptions options;
    options.protocol.limits = {.packet_bytes_max = 2048, .topic_levels_max = 8, .receive_maximum = 4, .topic_alias_maximum = 4, .filters_per_packet_max = 8};
    options.queue_messages_max = 10;
    options.in_flight_max = 20;
    options.uncommitted_bytes_max = 200;
    options.subscriptions_per_session_max = 6;
    options.session_expiry_max_s = 2'000;
    options.retained_messages_max = 3;
    options.topic_aliases_to_client_max = 3;
    return options;
  }

  void step() {
    const uint8_t what = in_.next();
    Peer& peer = peers_[what >> 6];
    if (!peer.connection || peer.connection->closing) return connect(peer);
    switch (what % 16) {
      case 0: return peer.connection->lose("gone");
      case 1: return connect(peers_[(what >> 6) ^ 1]);
      case 2:
      case 3:
      case 4: return subscribe(peer);
      case 5: return unsubscribe(peer);
      case 6:
      case 7:
      case 8:
      case 9: return publish(peer);
      case 10:
      case 11: return acknowledge(peer);
      case 12: return disconnect(peer);
      case 13: return raw(peer);
      case 14:
        if (in_.below(2) == 0) return bench_.advance(static_cast<int64_t>(in_.below(40)));
        commits_ = !commits_;
        return;
      default: peer.connection->blocked = !peer.connection->blocked; return peer.feed(std::string_view("\xC0\x00", 2));
    }
  }

  void connect(Peer& peer) {
    if (peer.connection && !peer.connection->closing) peer.connection->lose("gone");
    peer = {};
    peer.client_id = in_.pick(kClients);
    net::EventLoop& loop = *bench_.loops[in_.below(2)];
    peer.connection = std::make_shared<FakeConnection>(loop, bench_.broker->make_handler(loop));
    bench_.connections.push_back(peer.connection);
    peer.connection->open();
    const uint8_t how = in_.next();
    peer.version = std::array{ProtocolVersion::kV31, ProtocolVersion::kV311, ProtocolVersion::kV5, ProtocolVersion::kV5}[how & 3];
    mqtt::OutgoingConnect connect{.version = peer.version, .bridge = (how & 0x44) == 0x40, .clean_start = (how & 4) != 0, .keep_alive_s = 50, .client_id = peer.client_id};
    if (how & 8) {
      connect.will = mqtt::OutgoingWill{.topic = in_.pick(kTopics), .payload = "will", .qos = static_cast<uint8_t>(in_.below(3)), .retain = in_.below(2) == 1};
      if (connect.will->topic.empty()) connect.will->topic = "a/b";
      if (how & 16) connect.will->properties.u32(PropertyId::kWillDelayInterval, in_.pick(kExpiries));
    }
    if (peer.version == ProtocolVersion::kV5) {
      connect.properties.u32(PropertyId::kSessionExpiryInterval, in_.pick(kExpiries));
      if (how & 32) {
        peer.packet_bytes_max = 4 + in_.below(80);
        peer.receive_maximum = 1 + in_.below(4);
        peer.alias_maximum = static_cast<uint16_t>(in_.below(5));
        connect.properties.u32(PropertyId::kMaximumPacketSize, static_cast<uint32_t>(peer.packet_bytes_max));
        connect.properties.u16(PropertyId::kReceiveMaximum, static_cast<uint16_t>(peer.receive_maximum));
        connect.properties.u16(PropertyId::kTopicAliasMaximum, peer.alias_maximum);
      }
    }
    std::string packet;
    mqtt::encode_connect(packet, connect);
    peer.feed(packet);
  }

  void subscribe(Peer& peer) {
    const uint8_t how = in_.next();
    mqtt::SubscribeEntry entry{.filter = in_.pick(kFilters), .qos = static_cast<uint8_t>(how % 3), .no_local = (how & 4) != 0,
                               .retain_as_published = (how & 8) != 0, .retain_handling = static_cast<uint8_t>((how >> 4) % 3)};
    wishes_[peer.client_id].insert(entry.filter);
    std::string packet;
    mqtt::encode_subscribe(packet, peer.version, 1 + how % 7u, {&entry, 1}, how >> 6);
    peer.feed(packet);
  }

  void unsubscribe(Peer& peer) {
    const std::string_view filter = in_.pick(kFilters);
    std::string packet;
    mqtt::encode_unsubscribe(packet, peer.version, 9, {&filter, 1});
    peer.feed(packet);
  }

  void publish(Peer& peer) {
    const uint8_t how = in_.next();
    mqtt::OutgoingPublish publish{.topic = in_.pick(kTopics), .payload = in_.bytes(in_.below(4)), .qos = static_cast<uint8_t>(how % 3),
                                  .duplicate = how % 3 != 0 && (how & 4), .retain = (how & 8) != 0, .packet_id = static_cast<uint16_t>(1 + ((how >> 4) & 3))};
    if (peer.version == ProtocolVersion::kV5) {
      if (how & 64) publish.message_expiry_s = in_.pick(kExpiries);
      if (how & 128) publish.topic_alias = static_cast<uint16_t>(1 + in_.below(5));
    }
    std::string packet;
    mqtt::encode_publish(packet, peer.version, publish);
    peer.feed(packet);
  }

  void acknowledge(Peer& peer) {
    const uint8_t how = in_.next();
    // One that the broker never gave, or has given to a message that the client has seen: what lies unread it cannot acknowledge.
    auto id = static_cast<uint16_t>(60'000 + how % 4);
    uint8_t stage = 0;
    if (!peer.open.empty() && how % 8 != 7) {  // mostly as it should be
      const auto oldest = std::next(peer.open.begin(), static_cast<ptrdiff_t>(in_.below(peer.open.size())));
      id = oldest->first;
      stage = oldest->second;
    }
    const std::array by_stage{PacketType::kPubrel, PacketType::kPuback, PacketType::kPubrec, PacketType::kPubcomp};
    const PacketType type = by_stage[how & 32 ? in_.below(4) : stage];
    if (type == PacketType::kPubrel) id = static_cast<uint16_t>(1 + how % 4);  // of the client's own messages
    const bool fails = (how & 64) && (type == PacketType::kPuback || type == PacketType::kPubrec);
    peer.acknowledge(type, id, fails ? ReasonCode::kUnspecifiedError : ReasonCode::kSuccess);
  }

  void disconnect(Peer& peer) {
    const uint8_t how = in_.next();
    mqtt::PropertyWriter properties;
    if (how & 1) properties.u32(PropertyId::kSessionExpiryInterval, in_.pick(kExpiries));
    std::string packet;
    mqtt::encode_disconnect(packet, peer.version, how & 2 ? ReasonCode::kDisconnectWithWill : ReasonCode::kSuccess, properties);
    peer.feed(packet);
  }

  void raw(Peer& peer) {
    peer.wild = true;
    peer.feed(in_.bytes(in_.next()));
  }

  void drain() {
    for (Peer& peer : peers_) {
      if (peer.connection && !peer.connection->blocked) peer.drain(wishes_);
    }
  }

  // Everybody leaves, and time passes: nothing may be left but retained messages.
  void end() {
    for (Peer& peer : peers_) {
      if (!peer.connection) continue;
      peer.connection->blocked = false;
      peer.drain(wishes_);
      if (!peer.connection->closing) peer.connection->lose("the end");
    }
    bench_.run();
    bench_.clock.advance_ns(3'000 * kNanosPerSecond);
    bench_.run();
    bench_.advance(2);
    const BrokerStatus status = bench_.broker->status();
    CHECK(status.connections == 0 && status.sessions == 0 && status.subscriptions == 0 && status.queued_bytes == 0);
  }

  Input& in_;
  Bench bench_;
  std::array<Peer, 4> peers_;
  Wishes wishes_;
  bool commits_ = true;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  [[maybe_unused]] static const bool quiet = [] {
    GTEST_FLAG_SET(break_on_failure, true);  // of the fakes' expectations
    log::set_level(log::Level::kError);
    return true;
  }();
  Input input(data, size);
  World(input).run();
  return 0;
}
