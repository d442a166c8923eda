#include "tsdb/reader.h"

#include <algorithm>

#include <re2/re2.h>

namespace campanile::tsdb {

bool admits(const TagPredicate& predicate, const SeriesName& name) {
  const auto admits_it = [&name](const TagPredicate& child) { return admits(child, name); };
  const std::string_view value = name.tag(predicate.key);
  const auto is_found = [&] { return re2::RE2::PartialMatch(re2::StringPiece(value.data(), value.size()), *predicate.pattern); };
  switch (predicate.kind) {
    case TagPredicate::Kind::kTrue: return true;
    case TagPredicate::Kind::kFalse: return false;
    case TagPredicate::Kind::kEqual: return value == predicate.value;
    case TagPredicate::Kind::kNotEqual: return value != predicate.value;
    case TagPredicate::Kind::kMatches: return is_found();
    case TagPredicate::Kind::kNotMatches: return !is_found();
    case TagPredicate::Kind::kAnd: return std::ranges::all_of(predicate.children, admits_it);
    case TagPredicate::Kind::kOr: return std::ranges::any_of(predicate.children, admits_it);
  }
  return false;
}

FieldValue ColumnValues::at(size_t index) const {
  switch (type) {
    case FieldType::kFloat: return FieldValue::of_float(floats[index]);
    case FieldType::kInteger: return FieldValue::of_integer(integers[index]);
    case FieldType::kUnsigned: return FieldValue::of_unsigned(unsigneds[index]);
    case FieldType::kBoolean: return FieldValue::of_boolean(booleans[index] != 0);
    case FieldType::kString: break;
  }
  return FieldValue::of_string(strings[index]);
}

}  // namespace campanile::tsdb
