// TagIndex: which series of one measurement have which tags.
//
//   index.add(17, name.tags, arena);
//   Bitmap found = index.equal("room", "302");
//   while (index.next_matches("room", at, 1024, pattern, found)) {}
//
// Threads: the owner's lock: exclusive for add(), shared for the rest. Scans over values go in slices so that the lock need not be held for long:
// values are only ever added, at the end.
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

namespace campanile::tsdb {

class TagIndex {
 public:
  // REQUIRES: series is new here; keys are sorted and each there once.
  void add(uint32_t series, std::span<const std::pair<std::string, std::string>> tags, TextArena& arena);

  // REQUIRES: series was added with these tags. A value that no series has any more keeps its number, for when it comes back.
  void remove(uint32_t series, std::span<const std::pair<std::string, std::string>> tags);

  const Bitmap& all() const { return all_; }
  // Series that have the tag at all.
  Bitmap present(std::string_view key) const;
  Bitmap equal(std::string_view key, std::string_view value) const;

  std::vector<std::string> keys() const;  // sorted; those that some series has
  size_t values_count(std::string_view key) const;
  // Values [begin, end) in the order of their first appearance, cut to what is there. The views live as long as the arena.
  std::vector<std::string_view> values(std::string_view key, size_t begin, size_t end) const;
  // Whether some series has the value of that number.
  bool is_used(std::string_view key, size_t value) const;
  // Adds the series that have the value of that number.
  void add_series_of(std::string_view key, size_t value, Bitmap& out) const;

 private:
  struct Value {
    std::string_view text;
    Postings series;
  };
  struct Key {
    std::string_view name;
    Bitmap present;
    std::vector<Value> values;
    absl::flat_hash_map<std::string_view, uint32_t> numbers;
  };
  const Key* find(std::string_view key) const;
  Key& find_or_add(std::string_view key, TextArena& arena);

  Bitmap all_;
  std::vector<Key> keys_;  // few: tags of one measurement
};

}  // namespace campanile::tsdb
