#include <gtest/gtest.h>

#include "engine_harness.h"

namespace campanile::tsdb {
namespace {

// An engine that has lost some records of its journal, as a repaired one is read: told before what follows.
struct Repaired {
  explicit Repaired(EngineHarness& h, const std::function<bool(const FakeJournal::Kept&, size_t)>& is_lost) : harness(h) {
    auto opened = Engine::open(h.options, store, h.clock);
    EXPECT_TRUE(opened);
    engine.reset(static_cast<EngineImpl*>(opened->release()));
    bool was_lost = false;
    const auto records = h.journal.records();
    for (size_t i = 0; i < records.size(); ++i) {
      if (is_lost(records[i], i)) {
        was_lost = true;
        continue;
      }
      if (std::exchange(was_lost, false)) {
        EXPECT_TRUE(engine->replay({journal::RecordType::kLoss, {}, records[i - 1].lsn}));
      }
      const auto replayed = engine->replay({records[i].type, records[i].payload, records[i].lsn});
      EXPECT_TRUE(replayed) << replayed.error().message;
    }
    engine->start(h.journal);
  }
  ~Repaired() { engine->stop(); }

  EngineHarness& harness;
  kv::FaultyStore store;
  std::unique_ptr<EngineImpl> engine;
};

void write(EngineHarness& h, Engine& engine, BucketId bucket, std::string_view room, std::vector<Field> fields, int64_t time_ns) {
  Points points;
  points.add("data", {{"room", room}}, std::move(fields), time_ns);
  const auto outcome = engine.write(bucket, points.batch, h.clock.now_ns());
  ASSERT_TRUE(outcome && outcome->errors.empty());
}

std::vector<std::string> field_names(const Reader& reader) {
  std::vector<std::string> names;
  for (const FieldInfo& field : reader.fields("data")) names.push_back(field.name);
  return names;
}

bool is_definition(const FakeJournal::Kept& record) { return record.type == journal::RecordType::kSeries; }

TEST(LostDefinitions, RowsOfASeriesWithoutOneAreLeftOutAndItsNumberIsNotGivenAgain) {
  EngineHarness h;
  const BucketId bucket = h.bucket();
  write(h, *h.engine, bucket, "301", {{"value", FieldValue::of_float(1)}}, kNow);
  write(h, *h.engine, bucket, "302", {{"value", FieldValue::of_float(2)}}, kNow);
  int definitions = 0;
  Repaired repaired(h, [&](const FakeJournal::Kept& record, size_t) { return is_definition(record) && ++definitions == 2; });
  ASSERT_EQ(definitions, 2);
  write(h, *repaired.engine, bucket, "303", {{"value", FieldValue::of_float(3)}}, kNow);
  // What is found is what was written to it, after a further start too.
  for (const bool restarted : {false, true}) {
    std::unique_ptr<EngineImpl> again;
    if (restarted) {
      ASSERT_TRUE(repaired.engine->seal_all());
      auto opened = Engine::open(h.options, repaired.store, h.clock);
      ASSERT_TRUE(opened);
      again.reset(static_cast<EngineImpl*>(opened->release()));
    }
    const auto reader = (again ? *again : *repaired.engine).reader(bucket).value();
    EXPECT_EQ(reader->tag_values("data", "room"), (std::vector<std::string>{"301", "303"}));
    const auto all = reader->series("data", {}).value();
    for (const Series& series : all) {
      const OwnedColumn column = read_column(*reader, series.id, "value");
      ASSERT_EQ(column.size(), 1u);
      EXPECT_EQ(column.begin()->second, OwnedValue(series.name->tag("room") == "301" ? 1.0 : 3.0));
    }
  }
}

TEST(LostDefinitions, AColumnWithoutOneGetsAName) {
  EngineHarness h;
  const BucketId bucket = h.bucket();
  write(h, *h.engine, bucket, "301", {{"value", FieldValue::of_float(1)}}, kNow);
  write(h, *h.engine, bucket, "301", {{"count", FieldValue::of_integer(7)}}, kNow);
  write(h, *h.engine, bucket, "301", {{"on", FieldValue::of_boolean(true)}}, kNow);
  int definitions = 0;
  // The first defines the series and its column, the second one column, the third another.
  Repaired repaired(h, [&](const FakeJournal::Kept& record, size_t) { return is_definition(record) && ++definitions == 2; });
  const auto reader = repaired.engine->reader(bucket).value();
  EXPECT_EQ(field_names(*reader), (std::vector<std::string>{"column_2", "on", "value"}));
  const auto all = reader->series("data", {}).value();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(read_column(*reader, all[0].id, "column_2").at(kNow), OwnedValue(int64_t{7}));
  EXPECT_EQ(read_column(*reader, all[0].id, "on").at(kNow), OwnedValue(true));
}

TEST(LostDefinitions, ADatabaseWithoutItsRecordTakesItsNumberAlong) {
  EngineHarness h;
  const BucketId first = h.bucket("first");
  const BucketId second = h.bucket("second");
  write(h, *h.engine, first, "301", {{"value", FieldValue::of_float(1)}}, kNow);
  write(h, *h.engine, second, "301", {{"value", FieldValue::of_float(2)}}, kNow);
  int databases = 0;
  Repaired repaired(h, [&](const FakeJournal::Kept& record, size_t) { return record.type == journal::RecordType::kDatabase && ++databases == 2; });
  EXPECT_EQ(repaired.engine->databases(), (std::vector<std::string>{"first"}));
  ASSERT_TRUE(repaired.engine->create_database("third"));
  EXPECT_GT(repaired.engine->bucket("third", "").value(), second);
}

// Any records may be missing: what is left is read without an error, and nothing is found that was not written.
TEST(LostDefinitions, AnyRecordsMayBeMissing) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    EngineHarness h;
    const BucketId bucket = h.bucket();
    std::map<std::pair<std::string, int64_t>, double> written;
    for (int i = 0; i < 60; ++i) {
      const std::string room = std::to_string(random.below(12));
      const std::string field = "f" + std::to_string(random.below(4));
      const double value = static_cast<double>(i);
      write(h, *h.engine, bucket, room, {{field, FieldValue::of_float(value)}}, kNow + i);
      written[{room, kNow + i}] = value;
    }
    Repaired repaired(h, [&](const FakeJournal::Kept& record, size_t i) { return record.type != journal::RecordType::kDatabase && i > 0 && random.one_in(4); });
    write(h, *repaired.engine, bucket, "new", {{"f0", FieldValue::of_float(-1)}}, kNow);
    ASSERT_TRUE(repaired.engine->seal_all());
    const auto reader = repaired.engine->reader(bucket).value();
    const auto all = reader->series("data", {}).value();
    const auto names = field_names(*reader);
    for (const Series& series : all) {
      for (const std::string& name : names) {
        for (const auto& [time_ns, value] : read_column(*reader, series.id, name)) {
          const std::string room(series.name->tag("room"));
          const auto found = written.find({room, time_ns});
          const double expected = room == "new" ? -1 : found == written.end() ? -2 : found->second;
          EXPECT_EQ(value, OwnedValue(expected)) << room << " " << name;
        }
      }
    }
  }
}

}  // namespace
}  // namespace campanile::tsdb
