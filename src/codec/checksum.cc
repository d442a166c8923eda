#include "codec/checksum.h"

#include <xxhash.h>

namespace campanile::codec {

uint64_t checksum64(std::string_view bytes, uint64_t seed) { return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed); }

}  // namespace campanile::codec
