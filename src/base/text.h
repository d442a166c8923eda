// Text: the few string operations that several modules need and the standard library lacks.
//
//   Result<double> value = parse_double("21.5");
//   closest_match("databse", {"database", "data_dir"});  // "database"
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace campanile {

// The whole of `text` as a number; no blanks, no trailing bytes. "nan" and "inf" are numbers here: callers that do
// not store them refuse them. Errors: kInvalidArgument, naming the text.
Result<double> parse_double(std::string_view text);
Result<int64_t> parse_int64(std::string_view text);
Result<uint64_t> parse_uint64(std::string_view text);

std::string_view trim(std::string_view text);

// ASCII only, which is what protocol keywords are made of.
std::string to_lower(std::string_view text);
bool equals_ignore_case(std::string_view a, std::string_view b);

// Whether `bytes` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
bool is_valid_utf8(std::string_view bytes);

// The candidate with the smallest edit distance to `word`, or none where even the best shares too little with it to be a guess.
std::optional<std::string_view> closest_match(std::string_view word, std::span<const std::string_view> candidates);

// At most `bytes_max` bytes of outside text for an error message, control bytes escaped, an ellipsis where it was cut.
std::string excerpt(std::string_view text, size_t bytes_max = 80);

// RFC 4648 section 4, with padding.
std::string base64_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);

}  // namespace campanile
