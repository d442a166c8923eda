// Heads: puts rows into the heads of series, freezes those that are full, and knows what they all take.
//
//   Heads heads(1024);
//   Heads::Change change;
//   if (heads.append(entry, time_ns, lsn, slots, change)) full.push_back(&entry);
//   heads.count(change);                                // once per batch
//
// Threads: any; a head is touched under its entry's lock. Limits: those of the engine's options, which the engine enforces by what bytes() says.
#pragma once

#include <atomic>
#include <cstdint>

#include "tsdb/bucket.h"

namespace campanile::tsdb {

class Heads {
 public:
  explicit Heads(uint32_t rows_max) : rows_max_(rows_max) {}

  // What a batch did, counted once at its end.
  struct Change {
    int64_t bytes = 0;
    int64_t rows = 0;
    int64_t columns = 0;
  };

  // Returns whether the entry has just become one for the sealer to look at.
  bool append(SeriesEntry& entry, int64_t time_ns, journal::Lsn lsn, std::span<const Slot> slots, Change& change);

  // Moves the head, if there is one, behind the frozen blocks. REQUIRES: the entry's lock.
  static void freeze(SeriesEntry& entry);

  // The columns that have values in the head or in frozen blocks, as ChunksState::columns has them. REQUIRES: the entry's lock.
  static uint64_t columns_in_memory(const SeriesEntry& entry);

  // Lets go of the `count` oldest frozen blocks.
  void retire(SeriesEntry& entry, size_t count);
  // Lets go of everything, for a series whose bucket is gone.
  void clear(SeriesEntry& entry);

  void count(const Change& change) {
    // Every batch has rows; most have nothing else, and what every writer reads stays in its cache.
    rows_.fetch_add(change.rows, std::memory_order_relaxed);
    if (change.bytes != 0) bytes_.fetch_add(change.bytes, std::memory_order_relaxed);
    if (change.columns != 0) columns_.fetch_add(change.columns, std::memory_order_relaxed);
    if (change.columns > 0) columns_made_.fetch_add(static_cast<uint64_t>(change.columns), std::memory_order_relaxed);
  }
  uint64_t bytes() const { return static_cast<uint64_t>(bytes_.load(std::memory_order_relaxed)); }
  uint64_t rows() const { return static_cast<uint64_t>(rows_.load(std::memory_order_relaxed)); }
  uint64_t columns() const { return static_cast<uint64_t>(columns_.load(std::memory_order_relaxed)); }
  uint64_t columns_made() const { return columns_made_.load(std::memory_order_relaxed); }

 private:
  const uint32_t rows_max_;
  std::atomic<int64_t> bytes_{0};
  std::atomic<int64_t> columns_{0};  // of all series, in heads or chunks
  std::atomic<uint64_t> columns_made_{0};
  alignas(64) std::atomic<int64_t> rows_{0};  // changes with every batch, the others seldom
};

}  // namespace campanile::tsdb
