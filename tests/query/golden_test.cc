// Every query of tests/golden/query/influxql, over a store whose blocks hold one, three and many points, and over the real one: the answers,
// taken down from an InfluxDB, must not depend on how the store cuts its blocks.

#include <algorithm>
#include <map>
#include <optional>

#include <gtest/gtest.h>

#include "base/text.h"
#include "golden_file.h"
#include "influx.h"
#include "memory_engine.h"
#include "stored_engine.h"

namespace campanile::query {
namespace {

using testing::GoldenBlock;
using testing::influx;
using testing::InfluxOptions;
using testing::MemoryEngine;
using testing::StoredEngine;

std::vector<std::filesystem::path> golden_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator("golden/query/influxql")) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

InfluxOptions options_of(const GoldenBlock& block) {
  static const std::map<std::string, int64_t> kUnits = {{"u", 1'000}, {"µ", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000},
                                                        {"m", 60'000'000'000}, {"h", 3'600'000'000'000}};
  InfluxOptions options;
  options.database = block.option("db", "db0");
  const std::string epoch = block.option("epoch", "s");
  const auto unit = kUnits.find(epoch);
  options.response.epoch_ns = unit == kUnits.end() ? 1 : unit->second;
  if (epoch == "rfc3339") options.response.epoch_ns.reset();
  options.response.pretty = block.option("pretty", "") == "true";
  options.response.chunk_rows = *parse_uint64(block.option("chunk", "0"));
  options.is_read_only = block.option("get", "") == "true";
  if (block.option("csv", "") == "true") options.format = influxql::Format::kCsv;
  return options;
}

// Works on either engine, which load alike.
template <typename Loader>
void load(tsdb::Engine& engine, const GoldenBlock& block, const Loader& load_lines) {
  const std::string& target = block.options.at(0);
  const size_t dot = target.find('.');
  const std::string database = target.substr(0, dot);
  const std::string policy = dot == std::string::npos ? "" : target.substr(dot + 1);
  ASSERT_TRUE(engine.create_database(database));
  if (!policy.empty()) {
    ASSERT_TRUE(engine.create_retention_policy(database, {policy, 0, false}));
  }
  load_lines(database, block.text, policy);
}

class Golden : public ::testing::TestWithParam<std::filesystem::path> {
 protected:
  template <typename Loader>
  void check(tsdb::Engine& engine, const Loader& load_lines) {
    size_t asked = 0;
    for (const GoldenBlock& block : testing::read_golden(GetParam())) {
      if (block.is_load) {
        load(engine, block, load_lines);
        continue;
      }
      ++asked;
      EXPECT_EQ(influx(engine, block.text, options_of(block)), block.expected) << GetParam().string() << ":" << block.line << "\n" << block.text;
    }
    EXPECT_GT(asked, 0u) << GetParam() << " asks nothing";
  }
};

TEST_P(Golden, AnswersAsInfluxDbDoesWhateverTheBlocks) {
  for (const size_t block_points : {size_t{1}, size_t{3}, size_t{1000}}) {
    MemoryEngine engine(block_points);
    check(engine, [&](std::string_view database, std::string_view lines, std::string_view policy) { engine.load(database, lines, policy); });
    if (HasFailure()) FAIL() << "with blocks of " << block_points << " points";
  }
}

TEST_P(Golden, AnswersTheSameFromTheStore) {
  StoredEngine stored;
  check(stored.engine(), [&](std::string_view database, std::string_view lines, std::string_view policy) { stored.load(database, lines, policy); });
}

TEST_P(Golden, AnswersTheSameFromSealedChunks) {
  StoredEngine stored;
  check(stored.engine(), [&](std::string_view database, std::string_view lines, std::string_view policy) {
    stored.load(database, lines, policy);
    ASSERT_TRUE(stored.engine().seal_all());
  });
}

std::string file_name(const ::testing::TestParamInfo<std::filesystem::path>& file) { return file.param.stem().string(); }

INSTANTIATE_TEST_SUITE_P(Files, Golden, ::testing::ValuesIn(golden_files()), file_name);

}  // namespace
}  // namespace campanile::query
