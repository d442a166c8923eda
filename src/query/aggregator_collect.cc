#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "query/aggregator.h"
#include "query/column_traits.h"

namespace campanile::query {
namespace {

using tsdb::ColumnValues;

template <typename T>
using Owned = std::conditional_t<std::is_same_v<T, std::string_view>, std::string, T>;

template <typename T>
struct Point {
  int64_t time_ns;
  Owned<T> value;
};

template <typename T>
bool by_time(const Point<T>& a, const Point<T>& b) {
  return a.time_ns != b.time_ns ? a.time_ns < b.time_ns : a.value < b.value;
}

template <typename T>
bool by_value(const Point<T>& a, const Point<T>& b) {
  return a.value != b.value ? a.value < b.value : a.time_ns < b.time_ns;
}

// Keeps every value of a cell and works the result out once, when it is first asked for.
template <typename T>
class Collecting : public Aggregator {
 public:
  void resize(size_t cells) override { cells_.resize(cells); }
  void add(size_t cell, const ColumnValues& values, const uint8_t* mask, size_t from, size_t to) override {
    const auto data = ColumnTraits<T>::of(values);
    std::vector<Point<T>>& points = cells_[cell].points;
    const size_t before = points.size();
    for (size_t i = from; i < to; ++i) {
      if (mask == nullptr || mask[i] != 0) points.push_back({values.times_ns[i], Owned<T>(data[i])});
    }
    held_ += points.size() - before;
  }
  bool add_block(size_t cell, const tsdb::BlockStatistics& block) override {
    const std::optional<double> result = result_of(block);
    if (!result || !cells_[cell].points.empty()) return false;
    cells_[cell].worked_out = result;
    return true;
  }
  void merge(Aggregator& other, std::span<const size_t> cells) override {
    auto& from = static_cast<Collecting&>(other);
    for (size_t i = 0; i < cells.size(); ++i) {
      if (from.cells_[i].worked_out) cells_[cells[i]].worked_out = from.cells_[i].worked_out;
      auto& points = from.cells_[i].points;
      auto& to = cells_[cells[i]].points;
      to.insert(to.end(), std::make_move_iterator(points.begin()), std::make_move_iterator(points.end()));
    }
    held_ += std::exchange(from.held_, 0);
  }
  size_t rows(size_t cell) override { return finished(cell).results.size(); }
  Value result(size_t cell, size_t row) override { return finished(cell).results[row]; }
  int64_t time_ns(size_t cell) override { return finished(cell).time_ns; }
  FieldType result_type() const override { return ColumnTraits<T>::kType; }
  uint64_t values_held() const override { return held_; }

 protected:
  struct Cell {
    std::vector<Point<T>> points;
    std::vector<Value> results;
    std::vector<Owned<T>> owned;  // what string results point into
    int64_t time_ns = 0;
    std::optional<double> worked_out;  // beforehand, of all points of the window
    bool finished = false;
  };
  // What the function would find in a block that is all of its window; nothing where the block does not know.
  virtual std::optional<double> result_of(const tsdb::BlockStatistics&) const { return std::nullopt; }
  // Fills `results` (and `time_ns`) from `points`, of which there is at least one.
  virtual void finish(Cell& cell) = 0;

  static void keep(Cell& cell, const Point<T>& point) {
    cell.time_ns = point.time_ns;
    cell.owned.push_back(point.value);
  }

 private:
  Cell& finished(size_t index) {
    Cell& cell = cells_[index];
    if (cell.finished) return cell;
    cell.finished = true;
    if (cell.worked_out) cell.results.push_back(FieldValue::of_float(*cell.worked_out));
    if (!cell.points.empty() && !cell.worked_out) finish(cell);
    // Only now, since the strings would move while more are kept.
    for (const Owned<T>& each : cell.owned) cell.results.push_back(ColumnTraits<T>::wrap(T(each)));
    return cell;
  }

