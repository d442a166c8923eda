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

uint32_t TagIndex::number_of(Key& key, std::string_view text, TextArena& arena) {
  if (const auto known = key.numbers.find(text); known != key.numbers.end()) return known->second;
  if (key.free.empty()) {
    key.free.push_back(static_cast<uint32_t>(key.values.size()));
    key.values.emplace_back();
  }
  const uint32_t number = key.free.back();
  key.free.pop_back();
  const std::string_view kept = arena.copy(text);
  key.values[number].text = kept.data();
  key.values[number].size = static_cast<uint32_t>(kept.size());
  key.numbers.emplace(kept, number);
  return number;
}

void TagIndex::add(uint32_t series, std::span<const std::pair<std::string, std::string>> tags, TextArena& arena) {
  all_.add(series);
  for (const auto& [name, text] : tags) {
    Key& key = find_or_add(name, arena);
    key.present.add(series);
    key.values[number_of(key, text, arena)].series.add(series);
  }
}

void TagIndex::remove(uint32_t series, std::span<const std::pair<std::string, std::string>> tags) {
  all_.remove(series);
  for (const auto& [name, text] : tags) {
    for (Key& key : keys_) {
      if (key.name != name) continue;
      key.present.remove(series);
      Value& value = key.values[key.numbers.at(text)];
      value.series.remove(series);
      ++value.leaving;
    }
  }
}

void TagIndex::forget(std::span<const std::pair<std::string, std::string>> tags, TextArena& arena) {
  for (const auto& [name, text] : tags) {
    for (Key& key : keys_) {
      if (key.name != name) continue;
      const auto known = key.numbers.find(text);
      const uint32_t number = known->second;
      Value& value = key.values[number];
      if (--value.leaving > 0 || !value.series.empty()) continue;
      key.numbers.erase(known);
      arena.give_back(value.view());
      value = {};
      key.free.push_back(number);
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
  for (size_t i = begin; i < std::min(end, found->values.size()); ++i) out.push_back(found->values[i].view());
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
