// Reads the golden files of tests/golden/query/influxql; tests/query_diff/golden.py describes the form and fills in InfluxDB's own answers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace campanile::query::testing {

struct GoldenBlock {
  bool is_load = false;
  std::vector<std::string> options;
  std::string text;
  std::string expected;
  size_t line = 0;

  // The value of name=value, "true" of a bare name, otherwise the fallback.
  std::string option(std::string_view name, std::string fallback) const;
};

std::vector<GoldenBlock> read_golden(const std::filesystem::path& path);

}  // namespace campanile::query::testing
