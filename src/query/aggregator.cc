#include "query/aggregator.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

#include "query/column_traits.h"

namespace campanile::query {
namespace {

using tsdb::BlockStatistics;
using tsdb::ColumnValues;

// Up to here a double holds every whole number.
constexpr double kExact = 9007199254740992.0;

// Whether the statistics of a block of whole numbers are exact: they are kept as doubles. A sum may pass the limit on its way.
template <typename T>
bool extremes_are_exact(const BlockStatistics& block) {
  if constexpr (std::is_same_v<T, double>) return true;
  return std::abs(block.min) < kExact && std::abs(block.max) < kExact;
}

template <typename T>
bool sum_is_exact(const BlockStatistics& block) {
  if constexpr (std::is_same_v<T, double>) return true;
  return std::max(std::abs(block.min), std::abs(block.max)) * static_cast<double>(block.count) < kExact;
}

// Adds whole numbers as two's complement does, which InfluxDB does too.
template <typename T>
void add_to(T& sum, T value) {
  if constexpr (std::is_same_v<T, int64_t>) {
    sum = static_cast<int64_t>(static_cast<uint64_t>(sum) + static_cast<uint64_t>(value));
  } else {
    sum += value;
  }
}

template <typename Visit>
void for_each_marked(const uint8_t* mask, size_t from, size_t to, const Visit& visit) {
  for (size_t i = from; i < to; ++i) {
    if (mask == nullptr || mask[i] != 0) visit(i);
  }
}

class Count final : public Aggregator {
 public:
  void resize(size_t cells) override { counts_.resize(cells, 0); }
  void add(size_t cell, const ColumnValues&, const uint8_t* mask, size_t from, size_t to) override {
    if (mask == nullptr) {
      counts_[cell] += static_cast<int64_t>(to - from);
    } else {
      counts_[cell] += std::count(mask + from, mask + to, uint8_t{1});
    }
  }
  bool add_block(size_t cell, const BlockStatistics& block) override {
    counts_[cell] += static_cast<int64_t>(block.count);
    return true;
  }
  void merge(Aggregator& other, std::span<const size_t> cells) override {
    const auto& from = static_cast<Count&>(other).counts_;
    for (size_t i = 0; i < cells.size(); ++i) counts_[cells[i]] += from[i];
  }
  size_t rows(size_t cell) override { return counts_[cell] > 0 ? 1 : 0; }
  Value result(size_t cell, size_t) override { return FieldValue::of_integer(counts_[cell]); }
  FieldType result_type() const override { return FieldType::kInteger; }

 private:
  std::vector<int64_t> counts_;
};

// Sum and mean share their state.
template <typename T, bool kMean>
class Sum final : public Aggregator {
 public:
  void resize(size_t cells) override { cells_.resize(cells); }
  void add(size_t cell, const ColumnValues& values, const uint8_t* mask, size_t from, size_t to) override {
    const auto data = ColumnTraits<T>::of(values);
    Cell state = cells_[cell];
    for_each_marked(mask, from, to, [&](size_t i) {
      add_to(state.sum, data[i]);
      ++state.count;
    });
    cells_[cell] = state;
  }
  bool add_block(size_t cell, const BlockStatistics& block) override {
    if (!sum_is_exact<T>(block)) return false;
    add_to(cells_[cell].sum, static_cast<T>(block.sum));
    cells_[cell].count += block.count;
    return true;
  }
  void merge(Aggregator& other, std::span<const size_t> cells) override {
    const auto& from = static_cast<Sum&>(other).cells_;
    for (size_t i = 0; i < cells.size(); ++i) {
      add_to(cells_[cells[i]].sum, from[i].sum);
      cells_[cells[i]].count += from[i].count;
    }
  }
  size_t rows(size_t cell) override { return cells_[cell].count > 0 ? 1 : 0; }
  Value result(size_t cell, size_t) override {
    const Cell& state = cells_[cell];
    if constexpr (kMean) return FieldValue::of_float(static_cast<double>(state.sum) / static_cast<double>(state.count));
    return ColumnTraits<T>::wrap(state.sum);
  }
  FieldType result_type() const override { return kMean ? FieldType::kFloat : ColumnTraits<T>::kType; }

