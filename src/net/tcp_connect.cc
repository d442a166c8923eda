#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>

#include "net/stream_connection.h"
#include "net/tcp.h"

namespace campanile::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
namespace ssl = asio::ssl;

bool is_ip(const std::string& host) {
  error_code error;
  asio::ip::make_address(host, error);
  return !error;
}

Result<ssl::context> make_tls_context(const TlsClientOptions& options) {
  try {
    ssl::context context(ssl::context::tls_client);
    error_code error;
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    if (options.ca_file.empty()) {
      context.set_default_verify_paths(error);
      if (error) return fail(ErrorCode::kIoError, "reading the system's certificates: {}", error.message());
    } else if (context.load_verify_file(options.ca_file, error); error) {
      return fail(ErrorCode::kIoError, "reading CA file {}: {}", options.ca_file, error.message());
    }
    if (!options.certificate_file.empty()) {
      if (context.use_certificate_chain_file(options.certificate_file, error); error) {
        return fail(ErrorCode::kIoError, "reading certificate file {}: {}", options.certificate_file, error.message());
      }
      // A key often lies in the certificate's own file.
      const std::string& key_file = options.key_file.empty() ? options.certificate_file : options.key_file;
      if (context.use_private_key_file(key_file, ssl::context::pem, error); error) {
        return fail(ErrorCode::kIoError, "reading key file {}: {}", key_file, error.message());
      }
    }
    context.set_verify_mode(options.verify_chain ? ssl::verify_peer : ssl::verify_none, error);
    return context;
  } catch (const std::exception& problem) {
    return fail(ErrorCode::kIoError, "starting TLS: {}", problem.what());
  }
}

// What a failed handshake means to the person who asked for it.
std::string describe_handshake(TlsStream& stream, const error_code& error, const TlsClientOptions& options,
                               const std::string& host) {
  const long verdict = SSL_get_verify_result(stream.native_handle());
  if (options.verify_chain && verdict != X509_V_OK) {
    const char* words = X509_verify_cert_error_string(verdict);
    switch (verdict) {
      case X509_V_ERR_HOSTNAME_MISMATCH:
      case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return fmt::format(
            "certificate verify failed: it is not for {}; connect by a name that it carries, or use --insecure", host);
      case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
      case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
      case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return fmt::format("certificate verify failed: {}; give its CA with --cafile", words);
      default:
        return fmt::format("certificate verify failed: {}", words);
    }
  }
  if (ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_WRONG_VERSION_NUMBER) {
    return "TLS handshake failed: the other side does not speak TLS on this port";
  }
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated ||
      error == asio::error::connection_reset) {
    return "TLS handshake failed: the other side closed the connection";
  }
  return fmt::format("TLS handshake failed: {}", error.message());
}

// One attempt: look up, connect, shake hands, hand over to the connection. It ends when it lets go of itself.
template <typename Stream>
class Dial final : public std::enable_shared_from_this<Dial<Stream>> {
 public:
  Dial(std::shared_ptr<Loop> loop, std::shared_ptr<StreamConnection<Stream>> connection, ConnectOptions options)
      : loop_(std::move(loop)),
        connection_(std::move(connection)),
        options_(std::move(options)),
        resolver_(loop_->context()) {}

  void start() {
    if (!connection_->join_loop()) return failed("the program is stopping");
    timer_ = loop_->run_after(options_.timeout, [self = this->shared_from_this()] {
      self->timer_ = 0;
      self->failed(fmt::format("timed out after {} ms", self->options_.timeout.count()));
    });
    error_code error;
    const asio::ip::address address = asio::ip::make_address(options_.address.host, error);
    if (!error) {
      endpoints_.push_back({address, options_.address.port});
      return connect();
    }
    // Weak: a lookup may outlast the loop, which must not be kept by it. Until then the timer holds on to this.
    resolver_.async_resolve(
        options_.address.host, std::to_string(options_.address.port),
        [weak = this->weak_from_this()](const error_code& problem, const tcp::resolver::results_type& found) {
          if (auto self = weak.lock()) self->resolved(problem, found);
        });
  }

