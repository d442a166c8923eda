// HeadBlock: the newest rows of one series in memory, in the order in which they came.
//
//   HeadBlock block;
//   block.append(time_ns, lsn, slots);
//   ColumnData data = block.extract(column, range);      // sorted, each time once, the last write of it
//
// Times are stored once for all columns; a column that a row lacks has its bit unset. One allocation holds everything but string bytes, and
// begins with room for two rows: a million quiet series are a million of these.
// Threads: the owner's lock, or none once the block is frozen (no more appends).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "journal/journal.h"
#include "model/field_value.h"
#include "tsdb/column_data.h"
#include "tsdb/keys.h"

namespace campanile::tsdb {

// A value on its way into its column.
struct Slot {
  ColumnId column;
  FieldValue value;
};

class HeadBlock {
 public:
  HeadBlock() = default;
  HeadBlock(const HeadBlock&) = delete;
  HeadBlock& operator=(const HeadBlock&) = delete;

  // Adds a row, or replaces values of the last one where the time is the same. REQUIRES: a column's values are of one type.
  // Returns whether a row was added.
  bool append(int64_t time_ns, journal::Lsn lsn, std::span<const Slot> slots);

  uint32_t rows() const { return rows_; }
  // The lowest position of the records whose rows are here; rows() > 0.
  journal::Lsn first_lsn() const { return first_lsn_; }
  bool ascends() const { return ascends_; }
  // The greatest time. REQUIRES: rows() > 0.
  int64_t max_time_ns() const { return max_time_ns_; }
  size_t bytes() const { return bytes_; }

  size_t columns() const { return columns_; }
  ColumnId column(size_t index) const { return tags()[index].id; }

  // The rows of a column whose times lie in the range. Empty where the block lacks the column.
  ColumnData extract(ColumnId column, TimeRange range) const;

  // The value of the greatest time, where it is at hand without sorting. Strings view the block's bytes.
  std::optional<std::pair<int64_t, FieldValue>> last_at_hand(ColumnId column) const;

 private:
  struct ColumnTag {
    ColumnId id;
    FieldType type;
  };

  // The allocation: times, then for each column its values, then for each column its presence words, then the columns' tags.
  size_t presence_words() const { return (capacity_ + 63) / 64; }
  static size_t memory_bytes(uint32_t capacity, uint16_t columns);
  int64_t* times() const { return reinterpret_cast<int64_t*>(memory_.get()); }
  uint64_t* values(size_t index) const { return reinterpret_cast<uint64_t*>(memory_.get()) + capacity_ * (1 + index); }
  uint64_t* presence(size_t index) const {
    return reinterpret_cast<uint64_t*>(memory_.get()) + capacity_ * (1 + size_t{columns_}) + index * presence_words();
  }
  ColumnTag* tags() const {
    return reinterpret_cast<ColumnTag*>(reinterpret_cast<uint64_t*>(memory_.get()) + (capacity_ + presence_words()) * size_t{columns_} + capacity_);
  }
  bool has(size_t index, uint32_t row) const { return (presence(index)[row / 64] >> (row % 64) & 1) != 0; }
  std::optional<size_t> find(ColumnId column) const;
  size_t find_or_add(ColumnId column, FieldType type, size_t guess);
  void lay_out(uint32_t capacity, uint16_t columns);
  // Lays out room for the first rows with the columns of the first one.
  void begin_with(std::span<const Slot> slots);
  void set(size_t index, uint32_t row, const FieldValue& value);
  FieldValue value(size_t index, uint32_t row) const;

  std::unique_ptr<std::byte[]> memory_;
  std::unique_ptr<std::string> text_;  // bytes of string values; a value is an offset and a length
  uint32_t rows_ = 0;
  uint32_t capacity_ = 0;
  uint16_t columns_ = 0;
  bool ascends_ = true;
  size_t bytes_ = sizeof(HeadBlock);
  journal::Lsn first_lsn_ = 0;
  int64_t max_time_ns_ = INT64_MIN;
};

}  // namespace campanile::tsdb