 private:
  struct Cell {
    T sum = 0;
    uint64_t count = 0;
  };
  std::vector<Cell> cells_;
};

// Min and max: of equal values the earliest point counts.
template <typename T, bool kMax>
class Extreme final : public Aggregator {
 public:
  explicit Extreme(bool exact_times) : exact_times_(exact_times) {}
  void resize(size_t cells) override { cells_.resize(cells); }
  void add(size_t cell, const ColumnValues& values, const uint8_t* mask, size_t from, size_t to) override {
    const auto data = ColumnTraits<T>::of(values);
    Cell& state = cells_[cell];
    picked_.reset();
    for_each_marked(mask, from, to, [&](size_t i) {
      if (offer(state, data[i], values.times_ns[i])) picked_ = i;
    });
  }
  bool add_block(size_t cell, const BlockStatistics& block) override {
    if constexpr (std::is_same_v<T, uint8_t>) return false;
    if (!extremes_are_exact<T>(block)) return false;
    const T value = static_cast<T>(kMax ? block.max : block.min);
    Cell& state = cells_[cell];
    if (!exact_times_) {
      offer(state, value, block.min_time_ns);
      return true;
    }
    // Nothing in the block can win: its best is worse, or as good and later.
    return state.any && (beats(state.value, value) || (state.value == value && state.time_ns <= block.min_time_ns));
  }
  void merge(Aggregator& other, std::span<const size_t> cells) override {
    const auto& from = static_cast<Extreme&>(other).cells_;
    for (size_t i = 0; i < cells.size(); ++i) {
      if (from[i].any) offer(cells_[cells[i]], from[i].value, from[i].time_ns);
    }
  }
  std::optional<size_t> picked() const override { return picked_; }
  size_t rows(size_t cell) override { return cells_[cell].any ? 1 : 0; }
  Value result(size_t cell, size_t) override { return ColumnTraits<T>::wrap(cells_[cell].value); }
  int64_t time_ns(size_t cell) override { return cells_[cell].time_ns; }
  FieldType result_type() const override { return ColumnTraits<T>::kType; }

 private:
  struct Cell {
    bool any = false;
    T value = 0;
    int64_t time_ns = 0;
  };
  static bool beats(T a, T b) { return kMax ? a > b : a < b; }
  static bool offer(Cell& state, T value, int64_t time_ns) {
    const bool wins = !state.any || beats(value, state.value) || (value == state.value && time_ns < state.time_ns);
    if (wins) state = {true, value, time_ns};
    return wins;
  }

  bool exact_times_;
  std::vector<Cell> cells_;
  std::optional<size_t> picked_;
};

template <typename T>
class Spread final : public Aggregator {
 public:
  void resize(size_t cells) override { cells_.resize(cells); }
  void add(size_t cell, const ColumnValues& values, const uint8_t* mask, size_t from, size_t to) override {
    const auto data = ColumnTraits<T>::of(values);
    for_each_marked(mask, from, to, [&](size_t i) { widen(cells_[cell], data[i], data[i]); });
  }
  bool add_block(size_t cell, const BlockStatistics& block) override {
    if (!extremes_are_exact<T>(block)) return false;
    widen(cells_[cell], static_cast<T>(block.min), static_cast<T>(block.max));
    return true;
  }
  void merge(Aggregator& other, std::span<const size_t> cells) override {
    const auto& from = static_cast<Spread&>(other).cells_;
    for (size_t i = 0; i < cells.size(); ++i) {
      if (from[i].any) widen(cells_[cells[i]], from[i].min, from[i].max);
    }
  }
  size_t rows(size_t cell) override { return cells_[cell].any ? 1 : 0; }
  Value result(size_t cell, size_t) override {
    const Cell& state = cells_[cell];
    if constexpr (std::is_same_v<T, int64_t>) {
      return FieldValue::of_integer(static_cast<int64_t>(static_cast<uint64_t>(state.max) - static_cast<uint64_t>(state.min)));
    }
    return ColumnTraits<T>::wrap(state.max - state.min);
  }
  FieldType result_type() const override { return ColumnTraits<T>::kType; }

