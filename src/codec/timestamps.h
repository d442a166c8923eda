// Timestamps: ascending times, where regular ones cost a few bytes however many they are.
//
//   encode_timestamps(times_ns, out);
//   TRY(decode_timestamps(in, times_ns));       // times_ns.size() says how many
//
// Layout: one byte for the encoding, the first time as a zigzag varint, then
//   1 regular  varint interval
//   2 runs     varint scale, varint count of runs, for each a varint length and the varint interval / scale: regular with gaps
//   3 packed   varint scale, the intervals / scale as packed integers (codec/packed_integers.h): times with jitter
// The scale is the greatest common divisor of all intervals, so that whole seconds cost no more than the seconds do.
// Threads: pure functions. Errors: decoding answers kCorrupt, also where times would not ascend.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "codec/varint.h"

namespace campanile::codec {

// REQUIRES: strictly ascending.
void encode_timestamps(std::span<const int64_t> times_ns, std::string& out);
Result<void> decode_timestamps(ByteReader& in, std::span<int64_t> times_ns);

}  // namespace campanile::codec
