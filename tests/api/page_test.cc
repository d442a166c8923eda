#include "api/page.h"

#include <gtest/gtest.h>

#include "tests/api/test_server.h"

namespace campanile::api {
namespace {

class PageTest : public testing::Test {
 protected:
  Page page_{{{"/index.html", "<!doctype html>" + std::string(2000, ' ')}, {"/assets/index-1f3c.js", "let a = 1;"}}};
  TestServer server_{[this](net::HttpRequest request, net::HttpResponder responder) { page_.handle(std::move(request), std::move(responder)); }};
};

TEST_F(PageTest, ServesFilesWithTheirType) {
  const Answer script = server_.get("/assets/index-1f3c.js");
  EXPECT_EQ(script.body, "let a = 1;");
  EXPECT_NE(script.head.find("text/javascript"), std::string::npos);
  EXPECT_NE(script.head.find("immutable"), std::string::npos);
}

TEST_F(PageTest, EveryPlaceOfThePageIsItsIndex) {
  EXPECT_TRUE(server_.get("/").body.starts_with("<!doctype html>"));
  EXPECT_TRUE(server_.get("/place/u4/302").body.starts_with("<!doctype html>"));
  EXPECT_TRUE(server_.get("/place/site.example/1.5").body.starts_with("<!doctype html>"));
  EXPECT_EQ(server_.get("/missing.js").status, 404);
  EXPECT_EQ(server_.get("/../etc/passwd").status == 200 && !server_.get("/../etc/passwd").body.starts_with("<!doctype"), false);
}

TEST_F(PageTest, CompressesForThoseWhoCanReadIt) {
  const Answer compressed = server_.get("/", "Accept-Encoding: br, gzip\r\n");
  EXPECT_NE(compressed.head.find("Content-Encoding: gzip"), std::string::npos);
  EXPECT_LT(compressed.body.size(), 500u);
  EXPECT_EQ(server_.get("/", "Accept-Encoding: gzip;q=0\r\n").head.find("Content-Encoding"), std::string::npos);
}

TEST_F(PageTest, AnUnchangedFileIsNotSentAgain) {
  const Answer first = server_.get("/");
  const size_t at = first.head.find("ETag: ");
  const std::string etag = first.head.substr(at + 6, first.head.find("\r\n", at) - at - 6);
  EXPECT_EQ(server_.get("/", "If-None-Match: " + etag + "\r\n").status, 304);
}

TEST(Page, WithoutFilesItSaysHowToBuildThem) {
  const Page page({});
  TestServer server([&](net::HttpRequest request, net::HttpResponder responder) { page.handle(std::move(request), std::move(responder)); });
  EXPECT_NE(server.get("/").body.find("npm run build"), std::string::npos);
}

}  // namespace
}  // namespace campanile::api
