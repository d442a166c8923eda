#include "mqtt/wire.h"

#include <cstring>

#include "base/check.h"
#include "base/text.h"

namespace campanile::mqtt {

bool is_valid_string(std::string_view bytes) {
  // Nearly every topic is ASCII: eight bytes at a time, no high bit set and no byte zero, need no decoding.
  constexpr uint64_t kHighBits = 0x8080808080808080u;
  constexpr uint64_t kLowBits = 0x0101010101010101u;
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    if (((word - kLowBits) | word) & kHighBits) break;
  }
  for (; i < bytes.size(); ++i) {
    const auto byte = static_cast<uint8_t>(bytes[i]);
    if (byte == 0) return false;
    if (byte >= 0x80) {
      const std::string_view rest = bytes.substr(i);
      return is_valid_utf8(rest) && std::memchr(rest.data(), 0, rest.size()) == nullptr;
    }
  }
  return true;
}

uint32_t Reader::varint() {
  uint32_t value = 0;
  for (int shift = 0; shift <= 21; shift += 7) {
    const uint8_t byte = u8();
    value |= static_cast<uint32_t>(byte & 0x7f) << shift;
    if (!(byte & 0x80)) {
      if (byte == 0 && shift > 0) fail(ReasonCode::kMalformedPacket, "a variable byte integer is longer than it needs to be");
      return failed_ ? 0 : value;
    }
  }
  fail(ReasonCode::kMalformedPacket, "a variable byte integer is longer than four bytes");
  return 0;
}

std::string_view Reader::string() {
  const std::string_view value = binary();
  if (!is_valid_string(value)) {
    fail(ReasonCode::kMalformedPacket, "a string is not valid UTF-8 or holds U+0000");
    return {};
  }
  return value;
}

void put_varint(std::string& out, uint32_t value) {
  CHECK(value < (1u << 28));
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void put_string(std::string& out, std::string_view value) {
  CHECK(value.size() <= UINT16_MAX);
  put_u16(out, static_cast<uint16_t>(value.size()));
  out.append(value);
}

namespace {

// Table 2-2: the only flags each type may carry; PUBLISH carries its own.
constexpr uint8_t kFlagsOf[16] = {0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0};

}  // namespace

Decoded<std::optional<Frame>> next_frame(std::string_view bytes, size_t packet_bytes_max, ProtocolVersion version) {
  if (bytes.empty()) return std::nullopt;
  const auto first = static_cast<uint8_t>(bytes[0]);
  Frame frame{.type = static_cast<PacketType>(first >> 4), .flags = static_cast<uint8_t>(first & 0x0f)};
  if (frame.type == PacketType::kReserved) return std::unexpected(Violation{ReasonCode::kMalformedPacket, "packet type 0 is reserved"});
  if (frame.type != PacketType::kPublish && frame.flags != kFlagsOf[first >> 4] && version != ProtocolVersion::kV31) {
    return std::unexpected(Violation{ReasonCode::kMalformedPacket, "reserved flags of the fixed header are set"});
  }
  uint32_t length = 0;
  size_t header = 1;
  for (int shift = 0;; shift += 7, ++header) {
    if (shift > 21) return std::unexpected(Violation{ReasonCode::kMalformedPacket, "the remaining length is longer than four bytes"});
    if (header >= bytes.size()) return std::nullopt;
    const auto byte = static_cast<uint8_t>(bytes[header]);
    length |= static_cast<uint32_t>(byte & 0x7f) << shift;
    if (byte & 0x80) continue;
    if (byte == 0 && shift > 0) {
      return std::unexpected(Violation{ReasonCode::kMalformedPacket, "the remaining length is longer than it needs to be"});
    }
    ++header;
    break;
  }
  frame.size = header + length;
  if (frame.size > packet_bytes_max) {
    return std::unexpected(Violation{ReasonCode::kPacketTooLarge, "the packet is larger than the limit"});
  }
  if (bytes.size() < frame.size) return std::nullopt;
  frame.body = bytes.substr(header, length);
  return frame;
}

size_t count_packets(std::string_view bytes) {
  size_t count = 0;
  for (size_t at = 0; at < bytes.size(); ++count) {
    uint32_t length = 0;
    ++at;  // the type
    for (int shift = 0; at < bytes.size(); shift += 7) {
      const auto byte = static_cast<uint8_t>(bytes[at++]);
      length |= static_cast<uint32_t>(byte & 0x7f) << shift;
      if (!(byte & 0x80)) break;
    }
    at += length;
  }
  return count;
}

}  // namespace campanile::mqtt
