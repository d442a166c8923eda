// LoadSocket: a non-blocking client socket, plain or TLS, for a thread that watches thousands of them with epoll.
//
//   LoadSocket socket;
//   TRY(socket.open(plan, source));
//   while (socket.proceed() == LoadSocket::Step::kAgain) wait_for(socket.fd(), socket.wants_write());
//   socket.send(bytes);
//
// The general connection of net/ is not used here: a load generator shares its machine with what it measures, so that each of its own
// cycles distorts the measurement, and it needs neither timers nor queues per connection.
// Threads: one owner. Errors: open() fails with words for the user; later failures are told by Step and why().
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "app/bench/load_plan.h"

namespace campanile::app::bench {

class LoadSocket {
 public:
  enum class Step { kDone, kAgain, kFailed };

  LoadSocket() = default;
  ~LoadSocket() { close(); }
  LoadSocket(const LoadSocket&) = delete;
  LoadSocket& operator=(const LoadSocket&) = delete;

  // Begins to connect. Errors: kUnavailable (files, ports), kIoError. REQUIRES: not open.
  Result<void> open(const LoadPlan& plan, std::optional<uint32_t> source);
  // Goes on connecting and shaking hands.
  Step proceed(const LoadPlan& plan);
  // How many bytes were taken; 0: later. Nothing: the connection is gone.
  std::optional<size_t> send(std::string_view bytes);
  std::optional<size_t> receive(std::span<char> buffer);
  void close();

  int fd() const { return fd_; }
  // Whether proceed() waits for the socket to be writable.
  bool wants_write() const { return wants_write_; }
  const std::string& why() const { return why_; }

 private:
  struct FreeTls {
    void operator()(SSL* tls) const;
  };
  Step connected(const LoadPlan& plan);
  Step shake_hands();
  std::optional<size_t> after_tls(int result, std::string_view doing);

  int fd_ = -1;
  bool is_connected_ = false;
  bool wants_write_ = false;
  std::unique_ptr<SSL, FreeTls> tls_;
  std::string why_;
};

}  // namespace campanile::app::bench
