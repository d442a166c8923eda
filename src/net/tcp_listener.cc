#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>

#include <boost/asio/ip/v6_only.hpp>

#include "base/log.h"
#include "net/socket_connection.h"
#include "net/stream_connection.h"
#include "net/tcp.h"

namespace campanile::net {
namespace {

using asio::ip::tcp;

constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr int kAcceptsPerTurn = 64;
constexpr std::chrono::seconds kComplainEvery{60};

// At most one line a minute about a trouble that may come with every connection.
class Complaint {
 public:
  bool is_due() {
    const auto now = std::chrono::steady_clock::now();
    if (last_ != std::chrono::steady_clock::time_point() && now - last_ < kComplainEvery) return false;
    last_ = now;
    return true;
  }

 private:
  std::chrono::steady_clock::time_point last_;
};

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

}  // namespace

Address address_of(const tcp::endpoint& endpoint) {
  asio::ip::address address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return {address.to_string(), endpoint.port()};
}

Address peer_address(const Socket& socket) {
  boost::system::error_code error;
  const tcp::endpoint endpoint = socket.remote_endpoint(error);
  return error ? Address() : address_of(endpoint);
}

namespace {

// Lives on the first loop, which accepts; the connections live on the loop whose turn it is.
class Acceptor final : public LoopMember, public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(std::vector<std::shared_ptr<Loop>> loops, const TcpOptions& options, TcpListener::HandlerFactory factory)
      : loops_(std::move(loops)),
        acceptor_(loops_[0]->context()),
        options_(options),
        factory_(std::make_shared<const TcpListener::HandlerFactory>(std::move(factory))) {}

  Result<void> bind(const Address& address) {
    boost::system::error_code error;
    const auto failed = [&](std::string_view what) {
      return fail(ErrorCode::kIoError, "cannot listen on {}: {}{}", address.to_string(), what, error.message());
    };
    // A name is looked up here and now: this happens at start, before anything else runs.
    tcp::resolver resolver(loops_[0]->context());
    const auto found = resolver.resolve(address.host, std::to_string(address.port), tcp::resolver::passive, error);
    if (error || found.empty()) return failed("the host is not known: ");
    const tcp::endpoint endpoint = found.begin()->endpoint();

    if (acceptor_.open(endpoint.protocol(), error); error) return failed("");
    if (acceptor_.set_option(tcp::acceptor::reuse_address(true), error); error) return failed("");
    if (endpoint.protocol() == tcp::v6()) {
      boost::system::error_code ignored;  // "[::]" takes IPv4 too, where the system can
      acceptor_.set_option(asio::ip::v6_only(false), ignored);
    }
    if (acceptor_.bind(endpoint, error); error) {
      return failed(error == asio::error::address_in_use ? "another program has it (or another listener of this one): "
                                                         : "");
    }
    if (acceptor_.listen(asio::socket_base::max_listen_connections, error); error) return failed("");
    if (acceptor_.non_blocking(true, error); error) return failed("");
    const tcp::endpoint local = acceptor_.local_endpoint(error);
    if (error) return failed("");
    address_ = {local.address().to_string(), local.port()};
    return {};
  }

  void start() {
    loops_[0]->post([self = shared_from_this()] {
      self->joined_ = !self->closed_ && self->loops_[0]->add(self);
      if (self->joined_) self->accept();
    });
  }

  void close() {
    loops_[0]->post([self = shared_from_this()] { self->close_now(); });
  }

  void loop_stops() override { close_now(); }
  const Address& address() const { return address_; }
  size_t connections() const { return *open_; }

 private:
  void accept() {
    acceptor_.async_wait(tcp::acceptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (!error && !self->closed_) self->accept_waiting();
    });
  }

  // Many at a time, but not so many that the loop's connections wait for long. Taken from the system directly: Asio would register each
  // with its reactor, only for it to be taken out again.
  void accept_waiting() {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      tcp::endpoint peer;
      socklen_t size = static_cast<socklen_t>(peer.capacity());
      FileDescriptor socket(::accept4(acceptor_.native_handle(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket.is_open()) {
        peer.resize(size);
        accepted(std::move(socket), peer);
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        break;
      } else if (is_out_of_resources(errno)) {
        return pause();
      }
      // Any other error is of that one connection: it went away while it waited.
    }
    accept();
  }

  void pause() {
    if (resources_complaint_.is_due()) {
      log::error("{} cannot accept connections: {}; trying again every {} ms (raise the limit of open files: ulimit -n)",
                 address_.to_string(), describe({errno, boost::system::system_category()}), kAcceptPause.count());
    }
    pause_ = loops_[0]->run_after(kAcceptPause, [self = shared_from_this()] {
      self->pause_ = 0;
      self->accept_waiting();
    });
  }

  void accepted(FileDescriptor socket, const tcp::endpoint& peer) {
    if (*open_ >= options_.connections_max) {
      if (full_complaint_.is_due()) {
        log::warning("{} refuses connections: its limit of {} is reached", address_.to_string(), options_.connections_max);
      }
    } else if (socket.get() >= first_reserved_file_) {
      if (resources_complaint_.is_due()) {
        log::error("{} refuses connections: all but the {} files that are kept for the store are open (raise the limit of open files: ulimit -n)",
                   address_.to_string(), kFilesLeft);
      }
    } else {
      hand_over(std::move(socket), address_of(peer));
    }
  }

  void hand_over(FileDescriptor socket, Address peer) {
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

  void close_now() {
    if (std::exchange(closed_, true)) return;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    if (pause_ != 0) loops_[0]->cancel(std::exchange(pause_, 0));
    if (std::exchange(joined_, false)) loops_[0]->remove(*this);  // may be the last reference but the caller's
  }

  const std::vector<std::shared_ptr<Loop>> loops_;
  tcp::acceptor acceptor_;
  const TcpOptions options_;
  const std::shared_ptr<const TcpListener::HandlerFactory> factory_;
  const std::shared_ptr<std::atomic<size_t>> open_ = std::make_shared<std::atomic<size_t>>(0);
  const int first_reserved_file_ = first_reserved_file();
  Address address_;
  size_t next_ = 0;
  TimerId pause_ = 0;
  bool joined_ = false;
  bool closed_ = false;
  Complaint resources_complaint_;
  Complaint full_complaint_;
};

class Listener final : public TcpListener {
 public:
  explicit Listener(std::shared_ptr<Acceptor> acceptor) : acceptor_(std::move(acceptor)) {}
  ~Listener() override { acceptor_->close(); }
  Address address() const override { return acceptor_->address(); }
  size_t connections() const override { return acceptor_->connections(); }
  void close() override { acceptor_->close(); }

 private:
  const std::shared_ptr<Acceptor> acceptor_;
};

}  // namespace

Result<std::unique_ptr<TcpListener>> TcpListener::listen(EventLoopPool& loops, const Address& address,
                                                         const TcpOptions& options, HandlerFactory factory) {
  std::vector<std::shared_ptr<Loop>> targets;
  for (size_t i = 0; i < loops.size(); ++i) targets.push_back(PoolAccess::loop(loops, i));
  auto acceptor = std::make_shared<Acceptor>(std::move(targets), options, std::move(factory));
  TRY(acceptor->bind(address));
  acceptor->start();
  return std::make_unique<Listener>(std::move(acceptor));
}

}  // namespace campanile::net
