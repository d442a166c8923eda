// Packed integers: a run of int64 as distances from one number, bit-packed, the few that stand out kept aside.
//
//   encode_packed(values, out);
//   ByteReader in(out);
//   TRY(decode_packed(in, values));      // values.size() says how many
//
// Layout: one byte for the form, the base as a zigzag varint, then
//   0 constant           nothing: every value is the base
//   1 above the minimum  width byte, exceptions, (value - base) in width bits each
//   2 around a centre    the same with zigzag(value - base)
//   3 radix              varint R, values - base as base-R digits, as many in a word as fit (codec/bit_pack.h); read, no longer written
//   4 dense radix        the same with the number of digits in a word as a byte after R
//   5 planes             byte P (1 or 2), exceptions, zigzag(value - base) as P planes of a byte each, the lowest first, each compressed
//                        (codec/compression.h, the size is known): values that are not equally frequent
// Exceptions: a varint count, then for each the varint distance of its position from the one before and, as a varint, the bits above width.
// Differences wrap modulo 2^64, so any int64 and any uint64 seen as one round-trips.
// Threads: pure functions. Errors: decoding answers kCorrupt, and writes nothing outside `values`.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "codec/varint.h"

namespace campanile::codec {

void encode_packed(std::span<const int64_t> values, std::string& out);

// About how many bytes of the store encode_packed() would take, without doing it; for choosing between forms of the same data. Of values that fill bytes evenly that is
// less than it appends: the store's own compression sees to them.
size_t estimate_packed_bytes(std::span<const int64_t> values);

Result<void> decode_packed(ByteReader& in, std::span<int64_t> values);

}  // namespace campanile::codec
