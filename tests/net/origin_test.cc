#include "net/origin.h"

#include <gtest/gtest.h>

namespace campanile::net {
namespace {

TEST(OriginAllowed, IsForProgramsAndForOwnPages) {
  EXPECT_TRUE(origin_allowed("", "campus:8086", {}));
  EXPECT_TRUE(origin_allowed("http://campus:8086", "campus:8086", {}));
  EXPECT_TRUE(origin_allowed("https://Campus.example.org", "campus.example.org:443", {}));
  EXPECT_TRUE(origin_allowed("http://campus.example.org:80", "campus.example.org", {}));
}

TEST(OriginAllowed, IsNotForOtherSites) {
  for (const std::string_view origin : {"http://evil.example", "http://campus", "http://campus:8087", "null", "file://", "campus:8086", "http://campus:8086.evil.example"}) {
    EXPECT_FALSE(origin_allowed(origin, "campus:8086", {})) << origin;
  }
}

TEST(OriginAllowed, KnowsTheOnesThatAreNamed) {
  EXPECT_TRUE(origin_allowed("https://wall.example.org", "campus:8086", {"https://wall.example.org"}));
  EXPECT_FALSE(origin_allowed("http://wall.example.org", "campus:8086", {"https://wall.example.org"}));
  EXPECT_TRUE(origin_allowed("null", "campus:8086", {"*"}));
}

}  // namespace
}  // namespace campanile::net
