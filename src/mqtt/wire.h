// MQTT's data representation [section 1.5]: integers, variable byte integers, strings and binary data, read and written.
//
//   Reader in(body);
//   const std::string_view topic = in.string();
//   const uint16_t id = in.u16();
//   if (in.failed()) return std::unexpected(in.violation());
//
// A Reader that has failed keeps the first violation and gives zeros and empty views from then on, so that decoding reads
// straight down. Views point into the input. Threads: one owner.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "mqtt/protocol.h"

namespace campanile::mqtt {

template <typename T>
using Decoded = std::expected<T, Violation>;

// [MQTT-1.5.4-1, 1.5.4-2]: well-formed UTF-8 without surrogates and without U+0000.
bool is_valid_string(std::string_view bytes);

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  uint8_t u8() {
    if (bytes_.empty()) return fail_short();
    const auto value = static_cast<uint8_t>(bytes_[0]);
    bytes_.remove_prefix(1);
    return value;
  }
  uint16_t u16() {
    if (bytes_.size() < 2) return fail_short();
    const auto value = static_cast<uint16_t>(static_cast<uint8_t>(bytes_[0]) << 8 | static_cast<uint8_t>(bytes_[1]));
    bytes_.remove_prefix(2);
    return value;
  }
  uint32_t u32() {
    const uint32_t high = u16();
    return high << 16 | u16();
  }
  // Section 1.5.5: at most four bytes, in the shortest form [MQTT-1.5.5-1].
  uint32_t varint();
  // Two bytes of length, then that many.
  std::string_view binary() {
    const uint16_t size = u16();
    return bytes(size);
  }
  // binary() that must be a valid string.
  std::string_view string();
  // The next `size` bytes.
  std::string_view bytes(size_t size) {
    if (bytes_.size() < size) {
      fail_short();
      return {};
    }
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  // Everything that is left.
  std::string_view rest() { return bytes(bytes_.size()); }
  bool empty() const { return bytes_.empty(); }
  size_t size() const { return bytes_.size(); }

  // Keeps the first violation.
  void fail(ReasonCode reason, const char* what) {
    if (!failed_) violation_ = {reason, what};
    failed_ = true;
    bytes_ = {};
  }
  bool failed() const { return failed_; }
  const Violation& violation() const { return violation_; }

 private:
  uint8_t fail_short() {
    fail(ReasonCode::kMalformedPacket, "the packet ends inside a field");
    return 0;
  }

  std::string_view bytes_;
  bool failed_ = false;
  Violation violation_;
};

inline void put_u8(std::string& out, uint8_t value) { out.push_back(static_cast<char>(value)); }
inline void put_u16(std::string& out, uint16_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}
inline void put_u32(std::string& out, uint32_t value) {
  put_u16(out, static_cast<uint16_t>(value >> 16));
  put_u16(out, static_cast<uint16_t>(value));
}
// REQUIRES: value < 2^28.
void put_varint(std::string& out, uint32_t value);
inline size_t varint_size(uint32_t value) { return value < 128 ? 1 : value < 16384 ? 2 : value < 2097152 ? 3 : 4; }
// Strings and binary data alike. REQUIRES: at most 65,535 bytes.
void put_string(std::string& out, std::string_view value);

// One control packet as it lies in the stream.
struct Frame {
  PacketType type = PacketType::kReserved;
  uint8_t flags = 0;       // low half of the first byte
  std::string_view body;   // after the fixed header
  size_t size = 0;         // header and body
};

// The first packet of `bytes`, or nothing while it is incomplete. Violations: kPacketTooLarge as soon as the header says more
// than `packet_bytes_max`, kMalformedPacket for a bad remaining length, type 0, or reserved flags [MQTT-2.1.3-1]. MQTT 3.1 reserves no
// flags, and its clients repeat SUBSCRIBE, UNSUBSCRIBE and PUBREL with DUP: with it they are not looked at.
Decoded<std::optional<Frame>> next_frame(std::string_view bytes, size_t packet_bytes_max, ProtocolVersion version = ProtocolVersion::kV5);

// How many packets `bytes` holds. REQUIRES: whole packets, as this program encodes them.
size_t count_packets(std::string_view bytes);

}  // namespace campanile::mqtt
