#include "app/config/listener_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/config/exposure.h"
#include "app/config/load.h"
#include "app/config/print.h"

namespace campanile::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string error_of(const std::string& item) {
  const auto config = parse_config("mqtt:\n  listeners:\n    - {" + item + "}\n", "c");
  return config ? "" : config.error().message;
}

Config configured(const std::string& items, const std::string& more = "") {
  const auto config = parse_config("mqtt: {listeners: [" + items + "]}\n" + more, "c");
  EXPECT_TRUE(config) << config.error().message;
  return config.value_or(Config{});
}

TEST(ListenerCheck, TakesWhatMakesSense) {
  EXPECT_EQ(error_of("name: a, listen: '0.0.0.0:1883'"), "");
  EXPECT_EQ(error_of("name: a, listen: '[::]:0', protocol: wss, certificate: c, key: k, client_certificate: optional, client_ca: a, client_crl: r, origins: ['*']"), "");
  EXPECT_EQ(error_of("name: a, listen: run/m.sock, protocol: unix, mode: '600', mount: a/b/"), "");
}

TEST(ListenerCheck, SaysWhatDoesNot) {
  const std::pair<std::string, std::string> cases[] = {
      {"listen: '127.0.0.1:1'", "c:3:7: mqtt.listeners: 'name' is missing"},
      {"name: a", "'listen' is missing"},
      {"name: mqtt, listen: '127.0.0.1:1'", "'mqtt' is what mqtt.listen is called"},
      {"name: a, listen: '1883'", "mqtt.listeners: 'a': listen: address '1883' has no port"},
      {"name: a, listen: '127.0.0.1:1', protocol: ssl", "found 'ssl', allowed is tcp, tls, ws, wss or unix"},
      {"name: a, listen: '127.0.0.1:1', protocol: tls", "'a': certificate: protocol tls needs one"},
      {"name: a, listen: '127.0.0.1:1', protocol: ws, certificate: c", "did you mean protocol: wss?"},
      {"name: a, listen: '127.0.0.1:1', key: c", "did you mean protocol: tls?"},
      {"name: a, listen: '127.0.0.1:1', client_certificate: required", "client_certificate: only protocols tls and wss"},
      {"name: a, listen: '127.0.0.1:1', protocol: tls, certificate: c, client_certificate: required", "client_ca: client certificates are asked for"},
      {"name: a, listen: '127.0.0.1:1', protocol: tls, certificate: c, client_ca: a", "optional or required?"},
      {"name: a, listen: '127.0.0.1:1', protocol: tls, certificate: c, client_crl: a", "client_crl: no client certificate"},
      {"name: a, listen: '127.0.0.1:1', mount: a", "mount: 'a' must end with '/'"},
      {"name: a, listen: '127.0.0.1:1', mount: a/+/", "holds a wildcard"},
      {"name: a, listen: '127.0.0.1:1', mount: $a/", "begins with '$'"},
      {"name: a, listen: '127.0.0.1:1', mount: bridge/", "begins with 'bridge/'"},
      {"name: a, listen: '127.0.0.1:1', origins: [x]", "origins: only browsers"},
      {"name: a, listen: '127.0.0.1:1', packet_bytes_max: 10", "packet_bytes_max: allowed is 1KiB"},
      {"name: a, listen: '127.0.0.1:1', session_queue_bytes_max: 10", "session_queue_bytes_max: allowed is 64KiB"},
      {"name: a, listen: '127.0.0.1:1', anonymous: none, accounts: false", "nobody could come in"},
      {"name: a, listen: '127.0.0.1:1', anonymus: none", "did you mean 'anonymous'?"},
      {"name: a, listen: s, protocol: unix, mode: '0888'", "mode: found '0888', allowed is three or four octal digits"},
      {"name: a, listen: " + std::string(120, 'x') + ", protocol: unix", "at most 107 bytes"},
  };
  for (const auto& [item, expected] : cases) EXPECT_THAT(error_of(item), HasSubstr(expected)) << item;
  EXPECT_THAT(parse_config("mqtt: {listeners: [{name: a, listen: '1:1'}, {name: a, listen: '1:2'}]}", "c").error().message, HasSubstr("'a' stands twice"));
}

