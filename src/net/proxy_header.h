// The header that a proxy such as HAProxy puts in front of a connection to say who is at its other end: PROXY protocol, version 2
// (haproxy.org/download/2.8/doc/proxy-protocol.txt, section 2.2). Private to net; no sockets.
//
//   const auto header = TRY(parse_proxy_header(bytes));
//   if (!header) wait for more; else peer = header->source, and the client's own bytes begin at header->size.
//
// Threads: pure function. Limits: kProxyHeaderBytesMax. Errors: kInvalidArgument, saying what is not version 2.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "net/tcp.h"

namespace campanile::net {

// Extensions (TLVs) such as a client's certificate can make it long; they are skipped.
inline constexpr size_t kProxyHeaderBytesMax = 16 * 1024;

struct ProxyHeader {
  size_t size = 0;
  // The client's address; nothing where the proxy speaks for itself (LOCAL: its health check) or names no TCP address.
  std::optional<Address> source;
};

Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes);

}  // namespace campanile::net
