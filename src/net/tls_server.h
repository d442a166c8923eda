// TlsServer: a listener's certificate and what it asks of clients, read from files and read again when these change.
//
//   auto tls = TRY(TlsServer::load({.certificate_file = "server.pem", .key_file = "server.key", .ca_file = "clients.pem",
//                                   .client_certificate = ClientCertificate::kRequired}));
//   auto listener = TRY(TcpListener::listen(loops, address, options, over_transport({.tls = tls}, factory)));   // net/transport.h
//   if (tls->files_changed()) TRY(tls->reload());
//
// A connection keeps what it was opened with: a reload concerns new ones, session tickets of former ones included, so that a
// revoked certificate cannot come in through an old ticket.
// TLS 1.2 and 1.3; no renegotiation, no compression, no early data. Files are PEM; a key with a passphrase is refused.
// Threads: any; one at a time reloads. Errors: kIoError, kInvalidArgument, naming the file and what is wrong with it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace campanile::net {

enum class ClientCertificate : uint8_t {
  kNone,      // not asked for
  kOptional,  // asked for; one that is shown must be good
  kRequired,
};

// What of a client's certificate is its user's name.
enum class CertificateName : uint8_t { kCommonName, kSanDns, kSanEmail, kSanUri };

struct TlsServerOptions {
  std::string certificate_file;  // with its chain
  std::string key_file;          // empty: the key lies in certificate_file
  std::string ca_file;           // who vouches for clients
  std::string crl_file;          // their revocation lists, one for each CA that issues clients' certificates
  ClientCertificate client_certificate = ClientCertificate::kNone;
  CertificateName certificate_name = CertificateName::kCommonName;
};

class TlsServer {
 public:
  static Result<std::shared_ptr<TlsServer>> load(TlsServerOptions options);

  // Reads the files again. An error leaves everything as it was.
  Result<void> reload();
  // Whether a file is another than the one that was read last, or tried. Looks at times and sizes, which is cheap but a disk's business.
  bool files_changed() const;

  const TlsServerOptions& options() const { return options_; }
  // OpenSSL's context for the next connection.
  std::shared_ptr<ssl_ctx_st> context() const;

 private:
  // Of a file, to tell that it changed; all zero where it is not there.
  struct Stamp {
    uint64_t device = 0;
    uint64_t inode = 0;
    uint64_t bytes = 0;
    int64_t modified_ns = 0;
    bool operator==(const Stamp&) const = default;
  };

  explicit TlsServer(TlsServerOptions options) : options_(std::move(options)) {}
  std::vector<Stamp> stamps() const;

  const TlsServerOptions options_;
  mutable std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> context_;  // under mutex_
  std::vector<Stamp> stamps_;            // under mutex_
};

// The name in the certificate that the peer has shown and OpenSSL has verified; empty where there is none.
std::string certificate_name_of(ssl_st* tls, CertificateName kind);

}  // namespace campanile::net
