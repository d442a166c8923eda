#include "net/local_listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "net/acceptor.h"

namespace campanile::net {
namespace {

sockaddr_un name_of(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  return name;
}

FileDescriptor open_socket() { return FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

// Removes what a crash has left, and nothing else.
Result<void> make_way(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode)) return fail(ErrorCode::kAlreadyExists, "cannot listen on {}: there is a file of that name that is no socket", path);
  const FileDescriptor probe = open_socket();
  if (!probe.is_open()) return fail(ErrorCode::kIoError, "cannot listen on {}: {}", path, std::strerror(errno));
  const sockaddr_un name = name_of(path);
  const bool dead = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 && errno == ECONNREFUSED;
  if (!dead) return fail(ErrorCode::kAlreadyExists, "cannot listen on {}: another program has it (or another listener of this one)", path);
  if (::unlink(path.c_str()) != 0) return fail(ErrorCode::kIoError, "cannot listen on {}: what a former run left cannot be removed: {}", path, std::strerror(errno));
  return {};
}

// The socket's file, removed when its time is over unless somebody else has put another one there.
class SocketFile {
 public:
  SocketFile() = default;
  ~SocketFile() { remove(); }

  // Binds and makes it what it shall be, before anybody can connect.
  Result<FileDescriptor> bind(const LocalAddress& address) {
    path_ = address.path;
    const auto failed = [&](std::string_view what) { return fail(ErrorCode::kIoError, "cannot listen on {}: {}", path_, what); };
    if (path_.empty() || path_.size() >= sizeof(sockaddr_un::sun_path)) return failed("the path is empty or longer than 107 bytes");
    TRY(make_way(path_));
    FileDescriptor socket = open_socket();
    const sockaddr_un name = name_of(path_);
    if (!socket.is_open() || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) return failed(std::strerror(errno));
    exists_ = true;
    struct stat info{};
    if (::stat(path_.c_str(), &info) != 0 || ::chmod(path_.c_str(), address.mode) != 0) return failed(std::strerror(errno));
    inode_ = info.st_ino;
    if (::listen(socket.get(), SOMAXCONN) != 0) return failed(std::strerror(errno));
    return socket;
  }

  // Any thread.
  void remove() {
    struct stat info{};
    if (!exists_.exchange(false)) return;
    if (::lstat(path_.c_str(), &info) == 0 && (inode_ == 0 || info.st_ino == inode_)) ::unlink(path_.c_str());
  }

 private:
  std::string path_;
  ino_t inode_ = 0;
  std::atomic<bool> exists_{false};
};

class LocalListener final : public TcpListener {
 public:
  LocalListener(std::shared_ptr<Acceptor> acceptor, std::unique_ptr<SocketFile> file) : acceptor_(std::move(acceptor)), file_(std::move(file)) {}
  ~LocalListener() override { close(); }
  Address address() const override { return acceptor_->address(); }
  size_t connections() const override { return acceptor_->connections(); }
  // The file goes at once: whoever starts next finds its place free, and nobody waits for an answer that never comes.
  void close() override {
    file_->remove();
    acceptor_->close();
  }

 private:
  const std::shared_ptr<Acceptor> acceptor_;
  const std::unique_ptr<SocketFile> file_;
};

}  // namespace

Result<std::unique_ptr<TcpListener>> listen_local(EventLoopPool& loops, const LocalAddress& address, const TcpOptions& options,
                                                  TcpListener::HandlerFactory factory) {
  auto file = std::make_unique<SocketFile>();
  FileDescriptor socket = TRY(file->bind(address));
  auto acceptor = std::make_shared<Acceptor>(loops, options, std::move(factory));
  TRY(acceptor->take(std::move(socket), {address.path, 0}));
  acceptor->start();
  return std::make_unique<LocalListener>(std::move(acceptor), std::move(file));
}

}  // namespace campanile::net
