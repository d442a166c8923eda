#include "net/http_response_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace campanile::net {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

TEST(HttpResponseText, WritesTheHead) {
  const std::string head = response_head(200, {{"Content-Type", "text/plain"}}, {.content_length = 5});
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_THAT(
      head,
      ContainsRegex("Date: [A-Z][a-z][a-z], [0-3][0-9] [A-Z][a-z][a-z] 2[0-9]* [0-9][0-9]:[0-9][0-9]:[0-9][0-9] GMT"));
  EXPECT_TRUE(head.ends_with("\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n"));
}

TEST(HttpResponseText, KeepsOutsideTextInsideItsLine) {
  const std::string head =
      response_head(200, {{"X-Echo", "a\r\nSet-Cookie: b"}, {"Content-Length", "99"}, {"date", "never"}}, {});
  EXPECT_THAT(head, HasSubstr("X-Echo: a  Set-Cookie: b\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("99")));
  EXPECT_THAT(head, Not(HasSubstr("never")));
}

TEST(HttpResponseText, SaysWhatBecomesOfTheConnection) {
  EXPECT_THAT(response_head(200, {}, {.keep_alive = true}), Not(HasSubstr("Connection")));
  EXPECT_THAT(response_head(200, {}, {.keep_alive = false}), HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(response_head(200, {}, {.keep_alive = true, .http_1_0 = true}), HasSubstr("Connection: keep-alive\r\n"));
  EXPECT_THAT(response_head(200, {}, {.chunked = true}), HasSubstr("Transfer-Encoding: chunked\r\n"));
}

TEST(HttpResponseText, WritesErrorsAsJson) {
  const HttpResponse response = error_response(400, "got \"a\\b\"\n");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, "{\"error\":\"got \\\"a\\\\b\\\"\\u000a\"}\n");
}

}  // namespace
}  // namespace campanile::net
