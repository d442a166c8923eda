// Correction: what becomes of the values of a column in a range of times: scaled, or replaced by a constant.
//
//   const Correction asked = Correction::scale(1.02, -0.5);                      // value * 1.02 - 0.5
//   const Correction fitting = TRY(asked.for_type(FieldType::kInteger));         // or the reason why it cannot be
//   const uint64_t left = fitting.apply(data, begin, end);
//
// Floats are scaled with one rounding. Integers are scaled in extended precision and rounded to the nearest, halves away from zero.
// A value whose result does not fit its type has none: apply() leaves it as it is, and callers find it before they change anything.
// Threads: immutable once made. Ownership: the bytes of a string are its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/result.h"
#include "model/field_value.h"

namespace campanile::tsdb {

class ColumnData;
struct BlockStatistics;
struct ColumnValues;

struct Scaling {
  double factor = 1;
  double offset = 0;
};

class Correction {
 public:
  // Leaves everything as it is.
  Correction() = default;
  static Correction scale(double factor, double offset);
  static Correction set(const FieldValue& value);

  // Null where it is the other.
  const Scaling* scaling() const { return std::get_if<Scaling>(&what_); }
  const FieldValue* constant() const { return std::get_if<FieldValue>(&what_); }

  // The same for a column of that type: a constant is converted where that changes nothing of it.
  // Errors: kInvalidArgument: nothing but a constant fits booleans and strings; a constant of another type; numbers that are not finite.
  Result<Correction> for_type(FieldType type) const;

  // The following REQUIRE that it was made for the column's type.
  // Whether every value of a block is sure to have a result, from the block's header alone.
  bool surely_fits(const BlockStatistics& statistics, FieldType type) const;
  // The first of the values that has no result.
  std::optional<FieldValue> find_misfit(const ColumnValues& values) const;
  // Changes the rows [begin, end); answers how many have no result and stay as they are.
  uint64_t apply(ColumnData& data, size_t begin, size_t end) const;

 private:
  std::variant<Scaling, FieldValue> what_;
  std::shared_ptr<const std::string> text_;  // the bytes of a string
};

// "* 1.02 - 0.5", "= 21.5": for messages and logs.
std::string to_string(const Correction& correction);

}  // namespace campanile::tsdb
