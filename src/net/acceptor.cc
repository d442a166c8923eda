#include "net/acceptor.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>

#include "base/log.h"
#include "net/socket_connection.h"
#include "net/stream_connection.h"

namespace campanile::net {
namespace {

constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr int kAcceptsPerTurn = 64;

bool is_out_of_resources(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS; }

// Files that connections must leave to the rest of the program: one that can accept but not open its journal's next segment loses more
// than a connection.
constexpr rlim_t kFilesLeft = 1024;

// The system hands out the lowest free number, so that a connection whose number is not below this one finds too few files left.
int first_reserved_file() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::numeric_limits<int>::max();
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur - std::min(kFilesLeft, limit.rlim_cur / 4), std::numeric_limits<int>::max()));
}

std::vector<std::shared_ptr<Loop>> all_loops(EventLoopPool& pool) {
  std::vector<std::shared_ptr<Loop>> loops;
  for (size_t i = 0; i < pool.size(); ++i) loops.push_back(PoolAccess::loop(pool, i));
  return loops;
}

int64_t steady_ns() { return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

Acceptor::Acceptor(EventLoopPool& loops, const TcpOptions& options, TcpListener::HandlerFactory factory)
    : loops_(all_loops(loops)),
      listening_(loops_[0]->context()),
      options_(options),
      factory_(std::make_shared<const TcpListener::HandlerFactory>(std::move(factory))),
      first_reserved_file_(first_reserved_file()) {}

Result<void> Acceptor::take(FileDescriptor listening, Address address) {
  address_ = std::move(address);
  boost::system::error_code error;
  listening_.assign(listening.get(), error);
  if (!error) {
    listening.release();
    listening_.non_blocking(true, error);
  }
  if (error) return fail(ErrorCode::kIoError, "cannot listen on {}: {}", address_.to_string(), error.message());
  return {};
}

void Acceptor::start() {
  loops_[0]->post([self = shared_from_this()] {
    self->joined_ = !self->closed_ && self->loops_[0]->add(self);
    if (self->joined_) self->wait();
  });
}

void Acceptor::close() {
  loops_[0]->post([self = shared_from_this()] { self->close_now(); });
}

void Acceptor::wait() {
  listening_.async_wait(asio::posix::descriptor_base::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
    if (!error && !self->closed_) self->accept_waiting();
  });
}

// Many at a time, but not so many that the loop's connections wait for long. Taken from the system directly: Asio would register each
// with its reactor, only for it to be taken out again.
void Acceptor::accept_waiting() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    FileDescriptor socket(::accept4(listening_.native_handle(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.is_open()) {
      const bool has_own_name = peer.ss_family == AF_INET || peer.ss_family == AF_INET6;
      accepted(std::move(socket), has_own_name ? address_of(peer) : address_);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (is_out_of_resources(errno)) {
      return pause(errno);
    }
    // Any other error is of that one connection: it went away while it waited.
  }
  wait();
}

void Acceptor::pause(int error) {
  if (resources_complaint_.note(steady_ns()) > 0) {
    log::error("{} cannot accept connections: {}; trying again every {} ms (raise the limit of open files: ulimit -n)",
               address_.to_string(), describe({error, boost::system::system_category()}), kAcceptPause.count());
  }
  pause_ = loops_[0]->run_after(kAcceptPause, [self = shared_from_this()] {
    self->pause_ = 0;
    self->accept_waiting();
  });
}

void Acceptor::accepted(FileDescriptor socket, Address peer) {
  if (*open_ >= options_.connections_max) {
    if (full_complaint_.note(steady_ns()) > 0) {
      log::warning("{} refuses connections: its limit of {} is reached", address_.to_string(), options_.connections_max);
    }
  } else if (socket.get() >= first_reserved_file_) {
    if (resources_complaint_.note(steady_ns()) > 0) {
      log::error("{} refuses connections: all but the {} files that are kept for the store are open (raise the limit of open files: ulimit -n)",
                 address_.to_string(), kFilesLeft);
    }
  } else {
    hand_over(std::move(socket), std::move(peer));
  }
}

void Acceptor::hand_over(FileDescriptor socket, Address peer) {
  std::shared_ptr<Loop> loop = loops_[next_];
  next_ = (next_ + 1) % loops_.size();
  Loop& target = *loop;
  target.post([loop = std::move(loop), factory = factory_, slot = ConnectionSlot(open_), socket = std::move(socket), peer = std::move(peer),
               input_bytes_max = options_.input_bytes_max]() mutable {
    auto connection = std::make_shared<SocketConnection>(loop, input_bytes_max, std::move(slot), std::move(socket));
    if (!connection->join_loop()) return;
    connection->set_handler((*factory)(*loop));
    connection->opened(std::move(peer));
  });
}

void Acceptor::close_now() {
  if (std::exchange(closed_, true)) return;
  boost::system::error_code ignored;
  listening_.close(ignored);
  if (pause_ != 0) loops_[0]->cancel(std::exchange(pause_, 0));
  if (std::exchange(joined_, false)) loops_[0]->remove(*this);  // may be the last reference but the caller's
}

}  // namespace campanile::net
