#include "api/router.h"

#include <gtest/gtest.h>

#include "api/answers.h"
#include "tests/api/test_server.h"

namespace campanile::api {
namespace {

Router::Handler saying(std::string text) {
  return [text](net::HttpRequest, net::HttpResponder responder) { responder.respond({.status = 200, .body = text}); };
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    router_.add("GET", "/api/v1/sensors", saying("list"));
    router_.add("GET", "/api/v1/sensors/", saying("one"));
    router_.add("POST", "/write", saying("written"));
    router_.add_open("GET", "/ping", saying("pong"));
  }

  registry::Accounts accounts_{registry::AnonymousAccess::kNone, {{"campus", "secret"}}};
  Router router_{accounts_, saying("page")};
  TestServer server_{[this](net::HttpRequest request, net::HttpResponder responder) { router_.handle(std::move(request), std::move(responder)); }};
  const std::string key_ = "Authorization: Token campus:secret\r\n";
};

TEST_F(RouterTest, TheLongestPathThatFitsWins) {
  EXPECT_EQ(server_.get("/api/v1/sensors", key_).body, "list");
  EXPECT_EQ(server_.get("/api/v1/sensors/17.value/history", key_).body, "one");
}

TEST_F(RouterTest, WithoutCredentialsOnlyOpenPathsAnswer) {
  EXPECT_EQ(server_.get("/ping").body, "pong");
  const Answer refused = server_.get("/api/v1/sensors");
  EXPECT_EQ(refused.status, 401);
  EXPECT_NE(refused.head.find("WWW-Authenticate: Basic"), std::string::npos);
  EXPECT_EQ(server_.get("/").status, 401);
  EXPECT_EQ(server_.get("/nothing-here").status, 401);
}

TEST_F(RouterTest, UnknownPathsUnderApiAre404AndOthersThePage) {
  EXPECT_EQ(server_.get("/api/v1/none", key_).status, 404);
  EXPECT_EQ(server_.get("/place/u4/302", key_).body, "page");
  EXPECT_EQ(server_.ask("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n" + key_ + "\r\n").status, 404);
}

TEST_F(RouterTest, AWrongMethodNamesTheRightOnes) {
  const Answer answer = server_.get("/write", key_);
  EXPECT_EQ(answer.status, 405);
  EXPECT_NE(answer.head.find("Allow: POST"), std::string::npos);
}

// A browser sends what it knows of the viewer with any site's request.
TEST_F(RouterTest, AnotherSitesPageMayNotChangeAnything) {
  router_.add("POST", "/api/v1/publish", saying("published"));
  const auto post = [&](const std::string& path, const std::string& origin) {
    return server_.ask("POST " + path + " HTTP/1.1\r\nHost: campus:8086\r\nContent-Length: 0\r\n" + origin + key_ + "\r\n").status;
  };
  EXPECT_EQ(post("/api/v1/publish", "Origin: http://evil.example\r\n"), 403);
  EXPECT_EQ(post("/api/v1/publish", "Origin: null\r\n"), 403);
  EXPECT_EQ(post("/api/v1/publish", "Origin: http://campus:8086\r\n"), 200);
  EXPECT_EQ(post("/api/v1/publish", ""), 200);
  // InfluxDB's own paths stay as its clients know them.
  EXPECT_EQ(post("/write", "Origin: http://grafana.example\r\n"), 200);
  EXPECT_EQ(server_.get("/api/v1/sensors", "Origin: http://evil.example\r\n" + key_).status, 200);
}

TEST_F(RouterTest, HeadIsAnsweredAsGetWithoutBody) {
  const Answer answer = server_.ask("HEAD /ping HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
}

}  // namespace
}  // namespace campanile::api
