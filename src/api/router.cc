#include "api/router.h"

#include "api/answers.h"
#include "api/authentication.h"
#include "base/check.h"
#include "base/text.h"
#include "net/origin.h"

namespace campanile::api {
namespace {

// What a page of another site must not do; /write, /query and /api/v2/write are for dashboards everywhere.
bool is_guarded(std::string_view path) { return path.starts_with("/api/v1/") || path.starts_with("/api/v2/buckets") || path == "/api/v2/delete"; }

bool is_foreign_change(const net::HttpRequest& request) {
  if (request.method == "GET" || request.method == "HEAD" || !is_guarded(request.path)) return false;
  return !net::origin_allowed(request.header("Origin").value_or(""), request.header("Host").value_or(""), {});
}

}  // namespace

Router::Router(const registry::Accounts& accounts, Handler page) : accounts_(accounts), page_(std::move(page)) {}

Router::Resource& Router::resource(std::string_view path) { return resources_[std::string(path)]; }

void Router::add(std::string_view method, std::string_view path, Handler handler) {
  CHECK(resource(path).by_method.emplace(method, std::move(handler)).second);
}

void Router::add_open(std::string_view method, std::string_view path, Handler handler) {
  add(method, path, std::move(handler));
  resource(path).open = true;
}

const Router::Resource* Router::find(std::string_view path) const {
  if (const auto exact = resources_.find(path); exact != resources_.end()) return &exact->second;
  // Shorten to the folder above until one is known: /api/v1/sensors/17.value/history -> /api/v1/sensors/17.value/ -> /api/v1/sensors/
  while (!path.empty()) {
    path.remove_suffix(1);
    const size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) break;
    path = path.substr(0, slash + 1);
    if (const auto folder = resources_.find(path); folder != resources_.end()) return &folder->second;
  }
  return nullptr;
}

void Router::handle(net::HttpRequest request, net::HttpResponder responder) const {
  if (is_foreign_change(request)) {
    return responder.respond(error_answer({ErrorCode::kPermissionDenied, fmt::format("pages of {} may not change anything here", excerpt(request.header("Origin").value_or("")))}));
  }
  const Resource* const found = find(request.path);
  if (found == nullptr || !found->open) {
    auto user = authenticate(request, accounts_);
    if (!user) return responder.respond(unauthenticated_answer(request, user.error()));
    request.user = std::move(*user);
  }
  if (found == nullptr) {
    const bool is_read = request.method == "GET" || request.method == "HEAD";
    if (is_read && !request.path.starts_with("/api/")) return page_(std::move(request), std::move(responder));
    return responder.respond(error_answer({ErrorCode::kNotFound, fmt::format("there is nothing at {}", excerpt(request.path))}));
  }
  const std::string_view method = request.method == "HEAD" && !found->by_method.contains("HEAD") ? "GET" : std::string_view(request.method);
  const auto handler = found->by_method.find(method);
  if (handler != found->by_method.end()) return handler->second(std::move(request), std::move(responder));
  std::string allowed;
  for (const auto& [name, unused] : found->by_method) allowed += (allowed.empty() ? "" : ", ") + name;
  auto answer = json_answer(405, {{"error", fmt::format("{} is not possible at {}; {} is", excerpt(request.method), request.path, allowed)}});
  answer.headers.emplace_back("Allow", allowed);
  responder.respond(std::move(answer));
}

}  // namespace campanile::api
