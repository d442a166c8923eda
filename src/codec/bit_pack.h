// Bit packing: unsigned integers of one width, one after another without padding, and digits of one radix packed into words.
//
//   pack_bits(values, 5, out);
//   unpack_bits(bytes, 5, values);      // values.size() says how many
//
// Bits fill each byte from the lowest. Radix groups spend log2(R) bits on a value where plain packing spends ceil(log2(R)): for readings that move within 201
// steps that is 7.67 bits instead of 8.
// Threads: pure functions. Errors: sizes are the caller's to check (packed_bytes()).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace campanile::codec {

inline size_t packed_bytes(size_t count, unsigned width) { return (count * width + 7) / 8; }

// Appends the low `width` bits of each value. REQUIRES: width <= 64.
void pack_bits(std::span<const uint64_t> values, unsigned width, std::string& out);

// REQUIRES: width <= 64 and bytes.size() >= packed_bytes(values.size(), width).
void unpack_bits(std::string_view bytes, unsigned width, std::span<uint64_t> values);

// How digits of a radix share a word: `digits` of them in `bits` bits.
struct RadixGroup {
  unsigned digits;
  unsigned bits;
};

inline constexpr uint64_t kRadixMax = 65'536;

// As many digits as a word below 2^63 takes; blocks were packed so before dense_radix_group() was known.
// REQUIRES: 2 <= radix <= kRadixMax.
RadixGroup full_radix_group(uint64_t radix);

// The number of digits that wastes the least of a word's last bit: of radix 21 five digits in 22 bits, 4.40 bits each where log2(21) is 4.39. Words of
// up to 31 bits are preferred, which are divided several at a time. REQUIRES: 2 <= radix <= kRadixMax.
RadixGroup dense_radix_group(uint64_t radix);

// None where so many digits do not fit into a word.
std::optional<RadixGroup> radix_group(uint64_t radix, unsigned digits);

inline size_t radix_bytes(size_t count, RadixGroup group) { return packed_bytes((count + group.digits - 1) / group.digits, group.bits); }

// REQUIRES: every value is below the radix, and the group is one of the radix.
void pack_radix(std::span<const uint64_t> values, uint64_t radix, RadixGroup group, std::string& out);

// REQUIRES: bytes.size() >= radix_bytes(values.size(), group), and the group is one of the radix.
void unpack_radix(std::string_view bytes, uint64_t radix, RadixGroup group, std::span<uint64_t> values);

}  // namespace campanile::codec
