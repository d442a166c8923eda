// EngineHarness: an engine over a store and a journal in memory, which outlive it, so that a test can crash it and open it again.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "fake_journal.h"
#include "kv/faulty_store.h"
#include "tsdb/engine_impl.h"

namespace campanile::tsdb {

inline constexpr int64_t kSecond = kNanosPerSecond;
inline constexpr int64_t kNow = 1'700'000'000 * kSecond;

struct EngineHarness {
  explicit EngineHarness(EngineOptions engine_options = {}) : options(engine_options) { open(); }
  ~EngineHarness() { close(); }

  void open() {
    auto opened = Engine::open(options, *store, clock);
    ASSERT_TRUE(opened) << opened.error().message;
    engine.reset(static_cast<EngineImpl*>(opened->release()));
    for (const auto& record : journal.records()) {
      const auto replayed = engine->replay({record.type, record.payload, record.lsn});
      ASSERT_TRUE(replayed) << replayed.error().message;
    }
    engine->start(journal);
  }
  void close() {
    if (engine) engine->stop();
    engine.reset();
  }
  // Everything that was in memory is gone; the store and the journal remain.
  void crash() {
    close();
    open();
  }
  // The store forgets some or all of what was not synced.
  void cut_power(Random& random) {
    close();
    store = store->after_power_cut(random);
    open();
  }
  void checkpoint() {
    const auto lsn = engine->checkpoint();
    ASSERT_TRUE(lsn) << lsn.error().message;
    ASSERT_TRUE(journal.truncate_before(*lsn));
  }
  BucketId bucket(std::string_view database = "campus") {
    EXPECT_TRUE(engine->create_database(database));
    return engine->bucket(database, "").value();
  }
  // Whose points are kept for a day.
  BucketId short_bucket() {
    EXPECT_TRUE(engine->create_database("lab"));
    EXPECT_TRUE(engine->create_retention_policy("lab", {.name = "day", .duration_ns = 24 * 3600 * kSecond, .is_default = true}));
    return engine->bucket("lab", "day").value();
  }
  // What the background thread does once a minute.
  void pass() {
    ASSERT_TRUE(engine->seal_all());
    ASSERT_TRUE(engine->sealer().enforce_retention());
    ASSERT_TRUE(engine->sealer().remove_empty_series());
  }
  WriteOutcome write(BucketId to, const PointBatch& batch) {
    auto outcome = engine->write(to, batch, clock.now_ns());
    EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().message);
    return outcome ? std::move(*outcome) : WriteOutcome{};
  }
  std::shared_ptr<const Reader> reader(BucketId of) { return engine->reader(of).value(); }

  EngineOptions options;
  std::unique_ptr<kv::FaultyStore> store = std::make_unique<kv::FaultyStore>();
  FakeJournal journal;
  ManualClock clock{kNow};
  std::unique_ptr<EngineImpl> engine;
};

// A batch of one point per call, for tests that write by hand.
struct Points {
  Points& add(std::string_view measurement, std::vector<Tag> tags, std::vector<Field> fields, std::optional<int64_t> time_ns = std::nullopt) {
    batch.begin_point(measurement);
    for (const Tag& tag : tags) batch.add_tag(tag.key, batch.copy(tag.value));  // callers make them up on the spot
    for (const Field& field : fields) batch.add_field(field.name, field.value);
    if (time_ns) batch.set_time(*time_ns);
    batch.end_point();
    return *this;
  }
  PointBatch batch;
};

// A value that owns its string, to compare with.
using OwnedValue = std::variant<double, int64_t, uint64_t, bool, std::string>;

inline OwnedValue owned(const FieldValue& value) {
  switch (value.type()) {
    case FieldType::kFloat: return value.as_float();
    case FieldType::kInteger: return value.as_integer();
    case FieldType::kUnsigned: return value.as_unsigned();
    case FieldType::kBoolean: return value.as_boolean();
    case FieldType::kString: break;
  }
  return std::string(value.as_string());
}

using OwnedColumn = std::map<int64_t, OwnedValue>;

