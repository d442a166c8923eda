// Bytes as an entry of the audit log, in the journal and in the store: refused or understood, and what is understood is written back the same.
#include <cstdint>
#include <string_view>

#include "audit/audit_entry.h"
#include "base/check.h"

using namespace campanile;
using namespace campanile::audit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto entry = decode_entry({reinterpret_cast<const char*>(data), size});
  if (!entry) return 0;
  const std::string bytes = encode_entry(*entry);
  const auto again = decode_entry(bytes);
  CHECK(again && encode_entry(*again) == bytes);
  return 0;
}
