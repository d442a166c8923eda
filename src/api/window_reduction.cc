#include "api/window_reduction.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/clock.h"

namespace campanile::api {
namespace {

// Lengths that people read easily; longer ranges take whole days.
constexpr std::array<int64_t, 24> kLengths_ms = {1,      2,       5,       10,        20,        50,        100,       200,
                                                 500,    1'000,   2'000,   5'000,     10'000,    15'000,    30'000,    60'000,
                                                 120'000, 300'000, 600'000, 1'800'000, 3'600'000, 7'200'000, 21'600'000, 86'400'000};

int64_t window_length_ns(tsdb::TimeRange range, int64_t windows_max) {
  // In unsigned arithmetic, since the whole range of time does not fit a signed difference.
  const uint64_t span_ms = (static_cast<uint64_t>(range.to_ns) - static_cast<uint64_t>(range.from_ns)) / kNanosPerMilli;
  const int64_t wanted_ms = static_cast<int64_t>(span_ms / static_cast<uint64_t>(windows_max)) + 1;
  for (const int64_t length_ms : kLengths_ms) {
    if (length_ms >= wanted_ms) return length_ms * kNanosPerMilli;
  }
  constexpr int64_t kDay_ms = kLengths_ms.back();
  return (wanted_ms + kDay_ms - 1) / kDay_ms * kDay_ms * kNanosPerMilli;
}

// Windows start at multiples of their length since 1970, so that the same window has the same start in every answer.
int64_t window_start(int64_t time_ns, int64_t length_ns) {
  const int64_t rest = time_ns % length_ns;
  return time_ns - (rest < 0 ? rest + length_ns : rest);
}

double number_of(const FieldValue& value) {
  return value.type() == FieldType::kBoolean ? (value.as_boolean() ? 1.0 : 0.0) : value.as_number();
}

}  // namespace

WindowReduction::WindowReduction(tsdb::TimeRange range, int64_t windows_max) : window_ns_(window_length_ns(range, windows_max)) {
  CHECK(range.from_ns <= range.to_ns && windows_max > 0);
}

WindowReduction::Window& WindowReduction::window_at(int64_t time_ns) {
  const int64_t start_ns = window_start(time_ns, window_ns_);
  if (windows_.empty() || windows_.back().start_ns != start_ns) windows_.push_back({.start_ns = start_ns});
  return windows_.back();
}

Result<void> WindowReduction::add(tsdb::ColumnCursor& cursor) {
  while (TRY(cursor.next())) {
    const tsdb::BlockStatistics& block = cursor.statistics();
    const bool within_one = window_start(block.min_time_ns, window_ns_) == window_start(block.max_time_ns, window_ns_);
    if (within_one && block.first.is_numeric()) {
      add_block(block);
    } else {
      add_values(TRY(cursor.values()));
    }
  }
  return {};
}

void WindowReduction::add_block(const tsdb::BlockStatistics& block) {
  Window& window = window_at(block.min_time_ns);
  window.min = window.count == 0 ? block.min : std::min(window.min, block.min);
  window.max = window.count == 0 ? block.max : std::max(window.max, block.max);
  window.sum += block.sum;
  window.count += block.count;
}

void WindowReduction::add_values(const tsdb::ColumnValues& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    Window& window = window_at(values.times_ns[i]);
    const FieldValue value = values.at(i);
    if (value.type() == FieldType::kString) {
      window.last = value.as_string();
      ++window.count;
      continue;
    }
    const double number = number_of(value);
    window.min = window.count == 0 ? number : std::min(window.min, number);
    window.max = window.count == 0 ? number : std::max(window.max, number);
    window.sum += number;
    ++window.count;
  }
}

}  // namespace campanile::api
