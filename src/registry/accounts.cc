#include "registry/accounts.h"

namespace campanile::registry {
namespace {

// How long it takes depends on what was given alone, and so tells nothing of the secret's length or of where the two first differ.
bool same_secret(std::string_view secret, std::string_view given) {
  if (secret.empty()) return given.empty();
  int difference = secret.size() != given.size();
  for (size_t i = 0; i < given.size(); ++i) difference |= secret[i % secret.size()] ^ given[i];
  return difference == 0;
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
