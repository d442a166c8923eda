#include "app/config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "app/config/settings.h"

namespace campanile::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LoadTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "load-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path write(std::string_view name, std::string_view text) {
    const auto path = directory_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static std::string error_of(const ConfigSources& sources) {
    const auto loaded = load_config(sources);
    return loaded ? "" : loaded.error().message;
  }

  std::filesystem::path directory_;
};

TEST_F(LoadTest, EachSourceStandsOverTheOneBefore) {
  ConfigSources sources;
  EXPECT_EQ(load_config(sources)->config.threads, 0u);
  sources.file = write("c.yaml", "threads: 1\nhttp: {listen: \"127.0.0.1:1001\"}\nmqtt: {listen: \"127.0.0.1:1\"}\n");
  EXPECT_EQ(load_config(sources)->config.threads, 1u);
  sources.environment = {{"CAMPANILE_THREADS", "2"}, {"CAMPANILE_HTTP_LISTEN", "127.0.0.1:1002"}, {"HOME", "/"}, {"CAMPANILE_LOG_LEVEL", ""}};
  EXPECT_EQ(load_config(sources)->config.threads, 2u);
  sources.overrides = {{"--http", "http.listen", "127.0.0.1:1003"}};
  const auto loaded = load_config(sources);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->config.threads, 2u);
  EXPECT_EQ(loaded->config.http.listen.port, 1003);
  EXPECT_EQ(loaded->config.mqtt.listen.port, 1);
  EXPECT_TRUE(loaded->warnings.empty());
}

TEST_F(LoadTest, FilesOfListenersAreFoundBesideTheConfiguration) {
  const auto loaded = load_config({.file = write("c.yaml", "mqtt: {listeners: [{name: a, listen: '127.0.0.1:1', protocol: tls, certificate: s.pem, key: /k.pem}, "
                                                           "{name: b, listen: m.sock, protocol: unix}]}\n")});
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto& listeners = loaded->config.mqtt.listeners;
  EXPECT_EQ(listeners[0].certificate, directory_ / "s.pem");
  EXPECT_EQ(listeners[0].key, "/k.pem");
  EXPECT_EQ(listeners[0].client_ca, "");
  EXPECT_EQ(listeners[0].listen, "127.0.0.1:1");
  EXPECT_EQ(listeners[1].listen, directory_ / "m.sock");
}

TEST_F(LoadTest, AListenerThatNobodyCanUseIsAMistake) {
  EXPECT_THAT(error_of({.file = write("c.yaml", "mqtt: {listeners: [{name: a, listen: '127.0.0.1:1', anonymous: none}]}\n")}),
              HasSubstr("mqtt.listeners: 'a' lets in nobody without a name and knows no names"));
}

TEST_F(LoadTest, MistakesOfAllSourcesAreToldWithWhereTheyStand) {
  ConfigSources sources{.file = write("c.yaml", "threads: many\n"),
                        .environment = {{"CAMPANILE_THREADS", "2000"}},
                        .overrides = {{"--http", "http.listen", "nowhere"}, {"--set", "http.lisen", "x"}, {"--set", "auth.users", "x"}}};
  const std::string error = error_of(sources);
  EXPECT_THAT(error, HasSubstr("c.yaml:1:10: threads: found 'many', allowed is a whole number from 0 to 1024\n"));
  EXPECT_THAT(error, HasSubstr("\nCAMPANILE_THREADS in the environment: found '2000', allowed is"));
  EXPECT_THAT(error, HasSubstr("\n--http: found 'nowhere', allowed is an address"));
  EXPECT_THAT(error, HasSubstr("\n--set: unknown setting 'http.lisen'; did you mean 'http.listen'?"));
  EXPECT_THAT(error, HasSubstr("\n--set: auth.users is a list; it can be given in the configuration file only"));
}

