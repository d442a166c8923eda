#include "registry/accounts.h"

#include <gtest/gtest.h>

namespace campanile::registry {
namespace {

TEST(Accounts, TakesTheRightPasswordOnly) {
  const Accounts accounts(AnonymousAccess::kNone, {{"campus", "secret"}, {"other", "word"}});
  EXPECT_EQ(accounts.authenticate("campus", "secret").value(), "campus");
  EXPECT_FALSE(accounts.authenticate("campus", "word"));
  EXPECT_FALSE(accounts.authenticate("campus", std::nullopt));
  EXPECT_FALSE(accounts.authenticate("nobody", "secret"));
}

TEST(Accounts, WhatOnlyBeginsOrRepeatsLikeThePasswordIsWrong) {
  const Accounts accounts(AnonymousAccess::kNone, {{"campus", "secret"}, {"open", ""}});
  for (const char* given : {"", "s", "secre", "secrets", "secretsecret", "Secret", "secreT"}) EXPECT_FALSE(accounts.authenticate("campus", given)) << given;
  EXPECT_FALSE(accounts.authenticate("campuscampus", "secret"));
  EXPECT_TRUE(accounts.authenticate("open", ""));
  EXPECT_FALSE(accounts.authenticate("open", "secret"));
}

TEST(Accounts, NobodyNamedIsAnonymous) {
  const Accounts closed(AnonymousAccess::kNone, {{"campus", "secret"}});
  EXPECT_FALSE(closed.authenticate(std::nullopt, std::nullopt));
  EXPECT_FALSE(closed.authenticate("", ""));
  const Accounts open(AnonymousAccess::kAll, {{"campus", "secret"}});
  EXPECT_EQ(open.authenticate(std::nullopt, std::nullopt).value(), "");
  EXPECT_FALSE(open.authenticate("campus", "wrong"));
}

TEST(Accounts, WithoutAccountsAnyNameActsAsItself) {
  const Accounts open(AnonymousAccess::kAll, {});
  EXPECT_EQ(open.authenticate("test", "test").value(), "test");
}

TEST(Accounts, ErrorsNeverRepeatThePassword) {
  const Accounts accounts(AnonymousAccess::kNone, {{"campus", "secret"}});
  const auto refused = accounts.authenticate("campus", "hunter2");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message.find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace campanile::registry
