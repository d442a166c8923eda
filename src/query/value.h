// Value: one cell of a row of results: a field's value, or null.
//
// A string does not own its bytes; whoever hands the row out says how long they live.
// Threads: a plain value.
#pragma once

#include <optional>

#include "model/field_value.h"

namespace campanile::query {

using Value = std::optional<FieldValue>;

inline Value null_value() { return std::nullopt; }

}  // namespace campanile::query
