#include "tsdb/reader.h"

namespace campanile::tsdb {

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
