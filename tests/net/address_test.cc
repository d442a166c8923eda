#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/tcp.h"

namespace campanile::net {
namespace {

using testing::HasSubstr;

TEST(Address, ReadsTheFormsPeopleWrite) {
  const std::tuple<const char*, const char*, uint16_t> cases[] = {
      {"127.0.0.1:1883", "127.0.0.1", 1883}, {"[::1]:1883", "::1", 1883},
      {"localhost:0", "localhost", 0},       {"*:8086", "0.0.0.0", 8086},
      {"[::]:65535", "::", 65535},           {"broker_1.example-site.fr:1", "broker_1.example-site.fr", 1},
  };
  for (const auto& [text, host, port] : cases) {
    const auto address = Address::parse(text);
    ASSERT_TRUE(address) << text << ": " << address.error().message;
    EXPECT_EQ(address->host, host);
    EXPECT_EQ(address->port, port);
  }
}

TEST(Address, SaysWhatToWriteInstead) {
  const std::pair<const char*, const char*> cases[] = {
      {":1883", "127.0.0.1:1883 for this machine alone, or *:1883"},
      {"", "has no port"},
      {"1883", "has no port"},
      {"localhost", "has no port"},
      {"localhost:", "no valid port"},
      {"localhost:65536", "0 (picks a free one) to 65535"},
      {"localhost:-1", "no valid port"},
      {"localhost:18 83", "no valid port"},
      {"::1:1883", "[::1]:1883"},
      {"[::1:1883", "closing bracket"},
      {"[localhost]:1883", "no IPv6 address"},
      {"[]:1883", "no IPv6 address"},
      {"http://localhost:1883", "in brackets"},
      {"a b:1883", "no valid host"},
      {"**:1883", "no valid host"},
  };
  for (const auto& [text, hint] : cases) {
    const auto address = Address::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(address.error().message, HasSubstr(hint)) << text;
  }
}

TEST(Address, ReadsWhatItWrites) {
  for (const Address& address : {Address{"127.0.0.1", 1}, Address{"::1", 2}, Address{"name", 3}}) {
    const auto again = Address::parse(address.to_string());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->host, address.host);
    EXPECT_EQ(again->port, address.port);
  }
}

TEST(Address, KnowsWhatStaysOnThisMachine) {
  for (const char* host : {"127.0.0.1", "127.8.9.10", "::1", "localhost", "LocalHost", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE((Address{host, 1}.is_loopback())) << host;
  }
  for (const char* host :
       {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "127.example.org", "localhost.example.org", "", "::ffff:10.0.0.1"}) {
    EXPECT_FALSE((Address{host, 1}.is_loopback())) << host;
  }
}

}  // namespace
}  // namespace campanile::net
