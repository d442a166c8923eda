#include "query/result_reader.h"

#include <gtest/gtest.h>

namespace campanile::query {
namespace {

Value real(double value) { return FieldValue::of_float(value); }
Value whole(int64_t value) { return FieldValue::of_integer(value); }
Value text(std::string_view value) { return FieldValue::of_string(value); }

Result<void> add(ResultCollector& collector, int64_t time_ns, std::vector<Value> row) {
  return collector.rows({.width = row.size(), .times_ns = {time_ns}, .values = std::move(row)});
}

// Each value of a column as "time=value", block after block in that order.
std::vector<std::string> column(const tsdb::Reader& reader, tsdb::SeriesId series, std::string_view field, tsdb::TimeRange range = {},
                                tsdb::Order order = tsdb::Order::kAscending) {
  std::vector<std::string> out;
  auto cursor = reader.column(series, field, range, order).value();
  while (cursor->next().value()) {
    const auto values = cursor->values().value();
    EXPECT_EQ(cursor->statistics().count, values.size());
    for (size_t i = 0; i < values.size(); ++i) out.push_back(std::to_string(values.times_ns[i]) + "=" + to_string(values.at(i)));
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST(ResultReader, HasTheSeriesAndTheirColumns) {
  const Limits limits;
  ResultCollector collector({"x", "s"}, true, limits);
  ASSERT_TRUE(collector.begin_series("cpu", {{"host", "a"}, {"dc", ""}}));
  {
    std::string passing = "gone after the call";
    ASSERT_TRUE(add(collector, 10, {real(1.5), text(passing)}));
    passing.assign(passing.size(), '?');
  }
  ASSERT_TRUE(add(collector, 20, {null_value(), text("later")}));
  ASSERT_TRUE(collector.begin_series("mem", {}));
  ASSERT_TRUE(add(collector, 10, {real(3), null_value()}));
  const auto reader = collector.finish();

  EXPECT_EQ(reader->measurements(), (Texts{"cpu", "mem"}));
  EXPECT_EQ(reader->tag_keys("cpu"), Texts{"host"}) << "a tag without a value is none";
  EXPECT_EQ(reader->tag_values("cpu", "host"), Texts{"a"});
  const auto fields = reader->fields("cpu");
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields[0].name, "s");
  EXPECT_EQ(fields[0].type, FieldType::kString);
  EXPECT_EQ(reader->fields("mem").size(), 1u);
  const auto series = reader->series("cpu", {}).value();
  ASSERT_EQ(series.size(), 1u);
  EXPECT_EQ(column(*reader, series[0].id, "x"), Texts{"10=1.5"});
  EXPECT_EQ(column(*reader, series[0].id, "s"), (Texts{"10=\"gone after the call\"", "20=\"later\""}));
  EXPECT_EQ(column(*reader, series[0].id, "s", {11, 30}), Texts{"20=\"later\""});
  EXPECT_TRUE(column(*reader, series[0].id, "nothing").empty());
  EXPECT_EQ(reader->last(series[0].id, "s").value()->text, "later");
  const auto of_host = [&](std::string value) {
    return reader->series("cpu", {.kind = tsdb::TagPredicate::Kind::kEqual, .key = "host", .value = std::move(value), .pattern = nullptr, .children = {}})->size();
  };
  EXPECT_EQ(of_host("a"), 1u);
  EXPECT_EQ(of_host("b"), 0u);
}

// Rows of one time lie in series beside each other, the first one's first, whichever way they came.
TEST(ResultReader, KeepsRowsOfOneTimeInTheirOrder) {
  for (const bool ascending : {true, false}) {
    const Limits limits;
    ResultCollector collector({"x"}, ascending, limits);
    ASSERT_TRUE(collector.begin_series("cpu", {}));
    for (const auto& [time_ns, value] : ascending ? std::vector<std::pair<int64_t, int>>{{1, 1}, {2, 2}, {2, 3}, {3, 4}} : std::vector<std::pair<int64_t, int>>{{3, 4}, {2, 3}, {2, 2}, {1, 1}}) {
      ASSERT_TRUE(add(collector, time_ns, {whole(value)}));
    }
    const auto reader = collector.finish();
    const auto series = reader->series("cpu", {}).value();
    ASSERT_EQ(series.size(), 2u);
    EXPECT_EQ(*series[0].name, *series[1].name);
    const Texts most = ascending ? Texts{"1=1i", "2=2i", "3=4i"} : Texts{"1=1i", "2=3i", "3=4i"};
    EXPECT_EQ(column(*reader, series[ascending ? 0 : 1].id, "x"), most);
    EXPECT_EQ(column(*reader, series[ascending ? 1 : 0].id, "x"), ascending ? Texts{"2=3i"} : Texts{"2=2i"});
  }
}

TEST(ResultReader, WalksBlocksBothWays) {
  const Limits limits;
  ResultCollector collector({"x"}, true, limits);
  ASSERT_TRUE(collector.begin_series("cpu", {}));
  for (int64_t i = 0; i < 10'000; ++i) ASSERT_TRUE(add(collector, i, {whole(i)}));
  const auto reader = collector.finish();
  const Texts all = column(*reader, 0, "x");
  ASSERT_EQ(all.size(), 10'000u);
  EXPECT_EQ(all.back(), "9999=9999i");
  const Texts backwards = column(*reader, 0, "x", {5, 9'000}, tsdb::Order::kDescending);
  ASSERT_EQ(backwards.size(), 8'996u);
  EXPECT_EQ(backwards.back(), "808=808i") << "the oldest block comes last, and ascends";
}

TEST(ResultReader, NumbersOfSeveralTypesAreFloats) {
  const Limits limits;
  ResultCollector collector({"x"}, true, limits);
  ASSERT_TRUE(collector.begin_series("cpu", {}));
  ASSERT_TRUE(add(collector, 1, {whole(7)}));
  ASSERT_TRUE(add(collector, 2, {real(0.5)}));
  ASSERT_TRUE(add(collector, 3, {whole(8)}));
  const auto reader = collector.finish();
  EXPECT_EQ(reader->fields("cpu")[0].type, FieldType::kFloat);
  EXPECT_EQ(column(*reader, 0, "x"), (Texts{"1=7", "2=0.5", "3=8"}));
}

TEST(ResultReader, IsBounded) {
  Limits limits;
  limits.values_max = 3;
  ResultCollector collector({"x", "y"}, true, limits);
  ASSERT_TRUE(collector.begin_series("cpu", {}));
  ASSERT_TRUE(add(collector, 1, {whole(7), whole(8)}));
  const auto refused = add(collector, 2, {whole(7), whole(8)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
  EXPECT_NE(refused.error().message.find("query.values_max"), std::string::npos);
}

TEST(ResultReader, OfNothingHasNothing) {
  const Limits limits;
  EXPECT_TRUE(ResultCollector({"x"}, true, limits).finish()->measurements().empty());
}

}  // namespace
}  // namespace campanile::query
