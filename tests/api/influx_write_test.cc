#include "api/influx_write.h"

#include <gtest/gtest.h>

#include "api/gzip.h"
#include "tests/api/test_server.h"
#include "tests/ingest/fakes.h"

namespace campanile::api {
namespace {

using ingest::FakeEngine;
using ingest::FakeJournal;
using Version = InfluxWriteResource::Version;

constexpr int64_t kNow = 1'700'000'000'000'000'000;

class InfluxWrite : public testing::Test {
 protected:
  InfluxWrite() {
    rejected_->start(journal_, nullptr);
    ingest_ = ingest::Ingest::open({}, engine_, *rejected_, clock_, metrics_).value();
    EXPECT_TRUE(engine_.create_database("d").has_value());
    make({});
  }
  void make(const InfluxWriteOptions& options) {
    resource_ = std::make_unique<InfluxWriteResource>(
        *ingest_, engine_, [this](net::EventLoop&) -> journal::CommitQueue& { return *commits_; },
        [this](std::move_only_function<void()> task) {
          if (workers_are_busy_) return false;
          ++background_tasks_;
          task();
          return true;
        },
        clock_, options);
  }
  static net::HttpRequest request(std::string query, std::string body, net::HttpHeaders headers = {}) {
    net::HttpRequest made{.method = "POST", .query = query, .headers = std::move(headers), .body = std::move(body)};
    made.parameters = net::parse_form(query);
    return made;
  }
  InfluxWriteResource::Reply v1(std::string query, std::string body, net::HttpHeaders headers = {}) {
    return resource_->write(Version::kOne, request(std::move(query), std::move(body), std::move(headers)));
  }
  InfluxWriteResource::Reply v2(std::string query, std::string body, net::HttpHeaders headers = {}) {
    return resource_->write(Version::kTwo, request(std::move(query), std::move(body), std::move(headers)));
  }
  static std::string text(const InfluxWriteResource::Reply& reply) { return std::to_string(reply.response.status) + " " + reply.response.body; }
  static std::string header(const InfluxWriteResource::Reply& reply, std::string_view name) {
    for (const auto& [key, value] : reply.response.headers) {
      if (key == name) return value;
    }
    return {};
  }

