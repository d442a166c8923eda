// Floats: a column of doubles, every bit of which comes back: -0, infinities and the bits of a NaN included.
//
//   encode_floats(values, out);
//   TRY(decode_floats(in, values));
//
// Layout: one byte for the encoding, then
//   1 decimal  exponent byte, exceptions, the digits as an integer block (codec/integers.h): readings with a few decimals
//   2 single   the same, for doubles that were widened from 32-bit floats: the quotient is rounded to a float first
//   3 planes   each value XOR the one before, the bytes of all values transposed (all highest bytes first), compressed
//              (codec/compression.h): anything else; slowly moving values share their high bytes, which then cost nothing
// Exceptions: a varint count, then for each the varint distance of its position from the one before and its eight bytes. An exception's digits repeat
// those of the value before, which costs the integer block the least.
// Threads: pure functions. Errors: decoding answers kCorrupt.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "codec/varint.h"

namespace campanile::codec {

void encode_floats(std::span<const double> values, std::string& out);
Result<void> decode_floats(ByteReader& in, std::span<double> values);

}  // namespace campanile::codec
