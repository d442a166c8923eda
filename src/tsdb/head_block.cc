#include "tsdb/head_block.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "codec/strings.h"

namespace campanile::tsdb {
namespace {

constexpr uint32_t kFirstCapacity = 2;
constexpr size_t kColumnsAtOnceMax = 64;

// A string value's slot: where its bytes begin, and how many.
constexpr unsigned kLengthBits = 17;
static_assert(codec::kStringBytesMax < (1u << kLengthBits));

uint64_t string_slot(size_t offset, size_t length) { return offset << kLengthBits | length; }
std::string_view string_at(const std::string& text, uint64_t slot) {
  return std::string_view(text).substr(slot >> kLengthBits, slot & ((1u << kLengthBits) - 1));
}

void append_slot(ColumnData& out, uint64_t slot, const std::string& text) {
  switch (out.type) {
    case FieldType::kFloat: out.floats.push_back(std::bit_cast<double>(slot)); break;
    case FieldType::kInteger: out.integers.push_back(static_cast<int64_t>(slot)); break;
    case FieldType::kUnsigned: out.unsigneds.push_back(slot); break;
    case FieldType::kBoolean: out.booleans.push_back(static_cast<uint8_t>(slot)); break;
    case FieldType::kString: out.strings.push_back(string_at(text, slot)); break;
  }
}

}  // namespace

size_t HeadBlock::memory_bytes(uint32_t capacity, uint16_t columns) {
  const size_t words = capacity * (1 + size_t{columns}) + size_t{columns} * ((capacity + 63) / 64);
  return words * sizeof(uint64_t) + columns * sizeof(ColumnTag);
}

std::optional<size_t> HeadBlock::find(ColumnId column) const {
  for (size_t index = 0; index < columns_; ++index) {
    if (tags()[index].id == column) return index;
  }
  return std::nullopt;
}

size_t HeadBlock::find_or_add(ColumnId column, FieldType type, size_t guess) {
  // Rows of a series nearly always carry the same fields in the same order.
  if (guess < columns_ && tags()[guess].id == column) [[likely]] return guess;
  if (const auto found = find(column)) return *found;
  const size_t index = columns_;
  lay_out(capacity_, static_cast<uint16_t>(columns_ + 1));
  tags()[index] = {.id = column, .type = type};
  return index;
}

void HeadBlock::lay_out(uint32_t capacity, uint16_t columns) {
  HeadBlock before;
  before.memory_ = std::move(memory_);
  before.capacity_ = capacity_;
  before.columns_ = columns_;
  memory_ = std::make_unique_for_overwrite<std::byte[]>(memory_bytes(capacity, columns));
  bytes_ += memory_bytes(capacity, columns) - memory_bytes(capacity_, columns_);
  capacity_ = capacity;
  columns_ = columns;
  if (columns > 0) std::fill_n(presence(0), presence_words() * columns, 0);
  if (before.capacity_ == 0) return;
  std::copy_n(before.times(), rows_, times());
  for (size_t index = 0; index < before.columns_; ++index) {
    std::copy_n(before.values(index), rows_, values(index));
    std::copy_n(before.presence(index), before.presence_words(), presence(index));
    tags()[index] = before.tags()[index];
  }
}

void HeadBlock::set(size_t index, uint32_t row, const FieldValue& value) {
  uint64_t slot = 0;
  switch (value.type()) {
    case FieldType::kFloat: slot = std::bit_cast<uint64_t>(value.as_float()); break;
    case FieldType::kInteger: slot = static_cast<uint64_t>(value.as_integer()); break;
    case FieldType::kUnsigned: slot = value.as_unsigned(); break;
    case FieldType::kBoolean: slot = value.as_boolean(); break;
    case FieldType::kString:
      if (!text_) {
        text_ = std::make_unique<std::string>();
        bytes_ += sizeof(std::string);
      }
      bytes_ -= text_->capacity();
      slot = string_slot(text_->size(), value.as_string().size());
      text_->append(value.as_string());
      bytes_ += text_->capacity();
      break;
  }
  values(index)[row] = slot;
  presence(index)[row / 64] |= 1ull << (row % 64);
}

void HeadBlock::begin_with(std::span<const Slot> slots) {
  // A field given twice takes one place; fields beyond the array come in one by one.
  uint16_t used = 0;
  std::array<ColumnTag, kColumnsAtOnceMax> found;
  for (const Slot& slot : slots.subspan(0, std::min(slots.size(), kColumnsAtOnceMax))) {
    const auto same = [&slot](const ColumnTag& tag) { return tag.id == slot.column; };
    if (std::none_of(found.begin(), found.begin() + used, same)) found[used++] = {.id = slot.column, .type = slot.value.type()};
  }
  lay_out(kFirstCapacity, used);
  std::copy_n(found.begin(), used, tags());
}

bool HeadBlock::append(int64_t time_ns, journal::Lsn lsn, std::span<const Slot> slots) {
  const bool is_new = rows_ == 0 || times()[rows_ - 1] != time_ns;
  if (is_new) {
    if (capacity_ == 0) {
      begin_with(slots);
    } else if (rows_ == capacity_) {
      lay_out(capacity_ * 2, columns_);
    }
    if (rows_ == 0 || time_ns > max_time_ns_) {
      max_time_ns_ = time_ns;
    } else {
      ascends_ = false;
    }
    times()[rows_] = time_ns;
  }
  first_lsn_ = rows_ == 0 ? lsn : std::min(first_lsn_, lsn);
  const uint32_t row = is_new ? rows_ : rows_ - 1;
  // The row counts before its values are set, so that a new column's layout copies its time too.
  if (is_new) ++rows_;
  for (size_t i = 0; i < slots.size(); ++i) {
    const size_t index = find_or_add(slots[i].column, slots[i].value.type(), i);
    set(index, row, slots[i].value);
  }
  return is_new;
}

FieldValue HeadBlock::value(size_t index, uint32_t row) const {
  const uint64_t slot = values(index)[row];
  switch (tags()[index].type) {
    case FieldType::kFloat: return FieldValue::of_float(std::bit_cast<double>(slot));
    case FieldType::kInteger: return FieldValue::of_integer(static_cast<int64_t>(slot));
    case FieldType::kUnsigned: return FieldValue::of_unsigned(slot);
    case FieldType::kBoolean: return FieldValue::of_boolean(slot != 0);
    case FieldType::kString: break;
  }
  return FieldValue::of_string(string_at(*text_, slot));
}

ColumnData HeadBlock::extract(ColumnId column, TimeRange range) const {
  ColumnData out;
  const auto index = find(column);
  if (!index || range.from_ns > range.to_ns) return out;
  out.reset(tags()[*index].type);
  static const std::string kNoText;
  const std::string* text = &kNoText;
  if (out.type == FieldType::kString && text_) {
    // The views must outlive the block and its growing buffer, so they get bytes of their own.
    out.texts.push_back(std::make_shared<const std::string>(*text_));
    text = out.texts.back().get();
  }
  const int64_t* const rows_times = times();
  const uint64_t* const slots = values(*index);
  if (ascends_) {
    const auto begin = static_cast<uint32_t>(std::lower_bound(rows_times, rows_times + rows_, range.from_ns) - rows_times);
    const auto end = static_cast<uint32_t>(std::upper_bound(rows_times + begin, rows_times + rows_, range.to_ns) - rows_times);
    out.times_ns.reserve(end - begin);
    for (uint32_t row = begin; row < end; ++row) {
      if (!has(*index, row)) continue;
      out.times_ns.push_back(rows_times[row]);
      append_slot(out, slots[row], *text);
    }
    return out;
  }
  std::vector<uint32_t> order;
  for (uint32_t row = 0; row < rows_; ++row) {
    if (has(*index, row) && rows_times[row] >= range.from_ns && rows_times[row] <= range.to_ns) order.push_back(row);
  }
  // Of rows with one time the last written comes last.
  std::sort(order.begin(), order.end(), [rows_times](uint32_t a, uint32_t b) {
    return rows_times[a] != rows_times[b] ? rows_times[a] < rows_times[b] : a < b;
  });
  for (size_t i = 0; i < order.size(); ++i) {
    if (i + 1 < order.size() && rows_times[order[i]] == rows_times[order[i + 1]]) continue;
    out.times_ns.push_back(rows_times[order[i]]);
    append_slot(out, slots[order[i]], *text);
  }
  return out;
}

std::optional<std::pair<int64_t, FieldValue>> HeadBlock::last_at_hand(ColumnId column) const {
  const auto index = find(column);
  if (!index || !ascends_) return std::nullopt;
  for (uint32_t row = rows_; row > 0; --row) {
    if (has(*index, row - 1)) return std::pair(times()[row - 1], value(*index, row - 1));
  }
  return std::nullopt;
}

}  // namespace campanile::tsdb
