#include "app/config/listener_check.h"

#include <algorithm>

#include "base/text.h"

namespace campanile::app {
namespace {

constexpr size_t kSocketPathBytesMax = 107;  // of sockaddr_un, without the zero at its end

Result<void> refuse(std::string_view setting, std::string_view why) { return fail(ErrorCode::kInvalidArgument, "{}: {}", setting, why); }

Result<void> check_place(const ListenerConfig& listener) {
  if (listener.protocol != ListenerProtocol::kUnix) {
    const auto address = net::Address::parse(listener.listen);
    if (!address) return refuse("listen", address.error().message);
    return {};
  }
  if (listener.listen.size() > kSocketPathBytesMax) return refuse("listen", fmt::format("the path of a socket has at most {} bytes", kSocketPathBytesMax));
  if (!parse_mode(listener.mode)) return refuse("mode", fmt::format("found '{}', allowed is three or four octal digits such as 0660", excerpt(listener.mode)));
  return {};
}

Result<void> check_tls(const ListenerConfig& listener) {
  if (listener.has_tls()) {
    if (listener.certificate.empty()) return refuse("certificate", fmt::format("protocol {} needs one", to_string(listener.protocol)));
  } else {
    for (const auto& [setting, value] : {std::pair{"certificate", &listener.certificate}, {"key", &listener.key}, {"client_ca", &listener.client_ca},
                                         {"client_crl", &listener.client_crl}}) {
      if (!value->empty()) return refuse(setting, fmt::format("protocol {} has no certificates; did you mean protocol: {}?", to_string(listener.protocol),
                                                              listener.has_websocket() ? "wss" : "tls"));
    }
    if (listener.client_certificate != ClientCertificateMode::kNone) return refuse("client_certificate", "only protocols tls and wss have them");
  }
  const bool asks = listener.client_certificate != ClientCertificateMode::kNone;
  if (asks && listener.client_ca.empty()) return refuse("client_ca", "client certificates are asked for, and nobody vouches for them");
  if (!asks && !listener.client_ca.empty()) return refuse("client_certificate", "client_ca is given, and no certificate is asked for: optional or required?");
  if (!asks && !listener.client_crl.empty()) return refuse("client_crl", "no client certificate is asked for");
  return {};
}

// Ends with '/', and could be the beginning of a topic that anybody may publish to.
Result<void> check_mount(std::string_view mount) {
  if (mount.empty()) return {};
  if (!mount.ends_with('/')) return refuse("mount", fmt::format("'{}' must end with '/'", excerpt(mount)));
  if (mount.find_first_of("+#") != std::string_view::npos) return refuse("mount", fmt::format("'{}' holds a wildcard", excerpt(mount)));
  if (mount.starts_with("bridge/")) return refuse("mount", fmt::format("'{}' begins with 'bridge/', as the sessions of bridges do", excerpt(mount)));
  if (mount.starts_with('$')) return refuse("mount", fmt::format("'{}' begins with '$', as only the broker's own topics do", excerpt(mount)));
  return {};
}

Result<void> check_rights(const ListenerConfig& listener) {
  if (!listener.accounts && listener.anonymous == ListenerAnonymous::kNone && listener.client_certificate == ClientCertificateMode::kNone) {
    return refuse("anonymous", "none, without accounts and client certificates: nobody could come in");
  }
  if (!listener.origins.empty() && !listener.has_websocket()) return refuse("origins", "only browsers have them, over protocols ws and wss");
  return {};
}

Result<void> check_limits(const ListenerConfig& listener) {
  if (listener.packet_bytes_max != 0 && listener.packet_bytes_max < kKiB) return refuse("packet_bytes_max", "allowed is 1KiB or more, or 0");
  const uint64_t queue_bytes_max = listener.session_queue_bytes_max;
  if (queue_bytes_max != 0 && queue_bytes_max < 64 * kKiB) return refuse("session_queue_bytes_max", "allowed is 64KiB or more, or 0");
  return {};
}

}  // namespace

Result<void> check_listener(const ListenerConfig& listener) {
  TRY(check_place(listener));
  TRY(check_tls(listener));
  TRY(check_mount(listener.mount));
  TRY(check_rights(listener));
  return check_limits(listener);
}

std::string_view to_string(ListenerProtocol protocol) {
  switch (protocol) {
    case ListenerProtocol::kTcp: return "tcp";
    case ListenerProtocol::kTls: return "tls";
    case ListenerProtocol::kWs: return "ws";
    case ListenerProtocol::kWss: return "wss";
    case ListenerProtocol::kUnix: return "unix";
  }
  return "";
}

std::optional<uint32_t> parse_mode(std::string_view text) {
  const bool octal = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '7'; });
  if (!octal || text.size() < 3 || text.size() > 4 || (text.size() == 4 && text.front() != '0')) return std::nullopt;
  uint32_t mode = 0;
  for (const char c : text) mode = mode * 8 + static_cast<uint32_t>(c - '0');
  return mode;
}

ListenerAnonymous anonymous_at(const ListenerConfig& listener, const AuthConfig& auth) {
  if (listener.anonymous != ListenerAnonymous::kAuto) return listener.anonymous;
  // `accounts: false` says that names are not looked at; who then cannot show a certificate is anonymous.
  return auth.anonymous_allowed() ? ListenerAnonymous::kAll : ListenerAnonymous::kNone;
}

}  // namespace campanile::app
