// parse_proxy_header on any bytes: no crash, never more than is there, and a prefix of what it takes is either waited for or refused.

#include <cstdint>

#include "base/check.h"
#include "net/proxy_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using campanile::net::parse_proxy_header;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = parse_proxy_header(bytes);
  if (!whole || !*whole) return 0;
  CHECK((*whole)->size <= bytes.size() && (*whole)->size <= campanile::net::kProxyHeaderBytesMax);
  for (size_t cut = 0; cut < (*whole)->size; ++cut) {
    const auto part = parse_proxy_header(bytes.substr(0, cut));
    CHECK(part && !*part);
  }
  return 0;
}
