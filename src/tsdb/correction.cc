#include "tsdb/correction.h"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "codec/strings.h"
#include "tsdb/column_data.h"

namespace campanile::tsdb {
namespace {

// Up to there a double names every whole number.
constexpr double kExactMax = 9007199254740992.0;  // 2^53

std::optional<double> scaled(const Scaling& scaling, double value) {
  const double result = std::fma(value, scaling.factor, scaling.offset);
  return std::isfinite(result) ? std::optional(result) : std::nullopt;
}

template <std::integral T>
std::optional<T> scaled(const Scaling& scaling, T value) {
  const long double result = std::round(static_cast<long double>(value) * static_cast<long double>(scaling.factor) + static_cast<long double>(scaling.offset));
  // The limits are zero and powers of two, which any floating-point type holds as they are.
  const long double beyond = std::ldexp(1.0L, std::numeric_limits<T>::digits);
  const long double lowest = std::is_signed_v<T> ? -beyond : 0.0L;
  return result >= lowest && result < beyond ? std::optional(static_cast<T>(result)) : std::nullopt;
}

template <std::integral T>
Result<FieldValue> whole_number(const FieldValue& value, FieldValue (*make)(T)) {
  switch (value.type()) {
    case FieldType::kInteger:
      if (std::in_range<T>(value.as_integer())) return make(static_cast<T>(value.as_integer()));
      break;
    case FieldType::kUnsigned:
      if (std::in_range<T>(value.as_unsigned())) return make(static_cast<T>(value.as_unsigned()));
      break;
    default: {
      const double number = value.as_float();
      const auto whole = scaled({.factor = 0, .offset = number}, T{0});
      if (whole && static_cast<double>(*whole) == number) return make(*whole);
    }
  }
  return fail(ErrorCode::kInvalidArgument, "the value {} is not one that the field can hold, which is of type {}", value.as_number(),
              to_string(std::is_signed_v<T> ? FieldType::kInteger : FieldType::kUnsigned));
}

Result<FieldValue> converted(const FieldValue& value, FieldType type) {
  const bool wants_number = type <= FieldType::kUnsigned;
  if (wants_number != value.is_numeric() || (!wants_number && type != value.type())) {
    return fail(ErrorCode::kInvalidArgument, "the value is of type {}, the field of type {}: give one of the field's type", to_string(value.type()), to_string(type));
  }
  switch (type) {
    case FieldType::kFloat:
      if (!std::isfinite(value.as_number())) break;
      return FieldValue::of_float(value.as_number());
    case FieldType::kInteger: return whole_number<int64_t>(value, &FieldValue::of_integer);
    case FieldType::kUnsigned: return whole_number<uint64_t>(value, &FieldValue::of_unsigned);
    case FieldType::kBoolean: return value;
    case FieldType::kString:
      if (value.as_string().size() <= codec::kStringBytesMax) return value;
      return fail(ErrorCode::kTooLarge, "the value is a string of {} bytes, the limit is {}", value.as_string().size(), codec::kStringBytesMax);
  }
  return fail(ErrorCode::kInvalidArgument, "the value is {}, only finite numbers can be stored", value.as_number());
}

}  // namespace

Correction Correction::scale(double factor, double offset) {
  Correction made;
  made.what_ = Scaling{factor, offset};
  return made;
}

Correction Correction::set(const FieldValue& value) {
  Correction made;
  made.what_ = value;
  if (value.type() == FieldType::kString) {
    made.text_ = std::make_shared<const std::string>(value.as_string());
    made.what_ = FieldValue::of_string(*made.text_);
  }
  return made;
}

Result<Correction> Correction::for_type(FieldType type) const {
  if (const FieldValue* const value = constant()) return set(TRY(converted(*value, type)));
  if (type > FieldType::kUnsigned) {
    return fail(ErrorCode::kInvalidArgument, "the field is of type {}, which has no factor and no offset: give a value to set it to", to_string(type));
  }
  if (!std::isfinite(scaling()->factor) || !std::isfinite(scaling()->offset)) {
    return fail(ErrorCode::kInvalidArgument, "factor {} and offset {} must be finite numbers", scaling()->factor, scaling()->offset);
  }
  return *this;
}

bool Correction::surely_fits(const BlockStatistics& statistics, FieldType type) const {
  if (constant()) return true;
  // Scaling and rounding keep the order of values, or turn it round: what lies between two that fit fits too.
  const auto fits = [&](auto kind, double value) { return scaled(*scaling(), static_cast<decltype(kind)>(value)).has_value(); };
  const auto both = [&](auto kind) { return fits(kind, statistics.min) && fits(kind, statistics.max); };
  if (type == FieldType::kFloat) return both(double{});
  if (std::max(std::abs(statistics.min), std::abs(statistics.max)) > kExactMax) return false;
  return type == FieldType::kInteger ? both(int64_t{}) : both(uint64_t{});
}

std::optional<FieldValue> Correction::find_misfit(const ColumnValues& values) const {
  if (constant()) return std::nullopt;
  const auto search = [this, &values](const auto& numbers) -> std::optional<FieldValue> {
    const auto found = std::ranges::find_if(numbers, [this](auto value) { return !scaled(*scaling(), value); });
    return found == numbers.end() ? std::nullopt : std::optional(values.at(static_cast<size_t>(found - numbers.begin())));
  };
  switch (values.type) {
    case FieldType::kInteger: return search(values.integers);
    case FieldType::kUnsigned: return search(values.unsigneds);
    default: return search(values.floats);
  }
}

uint64_t Correction::apply(ColumnData& data, size_t begin, size_t end) const {
  CHECK(begin <= end && end <= data.size());
  if (const FieldValue* const value = constant()) {
    CHECK(value->type() == data.type);
    const auto fill = [begin, end](auto& values, auto with) { std::fill(values.begin() + static_cast<ptrdiff_t>(begin), values.begin() + static_cast<ptrdiff_t>(end), with); };
    switch (data.type) {
      case FieldType::kFloat: fill(data.floats, value->as_float()); break;
      case FieldType::kInteger: fill(data.integers, value->as_integer()); break;
      case FieldType::kUnsigned: fill(data.unsigneds, value->as_unsigned()); break;
      case FieldType::kBoolean: fill(data.booleans, static_cast<uint8_t>(value->as_boolean())); break;
      case FieldType::kString:
        data.texts.push_back(text_);
        fill(data.strings, std::string_view(*text_));
        break;
    }
    return 0;
  }
  CHECK(data.type <= FieldType::kUnsigned);
  uint64_t left = 0;
  const auto scale_all = [&](auto& values) {
    for (size_t i = begin; i < end; ++i) {
      const auto result = scaled(*scaling(), values[i]);
      if (result) values[i] = *result;
      left += !result;
    }
  };
  switch (data.type) {
    case FieldType::kInteger: scale_all(data.integers); break;
    case FieldType::kUnsigned: scale_all(data.unsigneds); break;
    default: scale_all(data.floats); break;
  }
  return left;
}

std::string to_string(const Correction& correction) {
  if (const auto* const scaling = correction.scaling()) return fmt::format("* {} + {}", scaling->factor, scaling->offset);
  const FieldValue& value = *correction.constant();
  if (value.type() == FieldType::kString) return fmt::format("= '{}'", excerpt(value.as_string()));
  if (value.type() == FieldType::kBoolean) return fmt::format("= {}", value.as_boolean());
  return fmt::format("= {}", value.as_number());
}

}  // namespace campanile::tsdb
