// Fuzzes every column decoder: the first byte picks the type, the next two the count, the rest is the encoded block.

#include <cstdint>
#include <string_view>
#include <vector>

#include "codec/booleans.h"
#include "codec/floats.h"
#include "codec/integers.h"
#include "codec/strings.h"
#include "codec/timestamps.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace campanile::codec;
  if (size < 3) return 0;
  const size_t count = (data[1] | data[2] << 8) % 4096;
  ByteReader in(std::string_view(reinterpret_cast<const char*>(data) + 3, size - 3));
  switch (data[0] % 5) {
    case 0: {
      std::vector<int64_t> times(count);
      (void)decode_timestamps(in, times);
      break;
    }
    case 1: {
      std::vector<double> values(count);
      (void)decode_floats(in, values);
      break;
    }
    case 2: {
      std::vector<int64_t> values(count);
      (void)decode_integers(in, values);
      break;
    }
    case 3: {
      std::vector<uint8_t> values(count);
      (void)decode_booleans(in, values);
      break;
    }
    case 4: {
      std::vector<std::string_view> values(count);
      std::string text;
      size_t bytes = 0;
      if (decode_strings(in, values, text)) {
        for (const auto value : values) bytes += value.size();
      }
      if (bytes > count * kStringBytesMax * 2 + text.size() * count) __builtin_trap();
      break;
    }
  }
  return 0;
}
