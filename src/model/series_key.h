// The series key: the canonical text of a measurement and its tags, which is what identifies a series everywhere.
//
//   std::string key;
//   append_series_key(key, "data", tags);          // data,building=u4,kind=temperature,room=302
//   Result<SeriesName> name = parse_series_key(key);
//
// The form is InfluxDB's: tags sorted by key bytes, comma and space escaped by a backslash in all parts, '=' too in tag
// keys and values; a tag without a value is no tag. A line of line protocol whose tags already stand in order begins
// with its key as it is, which is what makes the lookup on the write path one hash of the input.
// Threads: pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/point_batch.h"

namespace campanile {

// A parsed key: owns its strings.
struct SeriesName {
  std::string measurement;
  std::vector<std::pair<std::string, std::string>> tags;  // sorted by key

  // The tag's value, or empty where the series lacks the tag, as InfluxDB compares it.
  std::string_view tag(std::string_view key) const;
  friend bool operator==(const SeriesName&, const SeriesName&) = default;
};

// REQUIRES: no two tags share a key (line protocol and decoders see to it).
void append_series_key(std::string& out, std::string_view measurement, std::span<const Tag> tags);

std::string series_key(const SeriesName& name);

// Errors: kCorrupt where the text is not of the form above.
Result<SeriesName> parse_series_key(std::string_view key);

}  // namespace campanile