  std::vector<Cell> cells_;
  uint64_t held_ = 0;
};

// The sample's standard deviation, in two passes in the order of time; of one value: null.
template <typename T>
class Stddev final : public Collecting<T> {
 public:
  FieldType result_type() const override { return FieldType::kFloat; }

 private:
  using typename Collecting<T>::Cell;
  std::optional<double> result_of(const tsdb::BlockStatistics& block) const override { return block.stddev; }
  void finish(Cell& cell) override {
    if (cell.points.size() < 2) {
      cell.results.push_back(null_value());
      return;
    }
    std::sort(cell.points.begin(), cell.points.end(), by_time<T>);
    double mean = 0;
    double count = 0;
    for (const auto& point : cell.points) mean += (static_cast<double>(point.value) - mean) / ++count;
    double squares = 0;
    for (const auto& point : cell.points) squares += (static_cast<double>(point.value) - mean) * (static_cast<double>(point.value) - mean);
    cell.results.push_back(FieldValue::of_float(std::sqrt(squares / (count - 1))));
  }
};

template <typename T>
class Median final : public Collecting<T> {
 public:
  FieldType result_type() const override { return FieldType::kFloat; }

 private:
  using typename Collecting<T>::Cell;
  std::optional<double> result_of(const tsdb::BlockStatistics& block) const override { return block.median; }
  void finish(Cell& cell) override {
    std::sort(cell.points.begin(), cell.points.end(), by_value<T>);
    const size_t middle = cell.points.size() / 2;
    const auto high = static_cast<double>(cell.points[middle].value);
    if (cell.points.size() % 2 != 0) {
      cell.results.push_back(FieldValue::of_float(high));
      return;
    }
    const auto low = static_cast<double>(cell.points[middle - 1].value);
    cell.results.push_back(FieldValue::of_float(low + (high - low) / 2));
  }
};

// The place of nearest rank among so many values; nothing where it falls outside.
std::optional<size_t> place_of(double percentile, size_t count) {
  const double rank = std::floor(static_cast<double>(count) * percentile / 100 + 0.5) - 1;
  if (!(rank >= 0) || rank >= static_cast<double>(count)) return std::nullopt;
  return static_cast<size_t>(rank);
}

template <typename T>
class Percentile final : public Collecting<T> {
 public:
  explicit Percentile(double percentile) : percentile_(percentile) {}

 private:
  using typename Collecting<T>::Cell;
  void finish(Cell& cell) override {
    std::sort(cell.points.begin(), cell.points.end(), by_value<T>);
    if (const auto place = place_of(percentile_, cell.points.size())) Collecting<T>::keep(cell, cell.points[*place]);
  }
  double percentile_;
};

template <typename T>
class ChoosingPercentile final : public Aggregator {
 public:
  explicit ChoosingPercentile(double percentile) : percentile_(percentile) {}
  void resize(size_t cells) override { cells_.resize(cells); }
  void add(size_t cell, const ColumnValues& values, const uint8_t* mask, size_t from, size_t to) override {
    const auto data = ColumnTraits<T>::of(values);
    std::vector<Placed>& points = cells_[cell].points;
    const size_t before = points.size();
    for (size_t i = from; i < to; ++i) {
      if (mask == nullptr || mask[i] != 0) points.push_back({data[i], values.times_ns[i], points.size()});
    }
    held_ += points.size() - before;
  }
  void merge(Aggregator&, std::span<const size_t>) override { CHECK(false); }
  size_t chosen(size_t cell) override { return finished(cell).points[*cells_[cell].place].added; }
  size_t rows(size_t cell) override { return finished(cell).place ? 1 : 0; }
  Value result(size_t cell, size_t) override { return ColumnTraits<T>::wrap(finished(cell).points[*cells_[cell].place].value); }
  int64_t time_ns(size_t cell) override { return finished(cell).points[*cells_[cell].place].time_ns; }
  FieldType result_type() const override { return ColumnTraits<T>::kType; }
  uint64_t values_held() const override { return held_; }

