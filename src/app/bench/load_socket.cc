#include "app/bench/load_socket.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace campanile::app::bench {
namespace {

std::string describe(int error, const LoadPlan& plan) {
  switch (error) {
    case ECONNREFUSED:
      return fmt::format("connecting to {}: connection refused; is a broker listening there? (-h and -p name another)", plan.broker());
    case EADDRNOTAVAIL:
      if (plan.options.source_addresses.empty()) {
        return fmt::format("connecting to {}: no local port is left; --source-addresses 127.0.1.1-127.0.1.20 takes more addresses", plan.broker());
      }
      return fmt::format("connecting to {}: no local port is left, or a source address is not this machine's; give more of --source-addresses",
                         plan.broker());
    default: return fmt::format("connecting to {}: {}", plan.broker(), std::strerror(error));
  }
}

bool is_ip(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

}  // namespace

void LoadSocket::FreeTls::operator()(SSL* tls) const { SSL_free(tls); }

Result<void> LoadSocket::open(const LoadPlan& plan, std::optional<uint32_t> source) {
  fd_ = ::socket(plan.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    if (errno != EMFILE && errno != ENFILE) return fail(ErrorCode::kIoError, "opening a socket: {}", std::strerror(errno));
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return fail(ErrorCode::kUnavailable, "out of file descriptors: this process may open {} files; raise it (ulimit -n) or ask for fewer connections",
                limit.rlim_cur);
  }
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (source) {
    // The port is chosen by connect(), which knows the other end: otherwise each port could serve one connection only.
    setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(*source);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) {
      const Error error{ErrorCode::kUnavailable, describe(errno, plan)};
      close();
      return std::unexpected(error);
    }
  }
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&plan.address), plan.address_bytes) != 0 && errno != EINPROGRESS) {
    const Error error{ErrorCode::kUnavailable, describe(errno, plan)};
    close();
    return std::unexpected(error);
  }
  is_connected_ = false;
  wants_write_ = true;
  return {};
}

LoadSocket::Step LoadSocket::proceed(const LoadPlan& plan) { return is_connected_ ? shake_hands() : connected(plan); }

LoadSocket::Step LoadSocket::connected(const LoadPlan& plan) {
  int error = 0;
  socklen_t bytes = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &bytes);
  if (error != 0) {
    why_ = describe(error, plan);
    return Step::kFailed;
  }
  sockaddr_storage peer{};
  socklen_t peer_bytes = sizeof peer;
  if (getpeername(fd_, reinterpret_cast<sockaddr*>(&peer), &peer_bytes) != 0) return Step::kAgain;
  is_connected_ = true;
  wants_write_ = false;
  if (!plan.tls) return Step::kDone;
  tls_.reset(SSL_new(plan.tls.get()));
  SSL_set_fd(tls_.get(), fd_);
  const std::string& host = plan.options.host;
  if (!is_ip(host)) SSL_set_tlsext_host_name(tls_.get(), host.c_str());
  if (!plan.options.insecure) {
    X509_VERIFY_PARAM* wanted = SSL_get0_param(tls_.get());
    if (is_ip(host)) {
      X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str());
    } else {
      X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), 0);
    }
  }
  return shake_hands();
}

LoadSocket::Step LoadSocket::shake_hands() {
  ERR_clear_error();
  const int result = SSL_connect(tls_.get());
  wants_write_ = false;
  if (result == 1) return Step::kDone;
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_WRITE: wants_write_ = true; return Step::kAgain;
    case SSL_ERROR_WANT_READ: return Step::kAgain;
    default: break;
  }
  const long verdict = SSL_get_verify_result(tls_.get());
  if (verdict != X509_V_OK) {
    why_ = fmt::format("certificate verify failed: {}; give its CA with --cafile, or --insecure where it bears another name",
                       X509_verify_cert_error_string(verdict));
  } else {
    const char* words = ERR_reason_error_string(ERR_peek_error());
    why_ = fmt::format("TLS handshake failed: {}", words ? words : "the broker closed the connection");
  }
  return Step::kFailed;
}

std::optional<size_t> LoadSocket::after_tls(int result, std::string_view doing) {
  if (result > 0) return static_cast<size_t>(result);
  const int error = SSL_get_error(tls_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return 0;
  why_ = error == SSL_ERROR_ZERO_RETURN || error == SSL_ERROR_SYSCALL ? "closed by the broker" : fmt::format("TLS failed while {}", doing);
  return std::nullopt;
}

std::optional<size_t> LoadSocket::send(std::string_view bytes) {
  if (tls_) {
    ERR_clear_error();
    return after_tls(SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())), "sending");
  }
  const ssize_t taken = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (taken >= 0) return static_cast<size_t>(taken);
  if (errno == EAGAIN || errno == EINTR) return 0;
  why_ = errno == EPIPE || errno == ECONNRESET ? "closed by the broker" : std::strerror(errno);
  return std::nullopt;
}

std::optional<size_t> LoadSocket::receive(std::span<char> buffer) {
  if (tls_) {
    ERR_clear_error();
    return after_tls(SSL_read(tls_.get(), buffer.data(), static_cast<int>(buffer.size())), "receiving");
  }
  const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (got > 0) return static_cast<size_t>(got);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  why_ = got == 0 || errno == ECONNRESET ? "closed by the broker" : std::strerror(errno);
  return std::nullopt;
}

void LoadSocket::close() {
  tls_.reset();
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace campanile::app::bench
