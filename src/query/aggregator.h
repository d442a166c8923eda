// Aggregator: one aggregate function over one column, for all windows of a group at a time.
//
//   auto mean = make_aggregator(Function::kMean, FieldType::kFloat, 0);
//   mean->resize(2);
//   if (!mean->add_block(0, statistics)) mean->add(0, values, nullptr, 0, values.size());
//   Value value = mean->result(0, 0);
//
// A cell is the state of one window. Columns of several series go into the same cell one after another, so functions that
// depend on time (first, last, the time of a maximum) compare times instead of trusting the order of calls.
// Threads: one owner. Limits: functions that keep every value (median, percentile, ...) say how many they hold.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "query/plan.h"
#include "query/value.h"
#include "tsdb/reader.h"

namespace campanile::query {

class Aggregator {
 public:
  virtual ~Aggregator() = default;

  // Makes room for cells; new ones are empty.
  virtual void resize(size_t cells) = 0;
  // Takes the values [from, to); with a mask only those marked 1. REQUIRES: `values` are of the type it was made for.
  virtual void add(size_t cell, const tsdb::ColumnValues& values, const uint8_t* mask, size_t from, size_t to) = 0;
  // Takes a whole block by its statistics. False, with nothing taken, where they do not say enough.
  virtual bool add_block(size_t, const tsdb::BlockStatistics&) { return false; }
  // Takes what another one of the same make holds: its cell i into cells[i]. The other is used up. REQUIRES: room for them; no result was asked for.
  virtual void merge(Aggregator& other, std::span<const size_t> cells) = 0;
  // Of a function that picks a point: the row of the last add() that now stands in the cell, or nothing where it kept what it had.
  virtual std::optional<size_t> picked() const { return std::nullopt; }

  // Of one that can tell which of the cell's points it chose in the end: how many were added to the cell before that one. REQUIRES: rows(cell) > 0.
  virtual size_t chosen(size_t) { return 0; }

  // How many rows the cell makes: 0 where it is empty; more than one of kDistinct alone.
  virtual size_t rows(size_t cell) = 0;
  // REQUIRES: row < rows(cell). Strings live as long as the aggregator.
  virtual Value result(size_t cell, size_t row) = 0;
  // When the point that a selecting function picked was. REQUIRES: rows(cell) > 0.
  virtual int64_t time_ns(size_t) { return 0; }
  virtual FieldType result_type() const = 0;
  // Values kept one by one, over all cells.
  virtual uint64_t values_held() const { return 0; }
};

// Whether a function can take a column of that type.
bool accepts(Function function, FieldType type);
// Whether it picks one of the points it sees.
bool is_selector(Function function);

// REQUIRES: accepts(function, type). `exact_times`: whether anybody asks for time_ns(); without, blocks pass by their statistics more often.
std::unique_ptr<Aggregator> make_aggregator(Function function, FieldType type, double argument, bool exact_times);

// The part of it that keeps every value (aggregator_collect.cc).
std::unique_ptr<Aggregator> make_collecting_aggregator(Function function, FieldType type, double argument);

// kPercentile that answers chosen(), for more memory. It cannot be merged.
std::unique_ptr<Aggregator> make_choosing_percentile(FieldType type, double percentile);

}  // namespace campanile::query
