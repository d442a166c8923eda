#include "app/config/exposure.h"

#include <string>
#include <vector>

#include "base/random.h"

namespace campanile::app {
namespace {

// People keep what they paste, so the lines hold a password worth keeping.
std::string made_up_password() {
  constexpr std::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789abcdefgh";  // 64 letters, none misread
  static_assert(kAlphabet.size() == 64);
  std::string out;
  for (const char byte : random_bytes(20)) out += kAlphabet[static_cast<unsigned char>(byte) % kAlphabet.size()];
  return out;
}

// The listeners beyond loopback where strangers may do everything, because of what `mode` they have.
std::vector<std::string> open_listeners(const Config& config, ListenerAnonymous mode) {
  std::vector<std::string> open;
  for (const ListenerConfig& listener : config.mqtt.listeners) {
    if (listener.anonymous != mode || anonymous_at(listener, config.auth) != ListenerAnonymous::kAll) continue;
    if (listener.protocol == ListenerProtocol::kUnix || listener.address().is_loopback()) continue;
    open.push_back(fmt::format("'{}' of mqtt.listeners is {}", listener.name, listener.listen));
  }
  return open;
}

// Where the listener itself says all, no account helps.
Result<void> check_listeners(const Config& config) {
  const auto open = open_listeners(config, ListenerAnonymous::kAll);
  if (open.empty()) return {};
  return fail(ErrorCode::kPermissionDenied,
              "{}, which other machines can reach, and its anonymous is all: anybody there could read and write everything.\n"
              "Write anonymous: read or none at it, listen on 127.0.0.1, or start with {} where something else keeps strangers out.",
              fmt::join(open, " and "), kInsistFlag);
}

}  // namespace

Result<void> check_exposure(const Config& config, bool insist) {
  if (insist) return {};
  if (!config.auth.anonymous_allowed()) return check_listeners(config);
  std::vector<std::string> open;
  std::string loopback_lines;
  const auto look_at = [&](std::string_view section, const net::Address& address) {
    if (address.is_loopback()) return;
    open.push_back(fmt::format("{}.listen is {}", section, address.to_string()));
    loopback_lines += fmt::format("{}:\n  listen: 127.0.0.1:{}\n", section, address.port);
  };
  look_at("http", config.http.listen);
  look_at("mqtt", config.mqtt.listen);
  for (std::string& listener : open_listeners(config, ListenerAnonymous::kAuto)) open.push_back(std::move(listener));
  if (open.empty()) return check_listeners(config);
  const bool has_users = !config.auth.users.empty();
  std::string login_lines = "auth:\n  anonymous: none\n";
  if (!has_users) login_lines += fmt::format("  users:\n    - name: campus\n      password: {}\n", made_up_password());
  const std::string loopback = loopback_lines.empty() ? "or listen on 127.0.0.1 only," : fmt::format("or listen on this machine only:\n\n{}", loopback_lines);
  return fail(ErrorCode::kPermissionDenied,
              "{}, which other machines can reach, and {}: anybody there could read and write everything.\n"
              "Put {} into the configuration file{}:\n\n{}\n"
              "{}\n"
              "or start with {} where something else keeps strangers out.",
              fmt::join(open, " and "), has_users ? "auth.anonymous is all" : "there is no account", has_users ? "this" : "an account",
              has_users ? "" : " (the password was made up just now)", login_lines, loopback, kInsistFlag);
}

std::vector<std::string> exposure_warnings(const Config& config) {
  std::vector<std::string> warnings;
  if (config.auth.users.empty()) return warnings;
  const auto warn = [&](std::string_view what, std::string_view address) {
    warnings.push_back(fmt::format("{} takes passwords at {}, which other machines can reach, without TLS: whoever listens on the way reads them", what, address));
  };
  if (!config.mqtt.listen.is_loopback()) warn("mqtt.listen", config.mqtt.listen.to_string());
  for (const ListenerConfig& listener : config.mqtt.listeners) {
    // Behind a proxy that says so, TLS is the proxy's.
    if (listener.protocol == ListenerProtocol::kUnix || listener.has_tls() || listener.proxy_protocol || !listener.accounts) continue;
    if (!listener.address().is_loopback()) warn(fmt::format("'{}' of mqtt.listeners", listener.name), listener.listen);
  }
  return warnings;
}

}  // namespace campanile::app