TEST_F(LoadTest, UnknownVariablesAreWarnedOf) {
  const auto loaded = load_config({.environment = {{"CAMPANILE_HTTP_LISTN", "x"}, {"CAMPANILE_CONFIG", "c.yaml"}}});
  ASSERT_TRUE(loaded);
  EXPECT_THAT(loaded->warnings, ElementsAre("the environment variable CAMPANILE_HTTP_LISTN is no setting and has no effect; did you mean "
                                            "CAMPANILE_HTTP_LISTEN?"));
}

TEST_F(LoadTest, FilesThatCannotBeReadAreNamed) {
  EXPECT_THAT(error_of({.file = directory_ / "none.yaml"}), HasSubstr("none.yaml: No such file or directory"));
  EXPECT_THAT(error_of({.file = directory_}), HasSubstr("is a directory, wanted a file"));
  EXPECT_EQ(load_config({.file = directory_ / "none.yaml"}).error().code, ErrorCode::kNotFound);
}

TEST_F(LoadTest, SecretsComeFromFiles) {
  write("password", "s3cret\r\n");
  const auto file = write("c.yaml", "auth: {users: [{name: a, password_file: password}]}\n");
  auto loaded = load_config({.file = file,
                             .environment = {{"CAMPANILE_AUTH_USER", "b"}, {"CAMPANILE_AUTH_PASSWORD_FILE", (directory_ / "password").string()}}});
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->config.auth.users.size(), 2u);
  EXPECT_EQ(loaded->config.auth.users[0].password, "s3cret");
  EXPECT_EQ(loaded->config.auth.users[1].name, "b");
  EXPECT_EQ(loaded->config.auth.users[1].password, "s3cret");
  EXPECT_FALSE(loaded->config.auth.anonymous_allowed());

  EXPECT_THAT(error_of({.environment = {{"CAMPANILE_AUTH_USER", "b"}, {"CAMPANILE_AUTH_PASSWORD_FILE", "/nowhere/x"}}}),
              HasSubstr("CAMPANILE_AUTH_PASSWORD_FILE in the environment: /nowhere/x: No such file or directory"));
  EXPECT_THAT(error_of({.file = write("d.yaml", "auth: {users: [{name: a, password_file: gone}]}\n")}), HasSubstr("gone: No such file"));
  write("empty", "\n");
  EXPECT_THAT(error_of({.file = write("e.yaml", "auth: {users: [{name: a, password_file: empty}]}\n")}), HasSubstr("empty is empty"));
}

TEST_F(LoadTest, AccountsThatCannotWorkAreRefused) {
  EXPECT_THAT(error_of({.environment = {{"CAMPANILE_AUTH_USER", "b"}}}), HasSubstr("auth.user is given without auth.password"));
  EXPECT_THAT(error_of({.environment = {{"CAMPANILE_AUTH_ANONYMOUS", "none"}}}), HasSubstr("nobody could come in"));
}

TEST_F(LoadTest, AnonymousFollowsTheAccountsUnlessTold) {
  EXPECT_TRUE(parse_config("", "c")->auth.anonymous_allowed());
  EXPECT_FALSE(parse_config("auth: {users: [{name: a, password: b}]}", "c")->auth.anonymous_allowed());
  EXPECT_TRUE(parse_config("auth: {anonymous: all, users: [{name: a, password: b}]}", "c")->auth.anonymous_allowed());
}

TEST_F(LoadTest, TheProcessEnvironmentGivesOnlyOurVariables) {
  ::setenv("CAMPANILE_THREADS", "3", 1);
  const auto variables = process_environment();
  ::unsetenv("CAMPANILE_THREADS");
  EXPECT_THAT(variables, testing::Contains(std::pair<std::string, std::string>("CAMPANILE_THREADS", "3")));
  for (const auto& [name, value] : variables) EXPECT_TRUE(name.starts_with("CAMPANILE_")) << name;
}

}  // namespace
}  // namespace campanile::app
