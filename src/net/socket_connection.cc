#include "net/socket_connection.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include <boost/asio/error.hpp>

namespace campanile::net {
namespace {

boost::system::error_code last_error() { return {errno, boost::system::system_category()}; }

// Small writes leave at once, and calls of ours never wait. A socket that refuses an option, because its peer has gone already, fails
// at its first read.
void prepare(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

}  // namespace

SocketConnection::SocketConnection(std::shared_ptr<Loop> loop, size_t input_bytes_max, ConnectionSlot slot, FileDescriptor socket)
    : Connection(std::move(loop), input_bytes_max, std::move(slot)), socket_(std::move(socket)) {
  prepare(socket_.get());
}

void SocketConnection::ready(uint32_t events) {
  const auto self = self_as<SocketConnection>();  // what it calls may be the end of the connection
  constexpr uint32_t kEnded = EPOLLRDHUP | EPOLLERR | EPOLLHUP;
  if (events & kEnded) ended_ = true;
  if (events & (EPOLLIN | kEnded)) readable_ = true;
  if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) && !unwritten().empty()) write_ready();
  read_ready();
}

bool SocketConnection::watched() {
  if (!watched_) watched_ = loop_of_this().poller().watch(socket_.get(), *this);
  if (!watched_) fail(describe(last_error()));
  return watched_;
}

void SocketConnection::stream_read() {
  if (!watched()) return;
  wants_read_ = true;
  if (!readable_) return;
  // What came before reading went on, or more than one turn's share.
  loop_of_this().post([self = self_as<SocketConnection>()] { self->read_ready(); });
}

// At most one buffer a turn, so that a connection that brings much does not hold up the others.
void SocketConnection::read_ready() {
  if (!wants_read_ || !readable_ || !socket_.is_open()) return;
  const std::span<char> buffer = loop_of_this().read_buffer();
  const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (count < 0 && errno == EAGAIN) {
    readable_ = false;
    return;
  }
  // Less than there was room for: the kernel has no more, and will tell of what comes next.
  if (count > 0 && static_cast<size_t>(count) < buffer.size() && !ended_) readable_ = false;
  wants_read_ = false;
  if (count > 0) {
    read_done({}, {buffer.data(), static_cast<size_t>(count)});
  } else {
    read_done(count == 0 ? ErrorCode(asio::error::eof) : last_error(), {});
  }
}

size_t SocketConnection::stream_write_now(std::string_view bytes, ErrorCode& error) {
  const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return static_cast<size_t>(count);
  error = errno == EINTR ? ErrorCode(asio::error::would_block) : last_error();
  return 0;
}

void SocketConnection::write_ready() {
  ErrorCode error;
  const size_t count = stream_write_now(unwritten(), error);
  if (error == asio::error::would_block || error == asio::error::try_again) return;
  write_done(error, count);
}

void SocketConnection::stream_shut_down() {
  ::shutdown(socket_.get(), SHUT_WR);
  shut_down_done({});
}

void SocketConnection::stream_close() {
  if (!socket_.is_open()) return;
  if (watched_) loop_of_this().poller().forget(socket_.get(), *this);
  socket_.reset();
}

}  // namespace campanile::net