  ManualClock clock_{kNow};
  Metrics metrics_;
  FakeJournal journal_;
  FakeEngine engine_;
  std::unique_ptr<kv::Store> store_ = kv::make_memory_store();
  std::unique_ptr<ingest::RejectedStore> rejected_ = ingest::RejectedStore::open({}, *store_).value();
  std::unique_ptr<ingest::Ingest> ingest_;
  std::unique_ptr<journal::CommitQueue> commits_;
  std::unique_ptr<InfluxWriteResource> resource_;
  int background_tasks_ = 0;
  bool workers_are_busy_ = false;
};

TEST_F(InfluxWrite, WaitsForTheSyncUnlessTheDatabaseDoesNot) {
  const auto strict = v1("db=d", "m v=1 1");
  EXPECT_EQ(strict.awaited.synced, 1001u);
  engine_.is_relaxed = true;
  const auto relaxed = v1("db=d", "m v=1 1");
  EXPECT_EQ(relaxed.response.status, 204);
  EXPECT_EQ(relaxed.awaited.synced, 0u);
  EXPECT_EQ(relaxed.awaited.written, 1002u);
}

TEST_F(InfluxWrite, StoresAndAnswersNothing) {
  const auto reply = v1("db=d&precision=s", "cpu,host=a v=1 5\ncpu,host=b v=2i\n");
  EXPECT_EQ(text(reply), "204 ");
  EXPECT_EQ(reply.awaited.synced, 1001u);
  EXPECT_EQ(engine_.points, (std::vector<std::string>{"d cpu,host=a v=1 @5000000000", "d cpu,host=b v=2i @" + std::to_string(kNow)}));
  EXPECT_EQ(header(reply, "X-Influxdb-Version"), "1.8.10");
  EXPECT_EQ(header(reply, "X-Influxdb-Build"), "OSS");
  EXPECT_EQ(header(reply, "Request-Id").size(), 36u);
  EXPECT_EQ(header(v1("db=d", "", {{"X-Request-Id", "mine"}}), "Request-Id"), "mine");
}

TEST_F(InfluxWrite, AnEmptyBodyIsFineAndNeedsNoCommit) {
  for (const std::string body : {"", "\n\n", "# comment\n"}) {
    const auto reply = v1("db=d", body);
    EXPECT_EQ(text(reply), "204 ") << body;
    EXPECT_EQ(reply.awaited.synced, 0u);
  }
}

TEST_F(InfluxWrite, SaysWhereItCannotWrite) {
  EXPECT_EQ(text(v1("", "a v=1")), "400 {\"error\":\"database is required\"}\n");
  EXPECT_EQ(text(v1("db=", "")), "400 {\"error\":\"database is required\"}\n");
  const auto unknown = v1("db=nope", "a v=1");
  EXPECT_EQ(text(unknown), "404 {\"error\":\"database not found: \\\"nope\\\"\"}\n");
  EXPECT_EQ(header(unknown, "X-Influxdb-Error"), "database not found: \"nope\"");
  EXPECT_EQ(text(v1("db=d&rp=nope", "a v=1")), "404 {\"error\":\"retention policy not found: nope\"}\n");
  EXPECT_EQ(text(v1("db=d&rp=autogen", "a v=1")), "204 ");
  EXPECT_EQ(text(v1("db=d&precision=fortnight", "a v=1")), "400 {\"error\":\"invalid precision \\\"fortnight\\\" (use ns, us, ms, s, m or h)\"}\n");
}

TEST_F(InfluxWrite, TakesEveryPrecision) {
  const std::pair<std::string, std::string> cases[] = {{"n", "7"},           {"ns", "7"},          {"u", "7000"},        {"us", "7000"},
                                                       {"ms", "7000000"},    {"s", "7000000000"},  {"m", "420000000000"}, {"h", "25200000000000"}};
  for (const auto& [name, wanted] : cases) {
    engine_.points.clear();
    EXPECT_EQ(text(v1("db=d&precision=" + name, "a v=1 7")), "204 ");
    EXPECT_EQ(engine_.points, std::vector<std::string>{"d a v=1 @" + wanted}) << name;
  }
}

// The error texts are InfluxDB 1.6.7's answers to the same bodies; "lines" is ours.
TEST_F(InfluxWrite, ReportsBadLinesAndStoresTheOthers) {
  const auto reply = v1("db=d", "good v=1 1\nbad v=\nbad2\ngood v=2 2\n");
  EXPECT_EQ(text(reply),
            "400 {\"error\":\"partial write: unable to parse 'bad v=': missing field value\\nunable to parse 'bad2': missing fields dropped=0\","
            "\"lines\":[{\"line\":2,\"error\":\"unable to parse 'bad v=': missing field value\"},{\"line\":3,\"error\":\"unable to parse 'bad2': missing fields\"}]}\n");
  EXPECT_EQ(engine_.points.size(), 2u);
  EXPECT_EQ(reply.awaited.synced, 1001u);
  EXPECT_TRUE(text(v1("db=d", "bad v=\nbad2\n")).starts_with("400 {\"error\":\"unable to parse 'bad v=': missing field value\\nunable to parse 'bad2': missing fields\","));
}

TEST_F(InfluxWrite, ReportsWhatTheStoreRefused) {
  const std::string conflict = "field type conflict: input field \\\"conflict\\\" on measurement \\\"tc\\\" is type string, already exists as type float";
  EXPECT_EQ(text(v1("db=d", "tc conflict=1 2\ntc conflict=3i 3\nok v=1 1")),
            "400 {\"error\":\"partial write: " + conflict + " dropped=2\",\"lines\":[{\"line\":1,\"error\":\"" + conflict + "\"},{\"line\":2,\"error\":\"" + conflict + "\"}]}\n");
  EXPECT_TRUE(text(v1("db=d", "tc conflict=1 2\nbad")).starts_with(
      "400 {\"error\":\"partial write: unable to parse 'bad': missing fields\\n" + conflict + " dropped=1\""));
  EXPECT_TRUE(text(v1("db=d", "m time=1")).starts_with(
      "400 {\"error\":\"partial write: invalid field name: input field \\\"time\\\" on measurement \\\"m\\\" is invalid dropped=1\""));
}

TEST_F(InfluxWrite, UnpacksGzipWithinItsLimit) {
  EXPECT_EQ(text(v1("db=d", gzip("a v=1 1\n"), {{"Content-Encoding", "gzip"}})), "204 ");
  EXPECT_EQ(engine_.points, std::vector<std::string>{"d a v=1 @1"});
  EXPECT_EQ(v1("db=d", "a v=1", {{"Content-Encoding", "gzip"}}).response.status, 400);
  EXPECT_EQ(text(v1("db=d", "a v=1", {{"Content-Encoding", "br"}})), "400 {\"error\":\"Content-Encoding \\\"br\\\" is not known here (use gzip or none)\"}\n");
  make({.body_bytes_max = 1000});
  EXPECT_EQ(text(v1("db=d", gzip(std::string(100'000, '\n')), {{"Content-Encoding", "gzip"}})),
            "413 {\"error\":\"the body unpacks to more than 1000 bytes\"}\n");
}

TEST_F(InfluxWrite, LargeBodiesGoInPieces) {
  std::string body;
  for (int i = 0; i < 30'000; ++i) body += "m v=" + std::to_string(i) + " " + std::to_string(i + 1) + "\n";
  body += "bad\n";
  const auto reply = v1("db=d", body);
  EXPECT_EQ(reply.response.status, 400);
  EXPECT_EQ(engine_.points.size(), 30'000u);
  EXPECT_GT(engine_.writes, 2u);
  EXPECT_EQ(reply.awaited.synced, 1000 + engine_.writes);
  EXPECT_NE(reply.response.body.find("\"line\":30001"), std::string::npos);
}

TEST_F(InfluxWrite, OverloadAsksToComeBack) {
  engine_.failure = Error{ErrorCode::kOverloaded, "the journal is full"};
  const auto one = v1("db=d", "a v=1");
  EXPECT_EQ(text(one), "503 {\"error\":\"the journal is full\"}\n");
  EXPECT_EQ(header(one, "Retry-After"), "1");
  EXPECT_EQ(one.awaited.synced, 0u);
  EXPECT_EQ(text(v2("bucket=d", "a v=1")), "503 {\"code\":\"unavailable\",\"message\":\"the journal is full\"}\n");
  engine_.failure = Error{ErrorCode::kIoError, "disk full"};
  EXPECT_EQ(v1("db=d", "a v=1").response.status, 500);
}

TEST_F(InfluxWrite, VersionTwoFindsBuckets) {
  EXPECT_EQ(text(v2("org=o&bucket=d&precision=ms", "a v=1 7", {{"Authorization", "Token x"}})), "204 ");
  EXPECT_EQ(engine_.points, std::vector<std::string>{"d a v=1 @7000000"});
  EXPECT_EQ(text(v2("bucket=d/autogen", "a v=1")), "204 ");
  EXPECT_EQ(text(v2("bucket=d/", "a v=1")), "204 ");
  EXPECT_EQ(text(v2("bucket=d%2Fautogen", "a v=1")), "204 ");
  EXPECT_EQ(text(v2("org=o", "a v=1")), "400 {\"code\":\"invalid\",\"message\":\"bucket is required: name a database, or database/retention policy\"}\n");
  EXPECT_EQ(text(v2("bucket=nope", "a v=1")),
            "404 {\"code\":\"not found\",\"message\":\"bucket \\\"nope\\\" not found; make it with the query CREATE DATABASE \\\"nope\\\" at /query\"}\n");
  EXPECT_TRUE(text(v2("bucket=d", "bad")).starts_with("400 {\"code\":\"invalid\",\"message\":\"unable to parse 'bad': missing fields\",\"lines\":[{\"line\":1,"));
}

TEST_F(InfluxWrite, VersionTwoMakesBucketsWhereItIsTold) {
  make({.create_buckets = true});
  EXPECT_EQ(text(v2("bucket=fresh", "a v=1 1")), "204 ");
  EXPECT_EQ(engine_.points, std::vector<std::string>{"fresh a v=1 @1"});
  EXPECT_EQ(v2("bucket=other/policy", "a v=1 1").response.status, 404);
}

TEST_F(InfluxWrite, AnswersOverHttpAfterTheCommit) {
  TestServer server([this](net::HttpRequest request, net::HttpResponder responder) {
    if (!commits_) {
      net::EventLoop* const loop = request.loop;
      commits_ = std::make_unique<journal::CommitQueue>(journal_, [loop](journal::CommitQueue::Task task) { loop->post(std::move(task)); });
    }
    resource_->handle_v1(std::move(request), std::move(responder));
  });
  // The fake engine's Lsns are above 1000; the journal counts its records.
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(journal_.append(journal::RecordType::kPoints, "x", "").has_value());
  const auto post = [&](const std::string& body) {
    return server.ask("POST /write?db=d HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  };
  const Answer small = post("a v=1 1\n");
  EXPECT_EQ(small.status, 204);
  EXPECT_NE(small.head.find("X-Influxdb-Version: 1.8.10"), std::string::npos);
  EXPECT_EQ(background_tasks_, 0);

  std::string large;
  while (large.size() < 300'000) large += "a v=1 1\n";
  EXPECT_EQ(post(large).status, 204);
  EXPECT_EQ(background_tasks_, 1);
  EXPECT_EQ(engine_.points.size(), 1 + large.size() / 8);

  workers_are_busy_ = true;
  EXPECT_EQ(post(large).status, 503);
  EXPECT_EQ(post("bad").status, 400);
}

}  // namespace
}  // namespace campanile::api
