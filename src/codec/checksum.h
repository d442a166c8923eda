// Checksum: XXH3 (xxhash.com), which tells damaged bytes from whole ones at memory speed. Not against an adversary.
//
//   const uint32_t sum = checksum32(body, checksum64(key));
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace campanile::codec {

uint64_t checksum64(std::string_view bytes, uint64_t seed = 0);

// The low half: enough for a record of a few kilobytes.
inline uint32_t checksum32(std::string_view bytes, uint64_t seed = 0) { return static_cast<uint32_t>(checksum64(bytes, seed)); }

}  // namespace campanile::codec
