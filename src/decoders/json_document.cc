#include "decoders/json_document.h"

#include "base/text.h"

namespace campanile::decoders {
namespace {

constexpr size_t kDepthMax = 32;

std::string_view type_name(simdjson::dom::element_type type) {
  using enum simdjson::dom::element_type;
  switch (type) {
    case ARRAY: return "an array";
    case OBJECT: return "an object";
    case STRING: return "a text";
    case BOOL: return "true or false";
    case NULL_VALUE: return "null";
    case INT64:
    case UINT64:
    case DOUBLE: return "a number";
  }
  return "something else";
}

// Languages whose JSON writers let them through are the usual cause of a bad number, so it gets words of its own.
bool has_not_a_number(std::string_view payload) {
  for (const std::string_view word : {":NaN", ": NaN", ":nan", ": nan", ":Infinity", ": Infinity", ":-Infinity", ": -Infinity"}) {
    if (payload.contains(word)) return true;
  }
  return false;
}

std::string describe(simdjson::error_code error, std::string_view payload) {
  using namespace simdjson;
  if (has_not_a_number(payload)) return "the payload is not JSON, which knows no NaN and no Infinity";
  const std::string_view trimmed = trim(payload);
  const bool is_cut_short = !trimmed.empty() && std::string_view(":,{[").contains(trimmed.back());
  if (is_cut_short) return "the payload is not JSON: it ends too early";
  switch (error) {
    case EMPTY: return "the payload is empty, a JSON object was wanted";
    case UTF8_ERROR: return "the payload is not JSON: it holds bytes that are no UTF-8";
    case DEPTH_ERROR: return fmt::format("the payload is JSON nested deeper than {} levels", kDepthMax);
    case NUMBER_ERROR: return "the payload is not JSON: a number in it cannot be read or is out of range";
    case UNCLOSED_STRING:
    case INCOMPLETE_ARRAY_OR_OBJECT: return "the payload is not JSON: it ends too early";
    case STRING_ERROR:
    case UNESCAPED_CHARS: return "the payload is not JSON: a text in it holds a bad escape or a raw control character";
    default: return "the payload is not JSON";
  }
}

}  // namespace

Result<simdjson::dom::object> parse_json_object(std::string_view payload) {
  // DOM rather than on-demand: it checks the whole document, so that half of a broken message is never stored.
  thread_local simdjson::dom::parser parser(kJsonBytesMax);
  if (payload.size() > kJsonBytesMax) {
    return fail(ErrorCode::kInvalidArgument, "the payload has {} bytes, a JSON message may have {}", payload.size(), kJsonBytesMax);
  }
  if (parser.max_depth() != kDepthMax && parser.allocate(4096, kDepthMax) != simdjson::SUCCESS) {
    return fail(ErrorCode::kInvalidArgument, "no memory to read the payload");
  }
  simdjson::dom::element document;
  if (const auto error = parser.parse(payload.data(), payload.size()).get(document)) {
    return fail(ErrorCode::kInvalidArgument, "{}: '{}'", describe(error, payload), excerpt(payload));
  }
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) {
    return fail(ErrorCode::kInvalidArgument, "the payload is {}, a JSON object was wanted: '{}'", type_name(document.type()), excerpt(payload));
  }
  return object;
}

std::string text_of(simdjson::dom::element element) {
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS) return std::string(text);
  return simdjson::minify(element);
}

Result<PayloadTime> time_of(simdjson::dom::element element) {
  using enum simdjson::dom::element_type;
  switch (element.type()) {
    case INT64: return time_of_integer(int64_t(element));
    case UINT64:
    case DOUBLE: return time_of_number(double(element));
    case STRING: return time_of_text(std::string_view(element));
    case NULL_VALUE: return PayloadTime();
    default: return fail(ErrorCode::kInvalidArgument, "the time is {}, a number or a text was wanted", type_name(element.type()));
  }
}

}  // namespace campanile::decoders
