// Booleans: one bit each, or the lengths of their runs where that is less.
//
//   encode_booleans(values, out);           // bytes of 0 and 1
//   TRY(decode_booleans(in, values));
//
// Layout: one byte for the encoding, then
//   1 bits  ceil(n / 8) bytes, lowest bit first
//   2 runs  the first value as a byte, varint lengths of alternating runs until n values are told
// Threads: pure functions. Errors: decoding answers kCorrupt.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "codec/varint.h"

namespace campanile::codec {

void encode_booleans(std::span<const uint8_t> values, std::string& out);
Result<void> decode_booleans(ByteReader& in, std::span<uint8_t> values);

}  // namespace campanile::codec
