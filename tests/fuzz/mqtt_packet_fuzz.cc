// Every decoder on arbitrary packets: no crash, views inside the input, and PUBLISH is encoded back to what it was decoded from.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "mqtt/decode.h"
#include "mqtt/encode.h"

using namespace campanile::mqtt;

namespace {

void check_inside(std::string_view view, std::string_view whole) {
  CHECK(view.empty() || (view.data() >= whole.data() && view.data() + view.size() <= whole.data() + whole.size()));
}

void check_publish(const Frame& frame, ProtocolVersion version, const Limits& limits, std::string_view whole) {
  const auto packet = decode_publish(frame, version, limits);
  if (!packet) return;
  check_inside(packet->topic, whole);
  check_inside(packet->payload, whole);
  check_inside(packet->properties, whole);
  std::string out;
  encode_publish(out, version, {.topic = packet->topic, .payload = packet->payload, .qos = packet->qos, .duplicate = packet->duplicate,
                                .retain = packet->retain, .packet_id = packet->packet_id, .properties = packet->properties});
  CHECK(out == whole.substr(0, frame.size));
  std::string forwarded;
  append_forwarded_properties(forwarded, packet->properties);
  CHECK(decode_properties(forwarded, PropertyOwner::kPublish).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Limits limits{.topic_levels_max = 8, .filters_per_packet_max = 16};
  const auto frame = next_frame(bytes, kPacketBytesLimit);
  if (!frame || !*frame) return 0;
  CHECK((*frame)->size <= size);
  const std::string_view body = (*frame)->body;
  for (const auto version : {ProtocolVersion::kV311, ProtocolVersion::kV5}) {
    switch ((*frame)->type) {
      case PacketType::kConnect: (void)decode_connect(body, limits); break;
      case PacketType::kConnack: (void)decode_connack(body, version); break;
      case PacketType::kPublish: check_publish(**frame, version, limits, bytes); break;
      case PacketType::kSubscribe: (void)decode_subscribe(body, version, limits); break;
      case PacketType::kUnsubscribe: (void)decode_unsubscribe(body, version, limits); break;
      case PacketType::kSuback: (void)decode_suback(body, version); break;
      case PacketType::kUnsuback: (void)decode_unsuback(body, version); break;
      case PacketType::kDisconnect:
      case PacketType::kAuth: (void)decode_disconnect(**frame, version); break;
      default: (void)decode_ack(**frame, version);
    }
  }
  return 0;
}
