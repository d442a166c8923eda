#include "tsdb/tag_index.h"

#include <algorithm>

namespace campanile::tsdb {

const TagIndex::Key* TagIndex::find(std::string_view key) const {
  for (const Key& candidate : keys_) {
    if (candidate.name == key) return &candidate;
  }
  return nullptr;
}

TagIndex::Key& TagIndex::find_or_add(std::string_view key, TextArena& arena) {
  for (Key& candidate : keys_) {
    if (candidate.name == key) return candidate;
  }
  keys_.push_back({.name = arena.copy(key)});
  return keys_.back();
}

void TagIndex::add(uint32_t series, std::span<const std::pair<std::string, std::string>> tags, TextArena& arena) {
  all_.add(series);
  for (const auto& [name, text] : tags) {
    Key& key = find_or_add(name, arena);
    key.present.add(series);
    auto number = key.numbers.find(text);
    if (number == key.numbers.end()) {
      const std::string_view kept = arena.copy(text);
      number = key.numbers.emplace(kept, static_cast<uint32_t>(key.values.size())).first;
      key.values.push_back({.text = kept});
    }
    key.values[number->second].series.add(series);
  }
}

void TagIndex::remove(uint32_t series, std::span<const std::pair<std::string, std::string>> tags) {
  all_.remove(series);
  for (const auto& [name, text] : tags) {
    for (Key& key : keys_) {
      if (key.name != name) continue;
      key.present.remove(series);
      if (const auto number = key.numbers.find(text); number != key.numbers.end()) key.values[number->second].series.remove(series);
    }
  }
}

Bitmap TagIndex::present(std::string_view key) const {
  const Key* const found = find(key);
  return found ? found->present : Bitmap();
}

Bitmap TagIndex::equal(std::string_view key, std::string_view value) const {
  Bitmap out;
  const Key* const found = find(key);
  if (value.empty()) {
    out = all_;
    if (found) out -= found->present;
    return out;
  }
  if (!found) return out;
  const auto number = found->numbers.find(value);
  if (number != found->numbers.end()) found->values[number->second].series.add_to(out);
  return out;
}

std::vector<std::string> TagIndex::keys() const {
  std::vector<std::string> out;
  for (const Key& key : keys_) {
    if (!key.present.isEmpty()) out.emplace_back(key.name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

size_t TagIndex::values_count(std::string_view key) const {
  const Key* const found = find(key);
  return found ? found->values.size() : 0;
}

std::vector<std::string_view> TagIndex::values(std::string_view key, size_t begin, size_t end) const {
  std::vector<std::string_view> out;
  const Key* const found = find(key);
  if (!found) return out;
  for (size_t i = begin; i < std::min(end, found->values.size()); ++i) out.push_back(found->values[i].text);
  return out;
}

bool TagIndex::is_used(std::string_view key, size_t value) const {
  const Key* const found = find(key);
  return found && value < found->values.size() && !found->values[value].series.empty();
}

void TagIndex::add_series_of(std::string_view key, size_t value, Bitmap& out) const {
  const Key* const found = find(key);
  if (found && value < found->values.size()) found->values[value].series.add_to(out);
}

}  // namespace campanile::tsdb
