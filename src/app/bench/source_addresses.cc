#include "app/bench/source_addresses.h"

#include <arpa/inet.h>

#include <string>

#include "base/text.h"

namespace campanile::app::bench {
namespace {

Result<uint32_t> parse_address(std::string_view text) {
  in_addr address{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) {
    return fail(ErrorCode::kInvalidArgument, "--source-addresses: found '{}', wanted IPv4 addresses such as 127.0.1.1-127.0.1.40 or 127.0.1.0/24",
                excerpt(text));
  }
  return ntohl(address.s_addr);
}

struct Range {
  uint32_t first = 0;
  uint32_t last = 0;
};

Result<Range> parse_range(std::string_view text) {
  if (const size_t dash = text.find('-'); dash != std::string_view::npos) {
    const Range range{TRY(parse_address(trim(text.substr(0, dash)))), TRY(parse_address(trim(text.substr(dash + 1))))};
    if (range.last < range.first) return fail(ErrorCode::kInvalidArgument, "--source-addresses: '{}' ends before it begins", excerpt(text));
    return range;
  }
  const size_t slash = text.find('/');
  const uint32_t address = TRY(parse_address(trim(text.substr(0, slash))));
  if (slash == std::string_view::npos) return Range{address, address};
  const auto bits = parse_uint64(trim(text.substr(slash + 1)));
  if (!bits || *bits > 32) return fail(ErrorCode::kInvalidArgument, "--source-addresses: found '{}', wanted at most 32 bits behind the '/'", excerpt(text));
  const uint32_t hosts = *bits == 0 ? UINT32_MAX : (uint32_t{1} << (32 - *bits)) - 1;
  Range range{address & ~hosts, address | hosts};
  if (*bits <= 30) {
    ++range.first;
    --range.last;
  }
  return range;
}

}  // namespace

Result<std::vector<uint32_t>> parse_source_addresses(std::string_view text) {
  std::vector<uint32_t> addresses;
  while (true) {
    const size_t comma = text.find(',');
    const Range range = TRY(parse_range(trim(text.substr(0, comma))));
    if (range.last - range.first >= kSourceAddressesMax - addresses.size()) {
      return fail(ErrorCode::kTooLarge, "--source-addresses: more than {} addresses", kSourceAddressesMax);
    }
    for (uint64_t address = range.first; address <= range.last; ++address) addresses.push_back(static_cast<uint32_t>(address));
    if (comma == std::string_view::npos) return addresses;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace campanile::app::bench
