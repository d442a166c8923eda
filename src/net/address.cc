#include <arpa/inet.h>

#include <algorithm>

#include "base/text.h"
#include "net/tcp.h"

namespace campanile::net {
namespace {

bool is_ipv6(const std::string& host) {
  in6_addr bytes;
  return inet_pton(AF_INET6, host.c_str(), &bytes) == 1;
}

// Letters, digits, dots, dashes and underscores: what host names and IPv4 addresses are made of.
bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  });
}

}  // namespace

std::string Address::to_string() const {
  if (host.find('/') != std::string::npos) return host;  // a socket in the file system
  return host.find(':') != std::string::npos ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<Address> Address::parse(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidArgument, "address '{}' {}", excerpt(text), why);
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return refuse("has no port: write HOST:PORT, for example 127.0.0.1:1883");
  }
  const std::string_view port_text = text.substr(colon + 1);
  std::string host(text.substr(0, colon));
  if (host.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "address '{}' has no host: write 127.0.0.1{} for this machine alone, or *{} for every interface",
                excerpt(text), excerpt(text), excerpt(text));
  }
  if (host.front() == '[') {
    if (host.back() != ']') return refuse("lacks the closing bracket: write [ADDRESS]:PORT, for example [::1]:1883");
    host = host.substr(1, host.size() - 2);
    if (!is_ipv6(host)) return refuse("has no IPv6 address between its brackets: for example [::1]:1883");
  } else if (host.find(':') != std::string::npos) {
    return refuse("is ambiguous: write an IPv6 address in brackets, for example [::1]:1883");
  } else if (host == "*") {
    host = "0.0.0.0";
  } else if (!is_host_name(host)) {
    return refuse("has no valid host: write HOST:PORT, for example 127.0.0.1:1883");
  }
  const Result<uint64_t> port = parse_uint64(port_text);
  if (!port || *port > 65535) return refuse("has no valid port: it is a number from 0 (picks a free one) to 65535");
  return Address{std::move(host), static_cast<uint16_t>(*port)};
}

bool Address::is_loopback() const {
  if (equals_ignore_case(host, "localhost") || host.find('/') != std::string::npos) return true;
  in_addr v4;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6;
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return false;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return v6.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace campanile::net
