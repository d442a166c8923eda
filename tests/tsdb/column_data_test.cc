#include "tsdb/column_data.h"

#include <map>

#include <gtest/gtest.h>

#include "base/random.h"

namespace campanile::tsdb {
namespace {

ColumnData integers(std::vector<std::pair<int64_t, int64_t>> rows) {
  ColumnData data(FieldType::kInteger);
  for (const auto& [time_ns, value] : rows) {
    data.times_ns.push_back(time_ns);
    data.integers.push_back(value);
  }
  return data;
}

TEST(ColumnData, StatisticsOfAPart) {
  const ColumnData data = integers({{1, 10}, {2, -4}, {3, 8}, {9, 100}});
  const BlockStatistics statistics = data.statistics(0, 3);
  EXPECT_EQ(statistics.count, 3u);
  EXPECT_EQ(statistics.min_time_ns, 1);
  EXPECT_EQ(statistics.max_time_ns, 3);
  EXPECT_EQ(statistics.min, -4);
  EXPECT_EQ(statistics.max, 10);
  EXPECT_EQ(statistics.sum, 14);
  EXPECT_EQ(statistics.first, FieldValue::of_integer(10));
  EXPECT_EQ(statistics.last, FieldValue::of_integer(8));
}

TEST(ColumnData, LargeIntegerSumsDoNotOverflow) {
  EXPECT_EQ(integers({{1, INT64_MAX}, {2, INT64_MAX}}).statistics(0, 2).sum, 2 * 9223372036854775807.0);
}

TEST(ColumnData, BoundsFindTimes) {
  const ColumnData data = integers({{1, 0}, {3, 0}, {5, 0}});
  EXPECT_EQ(data.lower_bound(3), 1u);
  EXPECT_EQ(data.upper_bound(3), 2u);
  EXPECT_EQ(data.lower_bound(6), 3u);
}

TEST(MergeColumns, TheLastInputWins) {
  const ColumnData old_rows = integers({{1, 1}, {2, 1}, {3, 1}, {7, 1}});
  const ColumnData new_rows = integers({{2, 2}, {4, 2}, {7, 2}});
  std::vector<MergeInput> inputs = {{&old_rows, 0, 4}, {&new_rows, 0, 3}};
  ColumnData out(FieldType::kInteger);
  merge_columns(inputs, out);
  EXPECT_EQ(out.times_ns, (std::vector<int64_t>{1, 2, 3, 4, 7}));
  EXPECT_EQ(out.integers, (std::vector<int64_t>{1, 2, 1, 2, 2}));
}

TEST(MergeColumns, AgreesWithAMap) {
  const uint64_t seed = 11;
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int round = 0; round < 500; ++round) {
    std::vector<ColumnData> columns;
    std::map<int64_t, int64_t> model;
    const size_t count = 1 + random.below(5);
    const uint64_t spread = 1 + random.below(100);
    for (size_t c = 0; c < count; ++c) {
      std::map<int64_t, int64_t> rows;
      for (uint64_t i = random.below(40); i > 0; --i) rows[static_cast<int64_t>(random.below(spread))] = static_cast<int64_t>(c);
      for (const auto& [time_ns, value] : rows) model[time_ns] = value;
      columns.push_back(integers({rows.begin(), rows.end()}));
    }
    std::vector<MergeInput> inputs;
    for (const ColumnData& column : columns) inputs.push_back({&column, 0, column.size()});
    ColumnData out(FieldType::kInteger);
    merge_columns(inputs, out);
    std::map<int64_t, int64_t> merged;
    for (size_t i = 0; i < out.size(); ++i) merged[out.times_ns[i]] = out.integers[i];
    ASSERT_EQ(merged, model);
    ASSERT_EQ(out.size(), model.size());
  }
}

TEST(ColumnData, AppendedStringsKeepTheirBytes) {
  ColumnData out(FieldType::kString);
  {
    ColumnData source(FieldType::kString);
    source.texts.push_back(std::make_shared<const std::string>("a long enough text to live on the heap"));
    source.times_ns.push_back(1);
    source.strings.push_back(std::string_view(*source.texts[0]).substr(2, 4));
    out.append(source, 0, 1);
  }
  EXPECT_EQ(out.value(0).as_string(), "long");
}

}  // namespace
}  // namespace campanile::tsdb
