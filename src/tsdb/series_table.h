// SeriesTable: series by their numbers, which are given in ascending order and never again. Costs eight bytes for each number, and nothing any more for
// those of a thousand in a row that are all gone.
//
//   table.set(17, &entry);
//   SeriesEntry* entry = table.get(17);   // nullptr: there is none
//   table.clear(17);
//
// Threads: the owner's lock.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/check.h"

namespace campanile::tsdb {

struct SeriesEntry;

class SeriesTable {
 public:
  SeriesEntry* get(uint64_t number) const {
    const uint64_t block = number / kBlock;
    return block < blocks_.size() && blocks_[block] ? blocks_[block]->entries[number % kBlock] : nullptr;
  }
  // REQUIRES: there is none of that number.
  void set(uint64_t number, SeriesEntry* entry) {
    const uint64_t block = number / kBlock;
    if (blocks_.size() <= block) blocks_.resize(block + 1);
    if (!blocks_[block]) blocks_[block] = std::make_unique<Block>();
    CHECK(!blocks_[block]->entries[number % kBlock]);
    blocks_[block]->entries[number % kBlock] = entry;
    ++blocks_[block]->used;
    ++size_;
    take(number);
  }
  void clear(uint64_t number) {
    if (!get(number)) return;
    std::unique_ptr<Block>& block = blocks_[number / kBlock];
    block->entries[number % kBlock] = nullptr;
    --size_;
    if (--block->used == 0) block = nullptr;
  }
  // That number and those below are taken, whether or not there is somebody.
  void take(uint64_t number) { next_ = std::max(next_, number + 1); }
  uint64_t next() const { return next_; }
  uint64_t size() const { return size_; }

 private:
  static constexpr uint64_t kBlock = 1024;
  struct Block {
    std::array<SeriesEntry*, kBlock> entries{};
    uint32_t used = 0;
  };
  std::vector<std::unique_ptr<Block>> blocks_;
  uint64_t next_ = 1;  // number 0 is no series
  uint64_t size_ = 0;
};

}  // namespace campanile::tsdb
