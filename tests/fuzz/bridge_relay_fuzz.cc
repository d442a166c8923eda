// A bridge's relay between two brokers that answer, send and acknowledge as they like, link after link with one memory. Whatever comes,
// each side is sent whole well-formed packets of a client, within the limits that it told, and nothing after the end of the link.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "broker/bridge_marks.h"
#include "broker/bridge_relay.h"

using namespace campanile;
using namespace campanile::broker;
using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::ProtocolVersion;
using mqtt::ReasonCode;

namespace {

constexpr uint16_t kRequestId = 3;
constexpr std::array<std::string_view, 8> kTopics = {"u4/a", "campus/u4/a", "campus/set/a", "set/lamp/a/b/c/d", "both/x", "campus", "other", "set"};
constexpr std::array<std::string_view, 4> kBrokers = {"me", "them", "third", "a name that is far too long for a broker, which has twenty bytes"};
constexpr std::array<ReasonCode, 4> kGrants = {ReasonCode::kSuccess, ReasonCode::kGrantedQos1, ReasonCode::kGrantedQos2, ReasonCode::kNotAuthorized};

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
  template <typename Table>
  auto pick(const Table& table) { return table[next() % table.size()]; }
  std::string_view bytes(size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

// The broker's side of one connection.
struct Peer {
  ProtocolVersion version = ProtocolVersion::kV5;
  std::string kept;        // sent, and not yet used by the relay
  bool connected = false;  // CONNECT has come
  bool told = false;       // CONNACK has gone
  bool wild = false;       // has sent raw bytes: what the relay makes of its packets is not known
  bool input_wanted = false;
  size_t packet_bytes_max = SIZE_MAX;
  uint8_t maximum_qos = 2;
  bool retain_available = true;
  std::multiset<uint16_t> requests;  // unanswered

  size_t take(std::string_view output, bool over);
  void take(const mqtt::Frame& frame);
};

// Returns how many packets there were.
size_t Peer::take(std::string_view output, bool over) {
  CHECK(!over || output.empty());
  size_t count = 0;
  for (; !output.empty(); ++count) {
    const auto frame = mqtt::next_frame(output, SIZE_MAX);
    CHECK(frame && *frame);
    CHECK(connected == ((*frame)->type != PacketType::kConnect));
    CHECK((*frame)->size <= packet_bytes_max);
    take(**frame);
    output.remove_prefix((*frame)->size);
  }
  return count;
}

void Peer::take(const mqtt::Frame& frame) {
  const mqtt::Limits limits{.topic_levels_max = UINT16_MAX};
  switch (frame.type) {
    case PacketType::kConnect:
      CHECK(mqtt::decode_connect(frame.body, limits).has_value());
      connected = true;
      return;
    case PacketType::kPublish: {
      const auto packet = mqtt::decode_publish(frame, version, limits);
      CHECK(packet && !packet->topic.empty() && packet->topic_alias == 0 && !packet->has_subscription_identifier);
      CHECK(packet->qos <= maximum_qos && (retain_available || !packet->retain));
      CHECK(packet->qos == 0 || !requests.contains(packet->packet_id));
      return;
    }
    case PacketType::kPuback:
    case PacketType::kPubrec:
    case PacketType::kPubrel:
    case PacketType::kPubcomp: CHECK(mqtt::decode_ack(frame, version).has_value()); return;
    case PacketType::kSubscribe: {
      const auto packet = mqtt::decode_subscribe(frame.body, version, limits);
      CHECK(packet.has_value());
      requests.insert(packet->packet_id);
      return;
    }
    case PacketType::kUnsubscribe: {
      const auto packet = mqtt::decode_unsubscribe(frame.body, version, limits);
      CHECK(packet.has_value());
      requests.insert(packet->packet_id);
      return;
    }
    case PacketType::kPingreq: CHECK(frame.body.empty()); return;
    case PacketType::kDisconnect: CHECK(mqtt::decode_disconnect(frame, version).has_value()); return;
    default: CHECK(!"a packet that only brokers send");
  }
}

class World : public BridgeRelayHandler {
 public:
  explicit World(Input& input) : in_(input), how_(input.next()), options_(make_options()), topics_(options_.topics) {
    CHECK(check(options_).has_value());
    identity_ = {.broker_id = "me", .try_private = (how_ & 2) != 0, .request_id = kRequestId, .stale_filters = {}};
    if (how_ & 4) identity_.stale_filters = {"old/#"};
    memory_.local_is_new = (how_ & 8) != 0;
  }

  void run() {
    begin();
    for (int steps = 0; !in_.empty() && steps < 300; ++steps) {
      step();
      drain();
      for (const BridgeSide side : {BridgeSide::kLocal, BridgeSide::kRemote}) {
        if (std::exchange(at(side).input_wanted, false)) receive(side, {});
      }
    }
  }

  void on_local_wanted() override {
    CHECK(!over_ && !std::exchange(local_wanted_, true));
  }
  void on_up() override {
    CHECK(!over_ && relay_->up() && !std::exchange(up_, true));
  }
  void on_not_granted(std::string_view filter, ReasonCode reason) override { CHECK(!over_ && !filter.empty() && mqtt::is_error(reason)); }
  void on_input_wanted(BridgeSide side) override { at(side).input_wanted = true; }
  void on_failed(const BridgeFailure& failure) override {
    CHECK(!over_ && !failure.words.empty());
    over_ = true;
  }

 private:
  BridgeOptions make_options() const {
    BridgeOptions options{.name = "city", .address = {"there", 1883}, .client_id = "campus.city", .keep_alive_s = 20, .in_flight_max = 5};
    options.version = how_ & 1 ? ProtocolVersion::kV5 : ProtocolVersion::kV311;
    options.clean_start = (how_ & 16) != 0;
    options.topics = {{.pattern = "#", .direction = BridgeDirection::kOut, .qos = 2, .local_prefix = "u4/", .remote_prefix = "campus/u4/"},
                      {.pattern = "set/#", .direction = BridgeDirection::kIn, .qos = 1, .remote_prefix = "campus/"},
                      {.pattern = "both/+", .direction = BridgeDirection::kBoth, .qos = 0}};
    if (how_ & 32) options.topics.pop_back();
    if (how_ & 64) options.state_topic = "$SYS/broker/connection/campus.city/state-of-a-long-name-that-hardly-fits";
    options.local_packet_bytes_max = 300;
    options.topic_levels_max = 10;
    return options;
  }

  Peer& at(BridgeSide side) { return peers_[static_cast<size_t>(side)]; }
  BridgeSide side_of(uint8_t what) const { return what & 128 ? BridgeSide::kLocal : BridgeSide::kRemote; }

  // A new link. The former one may have been at any point.
  void begin() {
    peers_ = {};
    at(BridgeSide::kRemote).version = options_.version;
    over_ = drained_over_ = stopped_now_ = up_ = local_wanted_ = local_opened_ = false;
    relay_ = std::make_unique<BridgeRelay>(options_, topics_, identity_, memory_, *this);
    relay_->remote_opened(now_ns_);
    drain();
  }

  void step() {
    const uint8_t what = in_.next();
    const BridgeSide side = side_of(what);
    if (over_) return begin();
    if (local_wanted_ && !std::exchange(local_opened_, true)) return relay_->local_opened(now_ns_);
    if (side == BridgeSide::kLocal && !local_opened_) return begin();  // the link is lost early
    switch (what % 16) {
      case 0: return begin();
      case 1:
      case 2: return greet(side);
      case 3:
      case 4: return answer(side);
      case 5:
      case 6:
      case 7:
      case 8: return publish(side);
      case 9:
      case 10:
      case 11: return acknowledge(side);
      case 12: return receive(side, std::string_view("\xD0\x00", 2));  // PINGRESP
      case 13:
        now_ns_ += (in_.next() % 32) * kNanosPerSecond;
        relay_->notify_timer(now_ns_);
        return;
      case 14:
        if (what & 16) return relay_->excuse_silence(side);
        relay_->stop();
        stopped_now_ = true;
        return;
      default: at(side).wild = true; return receive(side, in_.bytes(in_.next()));
    }
  }

  void greet(BridgeSide side) {
    Peer& peer = at(side);
    const uint8_t how = in_.next();
    mqtt::PropertyWriter properties;
    const bool limits = !std::exchange(peer.told, true) && peer.version == ProtocolVersion::kV5;
    if (limits && (how & 2)) {
      peer.packet_bytes_max = 60u + in_.next();
      properties.u32(PropertyId::kMaximumPacketSize, static_cast<uint32_t>(peer.packet_bytes_max));
      properties.u16(PropertyId::kReceiveMaximum, static_cast<uint16_t>(1 + in_.next() % 4));
    }
    if (limits && (how & 4)) properties.u8(PropertyId::kMaximumQos, peer.maximum_qos = in_.next() % 2);
    if (limits && (how & 8)) properties.u8(PropertyId::kRetainAvailable, peer.retain_available = false);
    if (limits && (how & 16)) properties.u16(PropertyId::kServerKeepAlive, in_.next());
    if (limits && (how & 32)) properties.user(kBrokerProperty, in_.pick(kBrokers));
    const bool refused = (how & 192) == 192;
    std::string packet;
    mqtt::encode_connack(packet, peer.version, (how & 1) && !refused, refused ? ReasonCode::kNotAuthorized : ReasonCode::kSuccess, properties);
    receive(side, packet);
  }

  void answer(BridgeSide side) {
    Peer& peer = at(side);
    const uint8_t how = in_.next();
    const uint16_t id = peer.requests.empty() ? uint16_t{9} : *peer.requests.begin();
    if (!peer.requests.empty()) peer.requests.erase(peer.requests.begin());
    const std::vector<ReasonCode> reasons(1 + how % 3u, kGrants[(how >> 2) % kGrants.size()]);
    std::string packet;
    if (id == kRequestId || (how & 128)) mqtt::encode_suback(packet, peer.version, id, reasons);
    else mqtt::encode_unsuback(packet, peer.version, id, std::vector(1 + how % 3u, ReasonCode::kSuccess));
    receive(side, packet);
  }

  void publish(BridgeSide side) {
    Peer& peer = at(side);
    const uint8_t how = in_.next();
    const std::string payload(how & 128 ? in_.next() * 2u : how % 5u, 'x');
    mqtt::OutgoingPublish publish{.topic = in_.pick(kTopics), .payload = payload, .qos = static_cast<uint8_t>(how % 3), .duplicate = how % 3 != 0 && (how & 4),
                                  .retain = (how & 8) != 0, .packet_id = static_cast<uint16_t>(1 + in_.next() % 6)};
    mqtt::PropertyWriter properties;
    if (how & 16) properties.user(kViaProperty, in_.pick(kBrokers));
    if (how & 32) properties.string(PropertyId::kResponseTopic, in_.pick(kTopics));
    if (how & 64) publish.message_expiry_s = 7;
    publish.properties = properties.bytes();
    const uint32_t identifier = 1 + how;
    if ((how & 96) == 96) publish.subscription_identifiers = {&identifier, 1};
    std::string packet;
    mqtt::encode_publish(packet, peer.version, publish);
    const bool plain = up_ && !peer.wild && peer.kept.empty();
    receive(side, packet);
    const size_t sent = drain();
    // It has gone on, or back an answer; without one its sender would wait for ever.
    if (plain && publish.qos > 0) CHECK(over_ || relay_->holding(side) || sent > 0);
  }

  void acknowledge(BridgeSide side) {
    const uint8_t how = in_.next();
    const PacketType type = std::array{PacketType::kPuback, PacketType::kPubrec, PacketType::kPubrel, PacketType::kPubcomp}[how & 3];
    const bool fails = (how & 4) && (type == PacketType::kPuback || type == PacketType::kPubrec);
    std::string packet;
    mqtt::encode_ack(packet, at(side).version, type, static_cast<uint16_t>(1 + (how >> 4) % 6),
                     fails && at(side).version == ProtocolVersion::kV5 ? ReasonCode::kQuotaExceeded : ReasonCode::kSuccess);
    receive(side, packet);
  }

  // In pieces, where the first byte of all says so.
  void receive(BridgeSide side, std::string_view bytes) {
    Peer& peer = at(side);
    do {
      const size_t piece = how_ & 128 ? std::min<size_t>(bytes.size(), 3) : bytes.size();
      peer.kept.append(bytes.substr(0, piece));
      bytes.remove_prefix(piece);
      const size_t used = relay_->receive(side, peer.kept, now_ns_);
      CHECK(used <= peer.kept.size());
      peer.kept.erase(0, used);
    } while (!bytes.empty());
  }

  // Returns how many packets both were sent. What comes in the moment of the end is still to be sent.
  size_t drain() {
    size_t count = 0;
    for (const BridgeSide side : {BridgeSide::kLocal, BridgeSide::kRemote}) count += at(side).take(relay_->take_output(side), drained_over_);
    over_ = over_ || std::exchange(stopped_now_, false);
    drained_over_ = over_;
    return count;
  }

  Input& in_;
  const uint8_t how_;
  const BridgeOptions options_;
  const BridgeTopics topics_;
  BridgeIdentity identity_;
  BridgeMemory memory_;
  std::unique_ptr<BridgeRelay> relay_;
  std::array<Peer, 2> peers_;
  int64_t now_ns_ = 0;
  bool over_ = false;
  bool drained_over_ = false;
  bool stopped_now_ = false;
  bool up_ = false;
  bool local_wanted_ = false;
  bool local_opened_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  World(input).run();
  return 0;
}
