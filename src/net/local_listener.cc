#include "net/local_listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include <boost/asio/local/stream_protocol.hpp>

#include "base/log.h"
#include "net/socket_connection.h"

namespace campanile::net {
namespace {

using LocalProtocol = asio::local::stream_protocol;

constexpr std::chrono::milliseconds kAcceptPause{100};

// Lives on the first loop, which accepts; the connections live on the loop whose turn it is.
class LocalAcceptor final : public LoopMember, public std::enable_shared_from_this<LocalAcceptor> {
 public:
  LocalAcceptor(std::vector<std::shared_ptr<Loop>> loops, const TcpOptions& options, TcpListener::HandlerFactory factory)
      : loops_(std::move(loops)),
        acceptor_(loops_[0]->context()),
        options_(options),
        factory_(std::make_shared<const TcpListener::HandlerFactory>(std::move(factory))) {}

  Result<void> bind(const LocalAddress& address) {
    path_ = address.path;
    const auto failed = [&](std::string_view what) { return fail(ErrorCode::kIoError, "cannot listen on {}: {}", path_, what); };
    if (path_.empty() || path_.size() >= sizeof(sockaddr_un::sun_path)) return failed("the path is empty or longer than 107 bytes");
    TRY(make_way());
    boost::system::error_code error;
    if (acceptor_.open(LocalProtocol(), error); error) return failed(error.message());
    if (acceptor_.bind(LocalProtocol::endpoint(path_), error); error) return failed(error.message());
    bound_ = true;
    struct stat info{};
    if (::stat(path_.c_str(), &info) != 0 || ::chmod(path_.c_str(), address.mode) != 0) return failed(std::strerror(errno));
    inode_ = info.st_ino;
    if (acceptor_.listen(asio::socket_base::max_listen_connections, error); error) return failed(error.message());
    return {};
  }

  void start() {
    loops_[0]->post([self = shared_from_this()] {
      self->joined_ = !self->closed_ && self->loops_[0]->add(self);
      if (self->joined_) self->accept();
    });
  }

  // The file goes at once: whoever starts next finds its place free, and nobody waits for an answer that never comes.
  void close() {
    remove_file();
    loops_[0]->post([self = shared_from_this()] { self->close_now(); });
  }

  void loop_stops() override { close_now(); }
  const std::string& path() const { return path_; }
  size_t connections() const { return *open_; }

 private:
  // Removes what a crash has left, and nothing else.
  Result<void> make_way() {
    struct stat info{};
    if (::lstat(path_.c_str(), &info) != 0) return {};
    if (!S_ISSOCK(info.st_mode)) return fail(ErrorCode::kAlreadyExists, "cannot listen on {}: there is a file of that name that is no socket", path_);
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) return fail(ErrorCode::kIoError, "cannot listen on {}: {}", path_, std::strerror(errno));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, path_.c_str(), path_.size() + 1);
    const bool dead = ::connect(probe, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 && errno == ECONNREFUSED;
    ::close(probe);
    if (!dead) return fail(ErrorCode::kAlreadyExists, "cannot listen on {}: another program has it (or another listener of this one)", path_);
    if (::unlink(path_.c_str()) != 0) return fail(ErrorCode::kIoError, "cannot listen on {}: what a former run left cannot be removed: {}", path_, std::strerror(errno));
    return {};
  }

  void accept() {
    std::shared_ptr<Loop> loop = loops_[next_];
    next_ = (next_ + 1) % loops_.size();
    auto& context = loop->context();
    acceptor_.async_accept(context, [self = shared_from_this(), loop = std::move(loop)](const boost::system::error_code& error,
                                                                                        LocalProtocol::socket socket) mutable {
      self->accepted(error, std::move(loop), std::move(socket));
    });
  }

  void accepted(const boost::system::error_code& error, std::shared_ptr<Loop> loop, LocalProtocol::socket socket) {
    if (closed_) return;
    if (error) {
      // Out of file descriptors or memory: the one that waits is taken when there is room again.
      log::debug("{}: {}", path_, error.message());
      pause_ = loops_[0]->run_after(kAcceptPause, [self = shared_from_this()] {
        self->pause_ = 0;
        self->accept();
      });
      return;
    }
    if (*open_ < options_.connections_max) hand_over(std::move(loop), std::move(socket));
    accept();
  }

  void hand_over(std::shared_ptr<Loop> loop, LocalProtocol::socket socket) {
    Loop& target = *loop;
    target.post([loop = std::move(loop), factory = factory_, slot = ConnectionSlot(open_), socket = std::move(socket), peer = Address{path_, 0},
                 input_bytes_max = options_.input_bytes_max]() mutable {
      boost::system::error_code error;
      FileDescriptor descriptor(socket.release(error));
      if (error) return;
      auto connection = std::make_shared<SocketConnection>(loop, input_bytes_max, std::move(slot), std::move(descriptor));
      if (!connection->join_loop()) return;
      connection->set_handler((*factory)(*loop));
      connection->opened(std::move(peer));
    });
  }

  void close_now() {
    if (std::exchange(closed_, true)) return;
    remove_file();
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    if (pause_ != 0) loops_[0]->cancel(std::exchange(pause_, 0));
    if (std::exchange(joined_, false)) loops_[0]->remove(*this);  // may be the last reference but the caller's
  }

  void remove_file() {
    struct stat info{};
    if (!bound_.exchange(false)) return;
    if (::lstat(path_.c_str(), &info) == 0 && info.st_ino == inode_) ::unlink(path_.c_str());
  }

  const std::vector<std::shared_ptr<Loop>> loops_;
  LocalProtocol::acceptor acceptor_;
  const TcpOptions options_;
  const std::shared_ptr<const TcpListener::HandlerFactory> factory_;
  const std::shared_ptr<std::atomic<size_t>> open_ = std::make_shared<std::atomic<size_t>>(0);
  std::string path_;
  ino_t inode_ = 0;
  std::atomic<bool> bound_{false};  // the file is ours to remove
  size_t next_ = 0;
  TimerId pause_ = 0;
  bool joined_ = false;
  bool closed_ = false;
};

class LocalListener final : public TcpListener {
 public:
  explicit LocalListener(std::shared_ptr<LocalAcceptor> acceptor) : acceptor_(std::move(acceptor)) {}
  ~LocalListener() override { acceptor_->close(); }
  Address address() const override { return {acceptor_->path(), 0}; }
  size_t connections() const override { return acceptor_->connections(); }
  void close() override { acceptor_->close(); }

 private:
  const std::shared_ptr<LocalAcceptor> acceptor_;
};

}  // namespace

Result<std::unique_ptr<TcpListener>> listen_local(EventLoopPool& loops, const LocalAddress& address, const TcpOptions& options,
                                                  TcpListener::HandlerFactory factory) {
  std::vector<std::shared_ptr<Loop>> targets;
  for (size_t i = 0; i < loops.size(); ++i) targets.push_back(PoolAccess::loop(loops, i));
  auto acceptor = std::make_shared<LocalAcceptor>(std::move(targets), options, std::move(factory));
  if (auto bound = acceptor->bind(address); !bound) {
    acceptor->close();
    return std::unexpected(std::move(bound.error()));
  }
  acceptor->start();
  return std::make_unique<LocalListener>(std::move(acceptor));
}

}  // namespace campanile::net
