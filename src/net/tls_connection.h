// TlsConnection: the server's side of one TLS connection, between the bytes of a socket and a handler. Private to net.
//
// OpenSSL reads where the bytes lie and writes into the send queue of the connection below; there is no buffer of ours between.
// Everything that has come is decrypted in one go and given to the handler in pieces of up to 48 KiB.
//
// Threads: the loop's. Size: about 14 KB while idle, nearly all of it OpenSSL's. Limits: net/layered_connection.h.
#pragma once

#include <memory>

#include "net/layered_connection.h"
#include "net/tls_server.h"

struct bio_st;

namespace campanile::net {

class TlsConnection final : public LayeredConnection {
 public:
  TlsConnection(LayerOptions options, std::shared_ptr<TlsServer> server);
  ~TlsConnection() override;

  void send(std::string_view bytes) override;
  std::string_view certificate_name() const override { return certificate_name_; }

  // What OpenSSL reads and writes through.
  size_t read_wrapped(char* space, size_t space_bytes);
  void write_wrapped(std::string_view bytes) { below().send(bytes); }

 protected:
  void start() override;
  size_t take(std::string_view bytes) override;
  void say_goodbye() override;
  std::string_view name() const override { return "TLS"; }

 private:
  bool shake_hands();
  void decrypt();
  std::string handshake_problem(int cause) const;

  const std::shared_ptr<TlsServer> server_;
  ssl_st* tls_ = nullptr;
  std::string_view wrapped_;  // what take() was given and OpenSSL has not read
  std::string certificate_name_;
};

}  // namespace campanile::net
