#include "ingest/pipeline.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/ingest/fakes.h"

namespace campanile::ingest {
namespace {

constexpr int64_t kNow = 1'700'000'000'000'000'000;

struct Listener final : StoredListener {
  void on_stored(tsdb::BucketId, const PointBatch& batch, int64_t now_ns) override {
    for (const auto& point : batch.points()) {
      std::string text;
      append_series_key(text, point.measurement, batch.tags(point));
      for (const Field& field : batch.fields(point)) text += " " + std::string(field.name) + "=" + to_string(field.value);
      heard.push_back(text + " @" + std::to_string(point.has_time ? point.time_ns : now_ns));
    }
  }
  std::vector<std::string> heard;
};

class Pipeline : public testing::Test {
 protected:
  void SetUp() override { rejected_->start(journal_, nullptr); }
  Ingest& ingest(IngestOptions options = {}) {
    if (!ingest_) {
      auto opened = Ingest::open(options, engine_, *rejected_, clock_, metrics_);
      EXPECT_TRUE(opened.has_value()) << opened.error().message;
      ingest_ = std::move(*opened);
      ingest_->add_listener(listener_);
    }
    return *ingest_;
  }
  Result<journal::Awaited> send(std::string_view topic, std::string_view payload) {
    return ingest().accept({.topic = topic, .payload = payload, .client_id = "neosensor-17", .received_ns = kNow});
  }
  RejectedMessage last_rejected() {
    const auto page = rejected_->list(1, 0).value();
    return page.messages.empty() ? RejectedMessage() : page.messages[0];
  }

  ManualClock clock_{kNow};
  Metrics metrics_;
  FakeJournal journal_;
  FakeEngine engine_;
  std::unique_ptr<kv::Store> store_ = kv::make_memory_store();
  std::unique_ptr<RejectedStore> rejected_ = RejectedStore::open({}, *store_).value();
  Listener listener_;
  std::unique_ptr<Ingest> ingest_;
};

TEST_F(Pipeline, AReadingIsStoredAndToldAround) {
  const auto awaited = send("u4/302/temperature", R"({"value":21.375,"value_units":"celsius","subID":"24","unitID":"auto_92f8"})");
  EXPECT_EQ(awaited.value().synced, 1001u);
  const std::string point = "data,building=u4,kind=temperature,location=ut3,room=302,subID=24,unitID=auto_92f8 value=21.375 value_units=\"celsius\" @" + std::to_string(kNow);
  EXPECT_EQ(engine_.points, std::vector<std::string>{"campanile " + point});
  EXPECT_EQ(listener_.heard, std::vector<std::string>{point});
  EXPECT_EQ(ingest().status().messages, 1u);
  EXPECT_EQ(ingest().status().points, 1u);
}

TEST_F(Pipeline, AReadingThatMayBeLostWaitsForNoSync) {
  engine_.is_relaxed = true;
  const auto whole = send("influx/x", "a v=1 1").value();
  EXPECT_EQ(whole.written, 1001u);
  EXPECT_EQ(whole.synced, 0u);
  const auto in_part = send("influx/x", "a v=1 1\nb v=").value();
  EXPECT_EQ(in_part.written, 1002u);
  EXPECT_EQ(in_part.synced, journal_.end()) << "what is rejected is kept as always";
}

// A message that is one unit with its sender's state: what is kept of it is appended by the sender, in one call.
class PipelineUnit : public Pipeline {
 protected:
  Result<journal::Awaited> send(std::string_view topic, std::string_view payload) {
    return ingest().accept({.topic = topic, .payload = payload, .client_id = "p", .received_ns = kNow, .append = &append_});
  }
  std::vector<std::string> units;  // the types of each one's records
  std::optional<Error> failure;

