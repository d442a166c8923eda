// Strings: each different one once with numbers that refer to them, or one after another, then compressed.
//
//   encode_strings(values, out);
//   std::string text;
//   TRY(decode_strings(in, values, text));     // the views point into `text`
//
// Layout: one byte for the encoding, then compressed bytes (codec/compression.h) that hold
//   1 plain       lengths of all values as packed integers, then their bytes
//   2 dictionary  varint count of entries, a packed index per value, lengths of the entries as packed integers, their bytes
// Threads: pure functions. Errors: decoding answers kCorrupt.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/varint.h"

namespace campanile::codec {

inline constexpr size_t kStringBytesMax = 64 * 1024;

// REQUIRES: none is longer than kStringBytesMax.
void encode_strings(std::span<const std::string_view> values, std::string& out);
Result<void> decode_strings(ByteReader& in, std::span<std::string_view> values, std::string& text);

}  // namespace campanile::codec
