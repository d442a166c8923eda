#include "tsdb/records.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace campanile::tsdb {
namespace {

TEST(Records, PointsRoundTrip) {
  PointsEncoder points;
  points.begin(7);
  const std::vector<std::vector<Slot>> rows = {
      {{1, FieldValue::of_float(-0.0)}, {2, FieldValue::of_integer(INT64_MIN)}},
      {{1, FieldValue::of_float(21.5)}, {2, FieldValue::of_integer(3)}},
      {{3, FieldValue::of_string("window open")}},
      {{4, FieldValue::of_unsigned(UINT64_MAX)}, {5, FieldValue::of_boolean(true)}, {65535, FieldValue::of_string("")}},
  };
  const std::vector<int64_t> times = {5, 5, INT64_MIN, INT64_MAX};
  const std::vector<SeriesId> series = {9, 9, 1, UINT32_MAX};
  for (size_t i = 0; i < rows.size(); ++i) points.add_row(series[i], times[i], rows[i]);
  EXPECT_EQ(points.rows(), rows.size());

  EXPECT_EQ(bucket_of_points(points.payload()).value(), 7u);
  size_t row = 0;
  const auto decoded = decode_points(points.payload(), [&](SeriesId id, int64_t time_ns, std::span<const Slot> slots) {
    ASSERT_LT(row, rows.size());
    EXPECT_EQ(id, series[row]);
    EXPECT_EQ(time_ns, times[row]);
    ASSERT_EQ(slots.size(), rows[row].size());
    for (size_t i = 0; i < slots.size(); ++i) {
      EXPECT_EQ(slots[i].column, rows[row][i].column);
      EXPECT_EQ(to_string(slots[i].value), to_string(rows[row][i].value));
    }
    ++row;
  });
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(row, rows.size());
}

TEST(Records, ARowLikeTheOneBeforeIsSmall) {
  PointsEncoder points;
  points.begin(1);
  const Slot slot{1, FieldValue::of_float(21.5)};
  points.add_row(100, 1'700'000'000'000'000'000, std::span(&slot, 1));
  const size_t first = points.payload().size();
  points.add_row(101, 1'700'000'000'000'000'000, std::span(&slot, 1));
  EXPECT_EQ(points.payload().size() - first, 3 + 8u);
}

TEST(Records, DamagedPointsAreRefusedOrReadButNeverHarm) {
  PointsEncoder points;
  points.begin(7);
  const std::vector<Slot> slots = {{1, FieldValue::of_float(1.5)}, {2, FieldValue::of_string("text")}};
  for (int i = 0; i < 5; ++i) points.add_row(static_cast<SeriesId>(i + 1), i, slots);
  const std::string whole(points.payload());
  const auto ignore = [](SeriesId, int64_t, std::span<const Slot>) {};
  EXPECT_FALSE(decode_points("", ignore));
  for (size_t i = 0; i < whole.size(); ++i) {
    (void)decode_points(std::string_view(whole).substr(0, i), ignore);
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[i] ^= static_cast<char>(1 << bit);
      (void)decode_points(damaged, ignore);
      (void)bucket_of_points(damaged);
    }
  }
}

TEST(Records, DefinitionsRoundTrip) {
  std::string payload;
  append_definition(payload, ColumnDefinition{3, "data", 1, FieldType::kFloat, "value"});
  append_definition(payload, SeriesDefinition{3, 12, "data,room=302"});
  append_definition(payload, SeriesRemoval{3, 12});
  std::vector<std::string> seen;
  const auto decoded = decode_definitions(payload, [&](const Definition& definition) -> Result<void> {
    if (const auto* column = std::get_if<ColumnDefinition>(&definition)) {
      seen.push_back(fmt::format("{} {} {} {} {}", column->bucket, column->measurement, column->column, to_string(column->type), column->field));
    } else if (const auto* removal = std::get_if<SeriesRemoval>(&definition)) {
      seen.push_back(fmt::format("{} {} removed", removal->bucket, removal->series));
    } else {
      const auto& series = std::get<SeriesDefinition>(definition);
      seen.push_back(fmt::format("{} {} {}", series.bucket, series.series, series.key));
    }
    return {};
  });
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(seen, (std::vector<std::string>{"3 data 1 float value", "3 12 data,room=302", "3 12 removed"}));
  EXPECT_FALSE(decode_definitions(payload.substr(0, payload.size() - 1), [](const Definition&) { return Result<void>(); }));
  EXPECT_FALSE(decode_definitions("\x01\x09", [](const Definition&) { return Result<void>(); }));
}

TEST(Records, DatabaseChangesRoundTrip) {
  const DatabaseChange change{.kind = DatabaseChange::Kind::kCreatePolicy, .database = "campus", .policy = "month", .bucket = 4, .duration_ns = 5, .is_default = true};
  const std::string payload = encode_database_change(change);
  const auto back = decode_database_change(payload);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->database, "campus");
  EXPECT_EQ(back->policy, "month");
  EXPECT_EQ(back->bucket, 4u);
  EXPECT_EQ(back->duration_ns, 5);
  EXPECT_TRUE(back->is_default);
  EXPECT_FALSE(decode_database_change(payload + "x"));
  EXPECT_FALSE(decode_database_change(payload.substr(1)));
}

RangeChange range_change(decltype(RangeChange::what) what) {
  return {.bucket = 7, .range = {INT64_MIN, -5}, .series = {1, 2, 900, uint64_t{1} << 31}, .what = std::move(what)};
}

TEST(Records, ChangesOfRangesRoundTrip) {
  const std::vector<RangeChange> changes = {
      range_change(Erasure{}),
      range_change(ColumnCorrection{3, Correction::scale(1.02, -0.5)}),
      range_change(ColumnCorrection{65535, Correction::set(FieldValue::of_string("window open"))}),
      range_change(ColumnCorrection{1, Correction::set(FieldValue::of_unsigned(UINT64_MAX))}),
      range_change(ColumnCorrection{1, Correction::set(FieldValue::of_boolean(true))}),
  };
  for (const RangeChange& change : changes) {
    const std::string payload = encode_range_change(change);
    const auto back = decode_range_change(type_of(change), payload);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->bucket, 7u);
    EXPECT_EQ(back->range.from_ns, INT64_MIN);
    EXPECT_EQ(back->range.to_ns, -5);
    EXPECT_EQ(back->series, change.series);
    ASSERT_EQ(back->what.index(), change.what.index());
    EXPECT_EQ(encode_range_change(*back), payload);
    if (const auto* const column = std::get_if<ColumnCorrection>(&change.what)) {
      EXPECT_EQ(to_string(std::get<ColumnCorrection>(back->what).correction), to_string(column->correction));
    }
    for (size_t cut = 0; cut < payload.size(); ++cut) EXPECT_FALSE(decode_range_change(type_of(change), payload.substr(0, cut))) << cut;
    EXPECT_FALSE(decode_range_change(type_of(change), payload + "x"));
  }
  EXPECT_EQ(type_of(changes[0]), journal::RecordType::kErase);
  EXPECT_EQ(type_of(changes[1]), journal::RecordType::kCorrect);
}

TEST(Records, LaterVersionsAreNamed) {
  const auto decoded = decode_points("\x02rest", [](SeriesId, int64_t, std::span<const Slot>) {});
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(decoded.error().message.find("version 2"), std::string::npos);
}

}  // namespace
}  // namespace campanile::tsdb
