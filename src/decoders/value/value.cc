#include "decoders/value/value.h"

#include <cmath>
#include <optional>
#include <string>

#include "base/text.h"

namespace campanile::decoders {
namespace {

std::optional<double> switch_state(std::string_view text) {
  for (const std::string_view word : {"true", "on"}) {
    if (equals_ignore_case(text, word)) return 1;
  }
  for (const std::string_view word : {"false", "off"}) {
    if (equals_ignore_case(text, word)) return 0;
  }
  return std::nullopt;
}

}  // namespace

Result<Decoded> ValueDecoder::decode(const DecodeInput& input, PointBatch& batch) const {
  const std::string_view text = trim(input.payload);
  if (text.empty()) return fail(ErrorCode::kInvalidArgument, "the payload is empty, a number or a text was wanted");
  std::string_view field = input.field;
  FieldValue value;
  if (const auto number = parse_double(text)) {
    if (!std::isfinite(*number)) return fail(ErrorCode::kInvalidArgument, "'{}' is not a finite number", excerpt(text));
    value = FieldValue::of_float(*number);
  } else if (const auto state = switch_state(text)) {
    value = FieldValue::of_float(*state);
  } else {
    if (!is_valid_utf8(text)) return fail(ErrorCode::kInvalidArgument, "the payload is neither a number nor a text in UTF-8: '{}'", excerpt(text));
    field = batch.copy(std::string(field) + "_text");
    value = FieldValue::of_string(text);
  }
  batch.begin_point(input.measurement);
  for (const Tag& tag : input.tags) batch.add_tag(tag.key, tag.value);
  batch.add_field(field, value);
  batch.end_point();
  return Decoded{};
}

}  // namespace campanile::decoders
