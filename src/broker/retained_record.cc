#include "broker/retained_record.h"

namespace campanile::broker {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kCleared = 4;
constexpr size_t kHeadBytes = 24;

void put_little(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t get_little(std::string_view bytes, size_t offset, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i) value |= uint64_t{static_cast<uint8_t>(bytes[offset + static_cast<size_t>(i)])} << (8 * i);
  return value;
}

std::string encode_head(uint8_t flags, int64_t published_ns, int64_t expires_ns, std::string_view topic, std::string_view properties) {
  std::string out;
  out.reserve(kHeadBytes + topic.size() + properties.size());
  put_little(out, kVersion, 1);
  put_little(out, flags, 1);
  put_little(out, static_cast<uint64_t>(published_ns), 8);
  put_little(out, static_cast<uint64_t>(expires_ns), 8);
  put_little(out, topic.size(), 2);
  put_little(out, properties.size(), 4);
  out.append(topic);
  out.append(properties);
  return out;
}

}  // namespace

std::string encode_retained_head(const Message& message) {
  return encode_head(message.qos, message.published_ns, message.expires_ns, message.topic, message.properties);
}

std::string encode_retained_clear(std::string_view topic) { return encode_head(kCleared, 0, 0, topic, {}); }

Result<RetainedRecord> decode_retained(std::string_view bytes) {
  if (bytes.size() < kHeadBytes) return fail(ErrorCode::kCorrupt, "a retained message of {} bytes: the head alone has {}", bytes.size(), kHeadBytes);
  if (bytes[0] != kVersion) {
    return fail(ErrorCode::kUnsupported, "a retained message of version {}; this program reads {}: start the one that wrote it, or a later one",
                static_cast<uint8_t>(bytes[0]), kVersion);
  }
  const auto flags = static_cast<uint8_t>(bytes[1]);
  const size_t topic_bytes = get_little(bytes, 18, 2);
  const size_t property_bytes = get_little(bytes, 20, 4);
  if (bytes.size() - kHeadBytes < topic_bytes + property_bytes || topic_bytes == 0 || (flags & 3) == 3) {
    return fail(ErrorCode::kCorrupt, "a retained message whose lengths or flags make no sense");
  }
  RetainedRecord record{.topic = std::string(bytes.substr(kHeadBytes, topic_bytes))};
  if (flags & kCleared) return record;
  record.message = std::make_shared<const Message>(Message{.topic = record.topic,
                                                           .payload = std::string(bytes.substr(kHeadBytes + topic_bytes + property_bytes)),
                                                           .properties = std::string(bytes.substr(kHeadBytes + topic_bytes, property_bytes)),
                                                           .published_ns = static_cast<int64_t>(get_little(bytes, 2, 8)),
                                                           .expires_ns = static_cast<int64_t>(get_little(bytes, 10, 8)),
                                                           .qos = static_cast<uint8_t>(flags & 3),
                                                           .retain = true});
  return record;
}

}  // namespace campanile::broker
