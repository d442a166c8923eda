// parse_form() and percent_decode() on any bytes: no crash, nothing grows, what has nothing to decode stays as it is.

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "net/http_server.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string decoded = campanile::net::percent_decode(text);
  CHECK(decoded.size() <= text.size());
  CHECK(text.find('%') != std::string_view::npos || decoded == text);
  size_t bytes = 0;
  for (const auto& [name, value] : campanile::net::parse_form(text)) bytes += name.size() + value.size();
  CHECK(bytes <= text.size());
  return 0;
}
