#include "net/proxy_header.h"

#include <arpa/inet.h>

#include <algorithm>

namespace campanile::net {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kFixedBytes = 16;  // signature, version and command, family and protocol, length
constexpr uint8_t kLocal = 0x20;
constexpr uint8_t kProxy = 0x21;
constexpr uint8_t kTcp4 = 0x11;
constexpr uint8_t kTcp6 = 0x21;
constexpr size_t kTcp4Bytes = 12;  // two addresses, two ports
constexpr size_t kTcp6Bytes = 36;

uint8_t byte_at(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

uint16_t u16_at(std::string_view bytes, size_t at) { return static_cast<uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1)); }

std::string host_of(int family, const char* bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  return inet_ntop(family, bytes, text, sizeof text) ? text : "";
}

Result<std::optional<Address>> parse_source(uint8_t family, std::string_view addresses) {
  if (family == kTcp4 && addresses.size() >= kTcp4Bytes) return Address{host_of(AF_INET, addresses.data()), u16_at(addresses, 8)};
  if (family == kTcp6 && addresses.size() >= kTcp6Bytes) return Address{host_of(AF_INET6, addresses.data()), u16_at(addresses, 32)};
  if (family == kTcp4 || family == kTcp6) {
    return fail(ErrorCode::kInvalidArgument, "PROXY header: {} bytes are too few for its addresses", addresses.size());
  }
  return std::optional<Address>();  // unspecified, a local socket, UDP: not a TCP address, and to be let through
}

}  // namespace

Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes) {
  // The first wrong byte is enough: what is no proxy should not have to send sixteen.
  const size_t compared = std::min(bytes.size(), kSignature.size());
  if (bytes.substr(0, compared) != kSignature.substr(0, compared)) {
    return fail(ErrorCode::kInvalidArgument, "no PROXY header of version 2 (send-proxy-v2 in HAProxy's server line)");
  }
  if (bytes.size() > 12) {
    const uint8_t command = byte_at(bytes, 12);
    if (command != kLocal && command != kProxy) {
      return fail(ErrorCode::kInvalidArgument, "PROXY header: version and command are 0x{:02x}, wanted 0x20 or 0x21", command);
    }
  }
  if (bytes.size() < kFixedBytes) return std::optional<ProxyHeader>();
  const size_t length = u16_at(bytes, 14);
  if (kFixedBytes + length > kProxyHeaderBytesMax) {
    return fail(ErrorCode::kInvalidArgument, "PROXY header of {} bytes, allowed are {}", kFixedBytes + length, kProxyHeaderBytesMax);
  }
  if (bytes.size() < kFixedBytes + length) return std::optional<ProxyHeader>();
  ProxyHeader header{.size = kFixedBytes + length, .source = std::nullopt};
  if (byte_at(bytes, 12) == kProxy) header.source = TRY(parse_source(byte_at(bytes, 13), bytes.substr(kFixedBytes, length)));
  return header;
}

}  // namespace campanile::net
