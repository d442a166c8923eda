// TCP byte streams, plain or TLS: a listener that accepts, a connector that connects, and the connection both give.
//
//   struct Echo : TcpHandler {
//     size_t on_bytes(TcpConnection& connection, std::string_view bytes) override { connection.send(bytes); return bytes.size(); }
//   };
//   auto listener = TRY(TcpListener::listen(loops, {"127.0.0.1", 0}, [](EventLoop&) { return std::make_shared<Echo>(); }));
//
// Threads: a connection and its handler live on one loop; every call and callback is on that loop. TcpConnection is kept
// alive by shared_ptr and lets go of its handler right after on_closed(), which never comes from inside a call of the owner.
// Limits: a connection buffers what is sent until the peer takes it; send_queue_bytes() and on_send_queue_low() let the owner
// bound it. Input that on_bytes() leaves unconsumed is kept and given again with what follows, up to input_bytes_max.
// An idle plain connection costs about 280 bytes here, one over TLS some 14 KB. A peer that closes its side is gone: what is queued for it is still sent.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/event_loop.h"

namespace campanile::net {

struct Address {
  std::string host;  // an IP address, or a name for connecting
  uint16_t port = 0;
  // "127.0.0.1:8086", "[::1]:8086"
  std::string to_string() const;
  // The forms of to_string(), "localhost:8086", and "*:8086" for every IPv4 interface (0.0.0.0). Port 0 picks a free one.
  // Errors: kInvalidArgument, saying what form is wanted.
  static Result<Address> parse(std::string_view text);
  // 127.0.0.0/8, ::1 and the name localhost: reachable from this machine only.
  bool is_loopback() const;
};

class TcpConnection : public std::enable_shared_from_this<TcpConnection> {
 public:
  virtual ~TcpConnection() = default;
  // Takes the bytes into the send queue; what one callback sends goes out in as few writes as possible when it returns.
  virtual void send(std::string_view bytes) = 0;
  // The same without the copy, for large pieces.
  virtual void send_owned(std::string bytes) { send(bytes); }
  virtual size_t send_queue_bytes() const = 0;
  // What has left the send queue since the start: it grows as long as the peer reads.
  virtual uint64_t sent_bytes() const { return 0; }
  // Stops taking bytes from the socket, so that TCP's own window slows the peer down.
  virtual void pause_reading() = 0;
  // Also gives kept input to on_bytes() again, soon, whether reading was paused or not.
  virtual void resume_reading() = 0;
  // Closes once the send queue is empty, or after five seconds of no progress; up to two more are given to the peer to close
  // its side. Nothing but on_closed() is called from here on.
  virtual void close() = 0;
  // Closes at once; what is queued is lost.
  virtual void abort() = 0;
  virtual EventLoop& loop() = 0;
  virtual const Address& peer() const = 0;
};

class TcpHandler {
 public:
  virtual ~TcpHandler() = default;
  virtual void on_open(TcpConnection&) {}
  // Returns how many of the bytes were used. Called again with the rest once more has come (not before), or after resume_reading().
  virtual size_t on_bytes(TcpConnection& connection, std::string_view bytes) = 0;
  // The send queue has fallen below low water (64 KiB) after having been above high water (256 KiB).
  virtual void on_send_queue_low(TcpConnection&) {}
  // The last call. `reason` is for logs and errors: "closed by the peer", "connection reset", "input over 256 MiB".
  virtual void on_closed(TcpConnection&, std::string_view /*reason*/) {}
};

struct TcpOptions {
  size_t input_bytes_max = 256ull << 20;  // unconsumed input beyond which the connection is closed
  size_t connections_max = 20'000;        // per listener; further ones are closed as soon as they are accepted
};

class TcpListener {
 public:
  using HandlerFactory = std::function<std::shared_ptr<TcpHandler>(EventLoop&)>;
  // Connections are dealt to the loops in turn; `factory` runs on the loop of the connection, so on several threads at once,
  // until the loops have stopped. A listener whose process is out of file descriptors waits 100 ms before it tries again.
  // Errors: kIoError naming the address and the cause.
  static Result<std::unique_ptr<TcpListener>> listen(EventLoopPool& loops, const Address& address, const TcpOptions& options,
                                                     HandlerFactory factory);
  virtual ~TcpListener() = default;
  virtual Address address() const = 0;  // with the port that was picked
  virtual size_t connections() const = 0;  // open now; any thread
  // Stops accepting; open connections stay. Any thread.
  virtual void close() = 0;
};

struct TlsClientOptions {
  std::string ca_file;             // empty: the system's
  std::string certificate_file;    // with key_file: client certificate
  std::string key_file;
  bool verify_host = true;         // false: the chain is still checked, the name is not
  bool verify_chain = true;        // false: nothing is checked; the bytes are private to whoever answered
};

struct ConnectOptions {
  Address address;
  std::optional<TlsClientOptions> tls;
  std::chrono::milliseconds timeout{10'000};
  size_t input_bytes_max = 256ull << 20;
};

// Connects from `loop`, one of `loops`; any thread may call. The handler gets on_open() when connected (and the TLS handshake is
// done), or only on_closed() with the reason, which names the address. What is sent before on_open() waits for it.
std::shared_ptr<TcpConnection> tcp_connect(EventLoopPool& loops, EventLoop& loop, const ConnectOptions& options,
                                           std::shared_ptr<TcpHandler> handler);

}  // namespace campanile::net
