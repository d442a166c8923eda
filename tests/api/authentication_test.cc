#include "api/authentication.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace campanile::api {
namespace {

const registry::Accounts kAccounts(registry::AnonymousAccess::kNone, {{"campus", "sec:ret"}});

net::HttpRequest with_header(std::string value) { return {.headers = {{"Authorization", std::move(value)}}}; }

TEST(Authenticate, TakesEveryFormThatClientsUse) {
  EXPECT_EQ(authenticate(with_header("Basic " + base64_encode("campus:sec:ret")), kAccounts).value(), "campus");
  EXPECT_EQ(authenticate(with_header("Token campus:sec:ret"), kAccounts).value(), "campus");
  EXPECT_EQ(authenticate(with_header("bearer campus:sec:ret"), kAccounts).value(), "campus");
  EXPECT_EQ(authenticate({.parameters = {{"u", "campus"}, {"p", "sec:ret"}}}, kAccounts).value(), "campus");
}

TEST(Authenticate, RefusesTheRest) {
  EXPECT_FALSE(authenticate({}, kAccounts));
  EXPECT_FALSE(authenticate(with_header("Token wrong"), kAccounts));
  EXPECT_FALSE(authenticate(with_header("Token campus:wrong"), kAccounts));
  EXPECT_FALSE(authenticate(with_header("Basic !!!"), kAccounts));
  EXPECT_FALSE(authenticate(with_header("Digest x"), kAccounts));
  EXPECT_FALSE(authenticate(with_header(""), kAccounts));
}

}  // namespace
}  // namespace campanile::api
