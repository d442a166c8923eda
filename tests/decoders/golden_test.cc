// Golden cases of the decoders: tests/golden/decoders/<decoder>/<case>/ holds
//   input     the payload, byte for byte
//   expected  one line a point in line protocol (strings in quotes, no time where the payload has none), or "ignored", or "error: reason",
//             or "left out: reason" after the points
//   topic     of the message, where it matters
//   tags      that the route took from it, key=value a line
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "decoders/decoder.h"
#include "model/series_key.h"

namespace campanile::decoders {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// A file of one value: an editor's line feed at the end is no part of it.
std::string read_text(const fs::path& file) {
  std::string text = read(file);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::string render(const PointBatch& batch) {
  std::string out;
  for (const auto& point : batch.points()) {
    append_series_key(out, point.measurement, batch.tags(point));
    char separator = ' ';
    for (const Field& field : batch.fields(point)) {
      out += separator;
      out += std::string(field.name) + '=' + to_string(field.value);
      separator = ',';
    }
    if (point.has_time) out += ' ' + std::to_string(point.time_ns);
    out += '\n';
  }
  return out;
}

std::string decode(const Decoder& decoder, const fs::path& folder) {
  const std::string payload = read(folder / "input");
  const std::string topic = read_text(folder / "topic");
  std::vector<std::string> lines;
  std::istringstream tag_lines(read_text(folder / "tags"));
  for (std::string line; std::getline(tag_lines, line);) lines.push_back(line);
  std::vector<Tag> tags;
  for (const std::string& line : lines) {
    const auto equals = line.find('=');
    tags.push_back({std::string_view(line).substr(0, equals), std::string_view(line).substr(equals + 1)});
  }
  PointBatch batch;
  const auto decoded = decoder.decode({.topic = topic, .payload = payload, .measurement = "data", .tags = tags}, batch);
  if (!decoded) {
    EXPECT_TRUE(batch.empty()) << "an error must leave the batch as it was";
    return "error: " + decoded.error().message + '\n';
  }
  EXPECT_EQ(decoded->ignored, batch.empty());
  if (decoded->ignored) return "ignored\n";
  std::string out = render(batch);
  if (!decoded->left_out.empty()) out += "left out: " + decoded->left_out + '\n';
  return out;
}

TEST(Golden, EveryDecoderReadsItsCases) {
  for (const std::string_view name : decoder_names()) {
    const fs::path family = fs::path("golden/decoders") / name;
    ASSERT_TRUE(fs::is_directory(family)) << family << " is missing; the test runs in tests/";
    std::vector<fs::path> cases;
    for (const auto& entry : fs::directory_iterator(family)) cases.push_back(entry.path());
    std::ranges::sort(cases);
    EXPECT_FALSE(cases.empty()) << family;
    for (const fs::path& folder : cases) {
      SCOPED_TRACE(folder.string());
      ASSERT_TRUE(fs::exists(folder / "input")) << folder;
      EXPECT_EQ(decode(*find_decoder(name), folder), read(folder / "expected")) << "case " << folder;
    }
  }
}

TEST(Registry, KnowsItsDecodersByName) {
  EXPECT_EQ(decoder_names().size(), 4u);
  for (const std::string_view name : decoder_names()) {
    ASSERT_NE(find_decoder(name), nullptr) << name;
    EXPECT_EQ(find_decoder(name)->name(), name);
  }
  EXPECT_EQ(find_decoder("neocampu"), nullptr);
}

}  // namespace
}  // namespace campanile::decoders
