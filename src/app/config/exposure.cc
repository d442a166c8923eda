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

}  // namespace

Result<void> check_exposure(const Config& config, bool insist) {
  if (insist || !config.auth.anonymous_allowed()) return {};
  std::vector<std::string> open;
  std::string loopback_lines;
  const auto look_at = [&](std::string_view section, const net::Address& address) {
    if (address.is_loopback()) return;
    open.push_back(fmt::format("{}.listen is {}", section, address.to_string()));
    loopback_lines += fmt::format("{}:\n  listen: 127.0.0.1:{}\n", section, address.port);
  };
  look_at("http", config.http.listen);
  look_at("mqtt", config.mqtt.listen);
  if (open.empty()) return {};
  const bool has_users = !config.auth.users.empty();
  std::string login_lines = "auth:\n  anonymous: none\n";
  if (!has_users) login_lines += fmt::format("  users:\n    - name: campus\n      password: {}\n", made_up_password());
  return fail(ErrorCode::kPermissionDenied,
              "{}, which other machines can reach, and {}: anybody there could read and write everything.\n"
              "Put {} into the configuration file{}:\n\n{}\n"
              "or listen on this machine only:\n\n{}\n"
              "or start with {} where something else keeps strangers out.",
              fmt::join(open, " and "), has_users ? "auth.anonymous is all" : "there is no account", has_users ? "this" : "an account",
              has_users ? "" : " (the password was made up just now)", login_lines, loopback_lines, kInsistFlag);
}

}  // namespace campanile::app
