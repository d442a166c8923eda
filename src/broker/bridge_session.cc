#include "broker/bridge_session.h"

#include <utility>

#include "mqtt/decode.h"
#include "mqtt/encode.h"
#include "net/local_pair.h"

namespace campanile::broker {
namespace {

using mqtt::PacketType;
constexpr auto kV5 = mqtt::ProtocolVersion::kV5;

class Preparation final : public net::TcpHandler {
 public:
  Preparation(const BridgeOptions& options, std::vector<std::string> stale_filters, std::function<void(const Result<bool>&)> done)
      : options_(options), stale_filters_(std::move(stale_filters)), done_(std::move(done)) {}

  void on_open(net::TcpConnection& connection) override {
    std::string out;
    encode_session_connect(out, options_.name, options_.in_flight_max, UINT32_MAX);
    connection.send_owned(std::move(out));
  }

  size_t on_bytes(net::TcpConnection& connection, std::string_view bytes) override {
    size_t used = 0;
    for (;;) {
      const auto frame = mqtt::next_frame(bytes.substr(used), mqtt::kPacketBytesLimit);
      if (!frame || !*frame) return used;
      used += (*frame)->size;
      receive(connection, **frame);
    }
  }

  void on_closed(net::TcpConnection&, std::string_view reason) override {
    if (complete_) return done_(was_present_);
    done_(fail(ErrorCode::kUnavailable, "the local broker did not take the bridge's session: {}", words_.empty() ? std::string(reason) : words_));
  }

 private:
  // Messages that wait already come as well; they are left for the first link.
  void receive(net::TcpConnection& connection, const mqtt::Frame& frame) {
    if (frame.type == PacketType::kConnack) {
      const auto packet = mqtt::decode_connack(frame.body, kV5);
      if (!packet || mqtt::is_error(packet->reason)) {
        words_ = packet ? mqtt::to_string(packet->reason) : packet.error().what;
        return;
      }
      was_present_ = packet->session_present;
      subscribe(connection);
    } else if (frame.type == PacketType::kSuback || frame.type == PacketType::kUnsuback) {
      if (--requests_ == 0) leave(connection);
    }
  }

  void subscribe(net::TcpConnection& connection) {
    std::string out;
    std::vector<std::string> filters;
    std::vector<mqtt::SubscribeEntry> entries;
    filters.reserve(options_.topics.size());
    for (const BridgeTopic& topic : options_.topics) {
      if (!topic.goes_out()) continue;
      filters.push_back(topic.local_filter());
      // The link subscribes again, and gets what is retained.
      entries.push_back({.filter = filters.back(), .qos = topic.qos, .no_local = true, .retain_as_published = true, .retain_handling = 2});
    }
    if (!entries.empty()) {
      mqtt::encode_subscribe(out, kV5, 1, entries);
      ++requests_;
    }
    if (!stale_filters_.empty()) {
      mqtt::encode_unsubscribe(out, kV5, 2, std::vector<std::string_view>(stale_filters_.begin(), stale_filters_.end()));
      ++requests_;
    }
    if (requests_ == 0) return leave(connection);
    connection.send_owned(std::move(out));
  }

  void leave(net::TcpConnection& connection) {
    complete_ = true;
    std::string out;
    mqtt::encode_disconnect(out, kV5, mqtt::ReasonCode::kSuccess);
    connection.send_owned(std::move(out));
    connection.close();
  }

  const BridgeOptions& options_;
  const std::vector<std::string> stale_filters_;
  const std::function<void(const Result<bool>&)> done_;
  std::string words_;
  int requests_ = 0;
  bool was_present_ = false;
  bool complete_ = false;
};

}  // namespace

void encode_session_connect(std::string& out, std::string_view name, uint16_t receive_maximum, uint32_t packet_bytes_max) {
  const std::string client_id = bridge_client_id(name);
  mqtt::OutgoingConnect connect{.version = kV5, .clean_start = false, .client_id = client_id};
  connect.properties.u32(mqtt::PropertyId::kSessionExpiryInterval, UINT32_MAX);
  connect.properties.u16(mqtt::PropertyId::kReceiveMaximum, receive_maximum);
  if (packet_bytes_max < UINT32_MAX) connect.properties.u32(mqtt::PropertyId::kMaximumPacketSize, packet_bytes_max);
  mqtt::encode_connect(out, connect);
}

std::shared_ptr<net::TcpConnection> prepare_session(net::EventLoop& loop, std::shared_ptr<net::TcpHandler> local, const BridgeOptions& options,
                                                    std::vector<std::string> stale_filters,
                                                    std::function<void(const Result<bool>&)> done) {
  return net::connect_local(loop, std::move(local),
                            std::make_shared<Preparation>(options, std::move(stale_filters), std::move(done)));
}

}  // namespace campanile::broker
