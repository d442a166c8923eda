#include "app/derived/replacement.h"

#include <gtest/gtest.h>

#include "kv/store.h"
#include "tests/tsdb/fake_journal.h"

namespace campanile::app {
namespace {

using query::Value;

class ReplacementTest : public testing::Test {
 protected:
  ReplacementTest() {
    engine_->start(journal_);
    EXPECT_TRUE(engine_->create_database("db"));
  }
  ~ReplacementTest() override { engine_->stop(); }

  Replacement make(tsdb::TimeRange range, std::vector<std::string> columns = {"a", "b"}, tsdb::TagPredicate whose = {}) {
    return Replacement(*engine_, {.bucket = *engine_->bucket("db", ""), .measurement = "m", .range = range, .whose = std::move(whose)}, std::move(columns), context_, 0);
  }
  static query::RowBatch batch(std::vector<std::pair<int64_t, std::pair<Value, Value>>> rows) {
    query::RowBatch out{.width = 2, .times_ns = {}, .values = {}};
    for (const auto& [time_ns, values] : rows) {
      out.times_ns.push_back(time_ns);
      out.values.push_back(values.first);
      out.values.push_back(values.second);
    }
    return out;
  }
  std::vector<std::pair<int64_t, double>> column(const std::string& field, const std::string& tag) {
    std::vector<std::pair<int64_t, double>> out;
    const auto reader = engine_->reader(*engine_->bucket("db", "")).value();
    const auto all = reader->series("m", exactly({{"s", tag}}, {"s"})).value();
    for (const tsdb::Series& series : all) {
      const auto cursor = reader->column(series.id, field, {}, tsdb::Order::kAscending).value();
      while (cursor->next().value()) {
        const auto values = cursor->values().value();
        for (size_t i = 0; i < values.size(); ++i) out.emplace_back(values.times_ns[i], values.floats[i]);
      }
    }
    return out;
  }
  static Value f(double value) { return FieldValue::of_float(value); }

  ManualClock clock_{0};
  std::unique_ptr<kv::Store> store_ = kv::make_memory_store();
  tsdb::FakeJournal journal_;
  std::unique_ptr<tsdb::Engine> engine_ = tsdb::Engine::open({.has_thread = false}, *store_, clock_).value();
  query::Context context_;
};

TEST_F(ReplacementTest, PutsItsRowsInThePlaceOfThoseThatWereThere) {
  Replacement first = make({0, 99});
  ASSERT_TRUE(first.begin_series("", {{"s", "1"}}));
  ASSERT_TRUE(first.rows(batch({{10, {f(1), f(2)}}, {20, {f(3), std::nullopt}}, {30, {std::nullopt, std::nullopt}}, {40, {f(5), f(6)}}})));
  ASSERT_TRUE(first.begin_series("", {{"s", "2"}}));
  ASSERT_TRUE(first.rows(batch({{10, {f(9), f(9)}}})));
  EXPECT_EQ(first.finish().value(), 4u);
  const size_t records = journal_.records().size();

  Replacement second = make({0, 39});
  ASSERT_TRUE(second.begin_series("", {{"s", "1"}}));
  ASSERT_TRUE(second.rows(batch({{10, {f(11), std::nullopt}}, {20, {f(13), f(14)}}})));
  EXPECT_EQ(second.finish().value(), 2u);
  EXPECT_EQ(column("a", "1"), (std::vector<std::pair<int64_t, double>>{{10, 11}, {20, 13}, {40, 5}}));
  EXPECT_EQ(column("b", "1"), (std::vector<std::pair<int64_t, double>>{{20, 14}, {40, 6}})) << "10 is gone, 40 lies outside";
  EXPECT_EQ(column("a", "2"), (std::vector<std::pair<int64_t, double>>{})) << "the series has no rows any more";
  const auto after = journal_.records();
  EXPECT_EQ(std::ranges::count(after.begin() + static_cast<ptrdiff_t>(records), after.end(), journal::RecordType::kPoints, &tsdb::FakeJournal::Kept::type), 1) << "all rows in one record";
}

TEST_F(ReplacementTest, LeavesTheSeriesThatItDoesNotAnswerFor) {
  Replacement first = make({0, 99});
  for (const char* tag : {"1", "2"}) {
    ASSERT_TRUE(first.begin_series("", {{"s", tag}}));
    ASSERT_TRUE(first.rows(batch({{10, {f(1), f(2)}}})));
  }
  ASSERT_TRUE(first.finish());
  ASSERT_TRUE(make({0, 99}, {"a", "b"}, exactly({{"s", "2"}}, {"s"})).finish());
  EXPECT_EQ(column("a", "1").size(), 1u);
  EXPECT_EQ(column("a", "2").size(), 0u);
}

TEST_F(ReplacementTest, TakesNoMoreThanItsLimit) {
  Replacement rows = make({0, 1'000'000});
  ASSERT_TRUE(rows.begin_series("", {}));
  Result<void> last;
  for (int64_t i = 0; last && i < 200'000; i += 1000) {
    std::vector<std::pair<int64_t, std::pair<Value, Value>>> some;
    for (int64_t k = i; k < i + 1000; ++k) some.push_back({k, {f(1), f(1)}});
    last = rows.rows(batch(some));
  }
  EXPECT_EQ(last.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(column("a", "").size(), 0u);
}

}  // namespace
}  // namespace campanile::app
