// TextArena: bytes that are kept for as long as their owner lives, packed one after another.
//
//   std::string_view kept = arena.copy(key);
//
// Threads: the owner's lock for copy(); the views are immutable.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace campanile::tsdb {

class TextArena {
 public:
  std::string_view copy(std::string_view bytes) {
    if (bytes.size() > left_) {
      const size_t size = std::max(kBlockBytes, bytes.size());
      blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
      at_ = blocks_.back().get();
      left_ = size;
    }
    char* const kept = at_;
    std::memcpy(kept, bytes.data(), bytes.size());
    at_ += bytes.size();
    left_ -= bytes.size();
    return {kept, bytes.size()};
  }

 private:
  static constexpr size_t kBlockBytes = 64 * 1024;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* at_ = nullptr;
  size_t left_ = 0;
};

}  // namespace campanile::tsdb
