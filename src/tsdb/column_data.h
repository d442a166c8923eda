// ColumnData: times and typed values of one column in memory, ascending: what a chunk is made from and decodes to.
//
//   ColumnData data(FieldType::kFloat);
//   data.times_ns.push_back(t);
//   data.floats.push_back(21.5);
//   BlockStatistics statistics = data.statistics(0, data.size());
//
// Ownership: string values are views into `texts`, which copies of a part share.
// Threads: one owner.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/field_value.h"
#include "tsdb/reader.h"

namespace campanile::tsdb {

class ColumnData {
 public:
  explicit ColumnData(FieldType values_type = FieldType::kFloat) : type(values_type) {}

  size_t size() const { return times_ns.size(); }
  bool empty() const { return times_ns.empty(); }
  void reset(FieldType new_type);
  void resize(size_t count);
  // The index of the first time >= time_ns.
  size_t lower_bound(int64_t time_ns) const;
  // The index of the first time > time_ns.
  size_t upper_bound(int64_t time_ns) const;

  // REQUIRES: the same type; times that come after those here.
  void append(const ColumnData& other, size_t begin, size_t end);
  FieldValue value(size_t index) const;
  ColumnValues view(size_t begin, size_t end) const;
  // REQUIRES: begin < end <= size().
  BlockStatistics statistics(size_t begin, size_t end) const;

  // Calls `function` with the one vector of values that the type uses.
  template <typename Self, typename Function>
  static decltype(auto) with_values(Self& self, Function&& function) {
    switch (self.type) {
      case FieldType::kFloat: return function(self.floats);
      case FieldType::kInteger: return function(self.integers);
      case FieldType::kUnsigned: return function(self.unsigneds);
      case FieldType::kBoolean: return function(self.booleans);
      case FieldType::kString: break;
    }
    return function(self.strings);
  }

  FieldType type;
  std::vector<int64_t> times_ns;
  std::vector<double> floats;
  std::vector<int64_t> integers;
  std::vector<uint64_t> unsigneds;
  std::vector<uint8_t> booleans;
  std::vector<std::string_view> strings;
  std::vector<std::shared_ptr<const std::string>> texts;
};

// One source of a merge: the rows [begin, end) of `data`.
struct MergeInput {
  const ColumnData* data;
  size_t begin;
  size_t end;
};

// Appends the rows of all inputs in time order to `out`; of rows with the same time only that of the last input that has it.
void merge_columns(std::span<MergeInput> inputs, ColumnData& out);

}  // namespace campanile::tsdb
