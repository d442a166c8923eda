#include "model/field_value.h"

#include <fmt/format.h>

namespace campanile {

std::string_view to_string(FieldType type) {
  switch (type) {
    case FieldType::kFloat: return "float";
    case FieldType::kInteger: return "integer";
    case FieldType::kUnsigned: return "unsigned";
    case FieldType::kBoolean: return "boolean";
    case FieldType::kString: return "string";
  }
  return "unknown";
}

double FieldValue::as_number() const {
  switch (type_) {
    case FieldType::kFloat: return float_;
    case FieldType::kInteger: return static_cast<double>(integer_);
    case FieldType::kUnsigned: return static_cast<double>(unsigned_);
    case FieldType::kBoolean:
    case FieldType::kString: break;
  }
  CHECK(is_numeric());
  return 0;
}

bool operator==(const FieldValue& a, const FieldValue& b) {
  if (a.type_ != b.type_) return false;
  switch (a.type_) {
    case FieldType::kFloat: return a.float_ == b.float_;
    case FieldType::kInteger: return a.integer_ == b.integer_;
    case FieldType::kUnsigned: return a.unsigned_ == b.unsigned_;
    case FieldType::kBoolean: return a.boolean_ == b.boolean_;
    case FieldType::kString: return a.as_string() == b.as_string();
  }
  return false;
}

std::string to_string(const FieldValue& value) {
  switch (value.type()) {
    case FieldType::kFloat: return fmt::format("{}", value.as_float());
    case FieldType::kInteger: return fmt::format("{}i", value.as_integer());
    case FieldType::kUnsigned: return fmt::format("{}u", value.as_unsigned());
    case FieldType::kBoolean: return value.as_boolean() ? "true" : "false";
    case FieldType::kString: return fmt::format("\"{}\"", value.as_string());
  }
  return {};
}

}  // namespace campanile