TEST(ListenerCheck, ReadsBackWhatIsPrinted) {
  const Config config = configured("{name: a, listen: '[::]:0', protocol: tls, certificate: c, origins: []}, {name: b, listen: /run/m.sock, protocol: unix, mode: '0600'}");
  const std::string printed = print_config(config);
  const auto read = parse_config(printed, "printed");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(print_config(*read), printed);
}

TEST(ListenerCheck, ReadsTheLimitsOfQueues) {
  const Config config = configured("{name: a, listen: '127.0.0.1:1', session_queue_messages_max: 10, session_queue_bytes_max: 1MiB, session_queue_age_max_s: 1h}, "
                                   "{name: b, listen: '127.0.0.1:2'}");
  const ListenerConfig& own = config.mqtt.listeners[0];
  EXPECT_EQ(own.session_queue_messages_max, 10u);
  EXPECT_EQ(own.session_queue_bytes_max, kMiB);
  EXPECT_EQ(own.session_queue_age_max_s, 3600u);
  const ListenerConfig& none = config.mqtt.listeners[1];
  EXPECT_EQ(none.session_queue_messages_max + none.session_queue_bytes_max + none.session_queue_age_max_s, 0u) << "as mqtt.* has it";
}

TEST(ListenerCheck, AutoIsWhatTheAccountsMakeOfIt) {
  Config config = configured("{name: a, listen: '127.0.0.1:1'}, {name: b, listen: '127.0.0.1:2', anonymous: read}");
  EXPECT_EQ(anonymous_at(config.mqtt.listeners[0], config.auth), ListenerAnonymous::kAll);
  config.auth.users.push_back({.name = "u", .password = "p"});
  EXPECT_EQ(anonymous_at(config.mqtt.listeners[0], config.auth), ListenerAnonymous::kNone);
  EXPECT_EQ(anonymous_at(config.mqtt.listeners[1], config.auth), ListenerAnonymous::kRead);
}

TEST(Modes, AreOctal) {
  EXPECT_EQ(parse_mode("0660"), 0660u);
  EXPECT_EQ(parse_mode("777"), 0777u);
  for (const auto text : {"", "60", "1777", "0668", "06600", "rw-"}) EXPECT_EQ(parse_mode(text), std::nullopt) << text;
}

constexpr auto kAccount = "auth: {users: [{name: u, password: p}]}\n";

TEST(ListenerExposure, EveryListenerIsLookedAt) {
  const std::string wide = "{name: a, listen: '0.0.0.0:1'}";
  const auto refused = check_exposure(configured(wide), false);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("'a' of mqtt.listeners is 0.0.0.0:1, which other machines can reach, and there is no account"));
  EXPECT_TRUE(check_exposure(configured(wide), true));
  EXPECT_TRUE(check_exposure(configured(wide, kAccount), false));
  EXPECT_TRUE(check_exposure(configured("{name: a, listen: '127.0.0.1:1'}, {name: b, protocol: unix, listen: s}"), false));
}

TEST(ListenerExposure, ReadingMayBeAllowedAndEverythingMayNot) {
  EXPECT_TRUE(check_exposure(configured("{name: a, listen: '0.0.0.0:1', anonymous: read}"), false));
  for (const std::string& more : {std::string(), std::string(kAccount)}) {
    const auto refused = check_exposure(configured("{name: a, listen: '0.0.0.0:1', anonymous: all}", more), false);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("Write anonymous: read or none at it"));
  }
}

TEST(ListenerExposure, PasswordsInTheClearAreWarnedOf) {
  const std::string items = "{name: a, listen: '0.0.0.0:1'}, {name: b, listen: '0.0.0.0:2', protocol: tls, certificate: c}, {name: c, listen: '127.0.0.1:3'}, "
                            "{name: d, listen: '0.0.0.0:4', proxy_protocol: true}, {name: e, listen: '0.0.0.0:5', accounts: false}, {name: f, listen: s, protocol: unix}";
  EXPECT_THAT(exposure_warnings(configured(items, kAccount)), ElementsAre(HasSubstr("'a' of mqtt.listeners takes passwords at 0.0.0.0:1")));
  EXPECT_THAT(exposure_warnings(configured(items)), IsEmpty()) << "there are no passwords";
}

}  // namespace
}  // namespace campanile::app
