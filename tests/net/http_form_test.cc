#include <gtest/gtest.h>

#include "net/http_server.h"

namespace campanile::net {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(HttpForm, DecodesPercents) {
  EXPECT_EQ(percent_decode("/a%20b/%C3%A9"), "/a b/é");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(percent_decode("%2f%2F"), "//");
  EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
  for (const char* text : {"%", "%4", "%zz", "100%", "%%", ""}) EXPECT_EQ(percent_decode(text), text);
}

TEST(HttpForm, ParsesPairsInOrder) {
  EXPECT_EQ(parse_form("q=SELECT+*+FROM%20x&db=a%26b&q=2"),
            (Pairs{{"q", "SELECT * FROM x"}, {"db", "a&b"}, {"q", "2"}}));
  EXPECT_EQ(parse_form("a&b=&=c&&d=1=2"), (Pairs{{"a", ""}, {"b", ""}, {"", "c"}, {"d", "1=2"}}));
  EXPECT_EQ(parse_form(""), Pairs{});
  EXPECT_EQ(parse_form("&&"), Pairs{});
}

TEST(HttpForm, FindsTheFirstOfAName) {
  HttpRequest request;
  request.headers = {{"Content-Type", "a"}, {"content-type", "b"}};
  request.parameters = parse_form("db=x&DB=y&db=z");
  EXPECT_EQ(request.header("CONTENT-TYPE"), "a");
  EXPECT_FALSE(request.header("Content"));
  EXPECT_EQ(request.parameter("db"), "x");
  EXPECT_EQ(request.parameter("DB"), "y");
  EXPECT_FALSE(request.parameter("p"));
}

}  // namespace
}  // namespace campanile::net
