// RawClient: a blocking socket of the tests' own, so that what the server does is seen byte by byte.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "net/tcp.h"

namespace campanile::net {

inline constexpr std::chrono::seconds kPatience{20};

// Polls until `condition` holds, or false after a generous time.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

class RawClient {
 public:
  explicit RawClient(const Address& address, int receive_buffer_bytes = 0) {
    const bool v6 = address.host.find(':') != std::string::npos;
    fd_ = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer_bytes > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    timeval patience{kPatience.count(), 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    int done = -1;
    if (v6) {
      sockaddr_in6 to{};
      to.sin6_family = AF_INET6;
      to.sin6_port = htons(address.port);
      inet_pton(AF_INET6, address.host.c_str(), &to.sin6_addr);
      done = connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to);
    } else {
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(address.port);
      inet_pton(AF_INET, address.host.c_str(), &to.sin_addr);
      done = connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to);
    }
    connected_ = done == 0;
  }
  RawClient(RawClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() { close(); }

  bool connected() const { return connected_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t taken = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (taken <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(taken));
    }
    return true;
  }
  // What comes next, at most `bytes_max`; empty at the end of the stream, a reset or when patience runs out.
  std::string receive(size_t bytes_max = 64 * 1024) {
    std::string bytes(bytes_max, '\0');
    const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
    bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return bytes;
  }
  std::string receive_exactly(size_t count) {
    std::string all;
    while (all.size() < count) {
      const std::string piece = receive(std::min<size_t>(count - all.size(), 1 << 20));
      if (piece.empty()) break;
      all += piece;
    }
    return all;
  }
  std::string receive_until(std::string_view end) {
    std::string all;
    while (!all.ends_with(end)) {
      const std::string piece = receive(1);
      if (piece.empty()) break;
      all += piece;
    }
    return all;
  }
  std::string receive_all() {
    std::string all;
    for (;;) {
      const std::string piece = receive();
      if (piece.empty()) return all;
      all += piece;
    }
  }
  // Whether something, or the end of the stream, can be received now.
  bool readable() const {
    pollfd wait{fd_, POLLIN, 0};
    return poll(&wait, 1, 0) > 0;
  }
  void shut_down_sending() { shutdown(fd_, SHUT_WR); }
  // Closes with a reset instead of an orderly end.
  void reset() {
    linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
  bool connected_ = false;
};

}  // namespace campanile::net
