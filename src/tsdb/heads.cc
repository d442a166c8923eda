#include "tsdb/heads.h"

#include <bit>
#include <mutex>

namespace campanile::tsdb {

bool Heads::append(SeriesEntry& entry, int64_t time_ns, journal::Lsn lsn, std::span<const Slot> slots, Change& change) {
  const std::lock_guard lock(entry.lock);
  uint64_t columns = 0;
  for (const Slot& slot : slots) columns |= ChunksState::column_bit(slot.column);
  if ((columns & ~entry.chunks.columns) != 0) [[unlikely]] {
    change.columns += std::popcount(columns & ~entry.chunks.columns);
    entry.chunks.columns |= columns;
  }
  if (!entry.head) {
    entry.head = std::make_shared<HeadBlock>();
    change.bytes += static_cast<int64_t>(entry.head->bytes());
  }
  HeadBlock& head = *entry.head;
  change.bytes -= static_cast<int64_t>(head.bytes());
  change.rows += head.append(time_ns, lsn, slots);
  change.bytes += static_cast<int64_t>(head.bytes());
  if (head.rows() < rows_max_) [[likely]] return false;
  freeze(entry);
  const bool is_first = !entry.queued;
  entry.queued = true;
  return is_first;
}

void Heads::freeze(SeriesEntry& entry) {
  if (!entry.head || entry.head->rows() == 0) return;
  if (!entry.frozen) entry.frozen = std::make_unique<FrozenBlocks>();
  entry.frozen->push_back(std::move(entry.head));
  entry.head = nullptr;
}

uint64_t Heads::columns_in_memory(const SeriesEntry& entry) {
  uint64_t columns = 0;
  const auto look = [&columns](const HeadBlock& block) {
    for (size_t i = 0; i < block.columns(); ++i) columns |= ChunksState::column_bit(block.column(i));
  };
  if (entry.head) look(*entry.head);
  if (!entry.frozen) return columns;
  for (const auto& block : *entry.frozen) look(*block);
  return columns;
}

void Heads::retire(SeriesEntry& entry, size_t count) {
  FrozenBlocks retired;  // freed after the lock
  Change change;
  {
    const std::lock_guard lock(entry.lock);
    if (!entry.frozen) return;
    FrozenBlocks& frozen = *entry.frozen;
    for (size_t i = 0; i < count && i < frozen.size(); ++i) {
      change.bytes -= static_cast<int64_t>(frozen[i]->bytes());
      change.rows -= frozen[i]->rows();
      retired.push_back(std::move(frozen[i]));
    }
    frozen.erase(frozen.begin(), frozen.begin() + static_cast<ptrdiff_t>(retired.size()));
    if (frozen.empty()) entry.frozen = nullptr;
  }
  this->count(change);
}

void Heads::clear(SeriesEntry& entry) {
  Change change;
  {
    const std::lock_guard lock(entry.lock);
    freeze(entry);
    // Without rows it is not frozen.
    if (entry.head) change.bytes -= static_cast<int64_t>(entry.head->bytes());
    entry.head = nullptr;
  }
  this->count(change);
  retire(entry, SIZE_MAX);
}

}  // namespace campanile::tsdb
