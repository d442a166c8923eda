#include "model/series_key.h"

#include <algorithm>

#include "base/text.h"

namespace campanile {
namespace {

// In any part of a key: ' ', ',' and '='.
bool is_special(char c) { return c == ' ' || c == ',' || c == '='; }

void append_escaped(std::string& out, std::string_view text, std::string_view special) {
  // Names without a special byte are nearly all there are, and find_first_of() makes a call for every byte.
  if (std::ranges::none_of(text, is_special)) {
    out.append(text);
    return;
  }
  size_t from = 0;
  for (size_t at = text.find_first_of(special); at != std::string_view::npos; at = text.find_first_of(special, from)) {
    out.append(text, from, at - from);
    out += '\\';
    out += text[at];
    from = at + 1;
  }
  out.append(text, from);
}

// Reads up to the first unescaped byte of `stops` and moves `at` onto it, or to the end.
std::string read_escaped(std::string_view key, size_t& at, std::string_view stops, std::string_view special) {
  std::string out;
  while (at < key.size() && !stops.contains(key[at])) {
    const bool escapes = key[at] == '\\' && at + 1 < key.size() && special.contains(key[at + 1]);
    if (escapes) ++at;
    out += key[at++];
  }
  return out;
}

constexpr std::string_view kMeasurementSpecial = ", ";
constexpr std::string_view kTagSpecial = ",= ";

}  // namespace

std::string_view SeriesName::tag(std::string_view key) const {
  const auto found = std::lower_bound(tags.begin(), tags.end(), key, [](const auto& tag, std::string_view wanted) { return tag.first < wanted; });
  if (found == tags.end() || found->first != key) return {};
  return found->second;
}

void append_series_key(std::string& out, std::string_view measurement, std::span<const Tag> tags) {
  append_escaped(out, measurement, kMeasurementSpecial);
  const auto by_key = [](const Tag& a, const Tag& b) { return a.key < b.key; };
  const auto append_tags = [&out](std::span<const Tag> sorted) {
    for (const Tag& tag : sorted) {
      if (tag.value.empty()) continue;
      out += ',';
      append_escaped(out, tag.key, kTagSpecial);
      out += '=';
      append_escaped(out, tag.value, kTagSpecial);
    }
  };
  if (std::is_sorted(tags.begin(), tags.end(), by_key)) return append_tags(tags);
  std::vector<Tag> sorted(tags.begin(), tags.end());
  std::sort(sorted.begin(), sorted.end(), by_key);
  append_tags(sorted);
}

std::string series_key(const SeriesName& name) {
  std::vector<Tag> tags;
  for (const auto& [key, value] : name.tags) tags.push_back({key, value});
  std::string out;
  append_series_key(out, name.measurement, tags);
  return out;
}

Result<SeriesName> parse_series_key(std::string_view key) {
  SeriesName name;
  size_t at = 0;
  name.measurement = read_escaped(key, at, ",", kMeasurementSpecial);
  while (at < key.size()) {
    ++at;  // the comma
    std::string tag_key = read_escaped(key, at, ",=", kTagSpecial);
    if (at == key.size() || key[at] != '=') return fail(ErrorCode::kCorrupt, "series key '{}' has a tag without '=' at byte {}", excerpt(key), at);
    ++at;
    std::string tag_value = read_escaped(key, at, ",", kTagSpecial);
    if (!name.tags.empty() && name.tags.back().first >= tag_key) return fail(ErrorCode::kCorrupt, "series key '{}' has tags out of order", excerpt(key));
    name.tags.emplace_back(std::move(tag_key), std::move(tag_value));
  }
  return name;
}

}  // namespace campanile
