// The HTTP side of /query; what queries answer is tests/query's.

#include "api/influx_query.h"

#include <future>

#include <gtest/gtest.h>
#include <zlib.h>

#include "kv/store.h"
#include "test_server.h"
#include "tests/tsdb/fake_journal.h"

namespace campanile::api {
namespace {

// Tasks run on a thread of their own, or not at all where the test says that nobody can take them.
class QueryServer {
 public:
  explicit QueryServer(InfluxQueryOptions options = {.version = "0.1.0"}) {
    engine_ = std::move(*tsdb::Engine::open({}, *store_, clock_));
    engine_->start(journal_);
    EXPECT_TRUE(engine_->create_database("db0"));
    PointBatch batch;
    for (int64_t i = 1; i <= 3; ++i) {
      batch.begin_point("cpu");
      batch.add_tag("host", i == 3 ? "b" : "a");
      batch.add_field("usage", FieldValue::of_float(static_cast<double>(i) * 1.5));
      batch.set_time(i * 1'000'000'000);
      batch.end_point();
    }
    EXPECT_TRUE(engine_->write(*engine_->bucket("db0", ""), batch, 0));
    resource_ = std::make_unique<InfluxQueryResource>(*engine_, clock_, std::move(options), [this](std::move_only_function<void()> task) {
      if (busy) return false;
      tasks_.push_back(std::async(std::launch::async, std::move(task)));
      return true;
    });
    server_ = std::make_unique<TestServer>([this](auto request, auto responder) { resource_->handle(std::move(request), std::move(responder)); });
  }
  ~QueryServer() {
    server_.reset();
    tasks_.clear();
    engine_->stop();
  }

  Answer get(const std::string& parameters, const std::string& headers = "") { return server_->get("/query?" + parameters, headers); }
  Answer post(const std::string& parameters, const std::string& body, const std::string& type = "application/x-www-form-urlencoded") {
    return server_->ask("POST /query?" + parameters + " HTTP/1.1\r\nHost: test\r\nContent-Type: " + type +
                        "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  bool busy = false;
  ManualClock clock_{100'000'000'000};

 private:
  std::unique_ptr<kv::Store> store_ = kv::make_memory_store();
  tsdb::FakeJournal journal_;
  std::unique_ptr<tsdb::Engine> engine_;
  std::unique_ptr<InfluxQueryResource> resource_;
  std::vector<std::future<void>> tasks_;
  std::unique_ptr<TestServer> server_;
};

constexpr const char* kAll =
    "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"cpu\",\"columns\":[\"time\",\"usage\"],\"values\":[[1,1.5],[2,3],[3,4.5]]}]}]}\n";

TEST(InfluxQuery, AnswersAGetWithTheHeadersOfInfluxDb) {
  QueryServer server;
  const Answer answer = server.get("db=db0&epoch=s&q=SELECT+usage+FROM+cpu");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, kAll);
  EXPECT_NE(answer.head.find("Content-Type: application/json\r\n"), std::string::npos) << answer.head;
  EXPECT_NE(answer.head.find("X-Influxdb-Version: 1.8.10\r\n"), std::string::npos);
  EXPECT_NE(answer.head.find("X-Influxdb-Build: OSS\r\n"), std::string::npos);
  EXPECT_NE(answer.head.find("\r\nRequest-Id: "), std::string::npos);
  EXPECT_NE(answer.head.find("\r\nX-Request-Id: "), std::string::npos);
}

TEST(InfluxQuery, GivesBackTheRequestsOwnIdentifier) {
  QueryServer server;
  EXPECT_NE(server.get("q=SHOW+DATABASES", "X-Request-Id: mine\r\n").head.find("X-Request-Id: mine\r\n"), std::string::npos);
}

TEST(InfluxQuery, TakesAFormAndPrefersItToTheAddress) {
  QueryServer server;
  EXPECT_EQ(server.post("", "db=db0&epoch=s&q=SELECT%20usage%20FROM%20cpu").body, kAll);
  EXPECT_EQ(server.post("db=other&q=SHOW+DATABASES", "db=db0&epoch=s&q=SELECT+usage+FROM+cpu").body, kAll);
  EXPECT_EQ(server.post("db=db0&epoch=s&q=SELECT+usage+FROM+cpu", "ignored", "text/plain").body, kAll);
}

TEST(InfluxQuery, RefusesWhatItCannotRead) {
  QueryServer server;
  for (const std::string nothing : {"", "q=", "q=%20%20"}) {
    const Answer answer = server.get(nothing);
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, "{\"error\":\"missing required parameter \\\"q\\\"\"}\n");
    EXPECT_NE(answer.head.find("X-Influxdb-Error: missing required parameter \"q\"\r\n"), std::string::npos);
  }
  const Answer unparsed = server.get("q=SELECT");
  EXPECT_EQ(unparsed.status, 400);
  EXPECT_EQ(unparsed.body, "{\"error\":\"error parsing query: found EOF, expected identifier, string, number, bool at line 1, char 8\"}\n");
  EXPECT_EQ(server.get("q=SHOW+DATABASES&params=%7B").status, 400);
  EXPECT_EQ(server.get("q=SHOW+DATABASES&params=3").status, 400);
}

TEST(InfluxQuery, AnErrorOfAStatementIsAResult) {
  QueryServer server;
  const Answer answer = server.get("db=nosuch&q=SELECT+usage+FROM+cpu");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "{\"results\":[{\"statement_id\":0,\"error\":\"database not found: nosuch\"}]}\n");
  EXPECT_EQ(server.get("q=SELECT+usage+FROM+cpu").body, "{\"results\":[{\"statement_id\":0,\"error\":\"database name required\"}]}\n");
}

TEST(InfluxQuery, TellsTimesInTheUnitAskedFor) {
  QueryServer server;
  const auto first_time = [&](const std::string& epoch) {
    const std::string body = server.get("db=db0&q=SELECT+usage+FROM+cpu+LIMIT+1" + epoch).body;
    const size_t at = body.find("[[") + 2;
    return body.substr(at, body.find(',', at) - at);
  };
  EXPECT_EQ(first_time(""), "\"1970-01-01T00:00:01Z\"");
  EXPECT_EQ(first_time("&epoch=ns"), "1000000000");
  EXPECT_EQ(first_time("&epoch=u"), "1000000");
  EXPECT_EQ(first_time("&epoch=%C2%B5"), "1000000");
  EXPECT_EQ(first_time("&epoch=ms"), "1000");
  EXPECT_EQ(first_time("&epoch=h"), "0");
}

TEST(InfluxQuery, BindsParameters) {
  QueryServer server;
  const std::string query = "db=db0&epoch=s&q=SELECT+%24f+FROM+cpu+WHERE+usage+%3E+%24low+AND+host+%3D~+%24re+AND+time+%3C+%24until";
  const Answer answer = server.get(query + "&params=%7B%22f%22:%7B%22identifier%22:%22usage%22%7D,%22low%22:1.5,%22re%22:%7B%22regex%22:%22a%7Cb%22%7D,%22until%22:%7B%22duration%22:%223s%22%7D%7D");
  EXPECT_EQ(answer.body, "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"cpu\",\"columns\":[\"time\",\"usage\"],\"values\":[[2,3]]}]}]}\n");
  EXPECT_EQ(server.get("db=db0&q=SELECT+usage+FROM+cpu+WHERE+host+%3D+%24x&params=%7B%22x%22:%5B1%5D%7D").body,
            "{\"error\":\"error parsing query: missing parameter: unable to bind parameter with type []interface {}\"}\n");
}

TEST(InfluxQuery, AnswersInCsv) {
  QueryServer server;
  const Answer answer = server.get("db=db0&epoch=s&q=SELECT+usage+FROM+cpu+GROUP+BY+host", "Accept: application/csv\r\n");
  EXPECT_EQ(answer.body, "name,tags,time,usage\ncpu,host=a,1,1.5\ncpu,host=a,2,3\ncpu,host=b,3,4.5\n");
  EXPECT_NE(answer.head.find("Content-Type: text/csv\r\n"), std::string::npos);
}

TEST(InfluxQuery, CompressesWhereItMay) {
  QueryServer server;
  const Answer answer = server.get("db=db0&epoch=s&q=SELECT+usage+FROM+cpu", "Accept-Encoding: gzip\r\n");
  EXPECT_NE(answer.head.find("Content-Encoding: gzip\r\n"), std::string::npos);
  z_stream stream{};
  ASSERT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string plain(1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(answer.body.data()));
  stream.avail_in = static_cast<uInt>(answer.body.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  plain.resize(stream.total_out);
  inflateEnd(&stream);
  EXPECT_EQ(plain, kAll);
}

TEST(InfluxQuery, SendsChunksOneAfterTheOther) {
  QueryServer server;
  const Answer answer = server.get("db=db0&epoch=s&chunked=true&chunk_size=2&q=SELECT+usage+FROM+cpu", "Connection: close\r\n");
  EXPECT_NE(answer.head.find("Transfer-Encoding: chunked\r\n"), std::string::npos) << answer.head;
  EXPECT_NE(answer.body.find("\"values\":[[1,1.5],[2,3]],\"partial\":true}],\"partial\":true}]}\n"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("\"values\":[[3,4.5]]}]}]}\n"), std::string::npos);
  EXPECT_TRUE(answer.body.ends_with("0\r\n\r\n"));
}

TEST(InfluxQuery, WarnsOfWritesInAGet) {
  QueryServer server;
  EXPECT_NE(server.get("q=CREATE+DATABASE+x").body.find("deprecated use of 'CREATE DATABASE x' in a read only context"), std::string::npos);
  EXPECT_EQ(server.post("", "q=CREATE+DATABASE+y").body, "{\"results\":[{\"statement_id\":0}]}\n");
  EXPECT_NE(server.get("q=SHOW+DATABASES").body.find(R"([["db0"],["x"],["y"]])"), std::string::npos);
}

TEST(InfluxQuery, AnswersBusyWhereNoWorkerCanTakeIt) {
  QueryServer server;
  server.busy = true;
  const Answer answer = server.get("q=SHOW+DATABASES");
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.body.find("too many queries"), std::string::npos);
  EXPECT_NE(answer.head.find("Retry-After: 1\r\n"), std::string::npos);
}

TEST(InfluxQuery, KeepsItsLimits) {
  QueryServer server({.limits = {.rows_max = 2}, .version = "0.1.0"});
  EXPECT_NE(server.get("db=db0&q=SELECT+usage+FROM+cpu").body.find("more than 2 rows"), std::string::npos);
  EXPECT_EQ(server.post("", "q=" + std::string(20 << 20, 'x')).status, 413);
}

}  // namespace
}  // namespace campanile::api
