#include "app/config/exposure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/config/load.h"

namespace campanile::app {
namespace {

using testing::HasSubstr;

Config configured(std::string_view yaml) {
  auto config = parse_config(yaml, "test");
  EXPECT_TRUE(config) << config.error().message;
  return config ? *config : Config{};
}

// The lines of the message between two texts: what a reader would paste.
std::string block(const std::string& message, std::string_view after, std::string_view before) {
  const size_t begin = message.find(after);
  EXPECT_NE(begin, std::string::npos) << message;
  const size_t end = message.find(before, begin);
  return message.substr(begin, end - begin);
}

TEST(Exposure, LoopbackIsOpen) {
  EXPECT_TRUE(check_exposure({}, false));
  EXPECT_TRUE(check_exposure(configured("http: {listen: \"[::1]:1\"}\nmqtt: {listen: \"127.0.0.2:1\"}\n"), false));
}

TEST(Exposure, BeyondLoopbackNeedsAccounts) {
  const auto refused = check_exposure(configured("http: {listen: \"0.0.0.0:8086\"}\nmqtt: {listen: \"[::]:1883\"}\n"), false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(refused.error().message, HasSubstr("http.listen is 0.0.0.0:8086 and mqtt.listen is [::]:1883"));
  EXPECT_THAT(refused.error().message, HasSubstr("there is no account"));
  EXPECT_THAT(refused.error().message, HasSubstr("--insist-open"));
}

TEST(Exposure, TheLinesOfTheMessageFixIt) {
  const std::string wide = "http: {listen: \"192.168.1.5:8086\"}\n";
  const std::string message = check_exposure(configured(wide), false).error().message;
  EXPECT_THAT(message, testing::Not(HasSubstr("mqtt.listen")));
  const Config with_account = configured(wide + block(message, "auth:", "\nor listen"));
  ASSERT_EQ(with_account.auth.users.size(), 1u);
  EXPECT_EQ(with_account.auth.users[0].password.size(), 20u);
  EXPECT_TRUE(check_exposure(with_account, false));
  EXPECT_TRUE(check_exposure(configured(block(message, "http:\n", "\nor start")), false));
}

TEST(Exposure, AccountsDoNotHelpWhileAnonymousIsAll) {
  const std::string wide = "http: {listen: \"0.0.0.0:1\"}\n";
  EXPECT_TRUE(check_exposure(configured(wide + "auth: {users: [{name: a, password: b}]}"), false));
  const auto refused = check_exposure(configured(wide + "auth: {anonymous: all, users: [{name: a, password: b}]}"), false);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("auth:\n  anonymous: none\n"));
  EXPECT_THAT(refused.error().message, testing::Not(HasSubstr("password:")));
}

TEST(Exposure, MayBeInsistedOn) { EXPECT_TRUE(check_exposure(configured("http: {listen: \"0.0.0.0:1\"}\n"), true)); }

}  // namespace
}  // namespace campanile::app
