#include "tsdb/column_data.h"

#include <algorithm>
#include <type_traits>

#include "base/check.h"

namespace campanile::tsdb {
namespace {

FieldValue field_value(double value) { return FieldValue::of_float(value); }
FieldValue field_value(int64_t value) { return FieldValue::of_integer(value); }
FieldValue field_value(uint64_t value) { return FieldValue::of_unsigned(value); }
FieldValue field_value(uint8_t value) { return FieldValue::of_boolean(value != 0); }
FieldValue field_value(std::string_view value) { return FieldValue::of_string(value); }

// Four sums at a time: one chain of additions would wait for itself.
template <typename T>
double sum_of(const T* values, size_t count) {
  if constexpr (std::is_integral_v<T>) {
    // Whole sums in 128 bits are exact; they round once.
    std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128> sum = 0;
    for (size_t i = 0; i < count; ++i) sum += values[i];
    return static_cast<double>(sum);
  } else {
    double sums[4] = {};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
      for (size_t lane = 0; lane < 4; ++lane) sums[lane] += values[i + lane];
    }
    for (; i < count; ++i) sums[0] += values[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }
}

}  // namespace

void ColumnData::reset(FieldType new_type) {
  type = new_type;
  times_ns.clear();
  floats.clear();
  integers.clear();
  unsigneds.clear();
  booleans.clear();
  strings.clear();
  texts.clear();
}

void ColumnData::resize(size_t count) {
  times_ns.resize(count);
  with_values(*this, [count](auto& values) { values.resize(count); });
}

size_t ColumnData::lower_bound(int64_t time_ns) const {
  return static_cast<size_t>(std::lower_bound(times_ns.begin(), times_ns.end(), time_ns) - times_ns.begin());
}

size_t ColumnData::upper_bound(int64_t time_ns) const {
  return static_cast<size_t>(std::upper_bound(times_ns.begin(), times_ns.end(), time_ns) - times_ns.begin());
}

void ColumnData::append(const ColumnData& other, size_t begin, size_t end) {
  CHECK(type == other.type && begin <= end && end <= other.size());
  if (begin == end) return;
  const auto append_part = [begin, end](auto& to, const auto& from) {
    to.insert(to.end(), from.begin() + static_cast<ptrdiff_t>(begin), from.begin() + static_cast<ptrdiff_t>(end));
  };
  append_part(times_ns, other.times_ns);
  switch (type) {
    case FieldType::kFloat: append_part(floats, other.floats); break;
    case FieldType::kInteger: append_part(integers, other.integers); break;
    case FieldType::kUnsigned: append_part(unsigneds, other.unsigneds); break;
    case FieldType::kBoolean: append_part(booleans, other.booleans); break;
    case FieldType::kString:
      append_part(strings, other.strings);
      for (const auto& text : other.texts) {
        if (texts.empty() || texts.back() != text) texts.push_back(text);
      }
      break;
  }
}

FieldValue ColumnData::value(size_t index) const {
  return with_values(*this, [index](const auto& values) { return field_value(values[index]); });
}

ColumnValues ColumnData::view(size_t begin, size_t end) const {
  const size_t count = end - begin;
  ColumnValues out{.type = type, .times_ns = std::span(times_ns).subspan(begin, count)};
  switch (type) {
    case FieldType::kFloat: out.floats = std::span(floats).subspan(begin, count); break;
    case FieldType::kInteger: out.integers = std::span(integers).subspan(begin, count); break;
    case FieldType::kUnsigned: out.unsigneds = std::span(unsigneds).subspan(begin, count); break;
    case FieldType::kBoolean: out.booleans = std::span(booleans).subspan(begin, count); break;
    case FieldType::kString: out.strings = std::span(strings).subspan(begin, count); break;
  }
  return out;
}

BlockStatistics ColumnData::statistics(size_t begin, size_t end) const {
  CHECK(begin < end && end <= size());
  BlockStatistics out{.count = end - begin, .min_time_ns = times_ns[begin], .max_time_ns = times_ns[end - 1]};
  out.first = value(begin);
  out.last = value(end - 1);
  with_values(*this, [&](const auto& values) {
    using T = typename std::remove_cvref_t<decltype(values)>::value_type;
    if constexpr (!std::is_same_v<T, std::string_view>) {
      const auto [low, high] = std::minmax_element(values.begin() + static_cast<ptrdiff_t>(begin), values.begin() + static_cast<ptrdiff_t>(end));
      out.min = static_cast<double>(*low);
      out.max = static_cast<double>(*high);
      out.sum = sum_of(values.data() + begin, end - begin);
    }
  });
  return out;
}

void merge_columns(std::span<MergeInput> inputs, ColumnData& out) {
  for (;;) {
    // The input whose next time is the earliest; of several with the same time the last one, the others skip theirs.
    MergeInput* first = nullptr;
    int64_t until = INT64_MAX;  // the earliest next time of the others
    bool others = false;
    for (MergeInput& input : inputs) {
      if (input.begin == input.end) continue;
      const int64_t time = input.data->times_ns[input.begin];
      if (first == nullptr) {
        first = &input;
        continue;
      }
      const int64_t first_time = first->data->times_ns[first->begin];
      if (time == first_time) {
        ++first->begin;
        if (first->begin < first->end) {
          until = others ? std::min(until, first->data->times_ns[first->begin]) : first->data->times_ns[first->begin];
          others = true;
        }
        first = &input;
      } else if (time < first_time) {
        until = others ? std::min(until, first_time) : first_time;
        others = true;
        first = &input;
      } else {
        until = others ? std::min(until, time) : time;
        others = true;
      }
    }
    if (first == nullptr) return;
    // Everything before the others' next time goes over in one piece; at that time itself the next round decides.
    size_t end = first->end;
    if (others) {
      const auto& times = first->data->times_ns;
      end = static_cast<size_t>(std::lower_bound(times.begin() + static_cast<ptrdiff_t>(first->begin) + 1,
                                                 times.begin() + static_cast<ptrdiff_t>(first->end), until) -
                                times.begin());
    }
    out.append(*first->data, first->begin, end);
    first->begin = end;
  }
}

}  // namespace campanile::tsdb
