// The predicate of /api/v2/delete on arbitrary bytes: it is read or refused, and what is refused says why.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/influx_v2.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto points = campanile::api::parse_delete_predicate(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!points) CHECK(points.error().message.starts_with("member predicate: "));
  if (points) CHECK(points->measurements.size() <= 1);
  return 0;
}
