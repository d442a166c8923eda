#include "tsdb/head_block.h"

#include <map>

#include <gtest/gtest.h>

#include "base/random.h"

namespace campanile::tsdb {
namespace {

bool append(HeadBlock& block, int64_t time_ns, std::vector<Slot> slots, journal::Lsn lsn = 1) { return block.append(time_ns, lsn, slots); }

TEST(HeadBlock, KeepsRowsOfSeveralColumns) {
  HeadBlock block;
  EXPECT_TRUE(append(block, 1, {{1, FieldValue::of_float(1.5)}, {2, FieldValue::of_string("a")}}));
  EXPECT_TRUE(append(block, 2, {{1, FieldValue::of_float(2.5)}}));
  EXPECT_TRUE(append(block, 3, {{2, FieldValue::of_string("c")}, {3, FieldValue::of_boolean(true)}}));
  EXPECT_EQ(block.rows(), 3u);
  EXPECT_EQ(block.columns(), 3u);
  const ColumnData floats = block.extract(1, {});
  EXPECT_EQ(floats.times_ns, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(floats.floats, (std::vector<double>{1.5, 2.5}));
  const ColumnData strings = block.extract(2, {2, 9});
  EXPECT_EQ(strings.strings, (std::vector<std::string_view>{"c"}));
  EXPECT_EQ(block.extract(3, {}).booleans, (std::vector<uint8_t>{1}));
  EXPECT_TRUE(block.extract(9, {}).empty());
  EXPECT_TRUE(block.extract(1, {5, 4}).empty());
}

TEST(HeadBlock, TheSameTimeReplaces) {
  HeadBlock block;
  append(block, 1, {{1, FieldValue::of_integer(1)}, {2, FieldValue::of_integer(2)}});
  EXPECT_FALSE(append(block, 1, {{1, FieldValue::of_integer(7)}, {3, FieldValue::of_integer(3)}}));
  EXPECT_EQ(block.rows(), 1u);
  EXPECT_EQ(block.extract(1, {}).integers, (std::vector<int64_t>{7}));
  EXPECT_EQ(block.extract(2, {}).integers, (std::vector<int64_t>{2}));
  EXPECT_EQ(block.extract(3, {}).integers, (std::vector<int64_t>{3}));
}

TEST(HeadBlock, LateAndRepeatedRowsAreSortedOut) {
  HeadBlock block;
  for (const auto& [time_ns, value] : std::vector<std::pair<int64_t, int64_t>>{{5, 1}, {2, 2}, {9, 3}, {2, 4}, {5, 5}}) {
    append(block, time_ns, {{1, FieldValue::of_integer(value)}});
  }
  EXPECT_FALSE(block.ascends());
  EXPECT_EQ(block.max_time_ns(), 9);
  const ColumnData data = block.extract(1, {});
  EXPECT_EQ(data.times_ns, (std::vector<int64_t>{2, 5, 9}));
  EXPECT_EQ(data.integers, (std::vector<int64_t>{4, 5, 3}));
}

TEST(HeadBlock, AFieldGivenTwiceInAPointKeepsTheLast) {
  HeadBlock block;
  append(block, 1, {{1, FieldValue::of_integer(1)}, {1, FieldValue::of_integer(2)}});
  EXPECT_EQ(block.columns(), 1u);
  EXPECT_EQ(block.extract(1, {}).integers, (std::vector<int64_t>{2}));
}

TEST(HeadBlock, RemembersTheLowestPosition) {
  HeadBlock block;
  append(block, 1, {{1, FieldValue::of_integer(1)}}, 20);
  append(block, 2, {{1, FieldValue::of_integer(1)}}, 10);
  append(block, 3, {{1, FieldValue::of_integer(1)}}, 30);
  EXPECT_EQ(block.first_lsn(), 10u);
}

TEST(HeadBlock, LastAtHand) {
  HeadBlock block;
  append(block, 1, {{1, FieldValue::of_string("first")}});
  append(block, 2, {{2, FieldValue::of_integer(5)}});
  EXPECT_EQ(block.last_at_hand(1)->second.as_string(), "first");
  EXPECT_EQ(block.last_at_hand(2)->first, 2);
  EXPECT_FALSE(block.last_at_hand(3));
  append(block, 0, {{1, FieldValue::of_string("late")}});
  EXPECT_FALSE(block.last_at_hand(1)) << "needs sorting";
}

TEST(HeadBlock, AQuietSeriesTakesLittle) {
  HeadBlock block;
  append(block, 1, {{1, FieldValue::of_float(1)}});
  EXPECT_LE(block.bytes(), 160u);
}

TEST(HeadBlock, ManyColumnsAndRowsAgreeWithAMap) {
  const uint64_t seed = 12;
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int round = 0; round < 30; ++round) {
    HeadBlock block;
    std::map<ColumnId, std::map<int64_t, int64_t>> model;
    const uint64_t columns = 1 + random.below(100);
    const uint64_t times = 1 + random.below(500);
    const bool ordered = random.one_in(2);
    for (int row = 0; row < 300; ++row) {
      const int64_t time_ns = ordered ? row : static_cast<int64_t>(random.below(times));
      std::map<ColumnId, int64_t> fields;
      for (uint64_t i = 1 + random.below(columns); i > 0; --i) fields[static_cast<ColumnId>(1 + random.below(columns))] = static_cast<int64_t>(random.next());
      std::vector<Slot> slots;
      for (const auto& [column, value] : fields) {
        slots.push_back({column, FieldValue::of_integer(value)});
        model[column][time_ns] = value;
      }
      append(block, time_ns, slots);
    }
    for (const auto& [column, rows] : model) {
      const ColumnData data = block.extract(column, {});
      std::map<int64_t, int64_t> got;
      for (size_t i = 0; i < data.size(); ++i) got[data.times_ns[i]] = data.integers[i];
      ASSERT_EQ(got, rows);
      ASSERT_EQ(data.size(), rows.size());
    }
  }
}

}  // namespace
}  // namespace campanile::tsdb
