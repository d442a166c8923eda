#include "net/http_request_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace campanile::net {
namespace {

using State = HttpRequestReader::State;
using testing::HasSubstr;

// Feeds `text` in pieces of `piece_bytes`, keeping what is not used, as a connection does.
State feed_all(HttpRequestReader& reader, std::string_view text, size_t piece_bytes, size_t* left = nullptr) {
  std::string kept;
  State state = State::kNeedMore;
  for (size_t at = 0; at < text.size(); at += piece_bytes) {
    kept += text.substr(at, piece_bytes);
    size_t used = 0;
    while (used < kept.size()) {
      state = reader.feed(std::string_view(kept).substr(used), used);
      if (state == State::kComplete || state == State::kFailed) {
        if (left) *left = kept.size() - used + (text.size() - std::min(text.size(), at + piece_bytes));
        return state;
      }
      if (state == State::kNeedMore) break;
    }
    kept.erase(0, used);
  }
  return state;
}

TEST(HttpRequestReader, ReadsRequestsCutAnywhere) {
  const std::string text =
      "POST /write%20x?db=campus&u=a+b HTTP/1.1\r\nHost: here\r\nContent-Length: 11\r\nX-Empty:\r\n\r\nhello world";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    HttpRequestReader reader(1024, 1024);
    ASSERT_EQ(feed_all(reader, text, piece), State::kComplete) << piece;
    EXPECT_TRUE(reader.keep_alive());
    const HttpRequest request = reader.take_request();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/write x");
    EXPECT_EQ(request.query, "db=campus&u=a+b");
    EXPECT_EQ(request.parameter("u"), "a b");
    EXPECT_EQ(request.header("host"), "here");
    EXPECT_EQ(request.header("x-empty"), "");
    EXPECT_EQ(request.body, "hello world");
  }
}

TEST(HttpRequestReader, ReadsChunkedBodiesCutAnywhere) {
  const std::string text =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nTrailer: ignored\r\n\r\nGET";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    HttpRequestReader reader(1024, 1024);
    size_t left = 0;
    ASSERT_EQ(feed_all(reader, text, piece, &left), State::kComplete) << piece;
    EXPECT_EQ(left, 3u) << "the next request's bytes are not touched";
    const HttpRequest request = reader.take_request();
    EXPECT_EQ(request.body, "hello world");
    EXPECT_FALSE(request.header("Trailer"));
  }
}

TEST(HttpRequestReader, ReadsAnEmptyChunkedBodyCutAnywhere) {
  const std::string text = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    HttpRequestReader reader(1024, 1024);
    size_t left = 0;
    ASSERT_EQ(feed_all(reader, text, piece, &left), State::kComplete) << piece;
    EXPECT_EQ(left, 0u);
    EXPECT_EQ(reader.take_request().body, "");
  }
}

TEST(HttpRequestReader, UnderstandsEveryFormOfTarget) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"/a?x=1?y", "/a", "x=1?y"},
      {"/a#f", "/a", ""},
      {"*", "*", ""},
      {"http://h:1/a?x", "/a", "x"},
      {"HTTP://h", "/", ""},
      {"https://h?x=1", "/", "x=1"},
      {"?x", "/", "x"},
  };
  for (const auto& [target, path, query] : cases) {
    HttpRequestReader reader(1024, 1024);
    ASSERT_EQ(feed_all(reader, fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", target), 1000), State::kComplete)
        << target;
    const HttpRequest request = reader.take_request();
    EXPECT_EQ(request.path, path) << target;
    EXPECT_EQ(request.query, query) << target;
  }
}

TEST(HttpRequestReader, RefusesWhatIsNotARequest) {
  const std::tuple<const char*, int, const char*> cases[] = {
      {"\x16\x03\x01\x02\x01", 400, "malformed"},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 400, "malformed"},
      {"GET /\r\n\r\n", 400, "malformed"},
      {"GET / HTTP/1.1\r\n\r\n", 400, "exactly one Host"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "exactly one Host"},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "malformed"},
      {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400, "malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400, "malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400, "malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "chunked"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400, "malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n", 417, "100-continue"},
      {"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n", 400, "empty lines"},
  };
  for (const auto& [text, status, message] : cases) {
    for (const size_t piece : {size_t{1}, size_t{1000}}) {
      HttpRequestReader reader(1024, 1024);
      ASSERT_EQ(feed_all(reader, text, piece), State::kFailed) << text;
      EXPECT_EQ(reader.error_status(), status) << text;
      EXPECT_THAT(reader.error_message(), HasSubstr(message)) << text;
    }
  }
}

TEST(HttpRequestReader, AnHttp10RequestNeedsNoHost) {
  HttpRequestReader reader(1024, 1024);
  ASSERT_EQ(feed_all(reader, "\r\nGET / HTTP/1.0\r\n\r\n", 1000), State::kComplete);
  EXPECT_TRUE(reader.is_http_1_0());
  EXPECT_FALSE(reader.keep_alive());
}

TEST(HttpRequestReader, LimitsHeadersHoweverTheyAreCut) {
  for (const size_t line : {size_t{10}, size_t{100}, size_t{5000}}) {
    for (const size_t piece : {size_t{1}, line, size_t{100'000}}) {
      std::string text = "GET / HTTP/1.1\r\nHost: h\r\n";
      while (text.size() < 20'000) text += "x: " + std::string(line - 5, 'y') + "\r\n";
      HttpRequestReader reader(4096, 1024);
      ASSERT_EQ(feed_all(reader, text, piece), State::kFailed) << line << " " << piece;
      EXPECT_EQ(reader.error_status(), 431);
    }
  }
}

TEST(HttpRequestReader, LimitsBodiesByTheirAnnouncementAndByTheirChunks) {
  HttpRequestReader announced(1024, 10);
  ASSERT_EQ(feed_all(announced, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n", 1000), State::kFailed);
  EXPECT_EQ(announced.error_status(), 413);
  EXPECT_THAT(announced.error_message(), HasSubstr("over 10 bytes"));

  HttpRequestReader chunked(1024, 10);
  ASSERT_EQ(
      feed_all(chunked, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\naaaaaa\r\n5\r\n", 1000),
      State::kFailed);
  EXPECT_EQ(chunked.error_status(), 413);

  HttpRequestReader exact(1024, 10);
  EXPECT_EQ(feed_all(exact, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789", 1000),
            State::kComplete);
}

TEST(HttpRequestReader, LimitsEndlessChunkExtensionsAndTrailers) {
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& rest : {"5;x=" + std::string(10'000, 'y'), "0\r\nx: " + std::string(10'000, 'y')}) {
    HttpRequestReader reader(1024, 1024);
    EXPECT_EQ(feed_all(reader, start + rest, 100), State::kFailed);
    EXPECT_EQ(reader.error_status(), 400);
  }
}

TEST(HttpRequestReader, DoesNotBelieveAnAnnouncedLength) {
  HttpRequestReader reader(1024, 1ull << 40);
  ASSERT_EQ(feed_all(reader, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000000\r\n\r\nabc", 1000),
            State::kProgress);
  EXPECT_EQ(reader.body_bytes(), 3u);  // and no terabyte was asked for
}

TEST(HttpRequestReader, TellsWhoWaitsForContinue) {
  HttpRequestReader reader(1024, 1024);
  EXPECT_EQ(feed_all(reader, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n", 1000),
            State::kHeader);
  EXPECT_TRUE(reader.expects_continue());
}

}  // namespace
}  // namespace campanile::net
