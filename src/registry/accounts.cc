#include "registry/accounts.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <array>

namespace campanile::registry {
namespace {

// Digests have one length, so that comparing them tells nothing of the length or the first difference of the secrets.
std::array<unsigned char, SHA256_DIGEST_LENGTH> digest(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> out{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data());
  return out;
}

bool same_secret(std::string_view a, std::string_view b) {
  const auto da = digest(a);
  const auto db = digest(b);
  return CRYPTO_memcmp(da.data(), db.data(), da.size()) == 0;
}

}  // namespace

Accounts::Accounts(AnonymousAccess anonymous, std::vector<Account> accounts)
    : anonymous_(anonymous), accounts_(std::move(accounts)) {}

Result<std::string> Accounts::authenticate(std::optional<std::string_view> name,
                                           std::optional<std::string_view> password) const {
  const bool named = name && !name->empty();
  if (!named && anonymous_allowed()) return std::string();
  if (!named) {
    return fail(ErrorCode::kUnauthenticated, "no user name was given; give one of the accounts under auth.users");
  }
  bool accepted = false;
  for (const Account& account : accounts_) {
    const bool name_matches = same_secret(account.name, *name);
    const bool password_matches = same_secret(account.password, password.value_or(""));
    accepted |= name_matches && password_matches;
  }
  if (accepted) return std::string(*name);
  // With everybody let in, a name that the configuration does not know is no reason to refuse what no name would get.
  if (anonymous_allowed() && accounts_.empty()) return std::string(*name);
  return fail(ErrorCode::kUnauthenticated, "unknown user name or wrong password");
}

}  // namespace campanile::registry
