#include "app/client/http_call.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/text.h"

namespace campanile::app {
namespace {

std::string words(int error_number) { return std::generic_category().message(error_number); }

class Socket {
 public:
  explicit Socket(int number) : number_(number) {}
  Socket(Socket&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }

 private:
  int number_;
};

Result<Socket> connect_to(const net::Address& address, std::chrono::seconds patience_s) {
  addrinfo hints{.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (failed != 0) return fail(ErrorCode::kUnavailable, "{}: {}", address.to_string(), ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  int error_number = ECONNREFUSED;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Socket socket(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol));
    if (socket.get() < 0) continue;
    const timeval patience{.tv_sec = patience_s.count()};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (::connect(socket.get(), at->ai_addr, at->ai_addrlen) == 0) return socket;
    error_number = errno;
  }
  return fail(ErrorCode::kUnavailable, "no server answers at {}: {}; say where it is with --http or --config", address.to_string(), words(error_number));
}

Result<void> send_all(int socket, std::string_view bytes, const net::Address& address) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return fail(ErrorCode::kUnavailable, "{}: {}", address.to_string(), words(errno));
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return {};
}

Result<std::string> receive_all(int socket, const net::Address& address, size_t bytes_max) {
  std::string bytes;
  char block[16 << 10];
  for (;;) {
    const ssize_t got = ::recv(socket, block, sizeof block, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorCode::kUnavailable, "{}: {}", address.to_string(), words(errno));
    if (got == 0) return bytes;
    bytes.append(block, static_cast<size_t>(got));
    if (bytes.size() > bytes_max) return fail(ErrorCode::kTooLarge, "{} answers more than {} bytes", address.to_string(), bytes_max);
  }
}

}  // namespace

Result<HttpServer> local_server(const Config& config, const std::string& user) {
  HttpServer server{.server = config.http.listen};
  if (server.server.host == "0.0.0.0") server.server.host = "127.0.0.1";
  if (server.server.host == "::") server.server.host = "::1";
  const auto& users = config.auth.users;
  if (user.empty() && users.empty()) return server;
  const auto account = user.empty() ? users.begin() : std::find_if(users.begin(), users.end(), [&](const UserConfig& one) { return one.name == user; });
  if (account == users.end()) {
    return fail(ErrorCode::kNotFound, "the configuration has no password of '{}'; name the server's file with --config, or give CAMPANILE_AUTH_USER and "
                "CAMPANILE_AUTH_PASSWORD_FILE", excerpt(user));
  }
  server.user = account->name;
  server.password = account->password;
  return server;
}

Result<HttpAnswer> http_call(const HttpServer& server, const HttpCall& call) {
  const auto socket = TRY(connect_to(server.server, call.patience));
  std::string request = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n", call.method, call.target, server.server.to_string(), call.body.size());
  if (!call.content_type.empty()) request += fmt::format("Content-Type: {}\r\n", call.content_type);
  if (!call.accept.empty()) request += fmt::format("Accept: {}\r\n", call.accept);
  if (!server.user.empty()) request += fmt::format("Authorization: Basic {}\r\n", base64_encode(server.user + ":" + server.password));
  TRY(send_all(socket.get(), request + "\r\n" + call.body, server.server));
  auto answer = parse_answer(TRY(receive_all(socket.get(), server.server, call.answer_bytes_max)));
  if (!answer) return with_context(std::move(answer.error()), server.server.to_string());
  return answer;
}

Result<HttpAnswer> parse_answer(std::string_view bytes) {
  const size_t head_end = bytes.find("\r\n\r\n");
  const auto status = bytes.starts_with("HTTP/1.") && bytes.size() > 12 ? parse_uint64(bytes.substr(9, 3)) : Result<uint64_t>(0);
  if (head_end == std::string_view::npos || !status || *status < 100) {
    return fail(ErrorCode::kIoError, "the answer '{}' is not HTTP: is there a Campanile?", excerpt(bytes));
  }
  return HttpAnswer{static_cast<int>(*status), std::string(bytes.substr(head_end + 4))};
}

}  // namespace campanile::app