// A field of each type, for random histories.
inline constexpr std::array<std::string_view, 5> kFieldNames = {"f", "i", "u", "b", "s"};
inline constexpr std::array kFieldTypes = {FieldType::kFloat, FieldType::kInteger, FieldType::kUnsigned, FieldType::kBoolean, FieldType::kString};

// A value for it, small and often the same, or now and then anything. `texts` keeps strings alive.
inline FieldValue random_value(Random& random, FieldType type, std::deque<std::string>& texts) {
  switch (type) {
    case FieldType::kFloat: return FieldValue::of_float(random.one_in(10) ? random.gaussian(0, 1e6) : static_cast<double>(random.between(-500, 500)) / 10);
    case FieldType::kInteger: return FieldValue::of_integer(random.one_in(10) ? static_cast<int64_t>(random.next()) : random.between(-5, 5));
    case FieldType::kUnsigned: return FieldValue::of_unsigned(random.one_in(10) ? random.next() : random.below(9));
    case FieldType::kBoolean: return FieldValue::of_boolean(random.one_in(3));
    case FieldType::kString: break;
  }
  texts.push_back("text " + std::to_string(random.below(20)) + std::string(random.below(40), 'x'));
  return FieldValue::of_string(texts.back());
}

// Walks a column as a query does and checks what a cursor promises on the way.
inline OwnedColumn read_column(const Reader& reader, SeriesId series, std::string_view field, TimeRange range = {}, Order order = Order::kAscending) {
  OwnedColumn out;
  auto cursor = reader.column(series, field, range, order);
  EXPECT_TRUE(cursor) << (cursor ? "" : cursor.error().message);
  if (!cursor) return out;
  std::optional<std::pair<int64_t, int64_t>> before;
  for (;;) {
    const auto more = (*cursor)->next();
    EXPECT_TRUE(more) << (more ? "" : more.error().message);
    if (!more || !*more) break;
    const BlockStatistics statistics = (*cursor)->statistics();
    EXPECT_GE(statistics.min_time_ns, range.from_ns);
    EXPECT_LE(statistics.max_time_ns, range.to_ns);
    if (before) {
      EXPECT_TRUE(order == Order::kAscending ? statistics.min_time_ns > before->second : statistics.max_time_ns < before->first);
    }
    before = {statistics.min_time_ns, statistics.max_time_ns};
    // Strings in the statistics live until the cursor moves, so they are compared before the values are asked for and after.
    const OwnedValue first = owned(statistics.first);
    const OwnedValue last = owned(statistics.last);
    const auto values = (*cursor)->values();
    EXPECT_TRUE(values) << (values ? "" : values.error().message);
    if (!values) break;
    EXPECT_EQ(values->size(), statistics.count);
    double sum = 0, low = 0, high = 0;
    for (size_t i = 0; i < values->size(); ++i) {
      EXPECT_TRUE(i == 0 || values->times_ns[i] > values->times_ns[i - 1]);
      EXPECT_TRUE(out.emplace(values->times_ns[i], owned(values->at(i))).second);
      if (values->type == FieldType::kString) continue;
      const double number = values->type == FieldType::kBoolean ? values->booleans[i] : values->at(i).as_number();
      sum += number;
      low = i == 0 ? number : std::min(low, number);
      high = i == 0 ? number : std::max(high, number);
    }
    EXPECT_EQ(values->times_ns.front(), statistics.min_time_ns);
    EXPECT_EQ(values->times_ns.back(), statistics.max_time_ns);
    EXPECT_EQ(owned(values->at(0)), first);
    EXPECT_EQ(owned(values->at(values->size() - 1)), last);
    if (values->type != FieldType::kString) {
      EXPECT_EQ(statistics.min, low);
      EXPECT_EQ(statistics.max, high);
      EXPECT_NEAR(statistics.sum, sum, 1e-9 * static_cast<double>(values->size()) * std::max(std::abs(low), std::abs(high)) + 1e-12);
    }
  }
  return out;
}

}  // namespace campanile::tsdb
