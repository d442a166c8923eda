// JSON document: reads a payload with simdjson, and says in plain words what is wrong with one that cannot be read.
//
//   const simdjson::dom::object object = TRY(parse_json_object(payload));
//
// Ownership: the parser belongs to the thread, so the document and its strings live until that thread's next call: decoders copy what
// they keep into the batch. Limits: kJsonBytesMax; 32 levels of nesting.
// Errors: kInvalidArgument.
#pragma once

#include <string>
#include <string_view>

#include <simdjson.h>

#include "base/result.h"
#include "decoders/payload_time.h"

namespace campanile::decoders {

inline constexpr size_t kJsonBytesMax = 4 << 20;

Result<simdjson::dom::object> parse_json_object(std::string_view payload);

// A string as it is, everything else as JSON text.
std::string text_of(simdjson::dom::element element);

// A number, a text, or nothing for null. Errors: what payload_time.h says, and other types.
Result<PayloadTime> time_of(simdjson::dom::element element);

}  // namespace campanile::decoders
