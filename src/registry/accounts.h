// Accounts: who may come in. For now those named in the configuration, and the rule for clients that name nobody.
//
//   Accounts accounts(AnonymousAccess::kNone, {{"campus", "secret"}});
//   Result<std::string> name = accounts.authenticate("campus", "secret");
//
// Threads: immutable once made; any thread. Secrets stay in here: no error or log line repeats a password.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace campanile::registry {

enum class AnonymousAccess { kNone, kAll };

struct Account {
  std::string name;
  std::string password;
};

class Accounts {
 public:
  Accounts(AnonymousAccess anonymous, std::vector<Account> accounts);

  // The name to act as; empty for an anonymous client where these are let in. Nobody named means anonymous.
  // Errors: kUnauthenticated. The answer takes the same time for an unknown name and a wrong password.
  Result<std::string> authenticate(std::optional<std::string_view> name, std::optional<std::string_view> password) const;

  bool anonymous_allowed() const { return anonymous_ == AnonymousAccess::kAll; }
  bool has_accounts() const { return !accounts_.empty(); }

 private:
  AnonymousAccess anonymous_;
  std::vector<Account> accounts_;
};

}  // namespace campanile::registry
