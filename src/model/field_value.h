// FieldValue: one value of a field, in one of the five types a column can hold.
//
//   FieldValue value = FieldValue::of_float(21.5);
//   if (value.type() == FieldType::kString) use(value.as_string());
//
// A string value does not own its bytes: they live in the input or in the PointBatch that holds the value.
// Threads: a plain value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"

namespace campanile {

// The numbers are written to disk (docs/format/journal.md); never renumber them.
enum class FieldType : uint8_t { kFloat = 1, kInteger = 2, kUnsigned = 3, kBoolean = 4, kString = 5 };

// InfluxDB's names, which clients see: float, integer, unsigned, boolean, string.
std::string_view to_string(FieldType type);

class FieldValue {
 public:
  FieldValue() : float_(0) {}

  static FieldValue of_float(double value) {
    FieldValue made(FieldType::kFloat);
    made.float_ = value;
    return made;
  }
  static FieldValue of_integer(int64_t value) {
    FieldValue made(FieldType::kInteger);
    made.integer_ = value;
    return made;
  }
  static FieldValue of_unsigned(uint64_t value) {
    FieldValue made(FieldType::kUnsigned);
    made.unsigned_ = value;
    return made;
  }
  static FieldValue of_boolean(bool value) {
    FieldValue made(FieldType::kBoolean);
    made.boolean_ = value;
    return made;
  }
  // REQUIRES: the bytes outlive the value; at most 4 GiB of them.
  static FieldValue of_string(std::string_view value) {
    CHECK(value.size() <= UINT32_MAX);
    FieldValue made(FieldType::kString);
    made.bytes_ = value.data();
    made.size_ = static_cast<uint32_t>(value.size());
    return made;
  }

  FieldType type() const { return type_; }
  double as_float() const { return float_; }
  int64_t as_integer() const { return integer_; }
  uint64_t as_unsigned() const { return unsigned_; }
  bool as_boolean() const { return boolean_; }
  std::string_view as_string() const { return {bytes_, size_}; }

  bool is_numeric() const { return type_ <= FieldType::kUnsigned; }
  // A numeric value as a double. REQUIRES: is_numeric().
  double as_number() const;

  friend bool operator==(const FieldValue& a, const FieldValue& b);

 private:
  explicit FieldValue(FieldType type) : type_(type) {}

  union {
    double float_;
    int64_t integer_;
    uint64_t unsigned_;
    bool boolean_;
    const char* bytes_;
  };
  uint32_t size_ = 0;
  FieldType type_ = FieldType::kFloat;
};

static_assert(sizeof(FieldValue) == 16);

// For people and tests: 21.5, 3i, 3u, true, "text".
std::string to_string(const FieldValue& value);

}  // namespace campanile
