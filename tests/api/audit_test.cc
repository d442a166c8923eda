#include "api/audit.h"

#include <gtest/gtest.h>

#include "kv/store.h"
#include "test_server.h"
#include "tests/tsdb/fake_journal.h"

namespace campanile::api {
namespace {

class AuditServer : public testing::Test {
 protected:
  AuditServer() {
    log_->start(journal_);
    log_->finish(log_->begin({.kind = "delete", .who = "campus", .what = "DELETE FROM data", .database = "db0", .to_ns = 1'000'000'000}).value());
    clock_.advance_ns(5'000'000'000);
    EXPECT_TRUE(log_->begin({.kind = "correction", .who = "loopback", .what = "{}", .why = "calibrated"}));
  }
  Answer get(const std::string& parameters) {
    const Background at_once = [](std::move_only_function<void()> task) {
      task();
      return true;
    };
    AuditResource resource(*log_, at_once);
    TestServer server([&resource](auto request, auto responder) { resource.handle(std::move(request), std::move(responder)); });
    return server.get("/api/v1/audit?" + parameters);
  }

  ManualClock clock_{1'700'000'000'000'000'000};
  std::unique_ptr<kv::Store> store_ = kv::make_memory_store();
  tsdb::FakeJournal journal_;
  std::unique_ptr<audit::AuditLog> log_ = audit::AuditLog::open({}, *store_, clock_).value();
};

constexpr std::string_view kErased =
    R"({"id":1,"time_ms":1700000000000,"state":"finished","ended_ms":1700000000000,"kind":"delete","who":"campus","what":"DELETE FROM data","why":"","database":"db0","start":null,"end":"1970-01-01T00:00:01Z","series":0,"values":0,"note":""})";
constexpr std::string_view kCorrected =
    R"({"id":2,"time_ms":1700000005000,"state":"begun","ended_ms":null,"kind":"correction","who":"loopback","what":"{}","why":"calibrated","database":"","start":null,"end":null,"series":0,"values":0,"note":""})";

TEST_F(AuditServer, AnswersNewestFirst) {
  EXPECT_EQ(get("").body, fmt::format("{{\"kept\":2,\"dropped\":0,\"entries\":[{},{}]}}\n", kCorrected, kErased));
  EXPECT_EQ(get("limit=1").body, fmt::format("{{\"kept\":2,\"dropped\":0,\"entries\":[{}]}}\n", kCorrected));
  EXPECT_EQ(get("before=2").body, fmt::format("{{\"kept\":2,\"dropped\":0,\"entries\":[{}]}}\n", kErased));
  EXPECT_EQ(get("kind=delete").body, fmt::format("{{\"kept\":2,\"dropped\":0,\"entries\":[{}]}}\n", kErased));
  EXPECT_EQ(get("since=1700000001000").body, fmt::format("{{\"kept\":2,\"dropped\":0,\"entries\":[{}]}}\n", kCorrected));
}

TEST_F(AuditServer, SaysWhatIsWrong) {
  EXPECT_EQ(get("limit=0").status, 400);
  EXPECT_EQ(get("since=yesterday").status, 400);
  EXPECT_NE(get("format=xml").body.find("json or jsonl is wanted"), std::string::npos);
}

}  // namespace
}  // namespace campanile::api
