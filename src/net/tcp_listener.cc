#include <sys/socket.h>

#include <cstring>

#include <boost/asio/ip/v6_only.hpp>

#include "net/acceptor.h"
#include "net/stream_connection.h"
#include "net/tcp.h"

namespace campanile::net {
namespace {

using asio::ip::tcp;

Address address_of(const tcp::endpoint& endpoint) {
  asio::ip::address address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return {address.to_string(), endpoint.port()};
}

struct Bound {
  FileDescriptor socket;
  Address address;  // with the port that was picked
};

Result<Bound> bind_and_listen(Loop& loop, const Address& address) {
  boost::system::error_code error;
  const auto failed = [&](std::string_view what) {
    return fail(ErrorCode::kIoError, "cannot listen on {}: {}{}", address.to_string(), what, error.message());
  };
  // A name is looked up here and now: this happens at start, before anything else runs.
  tcp::resolver resolver(loop.context());
  const auto found = resolver.resolve(address.host, std::to_string(address.port), tcp::resolver::passive, error);
  if (error || found.empty()) return failed("the host is not known: ");
  const tcp::endpoint endpoint = found.begin()->endpoint();

  tcp::acceptor socket(loop.context());
  if (socket.open(endpoint.protocol(), error); error) return failed("");
  if (socket.set_option(tcp::acceptor::reuse_address(true), error); error) return failed("");
  if (endpoint.protocol() == tcp::v6()) {
    boost::system::error_code ignored;  // "[::]" takes IPv4 too, where the system can
    socket.set_option(asio::ip::v6_only(false), ignored);
  }
  if (socket.bind(endpoint, error); error) {
    return failed(error == asio::error::address_in_use ? "another program has it (or another listener of this one): " : "");
  }
  if (socket.listen(asio::socket_base::max_listen_connections, error); error) return failed("");
  const tcp::endpoint local = socket.local_endpoint(error);
  if (error) return failed("");
  FileDescriptor descriptor(socket.release(error));
  if (error) return failed("");
  return Bound{std::move(descriptor), {local.address().to_string(), local.port()}};
}

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

Address address_of(const sockaddr_storage& name) {
  tcp::endpoint endpoint;
  const size_t size = name.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  std::memcpy(endpoint.data(), &name, size);
  return address_of(endpoint);
}

Address peer_address(const Socket& socket) {
  boost::system::error_code error;
  const tcp::endpoint endpoint = socket.remote_endpoint(error);
  return error ? Address() : address_of(endpoint);
}

Result<std::unique_ptr<TcpListener>> TcpListener::listen(EventLoopPool& loops, const Address& address,
                                                         const TcpOptions& options, HandlerFactory factory) {
  Bound bound = TRY(bind_and_listen(*PoolAccess::loop(loops, 0), address));
  auto acceptor = std::make_shared<Acceptor>(loops, options, std::move(factory));
  TRY(acceptor->take(std::move(bound.socket), std::move(bound.address)));
  acceptor->start();
  return std::make_unique<Listener>(std::move(acceptor));
}

}  // namespace campanile::net
