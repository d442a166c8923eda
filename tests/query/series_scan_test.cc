#include "query/series_scan.h"

#include <map>

#include <gtest/gtest.h>

#include "base/random.h"
#include "memory_engine.h"

namespace campanile::query {
namespace {

using testing::MemoryEngine;

Input field(std::string name, FieldType type = FieldType::kFloat, bool makes_rows = true) { return {Input::Kind::kField, std::move(name), type, makes_rows}; }

// All rows in the order they come, as "time:a,b" with "-" for a null.
std::vector<std::string> rows_of(MemoryEngine& engine, const std::vector<Input>& inputs, bool ascending, tsdb::TimeRange range = {}) {
  const auto reader = *engine.reader(*engine.bucket("db0", ""));
  auto scan = SeriesScan::open(*reader, (*reader->series("m", {}))[0].id, inputs, range, ascending);
  EXPECT_TRUE(scan);
  std::vector<std::string> rows;
  for (;;) {
    const auto more = scan->next();
    EXPECT_TRUE(more);
    if (!more || !*more) return rows;
    const Batch& batch = scan->batch();
    EXPECT_GT(batch.size(), 0u);
    for (size_t n = 0; n < batch.size(); ++n) {
      const size_t i = ascending ? n : batch.size() - 1 - n;
      std::string row = fmt::format("{}:", batch.times_ns[i]);
      for (size_t c = 0; c < inputs.size(); ++c) {
        const Value value = batch.columns[c].at(i);
        row += (c == 0 ? "" : ",") + (value ? to_string(*value) : std::string("-"));
      }
      rows.push_back(std::move(row));
    }
  }
}

TEST(SeriesScan, PutsFieldsSideBySide) {
  MemoryEngine engine(2);
  engine.load("db0", "m a=1,b=10 1\nm a=2 2\nm b=30 3\nm a=4,b=40 4\nm a=5 5");
  EXPECT_EQ(rows_of(engine, {field("a"), field("b")}, true), (std::vector<std::string>{"1:1,10", "2:2,-", "3:-,30", "4:4,40", "5:5,-"}));
  EXPECT_EQ(rows_of(engine, {field("a"), field("b")}, false), (std::vector<std::string>{"5:5,-", "4:4,40", "3:-,30", "2:2,-", "1:1,10"}));
  EXPECT_EQ(rows_of(engine, {field("a"), field("b")}, true, {2, 3}), (std::vector<std::string>{"2:2,-", "3:-,30"}));
}

TEST(SeriesScan, FieldsForTheFilterMakeNoRows) {
  MemoryEngine engine(2);
  engine.load("db0", "m a=1 1\nm b=2 2\nm a=3,b=3 3\nm b=4 4");
  EXPECT_EQ(rows_of(engine, {field("a"), field("b", FieldType::kFloat, false)}, true), (std::vector<std::string>{"1:1,-", "3:3,3"}));
}

TEST(SeriesScan, ConvertsNumbersAndLeavesOutTheRest) {
  MemoryEngine engine;
  engine.load("db0", "m i=7i,f=2.9,s=\"x\" 1");
  EXPECT_EQ(rows_of(engine, {field("i", FieldType::kFloat), field("f", FieldType::kInteger), field("s", FieldType::kFloat)}, true),
            (std::vector<std::string>{"1:7,2i,-"}));
}

TEST(SeriesScan, UnknownFieldsAreNulls) {
  MemoryEngine engine;
  engine.load("db0", "m a=1 1");
  EXPECT_EQ(rows_of(engine, {field("a"), field("zz")}, true), (std::vector<std::string>{"1:1,-"}));
  EXPECT_TRUE(rows_of(engine, {field("zz")}, true).empty());
}

// Whatever the blocks, the rows are those of a plain table.
TEST(SeriesScan, AgreesWithATableOnRandomColumns) {
  const uint64_t seed = 20260101;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  for (int round = 0; round < 200; ++round) {
    std::map<int64_t, std::map<std::string, std::string>> table;
    std::string lines;
    for (int point = 0; point < 30; ++point) {
      const int64_t time = random.between(1, 40);
      if (table.contains(time)) continue;
      std::string fields;
      for (const char* name : {"a", "b", "c"}) {
        if (!random.one_in(2)) continue;
        const std::string value = std::to_string(random.below(9));
        fields += (fields.empty() ? "" : ",") + std::string(name) + "=" + value;
        table[time][name] = value;
      }
      if (!fields.empty()) lines += "m " + fields + " " + std::to_string(time) + "\n";
    }
    if (lines.empty()) continue;
    std::vector<std::string> expected;
    for (const auto& [time, row] : table) {
      if (!row.contains("a") && !row.contains("b")) continue;
      const auto cell = [&](const char* name) { return row.contains(name) ? row.at(name) : std::string("-"); };
      expected.push_back(fmt::format("{}:{},{},{}", time, cell("a"), cell("b"), cell("c")));
    }
    MemoryEngine engine(1 + random.below(6));
    engine.load("db0", lines);
    const std::vector<Input> inputs = {field("a"), field("b"), field("c", FieldType::kFloat, false)};
    EXPECT_EQ(rows_of(engine, inputs, true), expected);
    std::reverse(expected.begin(), expected.end());
    EXPECT_EQ(rows_of(engine, inputs, false), expected);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace campanile::query
