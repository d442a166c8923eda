// Sequences of packets into the server's state machine, in portions whose sizes the input decides too; the handler answers as a broker
// would. Whatever comes, the connection keeps its promises: no call after the end, every answer a well-formed packet.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "mqtt/decode.h"
#include "mqtt/server_connection.h"
#include "mqtt/topic.h"

using namespace campanile::mqtt;

namespace {

class Handler : public ServerHandler {
 public:
  void on_connect(const ConnectPacket& packet) override {
    alive();
    if (packet.client_id == "no") {
      connection->refuse(out, ReasonCode::kNotAuthorized, packet.client_id);
    } else {
      connection->accept(out, !packet.clean_start, packet.keep_alive_s, {});
    }
  }
  Taken on_publish(const PublishPacket& packet) override {
    alive();
    CHECK(is_valid_topic(packet.topic, settings.limits.topic_levels_max));
    if (++calls % 7 == 3) return Taken::kLater;
    if (packet.qos == 1) {
      encode_ack(out, connection->version(), PacketType::kPuback, packet.packet_id);
      connection->release_receive();
    }
    return Taken::kYes;
  }
  void on_ack(const AckPacket& packet) override {
    alive();
    CHECK(packet.packet_id != 0);
  }
  void on_release(const AckPacket&) override {
    alive();
    connection->release_receive();
  }
  void on_subscribe(const SubscribePacket& packet) override {
    alive();
    CHECK(!packet.entries.empty());
  }
  void on_unsubscribe(const UnsubscribePacket& packet) override {
    alive();
    CHECK(!packet.filters.empty());
  }
  void on_disconnect(const DisconnectPacket&) override { ended = true; }
  void on_violation(const Violation& violation) override {
    CHECK(connection->closed() && is_error(violation.reason));
    ended = true;
  }
  void alive() { CHECK(!ended); }

  ServerSettings settings{.limits = {.packet_bytes_max = 4096, .topic_levels_max = 8, .receive_maximum = 4, .topic_alias_maximum = 4}};
  ServerConnection* connection = nullptr;
  std::string out;
  unsigned calls = 0;
  bool ended = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const size_t portion = data[0] % 64 + 1u;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  Handler handler;
  ServerConnection connection(handler.settings, 0);
  handler.connection = &connection;
  std::string kept;
  int64_t now_ns = 0;
  for (size_t i = 0; i < input.size(); i += portion) {
    kept.append(input.substr(i, portion));
    for (int again = 0; again < 2; ++again) {
      const size_t used = connection.receive(kept, now_ns += 1'000'000'000, handler.out, handler);
      CHECK(used <= kept.size());
      kept.erase(0, used);
    }
    connection.notify_timer(now_ns, handler.out, handler);
  }
  for (std::string_view rest = handler.out; !rest.empty();) {
    const auto frame = next_frame(rest, kPacketBytesLimit);
    CHECK(frame && *frame);
    rest.remove_prefix((*frame)->size);
  }
  return 0;
}
