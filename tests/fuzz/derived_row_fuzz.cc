// The row of a derivation on arbitrary bytes: what it is read as is written as the same bytes' meaning again.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "app/derived/state.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto state = campanile::app::decode_state(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!state) {
    CHECK(!state.error().message.empty());
    return 0;
  }
  const std::string row = encode_state(*state);
  CHECK(encode_state(*campanile::app::decode_state(row)) == row);
  // No interval is too long or too far away to be marked and told.
  if (size > 2) state->mark(data[0] % 2 ? "" : "m,a=b", {INT64_MIN + data[1], INT64_MAX - data[2]}, 1'000'000'000LL * (1 + data[2]));
  CHECK(state->coverage() != nullptr);
  return 0;
}