 private:
  struct Cell {
    bool any = false;
    T min = 0;
    T max = 0;
  };
  static void widen(Cell& state, T low, T high) {
    state = state.any ? Cell{true, std::min(state.min, low), std::max(state.max, high)} : Cell{true, low, high};
  }
  std::vector<Cell> cells_;
};

// First and last: of two points at one time the greater value counts, but of two booleans false is the first.
template <typename T, bool kLast>
class Edge final : public Aggregator {
 public:
  void resize(size_t cells) override { cells_.resize(cells); }
  void add(size_t cell, const ColumnValues& values, const uint8_t* mask, size_t from, size_t to) override {
    const auto data = ColumnTraits<T>::of(values);
    picked_.reset();
    // Times ascend, so one marked value decides.
    for (size_t n = 0; n < to - from; ++n) {
      const size_t i = kLast ? to - 1 - n : from + n;
      if (mask != nullptr && mask[i] == 0) continue;
      if (offer(cells_[cell], data[i], values.times_ns[i])) picked_ = i;
      return;
    }
  }
  bool add_block(size_t cell, const BlockStatistics& block) override {
    const FieldValue& value = kLast ? block.last : block.first;
    offer(cells_[cell], ColumnTraits<T>::unwrap(value), kLast ? block.max_time_ns : block.min_time_ns);
    return true;
  }
  void merge(Aggregator& other, std::span<const size_t> cells) override {
    const auto& from = static_cast<Edge&>(other).cells_;
    for (size_t i = 0; i < cells.size(); ++i) {
      if (from[i].any) offer(cells_[cells[i]], T(from[i].value), from[i].time_ns);
    }
  }
  std::optional<size_t> picked() const override { return picked_; }
  size_t rows(size_t cell) override { return cells_[cell].any ? 1 : 0; }
  Value result(size_t cell, size_t) override { return ColumnTraits<T>::wrap(cells_[cell].value); }
  int64_t time_ns(size_t cell) override { return cells_[cell].time_ns; }
  FieldType result_type() const override { return ColumnTraits<T>::kType; }

 private:
  using Owned = std::conditional_t<std::is_same_v<T, std::string_view>, std::string, T>;
  struct Cell {
    bool any = false;
    Owned value{};
    int64_t time_ns = 0;
  };
  static bool offer(Cell& state, T value, int64_t time_ns) {
    const bool earlier = time_ns < state.time_ns;
    constexpr bool kLesserWins = std::is_same_v<T, uint8_t> && !kLast;
    const bool wins_tie = kLesserWins ? value < T(state.value) : value > T(state.value);
    const bool wins = !state.any || (time_ns == state.time_ns ? wins_tie : earlier != kLast);
    if (wins) state = {true, Owned(value), time_ns};
    return wins;
  }
  std::vector<Cell> cells_;
  std::optional<size_t> picked_;
};

template <typename T>
std::unique_ptr<Aggregator> make_numeric(Function function, bool exact_times) {
  switch (function) {
    case Function::kSum: return std::make_unique<Sum<T, false>>();
    case Function::kMean: return std::make_unique<Sum<T, true>>();
    case Function::kMin: return std::make_unique<Extreme<T, false>>(exact_times);
    case Function::kMax: return std::make_unique<Extreme<T, true>>(exact_times);
    case Function::kSpread: return std::make_unique<Spread<T>>();
    default: return nullptr;
  }
}

}  // namespace

bool accepts(Function function, FieldType type) {
  switch (function) {
    case Function::kSum:
    case Function::kMean:
    case Function::kSpread:
    case Function::kStddev:
    case Function::kMedian:
    case Function::kPercentile: return type <= FieldType::kUnsigned;
    case Function::kMin:
    case Function::kMax: return type != FieldType::kString;
    default: return true;
  }
}

bool is_selector(Function function) {
  switch (function) {
    case Function::kMin:
    case Function::kMax:
    case Function::kFirst:
    case Function::kLast:
    case Function::kPercentile: return true;
    default: return false;
  }
}

std::unique_ptr<Aggregator> make_aggregator(Function function, FieldType type, double argument, bool exact_times) {
  CHECK(accepts(function, type));
  if (function == Function::kCount) return std::make_unique<Count>();
  if (function == Function::kFirst || function == Function::kLast) {
    return with_element_type(type, [&]<typename T>(T*) -> std::unique_ptr<Aggregator> {
      if (function == Function::kFirst) return std::make_unique<Edge<T, false>>();
      return std::make_unique<Edge<T, true>>();
    });
  }
  if (type == FieldType::kBoolean && function == Function::kMin) return std::make_unique<Extreme<uint8_t, false>>(exact_times);
  if (type == FieldType::kBoolean && function == Function::kMax) return std::make_unique<Extreme<uint8_t, true>>(exact_times);
  std::unique_ptr<Aggregator> made;
  if (type == FieldType::kFloat) made = make_numeric<double>(function, exact_times);
  if (type == FieldType::kInteger) made = make_numeric<int64_t>(function, exact_times);
  if (type == FieldType::kUnsigned) made = make_numeric<uint64_t>(function, exact_times);
  return made ? std::move(made) : make_collecting_aggregator(function, type, argument);
}

}  // namespace campanile::query
