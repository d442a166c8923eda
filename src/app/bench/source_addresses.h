// SourceAddresses: the local addresses that connections are opened from, in turn, since one address has only some 28,000 free ports
// towards one server.
//
//   TRY(parse_source_addresses("127.0.1.1-127.0.1.40"));   // host byte order
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace campanile::app::bench {

inline constexpr size_t kSourceAddressesMax = 65'536;

// Comma-separated: an address, FIRST-LAST, or ADDRESS/BITS (of which network and broadcast address are left out up to /30).
// Errors: kInvalidArgument, kTooLarge.
Result<std::vector<uint32_t>> parse_source_addresses(std::string_view text);

}  // namespace campanile::app::bench
