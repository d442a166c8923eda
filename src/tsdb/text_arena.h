// TextArena: bytes that are kept for as long as their owner lives or until they are given back, packed one after another.
//
//   std::string_view kept = arena.copy(key);
//   arena.give_back(kept);                    // nobody looks at them any more; the next text of that length goes there
//
// Threads: the owner's lock for both; the views are immutable.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

namespace campanile::tsdb {

class TextArena {
 public:
  std::string_view copy(std::string_view bytes) {
    if (bytes.empty()) return {};
    char* const kept = place(room(bytes.size()));
    std::memcpy(kept, bytes.data(), bytes.size());
    return {kept, bytes.size()};
  }

  // REQUIRES: copy() made them, and nobody gave them back since.
  void give_back(std::string_view bytes) {
    if (!bytes.empty()) free_[room(bytes.size())].push_back(const_cast<char*>(bytes.data()));
  }

 private:
  static constexpr size_t kBlockBytes = 64 * 1024;

  // Lengths in steps, so that texts that differ little fit into each other's places.
  static size_t room(size_t size) { return (size + 7) / 8 * 8; }

  char* place(size_t size) {
    if (!free_.empty()) {
      if (const auto found = free_.find(size); found != free_.end()) {
        char* const again = found->second.back();
        found->second.pop_back();
        if (found->second.empty()) free_.erase(found);
        return again;
      }
    }
    if (size > left_) {
      const size_t block = std::max(kBlockBytes, size);
      blocks_.push_back(std::make_unique_for_overwrite<char[]>(block));
      at_ = blocks_.back().get();
      left_ = block;
    }
    left_ -= size;
    return std::exchange(at_, at_ + size);
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  char* at_ = nullptr;
  size_t left_ = 0;
  absl::flat_hash_map<size_t, std::vector<char*>> free_;  // by their room
};

}  // namespace campanile::tsdb
