// TagIndex: which series of one measurement have which tags.
//
//   index.add(17, name.tags, arena);
//   Bitmap found = index.equal("room", "302");
//   while (index.next_matches("room", at, 1024, pattern, found)) {}
//
// Threads: the owner's lock: exclusive for add(), remove() and forget(), shared for the rest. Scans over values go in slices so that the lock need not be held
// for long: a value keeps its number until it is forgotten, which the owner puts off for as long as somebody may be in a scan that saw it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <roaring/roaring.hh>

#include "tsdb/postings.h"
#include "tsdb/text_arena.h"
#include "tsdb/text_hash.h"

namespace campanile::tsdb {

class TagIndex {
 public:
  // REQUIRES: series is new here; keys are sorted and each there once.
  void add(uint32_t series, std::span<const std::pair<std::string, std::string>> tags, TextArena& arena);

  // REQUIRES: series was added with these tags. Values that no series has any more keep their numbers until they are forgotten.
  void remove(uint32_t series, std::span<const std::pair<std::string, std::string>> tags);
  // REQUIRES: once for each remove(), with its tags. A value that no series has is gone, unless another remove() of it waits to be forgotten; its number
  // goes to the next new value.
  void forget(std::span<const std::pair<std::string, std::string>> tags, TextArena& arena);

  const Bitmap& all() const { return all_; }
  // Series that have the tag at all.
  Bitmap present(std::string_view key) const;
  Bitmap equal(std::string_view key, std::string_view value) const;

  std::vector<std::string> keys() const;  // sorted; those that some series has
  size_t values_count(std::string_view key) const;
  // Values [begin, end) by their numbers, cut to what is there; empty where a number waits for a new value. The views live until they are forgotten.
  std::vector<std::string_view> values(std::string_view key, size_t begin, size_t end) const;
  // Whether some series has the value of that number.
  bool is_used(std::string_view key, size_t value) const;
  // Adds the series that have the value of that number.
  void add_series_of(std::string_view key, size_t value, Bitmap& out) const;

 private:
  struct Value {
    const char* text = nullptr;
    uint32_t size = 0;
    uint32_t leaving = 0;  // series that were removed and not yet forgotten
    Postings series;

    std::string_view view() const { return {text, size}; }
  };
  struct Key {
    std::string_view name;
    Bitmap present;
    std::vector<Value> values;
    std::vector<uint32_t> free;  // numbers of values that are forgotten
    absl::flat_hash_map<std::string_view, uint32_t, TextHash> numbers;
  };
  const Key* find(std::string_view key) const;
  Key& find_or_add(std::string_view key, TextArena& arena);
  static uint32_t number_of(Key& key, std::string_view text, TextArena& arena);

  Bitmap all_;
  std::vector<Key> keys_;  // few: tags of one measurement
};

}  // namespace campanile::tsdb
