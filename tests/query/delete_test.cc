// DELETE and DROP DATABASE beside what they erase: what the audit log keeps of them, and where DELETE stops.
#include "query/languages/influxql/delete.h"

#include <gtest/gtest.h>

#include "influx.h"
#include "stored_engine.h"

namespace campanile::query::influxql {
namespace {

class Delete : public ::testing::Test {
 protected:
  Delete() {
    audit_->start(journal_);
    stored_.load("db0", "data,room=301 value=1 1000000000\ndata,room=302 value=2 1000000000\ndata,room=302 value=3 2000000000\n");
  }

  std::string run(std::string_view text, std::function<bool()> cancelled = {}) {
    std::string body;
    const auto sink = make_response(Format::kJson, {}, [&](std::string piece) -> Result<void> {
      body += piece;
      return {};
    });
    const RunOptions options{.database = "db0", .context = {.cancelled = std::move(cancelled), .cancelled_message = "query-timeout limit exceeded"},
                             .audit = audit_.get(), .user = "campus", .reason = "a test"};
    EXPECT_TRUE(influxql::run(parse(text).value(), stored_.engine(), options, *sink));
    return body;
  }
  std::vector<audit::AuditEntry> entries() { return audit_->list({}).value(); }

  std::unique_ptr<kv::Store> store_ = kv::make_memory_store();
  tsdb::FakeJournal journal_;
  ManualClock clock_{1'700'000'000'000'000'000};
  std::unique_ptr<audit::AuditLog> audit_ = audit::AuditLog::open({}, *store_, clock_).value();
  testing::StoredEngine stored_;
};

TEST_F(Delete, IsRecordedWithWhatItErased) {
  EXPECT_EQ(run("DELETE FROM data WHERE room = '302' AND time < 2s").find("error"), std::string::npos);
  const auto found = entries();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, "delete");
  EXPECT_EQ(found[0].state, audit::State::kFinished);
  EXPECT_EQ(found[0].who, "campus");
  EXPECT_EQ(found[0].why, "a test");
  EXPECT_EQ(found[0].what, "DELETE FROM data WHERE room = '302' AND time < 2s");
  EXPECT_EQ(found[0].database, "db0");
  EXPECT_EQ(found[0].from_ns, INT64_MIN);
  EXPECT_EQ(found[0].to_ns, 1'999'999'999);
  EXPECT_EQ(found[0].series, 1u);
  EXPECT_EQ(found[0].values, 1u);
}

TEST_F(Delete, ThatErasesNothingByMistakeLeavesNoEntry) {
  run("DELETE FROM nothing");
  EXPECT_NE(run("DELETE FROM data WHERE value > 1").find("fields not supported"), std::string::npos);
  EXPECT_TRUE(entries().empty());
}

TEST_F(Delete, StopsWhenItIsCancelledAndSaysHowFarItCame) {
  const std::string answer = run("DELETE FROM data", [] { return true; });
  EXPECT_NE(answer.find("query-timeout limit exceeded: 0 values of 0 series were erased; 2 series of retention policy autogen and what follows are as they were"), std::string::npos) << answer;
  const auto found = entries();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].state, audit::State::kFailed);
  EXPECT_NE(found[0].note.find("2 series of retention policy autogen"), std::string::npos);
  EXPECT_NE(run("SELECT count(value) FROM data").find("3"), std::string::npos);
}

TEST_F(Delete, DroppingADatabaseIsRecordedToo) {
  run("DROP DATABASE db0; DROP DATABASE nothing");
  const auto found = entries();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].database, "nothing");
  EXPECT_EQ(found[0].series, 0u);
  EXPECT_EQ(found[1].kind, "drop_database");
  EXPECT_EQ(found[1].what, "DROP DATABASE db0");
  EXPECT_EQ(found[1].series, 2u);
  EXPECT_EQ(found[1].state, audit::State::kFinished);
}

TEST_F(Delete, IsNotDoneWhereItCannotBeRecorded) {
  journal_.refuse(ErrorCode::kIoError);
  EXPECT_NE(run("DELETE FROM data").find("told to refuse"), std::string::npos);
  EXPECT_NE(run("DROP DATABASE db0").find("told to refuse"), std::string::npos);
  EXPECT_NE(run("SELECT count(value) FROM data").find("3"), std::string::npos);
}

TEST(ParseCondition, TakesWhatMayStandBehindWhereAndNothingMore) {
  EXPECT_EQ(to_string(parse_condition("room = '302' AND kind =~ /^t/").value()), "room = '302' AND kind =~ /^t/");
  EXPECT_FALSE(parse_condition(""));
  EXPECT_FALSE(parse_condition("room = "));
  EXPECT_EQ(parse_condition("room = '302'; DROP DATABASE db0").error().message, "found ;, expected EOF at line 1, char 13");
}

}  // namespace
}  // namespace campanile::query::influxql