 private:
  bool given_up() {
    // The owner has closed the connection meanwhile, or the loop has stopped.
    if (connection_->is_closed()) finish();
    return finished_;
  }

  void resolved(const error_code& error, const tcp::resolver::results_type& found) {
    if (given_up()) return;
    if (error) return failed(fmt::format("no such host ({})", error.message()));
    for (const auto& entry : found) endpoints_.push_back(entry.endpoint());
    connect();
  }

  void connect() {
    asio::async_connect(
        connection_->socket(), endpoints_,
        [self = this->shared_from_this()](const error_code& error, const tcp::endpoint&) { self->connected(error); });
  }

  void connected(const error_code& error) {
    if (given_up()) return;
    if (error) return failed(error.message());
    connection_->prepare_socket();
    if constexpr (StreamConnection<Stream>::kIsPlain) {
      opened();
    } else {
      shake_hands();
    }
  }

  void shake_hands() {
    SSL* tls = connection_->stream().native_handle();
    const std::string& host = options_.address.host;
    ERR_clear_error();
    if (!is_ip(host)) SSL_set_tlsext_host_name(tls, host.c_str());
    if (options_.tls->verify_host && options_.tls->verify_chain) {
      X509_VERIFY_PARAM* wanted = SSL_get0_param(tls);
      const int set = is_ip(host) ? X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str())
                                  : X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), 0);
      if (set != 1) return failed("the host's name cannot be checked against a certificate");
    }
    connection_->stream().async_handshake(
        ssl::stream_base::client, [self = this->shared_from_this()](const error_code& error) {
          if (self->given_up()) return;
          if (error) {
            const std::string why = describe_handshake(self->connection_->stream(), error, *self->options_.tls,
                                                       self->options_.address.host);
            return self->failed(why);
          }
          self->opened();
        });
  }

  void opened() {
    const auto connection = connection_;
    finish();
    connection->opened(peer_address(connection->socket()));
  }

  void failed(const std::string& why) {
    if (finished_) return;
    const auto connection = connection_;
    const std::string reason = fmt::format("connecting to {}: {}", options_.address.to_string(), why);
    finish();
    connection->fail(reason);
  }

  void finish() {
    finished_ = true;
    if (timer_ != 0) loop_->cancel(std::exchange(timer_, 0));
    resolver_.cancel();
  }

  const std::shared_ptr<Loop> loop_;
  const std::shared_ptr<StreamConnection<Stream>> connection_;
  const ConnectOptions options_;
  tcp::resolver resolver_;
  std::vector<tcp::endpoint> endpoints_;
  TimerId timer_ = 0;
  bool finished_ = false;
};

template <typename Stream>
std::shared_ptr<TcpConnection> start_dial(std::shared_ptr<Loop> loop, const ConnectOptions& options,
                                          std::shared_ptr<StreamConnection<Stream>> connection) {
  auto dial = std::make_shared<Dial<Stream>>(loop, connection, options);
  loop->post([dial = std::move(dial)] { dial->start(); });
  return connection;
}

}  // namespace

std::shared_ptr<TcpConnection> tcp_connect(EventLoopPool& loops, EventLoop& loop, const ConnectOptions& options,
                                           std::shared_ptr<TcpHandler> handler) {
  std::shared_ptr<Loop> target = PoolAccess::loop(loops, loop.index());
  const auto make = [&]<typename Stream>(auto&&... arguments) {
    auto connection = std::make_shared<StreamConnection<Stream>>(target, options.input_bytes_max, ConnectionSlot(),
                                                                 std::forward<decltype(arguments)>(arguments)...);
    connection->set_handler(std::move(handler));
    return connection;
  };
  if (!options.tls) return start_dial(target, options, make.template operator()<Socket>(target->context()));

  Result<ssl::context> context = make_tls_context(*options.tls);
  if (!context) {
    auto connection = make.template operator()<Socket>(target->context());
    target->post([connection, reason = fmt::format("connecting to {}: {}", options.address.to_string(),
                                                   context.error().message)] { connection->fail(reason); });
    return connection;
  }
  // The stream's SSL object keeps the context's own alive.
  return start_dial(target, options, make.template operator()<TlsStream>(target->context(), *context));
}

}  // namespace campanile::net
