// Requests for corrections, and their answers; that values are corrected once is tests/tsdb's.
#include "api/corrections.h"

#include <gtest/gtest.h>

#include "kv/store.h"
#include "test_server.h"
#include "tests/tsdb/fake_journal.h"

namespace campanile::api {
namespace {

std::string body(std::string_view members) {
  return R"({"database": "db0", "measurement": "data", "field": "value", "start": 1000, "end": "1970-01-01T00:00:02Z")" + std::string(members) + "}";
}

std::string refusal(std::string_view members) {
  const auto order = read_correction(body(members));
  return order ? "taken" : order.error().message;
}

TEST(ReadCorrection, TakesWhatIsNamed) {
  const auto order = read_correction(body(R"(, "where": "room = '302'", "factor": 1.5, "offset": -2, "reason": "calibrated", "dry_run": true, "retention_policy": "day")"));
  ASSERT_TRUE(order) << order.error().message;
  EXPECT_EQ(order->database, "db0");
  EXPECT_EQ(order->retention_policy, "day");
  EXPECT_EQ(order->measurements, std::vector<std::string>{"data"});
  EXPECT_EQ(order->where, "room = '302'");
  EXPECT_EQ(order->reason, "calibrated");
  EXPECT_TRUE(order->dry_run);
  EXPECT_EQ(order->request.field, "value");
  EXPECT_EQ(order->request.points.measurements, order->measurements);
  EXPECT_EQ(order->request.points.range.from_ns, 1'000'000'000);
  EXPECT_EQ(order->request.points.range.to_ns, 2'000'000'000);
  ASSERT_NE(order->request.correction.scaling(), nullptr);
  EXPECT_EQ(order->request.correction.scaling()->factor, 1.5);
  EXPECT_EQ(order->request.correction.scaling()->offset, -2);
}

TEST(ReadCorrection, ConstantsKeepTheirTypes) {
  const auto constant = [](std::string_view value) { return read_correction(body(", \"value\": " + std::string(value)))->request.correction; };
  EXPECT_EQ(*constant("5").constant(), FieldValue::of_integer(5));
  EXPECT_EQ(*constant("18446744073709551615").constant(), FieldValue::of_unsigned(UINT64_MAX));
  EXPECT_EQ(*constant("5.5").constant(), FieldValue::of_float(5.5));
  EXPECT_EQ(*constant("false").constant(), FieldValue::of_boolean(false));
  const tsdb::Correction text = constant("\"off\"");
  EXPECT_EQ(*text.constant(), FieldValue::of_string("off"));
}

TEST(ReadCorrection, SaysWhatIsWrong) {
  EXPECT_NE(refusal("").find("neither factor nor offset nor value is there"), std::string::npos);
  EXPECT_NE(refusal(R"(, "value": null)").find("member value: a number, true or false, or a text is wanted"), std::string::npos);
  EXPECT_NE(refusal(R"(, "value": 1, "offset": 1)").find("either the one or the others are wanted"), std::string::npos);
  EXPECT_NE(refusal(R"(, "factor": 1, "measurements": ["a"])").find("one of measurement and measurements is wanted"), std::string::npos);
  EXPECT_NE(refusal(R"(, "factor": 1, "dry_run": 1)").find("member dry_run: true or false is wanted"), std::string::npos);
  EXPECT_NE(refusal(R"(, "factor": 1, "colour": 1)").find("member 'colour' is not known"), std::string::npos);
  EXPECT_NE(read_correction("[]").error().message.find("the body is no JSON object"), std::string::npos);
  EXPECT_NE(read_correction("{}").error().message.find("member database is missing"), std::string::npos);
  EXPECT_NE(read_correction(R"({"database": "d", "measurements": [], "field": "f", "start": 0, "end": 1, "factor": 1})").error().message.find("a list of names is wanted"), std::string::npos);
  EXPECT_NE(read_correction(R"({"database": "d", "measurement": "m", "field": "f", "start": 2, "end": 1, "factor": 1})").error().message.find("start is after end"), std::string::npos);
  EXPECT_NE(read_correction(R"({"database": "d", "measurement": "m", "field": "f", "start": 9223372036854775807, "end": 1, "factor": 1})").error().message.find("member start is"),
            std::string::npos);
  EXPECT_EQ(read_correction(std::string(2 << 20, ' ')).error().code, ErrorCode::kTooLarge);
}

class CorrectionsServer : public testing::Test {
 protected:
  CorrectionsServer() {
    engine_->start(journal_);
    audit_->start(journal_);
    EXPECT_TRUE(engine_->create_database("db0"));
    PointBatch batch;
    for (int64_t i = 0; i < 4; ++i) {
      batch.begin_point("data");
      batch.add_tag("room", i % 2 == 0 ? "301" : "302");
      batch.add_field("value", FieldValue::of_float(static_cast<double>(i)));
      batch.set_time(1'000'000'000 + i);
      batch.end_point();
    }
    EXPECT_TRUE(engine_->write(*engine_->bucket("db0", ""), batch, 0));
  }
  ~CorrectionsServer() override { engine_->stop(); }

  Answer post(const std::string& body) {
    const Background at_once = [](std::move_only_function<void()> task) {
      task();
      return true;
    };
    CorrectionsResource resource(*engine_, *audit_, clock_, std::chrono::seconds(10), at_once);
    TestServer server([&resource](auto request, auto responder) {
      request.user = "campus";
      resource.handle(std::move(request), std::move(responder));
    });
    return server.ask("POST /api/v1/corrections HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  ManualClock clock_{1'700'000'000'000'000'000};
  std::unique_ptr<kv::Store> store_ = kv::make_memory_store();
  tsdb::FakeJournal journal_;
  std::unique_ptr<tsdb::Engine> engine_ = tsdb::Engine::open({}, *store_, clock_).value();
  std::unique_ptr<audit::AuditLog> audit_ = audit::AuditLog::open({}, *store_, clock_).value();
};

TEST_F(CorrectionsServer, CorrectsAndRecordsInTheRequestersName) {
  const Answer would = post(body(R"(, "where": "room = '302'", "factor": 10, "dry_run": true)"));
  EXPECT_EQ(would.body, R"({"dry_run":true,"audit_id":null,"series":1,"values":2,"values_left":0,"damaged_chunks":0})" "\n");
  EXPECT_TRUE(audit_->list({})->empty());
  const std::string request = body(R"(, "where": "room = '302'", "factor": 10, "reason": "calibrated")");
  const Answer done = post(request);
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(done.body, R"({"dry_run":false,"audit_id":1,"series":1,"values":2,"values_left":0,"damaged_chunks":0})" "\n");
  const auto entries = audit_->list({}).value();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].kind, "correction");
  EXPECT_EQ(entries[0].who, "campus");
  EXPECT_EQ(entries[0].what, request);
  EXPECT_EQ(entries[0].why, "calibrated");
  EXPECT_EQ(entries[0].state, audit::State::kFinished);
  EXPECT_EQ(entries[0].values, 2u);
}

TEST_F(CorrectionsServer, WhatIsRefusedLaterIsRecordedAsFailed) {
  EXPECT_EQ(post(body(R"(, "value": "off")")).status, 400);
  const auto entries = audit_->list({}).value();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].state, audit::State::kFailed);
  EXPECT_NE(entries[0].note.find("the value is of type string, the field of type float"), std::string::npos);
  EXPECT_EQ(post(R"({"database": "none", "measurement": "m", "field": "f", "start": 0, "end": 1, "factor": 1})").status, 404);
  EXPECT_EQ(audit_->list({})->size(), 1u);
}

}  // namespace
}  // namespace campanile::api