 private:
  journal::AppendFunction append_ = [this](std::span<const journal::NewRecord> records) -> Result<journal::Lsn> {
    if (failure) return std::unexpected(*failure);
    std::string unit;
    for (const journal::NewRecord& record : records) unit += std::to_string(static_cast<int>(record.type));
    units.push_back(unit);
    return 5000 + units.size();
  };
};

TEST_F(PipelineUnit, HasPointsAndRejectedMessageTogether) {
  EXPECT_EQ(send("influx/x", "m v=1").value().synced, 5001u);
  EXPECT_EQ(send("influx/x", "nonsense").value().synced, 5002u);
  EXPECT_EQ(send("influx/x", "m v=2\nnonsense").value().synced, 5003u);
  EXPECT_EQ(send("influx/x", "m v=3\nm conflict=4").value().synced, 5004u);
  EXPECT_EQ(send("influx/x", "m conflict=5").value().synced, 5005u);
  EXPECT_EQ(units, (std::vector<std::string>{"2", "4", "24", "24", "4"}));
  EXPECT_EQ(engine_.points.size(), 3u);
  EXPECT_EQ(rejected_->counts().total, 4u);
  EXPECT_EQ(listener_.heard.size(), 3u);
  EXPECT_TRUE(journal_.records.empty());
  EXPECT_TRUE(send("unrouted", "x").value().is_nothing());
  EXPECT_TRUE(send("influx/x", "").value().is_nothing());
  EXPECT_EQ(units.size(), 5u) << "nothing was kept";
}

TEST_F(PipelineUnit, LeavesNothingWhereItCannotBeAppended) {
  failure = Error{ErrorCode::kOverloaded, "try again later"};
  for (const char* payload : {"m v=1", "nonsense", "m v=2\nnonsense", "m v=3\nm conflict=4"}) {
    EXPECT_EQ(send("influx/x", payload).error().code, ErrorCode::kOverloaded) << payload;
  }
  EXPECT_TRUE(engine_.points.empty());
  EXPECT_EQ(rejected_->counts().total, 0u);
  EXPECT_TRUE(listener_.heard.empty());
  EXPECT_EQ(ingest().status().messages, 0u);
  failure.reset();
  EXPECT_EQ(send("influx/x", "m v=3\nm busy=4").error().code, ErrorCode::kOverloaded);
  EXPECT_TRUE(units.empty()) << "the whole message is sent again";
}

TEST_F(Pipeline, WhatCannotBeDecodedIsKeptWithTheReason) {
  const auto awaited = send("u4/302/temperature", "{\"value\":");
  EXPECT_EQ(awaited.value().synced, 1u);
  const RejectedMessage kept = last_rejected();
  EXPECT_EQ(kept.topic, "u4/302/temperature");
  EXPECT_EQ(kept.client, "neosensor-17");
  EXPECT_EQ(kept.decoder, "neocampus");
  EXPECT_EQ(kept.reason, "the payload is not JSON: it ends too early: '{\"value\":'");
  EXPECT_EQ(kept.payload, "{\"value\":");
  EXPECT_EQ(kept.time_ns, kNow);
  EXPECT_TRUE(engine_.points.empty());
  EXPECT_EQ(ingest().status().rejected, 1u);
  EXPECT_EQ(ingest().status().messages, 1u);
}

TEST_F(Pipeline, WhatTheStoreRefusesIsKeptWithTheReason) {
  EXPECT_TRUE(send("csiot/7", R"({"conflict":"x"})").has_value());
  EXPECT_EQ(last_rejected().reason, "field type conflict: input field \"conflict\" on measurement \"csiot\" is type string, already exists as type float");
  EXPECT_TRUE(listener_.heard.empty());
}

TEST_F(Pipeline, GoodLinesOfABadMessageAreStored) {
  const auto awaited = send("influx/x", "a v=1 1\nb v=\nc conflict=1 3\nd v=4 4\n");
  EXPECT_EQ(awaited.value().synced, 1001u) << "both records must be durable: the later one counts";
  EXPECT_EQ(engine_.points, (std::vector<std::string>{"campanile a v=1 @1", "campanile d v=4 @4"}));
  EXPECT_EQ(listener_.heard, (std::vector<std::string>{"a v=1 @1", "d v=4 @4"}));
  EXPECT_EQ(last_rejected().reason,
            "line 2: unable to parse 'b v=': missing field value; field type conflict: input field \"conflict\" on measurement \"c\" is type string, "
            "already exists as type float");
  EXPECT_EQ(ingest().status().points, 2u);
  EXPECT_EQ(ingest().status().rejected, 1u);
}

TEST_F(Pipeline, SkippedUnroutedAndIgnoredMessagesAreCountedAndNothingElse) {
  EXPECT_TRUE(send("u4/302/temperature/command", "{}").value().is_nothing());
  EXPECT_TRUE(send("chat/room", "hello").value().is_nothing());
  EXPECT_TRUE(send("chat/room", "hello again").value().is_nothing());
  EXPECT_TRUE(send("chat/hall", "hello").value().is_nothing());
  EXPECT_TRUE(send("u4/302/temperature", R"({"frequency":60,"sensors":2})").value().is_nothing());
  EXPECT_TRUE(send("u4/302/temperature", "").value().is_nothing());
  const IngestStatus status = ingest().status();
  EXPECT_EQ(status.skipped, 1u);
  EXPECT_EQ(status.unrouted, 3u);
  EXPECT_EQ(status.ignored, 2u);
  EXPECT_EQ(status.messages, 6u);
  EXPECT_EQ(status.rejected, 0u);
  EXPECT_EQ(status.unrouted_topics, (std::vector<std::string>{"chat/room", "chat/hall"}));
}

TEST_F(Pipeline, AFailureThatPassesIsTheSendersToTryAgain) {
  ingest();
  engine_.failure = Error{ErrorCode::kOverloaded, "the journal is full"};
  EXPECT_EQ(send("csiot/7", R"({"a":1})").error().code, ErrorCode::kOverloaded);
  EXPECT_EQ(ingest().status().messages, 0u);
  engine_.failure = Error{ErrorCode::kTooLarge, "the record is too large"};
  EXPECT_TRUE(send("csiot/7", R"({"a":1})").has_value());
  EXPECT_EQ(last_rejected().reason, "the record is too large");
  engine_.failure.reset();
  journal_.failure = Error{ErrorCode::kIoError, "disk full"};
  EXPECT_EQ(send("csiot/7", "{").error().code, ErrorCode::kIoError);
}

TEST_F(Pipeline, APointThatIsRefusedForNowIsSentAgainWithItsBatch) {
  EXPECT_EQ(send("influx/x", "a v=1 1\nb busy=2 2\n").error().code, ErrorCode::kOverloaded);
  EXPECT_EQ(rejected_->counts().total, 0u);
  PointBatch batch;
  batch.begin_point("cpu");
  batch.add_field("busy", FieldValue::of_integer(3));
  batch.end_point();
  EXPECT_EQ(ingest().write_batch(engine_.bucket("campanile", "").value(), batch, 10, kNow).error().code, ErrorCode::kOverloaded);
}

TEST_F(Pipeline, ADroppedDatabaseComesBackWithTheNextMessage) {
  ASSERT_TRUE(send("csiot/7", R"({"a":1})").has_value());
  ASSERT_TRUE(engine_.drop_database("campanile").has_value());
  ASSERT_TRUE(send("csiot/7", R"({"a":2})").has_value());
  EXPECT_EQ(engine_.points.size(), 2u);
  EXPECT_EQ(engine_.databases(), std::vector<std::string>{"campanile"});
}

TEST_F(Pipeline, RoutesOfTheOperatorComeFirst) {
  IngestOptions options;
  options.routes = {{.pattern = "u4/{room}/temperature", .decoder = "value", .measurement = "t", .database = "lab", .field = "celsius", .tags = {{"site", "north"}}}};
  ingest(options);
  ASSERT_TRUE(send("u4/302/temperature", "21.5").has_value());
  EXPECT_EQ(engine_.points, std::vector<std::string>{"lab t,room=302,site=north celsius=21.5 @" + std::to_string(kNow)});
  EXPECT_EQ(engine_.databases(), (std::vector<std::string>{"campanile", "lab"}));
}

TEST_F(Pipeline, ABadRouteDoesNotOpen) {
  IngestOptions options;
  options.routes = {{.pattern = "a/#", .decoder = "nope"}};
  EXPECT_FALSE(Ingest::open(options, engine_, *rejected_, clock_, metrics_).has_value());
}

TEST_F(Pipeline, NamesThatASeriesKeyCannotSpellAreRejected) {
  EXPECT_TRUE(send("csiot/a\\", R"({"a":1})").has_value());
  EXPECT_EQ(last_rejected().reason, "tag 'station=a\\' ends in a backslash, which a series name cannot");
  EXPECT_TRUE(send("u4/302/temperature", R"({"value":1,"unitID":"x\\"})").has_value());
  EXPECT_EQ(last_rejected().reason, "tag 'unitID=x\\' ends in a backslash, which a series name cannot");
  EXPECT_TRUE(engine_.points.empty());
}

TEST_F(Pipeline, BatchesAreCountedAndToldAround) {
  PointBatch batch;
  batch.begin_point("cpu");
  batch.add_field("v", FieldValue::of_integer(3));
  batch.end_point();
  const auto bucket = (ingest(), engine_.bucket("campanile", "").value());
  const auto outcome = ingest().write_batch(bucket, batch, 10, kNow);
  EXPECT_EQ(outcome.value().points_stored, 1u);
  EXPECT_EQ(listener_.heard, std::vector<std::string>{"cpu v=3i @" + std::to_string(kNow)});
  const IngestStatus status = ingest().status();
  EXPECT_EQ(status.writes, 1u);
  EXPECT_EQ(status.messages, 0u);
  EXPECT_EQ(status.points, 1u);
  EXPECT_EQ(status.bytes, 10u);
}

TEST_F(Pipeline, RatesFollowTheClock) {
  ingest();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(send("csiot/7", R"({"a":1})").has_value());
  clock_.advance_ns(5 * kNanosPerSecond);
  EXPECT_DOUBLE_EQ(ingest().status().messages_per_s, 10);
  EXPECT_DOUBLE_EQ(ingest().status().points_per_s, 10);
}

TEST_F(Pipeline, ThreadsShareIt) {
  ingest();
  ingest_ = nullptr;
  ingest_ = Ingest::open({}, engine_, *rejected_, clock_, metrics_).value();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 500; ++i) {
        const std::string topic = "u" + std::to_string(t) + "/" + std::to_string(i % 50) + "/temperature";
        ASSERT_TRUE(ingest_->accept({.topic = topic, .payload = i % 5 == 0 ? "bad" : R"({"value":1,"unitID":"a"})", .received_ns = kNow}).has_value());
        if (i % 100 == 0) ingest_->status();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ingest_->status().messages, 2000u);
  EXPECT_EQ(ingest_->status().points, 1600u);
  EXPECT_EQ(rejected_->counts().total, 400u);
}

TEST_F(Pipeline, TheCacheOfTopicsIsBounded) {
  ingest();
  for (size_t i = 0; i < Ingest::kCachedTopicsMax + 10; ++i) {
    ASSERT_TRUE(send("chat/" + std::to_string(i), "x").has_value());
  }
  EXPECT_EQ(ingest().status().unrouted_topics.size(), Ingest::kUnroutedTopicsShown);
  ASSERT_TRUE(send("csiot/7", R"({"a":1})").has_value());
  EXPECT_EQ(engine_.points.size(), 1u);
}

}  // namespace
}  // namespace campanile::ingest
