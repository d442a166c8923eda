// The client's state machine against a server that answers as it should, as it should not, and with anything at all: what it sends is
// always well-formed, within what CONNACK allowed, with identifiers that are not in use; nothing is told after a failure.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "mqtt/client_connection.h"
#include "mqtt/decode.h"
#include "mqtt/encode.h"

using namespace campanile;
using namespace campanile::mqtt;

namespace {

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
  std::string_view bytes(size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

class World : public ClientHandler {
 public:
  explicit World(Input& input) : in_(input), version_(in_.next() % 2 ? ProtocolVersion::kV5 : ProtocolVersion::kV311), client_(options(), *this) {}

  void run() {
    for (int steps = 0; !in_.empty() && steps < 300; ++steps) {
      step();
      check_output();
      CHECK(client_.connected() || !client_.can_publish());
    }
  }

  void on_connected(const ConnectResult&) override { CHECK(started_ && !failed_); }
  void on_message(const IncomingMessage& message) override { CHECK(started_ && !failed_ && !message.topic.empty()); }
  void on_failed(ReasonCode, const Error& error) override {
    CHECK(started_ && !failed_ && !error.message.empty());
    failed_ = true;
  }

 private:
  ClientOptions options() {
    ClientOptions options{.version = version_, .client_id = "c", .clean_start = false, .keep_alive_s = 20, .in_flight_max = 6};
    if (version_ == ProtocolVersion::kV5) options.receive_maximum = 3;
    options.limits.packet_bytes_max = 300;
    return options;
  }

  void step() {
    const uint8_t what = in_.next();
    if (!started_) {
      client_.start(now_ns_);
      started_ = true;
      failed_ = false;
      return;
    }
    switch (what % 10) {
      case 0:
        client_.connection_lost();
        started_ = false;
        kept_.clear();
        return;
      case 1: return answer_connect(what >> 4);
      case 2:
      case 3: {
        const auto qos = static_cast<uint8_t>(what >> 4) % 3u;
        (void)client_.publish({.topic = "a/b", .payload = in_.bytes(what >> 6), .qos = static_cast<uint8_t>(qos), .retain = (what & 64) != 0});
        return;
      }
      case 4: {
        const SubscribeRequest request{.filter = what & 64 ? "a/#" : "$share/g/a", .qos = 1, .no_local = (what & 128) != 0};
        (void)client_.subscribe({&request, 1});
        return;
      }
      case 5: {
        const std::string_view filter = "a/#";
        (void)client_.unsubscribe({&filter, 1});
        return;
      }
      case 6: return acknowledge(what >> 4);
      case 7: {
        std::string packet;
        encode_publish(packet, version_, {.topic = "t", .payload = "x", .qos = static_cast<uint8_t>((what >> 4) % 3), .packet_id = static_cast<uint16_t>(1 + (what >> 6))});
        return receive(packet);
      }
      case 8:
        now_ns_ += (what >> 4) * int64_t{1'000'000'000};
        return client_.notify_timer(now_ns_);
      default: return receive(in_.bytes(in_.next() % 40));
    }
  }

  void answer_connect(uint8_t how) {
    PropertyWriter properties;
    if (version_ == ProtocolVersion::kV5) {
      if (how & 1) properties.u16(PropertyId::kReceiveMaximum, 2);
      if (how & 2) properties.u32(PropertyId::kMaximumPacketSize, 24);
      if (how & 4) properties.u8(PropertyId::kMaximumQos, 1);
    }
    if (!greeted_this_time()) {
      packet_bytes_max_ = version_ == ProtocolVersion::kV5 && (how & 2) ? 24 : SIZE_MAX;
    }
    std::string packet;
    encode_connack(packet, version_, (how & 8) != 0, ReasonCode::kSuccess, properties);
    receive(packet);
  }
  bool greeted_this_time() const { return client_.connected() || failed_; }

  void acknowledge(uint8_t how) {
    std::string packet;
    const auto id = static_cast<uint16_t>(1 + in_.next() % 8);
    const ReasonCode granted = ReasonCode::kSuccess;
    switch (how % 6) {
      case 0: encode_ack(packet, version_, PacketType::kPuback, id); break;
      case 1: encode_ack(packet, version_, PacketType::kPubrec, id, how & 8 ? ReasonCode::kNotAuthorized : ReasonCode::kSuccess); break;
      case 2: encode_ack(packet, version_, PacketType::kPubcomp, id); break;
      case 3: encode_ack(packet, version_, PacketType::kPubrel, id); break;
      case 4: encode_suback(packet, version_, id, {&granted, 1}); break;
      default: encode_unsuback(packet, version_, id, {&granted, 1});
    }
    receive(packet);
  }

  void receive(std::string_view bytes) {
    kept_.append(bytes);
    const size_t used = client_.receive(kept_, now_ns_);
    CHECK(used <= kept_.size());
    kept_.erase(0, used);
  }

  void check_output() {
    const std::string output = client_.take_output();
    for (std::string_view rest = output; !rest.empty();) {
      const auto frame = next_frame(rest, SIZE_MAX);
      CHECK(frame && *frame);
      check(**frame);
      rest.remove_prefix((*frame)->size);
    }
  }

  void check(const Frame& frame) {
    const Limits limits;
    const bool measured = frame.type == PacketType::kPublish || frame.type == PacketType::kSubscribe || frame.type == PacketType::kUnsubscribe;
    CHECK(!measured || frame.size <= packet_bytes_max_);
    switch (frame.type) {
      case PacketType::kConnect: CHECK(decode_connect(frame.body, limits).has_value()); return;
      case PacketType::kPublish: CHECK(decode_publish(frame, version_, limits).has_value()); return;
      case PacketType::kSubscribe: CHECK(decode_subscribe(frame.body, version_, limits).has_value()); return;
      case PacketType::kUnsubscribe: CHECK(decode_unsubscribe(frame.body, version_, limits).has_value()); return;
      case PacketType::kPuback:
      case PacketType::kPubrec:
      case PacketType::kPubrel:
      case PacketType::kPubcomp: CHECK(decode_ack(frame, version_).has_value()); return;
      case PacketType::kPingreq: CHECK(frame.body.empty()); return;
      case PacketType::kDisconnect: CHECK(decode_disconnect(frame, version_).has_value()); return;
      default: CHECK(!"a packet that only servers send");
    }
  }

  Input& in_;
  const ProtocolVersion version_;
  ClientConnection client_;
  int64_t now_ns_ = 0;
  bool started_ = false;
  bool failed_ = false;
  size_t packet_bytes_max_ = SIZE_MAX;
  std::string kept_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  World(input).run();
  return 0;
}
