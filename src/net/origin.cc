#include "net/origin.h"

#include <utility>

#include "base/text.h"

namespace campanile::net {
namespace {

// "https://Example.org:443" -> "example.org"; "example.org:8086" stays: what an Origin and a Host have in common.
std::string authority_of(std::string_view text) {
  std::string_view default_port;
  for (const auto& [scheme, port] : {std::pair{"http://", ":80"}, std::pair{"https://", ":443"}}) {
    if (text.starts_with(scheme)) {
      text.remove_prefix(std::string_view(scheme).size());
      default_port = port;
    }
  }
  std::string authority = to_lower(text);
  if (!default_port.empty() && authority.ends_with(default_port)) authority.resize(authority.size() - default_port.size());
  return authority;
}

}  // namespace

bool origin_allowed(std::string_view origin, std::string_view host, const std::vector<std::string>& allowed) {
  if (origin.empty()) return true;
  for (const std::string& one : allowed) {
    if (one == "*" || equals_ignore_case(one, origin)) return true;
  }
  const std::string authority = authority_of(origin);
  if (authority == to_lower(origin)) return false;  // "null", or a scheme that is no web page's
  // The Host of a request on a default port may or may not name it.
  const std::string own = to_lower(host);
  return authority == own || authority == authority_of("http://" + own) || authority == authority_of("https://" + own);
}

}  // namespace campanile::net
