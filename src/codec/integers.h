// Integers: a column of int64, or of uint64 seen as int64, in whichever of four forms is the smallest.
//
//   encode_integers(values, out);
//   TRY(decode_integers(in, values));
//
// Layout: one byte for the encoding, then
//   1 plain   packed integers (codec/packed_integers.h)
//   2 delta   the first value as a zigzag varint, the differences as packed integers; counters and slow readings
//   3 runs    varint count of runs; for each a varint length and the zigzag varint difference to the run before; states
//   4 second  the first value and the first difference as zigzag varints, the differences of the differences as packed integers; steady change
// Threads: pure functions. Errors: decoding answers kCorrupt.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "codec/varint.h"

namespace campanile::codec {

void encode_integers(std::span<const int64_t> values, std::string& out);
Result<void> decode_integers(ByteReader& in, std::span<int64_t> values);

}  // namespace campanile::codec