 private:
  struct Placed {
    T value;
    int64_t time_ns;
    size_t added;
  };
  struct Cell {
    std::vector<Placed> points;
    std::optional<size_t> place;
    bool finished = false;
  };
  Cell& finished(size_t index) {
    Cell& cell = cells_[index];
    if (std::exchange(cell.finished, true)) return cell;
    std::sort(cell.points.begin(), cell.points.end(), [](const Placed& a, const Placed& b) {
      return std::tie(a.value, a.time_ns, a.added) < std::tie(b.value, b.time_ns, b.added);
    });
    cell.place = place_of(percentile_, cell.points.size());
    return cell;
  }

  const double percentile_;
  std::vector<Cell> cells_;
  uint64_t held_ = 0;
};

// The most frequent value; of several the least, of both booleans true.
template <typename T>
class Mode final : public Collecting<T> {
  using typename Collecting<T>::Cell;
  void finish(Cell& cell) override {
    std::sort(cell.points.begin(), cell.points.end(), by_value<T>);
    size_t best = 0;
    size_t best_count = 0;
    for (size_t i = 0; i < cell.points.size();) {
      size_t end = i + 1;
      while (end < cell.points.size() && cell.points[end].value == cell.points[i].value) ++end;
      const bool wins_tie = std::is_same_v<T, uint8_t> && end - i == best_count;
      if (end - i > best_count || wins_tie) {
        best = i;
        best_count = end - i;
      }
      i = end;
    }
    Collecting<T>::keep(cell, cell.points[best]);
  }
};

// Every value once, in the order of its first appearance.
template <typename T, bool kCountThem>
class Distinct final : public Collecting<T> {
 public:
  FieldType result_type() const override { return kCountThem ? FieldType::kInteger : ColumnTraits<T>::kType; }

 private:
  using typename Collecting<T>::Cell;
  void finish(Cell& cell) override {
    auto& points = cell.points;
    std::sort(points.begin(), points.end(), by_value<T>);
    points.erase(std::unique(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.value == b.value; }), points.end());
    if constexpr (kCountThem) {
      cell.results.push_back(FieldValue::of_integer(static_cast<int64_t>(points.size())));
      return;
    }
    std::sort(points.begin(), points.end(), by_time<T>);
    for (const auto& point : points) Collecting<T>::keep(cell, point);
  }
};

template <typename T>
std::unique_ptr<Aggregator> make_for_numbers(Function function, double argument) {
  if constexpr (!std::is_same_v<T, std::string_view> && !std::is_same_v<T, uint8_t>) {
    if (function == Function::kStddev) return std::make_unique<Stddev<T>>();
    if (function == Function::kMedian) return std::make_unique<Median<T>>();
    if (function == Function::kPercentile) return std::make_unique<Percentile<T>>(argument);
  }
  return nullptr;
}

}  // namespace

std::unique_ptr<Aggregator> make_collecting_aggregator(Function function, FieldType type, double argument) {
  return with_element_type(type, [&]<typename T>(T*) -> std::unique_ptr<Aggregator> {
    switch (function) {
      case Function::kMode: return std::make_unique<Mode<T>>();
      case Function::kDistinct: return std::make_unique<Distinct<T, false>>();
      case Function::kCountDistinct: return std::make_unique<Distinct<T, true>>();
      default: break;
    }
    std::unique_ptr<Aggregator> made = make_for_numbers<T>(function, argument);
    CHECK(made != nullptr);
    return made;
  });
}

std::unique_ptr<Aggregator> make_choosing_percentile(FieldType type, double percentile) {
  CHECK(accepts(Function::kPercentile, type));
  if (type == FieldType::kInteger) return std::make_unique<ChoosingPercentile<int64_t>>(percentile);
  if (type == FieldType::kUnsigned) return std::make_unique<ChoosingPercentile<uint64_t>>(percentile);
  return std::make_unique<ChoosingPercentile<double>>(percentile);
}

}  // namespace campanile::query
