#include "api/authentication.h"

#include <optional>

#include "api/answers.h"
#include "base/text.h"

namespace campanile::api {
namespace {

struct Credentials {
  std::string name;
  std::string password;
};

Result<Credentials> split(std::string_view pair) {
  const size_t colon = pair.find(':');
  // A token without a name, as clients of InfluxDB 2 send them, is nobody's: accounts have names here.
  if (colon == std::string_view::npos) return Credentials{};
  return Credentials{std::string(pair.substr(0, colon)), std::string(pair.substr(colon + 1))};
}

Result<std::optional<Credentials>> read_credentials(const net::HttpRequest& request) {
  if (const auto header = request.header("Authorization")) {
    const size_t space = header->find(' ');
    const auto scheme = header->substr(0, space);
    const auto rest = space == std::string_view::npos ? std::string_view() : trim(header->substr(space + 1));
    if (equals_ignore_case(scheme, "Basic")) {
      const auto decoded = base64_decode(rest);
      if (!decoded) return with_context(decoded.error(), "Authorization: Basic");
      return TRY(split(*decoded));
    }
    if (equals_ignore_case(scheme, "Token") || equals_ignore_case(scheme, "Bearer")) return TRY(split(rest));
    return fail(ErrorCode::kUnauthenticated, "Authorization scheme '{}' is not one of Basic, Token, Bearer", excerpt(scheme));
  }
  if (const auto name = request.parameter("u")) {
    return Credentials{std::string(*name), std::string(request.parameter("p").value_or(""))};
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> authenticate(const net::HttpRequest& request, const registry::Accounts& accounts) {
  const auto credentials = TRY(read_credentials(request));
  if (!credentials) return accounts.authenticate(std::nullopt, std::nullopt);
  return accounts.authenticate(credentials->name, credentials->password);
}

std::string requester(const net::HttpRequest& request) {
  if (!request.user.empty()) return request.user;
  return request.peer.is_loopback() ? "loopback" : request.peer.host;
}

net::HttpResponse unauthenticated_answer(const net::HttpRequest& request, const Error& error) {
  if (!request.path.starts_with("/api/v2/")) return error_answer(error);
  return json_answer(http_status(error.code), {{"code", "unauthorized"}, {"message", error.message}});
}

}  // namespace campanile::api
