// CertifiedPeer: what a TcpConnection may be as well: one whose peer has shown a certificate.
//
//   if (const auto* certified = dynamic_cast<const CertifiedPeer*>(&connection)) user = certified->certificate_name();
//
// Threads: the connection's loop.
#pragma once

#include <string_view>

namespace campanile::net {

class CertifiedPeer {
 public:
  virtual ~CertifiedPeer() = default;
  // The name that the listener wanted of the verified certificate (net/tls_server.h); empty where there is none.
  virtual std::string_view certificate_name() const = 0;
};

}  // namespace campanile::net
