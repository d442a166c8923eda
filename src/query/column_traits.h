// ColumnTraits: what a template over the element types of a column needs to know. A boolean is a uint8_t of 0 or 1.
//
//   std::span<const double> floats = ColumnTraits<double>::of(values);
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "model/field_value.h"
#include "tsdb/reader.h"

namespace campanile::query {

template <typename T>
struct ColumnTraits;

template <>
struct ColumnTraits<double> {
  static constexpr FieldType kType = FieldType::kFloat;
  static std::span<const double> of(const tsdb::ColumnValues& values) { return values.floats; }
  static FieldValue wrap(double value) { return FieldValue::of_float(value); }
  static double unwrap(const FieldValue& value) { return value.as_float(); }
};

template <>
struct ColumnTraits<int64_t> {
  static constexpr FieldType kType = FieldType::kInteger;
  static std::span<const int64_t> of(const tsdb::ColumnValues& values) { return values.integers; }
  static FieldValue wrap(int64_t value) { return FieldValue::of_integer(value); }
  static int64_t unwrap(const FieldValue& value) { return value.as_integer(); }
};

template <>
struct ColumnTraits<uint64_t> {
  static constexpr FieldType kType = FieldType::kUnsigned;
  static std::span<const uint64_t> of(const tsdb::ColumnValues& values) { return values.unsigneds; }
  static FieldValue wrap(uint64_t value) { return FieldValue::of_unsigned(value); }
  static uint64_t unwrap(const FieldValue& value) { return value.as_unsigned(); }
};

template <>
struct ColumnTraits<uint8_t> {
  static constexpr FieldType kType = FieldType::kBoolean;
  static std::span<const uint8_t> of(const tsdb::ColumnValues& values) { return values.booleans; }
  static FieldValue wrap(uint8_t value) { return FieldValue::of_boolean(value != 0); }
  static uint8_t unwrap(const FieldValue& value) { return value.as_boolean() ? 1 : 0; }
};

template <>
struct ColumnTraits<std::string_view> {
  static constexpr FieldType kType = FieldType::kString;
  static std::span<const std::string_view> of(const tsdb::ColumnValues& values) { return values.strings; }
  static FieldValue wrap(std::string_view value) { return FieldValue::of_string(value); }
  static std::string_view unwrap(const FieldValue& value) { return value.as_string(); }
};

// Calls `make` with a null pointer to the element type of a column.
template <typename Make>
auto with_element_type(FieldType type, const Make& make) {
  switch (type) {
    case FieldType::kInteger: return make(static_cast<int64_t*>(nullptr));
    case FieldType::kUnsigned: return make(static_cast<uint64_t*>(nullptr));
    case FieldType::kBoolean: return make(static_cast<uint8_t*>(nullptr));
    case FieldType::kString: return make(static_cast<std::string_view*>(nullptr));
    case FieldType::kFloat: break;
  }
  return make(static_cast<double*>(nullptr));
}

}  // namespace campanile::query
