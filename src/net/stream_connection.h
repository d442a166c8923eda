// StreamConnection: a Connection over one kind of Asio stream, plain TCP or TLS. Private to net: includes Asio.
//
// The kind is a template parameter so that a listener with TLS needs nothing but its own instance.
#pragma once

#include <array>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "net/connection.h"

namespace campanile::net {

using Socket = asio::ip::tcp::socket;
using TlsStream = asio::ssl::stream<Socket>;

template <typename Stream>
class StreamConnection final : public Connection {
 public:
  static constexpr bool kIsPlain = std::is_same_v<Stream, Socket>;
  static constexpr size_t kReadBytes = 16 * 1024;  // one TLS record: OpenSSL gives no more at a time

  template <typename... Args>
  StreamConnection(std::shared_ptr<Loop> loop, size_t input_bytes_max, ConnectionSlot slot, Args&&... args)
      : Connection(std::move(loop), input_bytes_max, std::move(slot)), stream_(std::forward<Args>(args)...) {}

  Stream& stream() { return stream_; }
  Socket& socket() {
    if constexpr (kIsPlain) {
      return stream_;
    } else {
      return stream_.next_layer();
    }
  }
  // After the socket has connected: small writes leave at once, and calls of ours never wait.
  void prepare_socket() {
    ErrorCode ignored;  // a socket that refuses an option, because its peer has gone already, fails at its first read
    socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    socket().set_option(asio::socket_base::keep_alive(true), ignored);
    socket().non_blocking(true, ignored);
  }

 protected:
  void stream_read() override {
    stream_.async_read_some(asio::buffer(read_bytes_),
                            [this, self = shared_from_this()](const ErrorCode& error, size_t bytes) {
                              read_done(error, {read_bytes_.data(), bytes});
                            });
  }
  size_t stream_write_now(std::string_view bytes, ErrorCode& error) override {
    if constexpr (kIsPlain) {
      return stream_.write_some(asio::buffer(bytes.data(), bytes.size()), error);
    } else {
      error = asio::error::would_block;
      return 0;
    }
  }
  void stream_write(std::string_view bytes) override {
    stream_.async_write_some(
        asio::buffer(bytes.data(), bytes.size()),
        [this, self = shared_from_this()](const ErrorCode& error, size_t taken) { write_done(error, taken); });
  }
  void stream_shut_down() override {
    if constexpr (kIsPlain) {
      ErrorCode error;
      stream_.shutdown(Socket::shutdown_send, error);
      shut_down_done(error);
    } else {
      stream_.async_shutdown([this, self = shared_from_this()](const ErrorCode& error) {
        ErrorCode ignored;
        socket().shutdown(Socket::shutdown_send, ignored);
        shut_down_done(error);
      });
    }
  }
  void stream_close() override {
    ErrorCode ignored;
    socket().close(ignored);
  }

 private:
  Stream stream_;
  std::array<char, kReadBytes> read_bytes_;
};

// Of an IPv4 or IPv6 socket; an IPv4 address that came through an IPv6 socket as what it is.
Address address_of(const sockaddr_storage& name);
// The other end, likewise. Empty where it has gone.
Address peer_address(const Socket& socket);

}  // namespace campanile::net
