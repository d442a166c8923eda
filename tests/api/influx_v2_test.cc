// Buckets and deleting as clients of InfluxDB 2 ask for them.
#include "api/influx_v2.h"

#include <gtest/gtest.h>

#include "kv/store.h"
#include "test_server.h"
#include "tests/tsdb/fake_journal.h"

namespace campanile::api {
namespace {

using Kind = tsdb::TagPredicate::Kind;

TEST(DeletePredicate, IsComparisonsWithAndBetween) {
  const auto points = parse_delete_predicate(R"(_measurement="data" AND "tag one" = 'x' and room="3\"0\\2")").value();
  EXPECT_EQ(points.measurements, std::vector<std::string>{"data"});
  ASSERT_EQ(points.predicate.kind, Kind::kAnd);
  EXPECT_EQ(points.predicate.children[0].key, "tag one");
  EXPECT_EQ(points.predicate.children[0].value, "x");
  EXPECT_EQ(points.predicate.children[1].value, "3\"0\\2");
  EXPECT_TRUE(parse_delete_predicate("  ").value().measurements.empty());
}

TEST(DeletePredicate, SaysWhereItIsWrong) {
  const auto refusal = [](std::string_view text) { return parse_delete_predicate(text).error().message; };
  EXPECT_EQ(refusal(R"(a="b" OR c="d")"), "member predicate: found 'OR c=\"d\"' at character 7, wanted AND");
  EXPECT_EQ(refusal("a=b"), "member predicate: found 'b' at character 3, wanted a value in quotes");
  EXPECT_EQ(refusal("a=~/b/"), "member predicate: found '=~/b/' at character 2, wanted =, the only comparison that deleting knows");
  EXPECT_EQ(refusal("a=\"b"), "member predicate: found '\"b' at character 3, wanted an end to the quotes");
  EXPECT_EQ(refusal(R"(_measurement="a" AND _measurement="b")"), "member predicate: no point has two measurements");
  EXPECT_EQ(refusal(R"(_field="a")"), "member predicate: single fields cannot be deleted, only points");
}

class V2Server : public testing::Test {
 protected:
  V2Server() {
    engine_->start(journal_);
    audit_->start(journal_);
    EXPECT_TRUE(engine_->create_database("db0"));
    PointBatch batch;
    for (int64_t i = 0; i < 4; ++i) {
      batch.begin_point("data");
      batch.add_tag("room", i % 2 == 0 ? "301" : "302");
      batch.add_field("value", FieldValue::of_float(static_cast<double>(i)));
      batch.set_time(i * 1'000'000'000);
      batch.end_point();
    }
    EXPECT_TRUE(engine_->write(*engine_->bucket("db0", ""), batch, 0));
  }
  ~V2Server() override { engine_->stop(); }

  Answer ask(const std::string& method, const std::string& target, const std::string& body = "") {
    const Background at_once = [](std::move_only_function<void()> task) {
      task();
      return true;
    };
    InfluxV2Resource resource(*engine_, *audit_, clock_, std::chrono::seconds(10), at_once);
    TestServer server([&resource](auto request, auto responder) {
      request.user = "campus";
      const bool deletes = request.path == "/api/v2/delete";
      deletes ? resource.handle_delete(std::move(request), std::move(responder)) : resource.handle_buckets(std::move(request), std::move(responder));
    });
    return server.ask(method + " " + target + " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  size_t points_left() {
    size_t count = 0;
    const auto reader = engine_->reader(*engine_->bucket("db0", "")).value();
    const auto all = reader->series("data", {}).value();
    for (const tsdb::Series& series : all) {
      const auto cursor = reader->column(series.id, "value", {}, tsdb::Order::kAscending).value();
      while (cursor->next().value()) count += cursor->values()->times_ns.size();
    }
    return count;
  }

  ManualClock clock_{1'700'000'000'000'000'000};
  std::unique_ptr<kv::Store> store_ = kv::make_memory_store();
  tsdb::FakeJournal journal_;
  std::unique_ptr<tsdb::Engine> engine_ = tsdb::Engine::open({}, *store_, clock_).value();
  std::unique_ptr<audit::AuditLog> audit_ = audit::AuditLog::open({}, *store_, clock_).value();
};

TEST_F(V2Server, ListsMakesAndDropsBuckets) {
  EXPECT_NE(ask("GET", "/api/v2/buckets").body.find(R"("name":"db0/autogen","rp":"autogen","retentionRules":[])"), std::string::npos);
  const Answer made = ask("POST", "/api/v2/buckets", R"({"name":"db0/month","orgID":"x","retentionRules":[{"type":"expire","everySeconds":2592000}]})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(engine_->retention_policies("db0").value()[1].duration_ns, 2'592'000'000'000'000);
  EXPECT_EQ(ask("POST", "/api/v2/buckets", R"({"name":"db0/month"})").status, 422);
  EXPECT_EQ(ask("POST", "/api/v2/buckets", R"({"name":"new","retentionRules":[{"everySeconds":7200}]})").status, 201);
  EXPECT_EQ(engine_->retention_policies("new").value()[0].duration_ns, 7'200'000'000'000);
  EXPECT_EQ(ask("GET", "/api/v2/buckets?name=db0").body.find("month"), std::string::npos) << "the default one";
  const std::string id = made.body.substr(made.body.find("\"id\":\"") + 6, 16);
  EXPECT_EQ(ask("DELETE", "/api/v2/buckets/" + id).status, 204);
  EXPECT_EQ(ask("DELETE", "/api/v2/buckets/" + id).status, 404);
  EXPECT_EQ(engine_->retention_policies("db0").value().size(), 1u);
  EXPECT_EQ(audit_->list({}).value()[0].who, "campus");
}

TEST_F(V2Server, DeletesWhatThePredicateSays) {
  const Answer done = ask("POST", "/api/v2/delete?bucket=db0/autogen&org=x", R"({"start":"1970-01-01T00:00:00Z","stop":"1970-01-01T00:00:02Z","predicate":"_measurement=\"data\" AND room=\"301\""})");
  EXPECT_EQ(done.status, 204) << done.body;
  EXPECT_EQ(points_left(), 3u) << "stop is not part of it";
  EXPECT_EQ(ask("POST", "/api/v2/delete?bucket=db0", R"({"start":"1970-01-01T00:00:00Z","stop":"2100-01-01T00:00:00Z"})").status, 204);
  EXPECT_EQ(points_left(), 0u);
  EXPECT_EQ(audit_->list({}).value().size(), 2u);
}

TEST_F(V2Server, SaysWhatIsWrong) {
  EXPECT_EQ(ask("POST", "/api/v2/delete", "{}").body, R"({"code":"invalid","message":"bucket is required: name a database, or database/retention policy"})");
  EXPECT_EQ(ask("POST", "/api/v2/delete?bucket=nix", "{}").status, 404);
  EXPECT_EQ(ask("POST", "/api/v2/delete?bucket=db0", "[]").body, R"({"code":"invalid","message":"the body '[]' is no JSON object"})");
  EXPECT_EQ(ask("POST", "/api/v2/delete?bucket=db0", R"({"start":"x","stop":"y"})").status, 400);
  EXPECT_EQ(ask("POST", "/api/v2/delete?bucket=db0", R"({"start":"1970-01-02T00:00:00Z","stop":"1970-01-01T00:00:00Z"})").body, R"({"code":"invalid","message":"start is not before stop"})");
  EXPECT_EQ(ask("POST", "/api/v2/buckets", R"({"name":""})").status, 400);
  EXPECT_EQ(ask("POST", "/api/v2/buckets", R"({"name":"a","retentionRules":[{"everySeconds":"x"}]})").status, 400);
  EXPECT_EQ(points_left(), 4u);
}

}  // namespace
}  // namespace campanile::api
