#include "codec/booleans.h"

#include <algorithm>

namespace campanile::codec {
namespace {

enum Encoding : uint8_t { kBits = 1, kRuns = 2 };

std::unexpected<Error> corrupt(std::string_view what) { return fail(ErrorCode::kCorrupt, "boolean block: {}", what); }

}  // namespace

void encode_booleans(std::span<const uint8_t> values, std::string& out) {
  const size_t start = out.size();
  const size_t bits_bytes = (values.size() + 7) / 8;
  out += static_cast<char>(kRuns);
  out += static_cast<char>(values.empty() ? 0 : values[0]);
  for (size_t begin = 0; begin < values.size() && out.size() - start <= bits_bytes;) {
    size_t end = begin + 1;
    while (end < values.size() && values[end] == values[begin]) ++end;
    append_varint(out, end - begin);
    begin = end;
  }
  if (out.size() - start <= bits_bytes) return;
  out.resize(start);
  out += static_cast<char>(kBits);
  out.append(bits_bytes, '\0');
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] != 0) out[start + 1 + i / 8] = static_cast<char>(out[start + 1 + i / 8] | (1 << (i % 8)));
  }
}

Result<void> decode_booleans(ByteReader& in, std::span<uint8_t> values) {
  switch (in.byte()) {
    case kBits: {
      const std::string_view bytes = in.bytes((values.size() + 7) / 8);
      if (!in.ok()) return corrupt("too short");
      for (size_t i = 0; i < values.size(); ++i) values[i] = (static_cast<uint8_t>(bytes[i / 8]) >> (i % 8)) & 1;
      return {};
    }
    case kRuns: {
      uint8_t value = in.byte() & 1;
      for (size_t at = 0; at < values.size(); value ^= 1) {
        const uint64_t length = in.varint();
        if (!in.ok() || length == 0 || length > values.size() - at) return corrupt("bad run");
        std::fill_n(values.begin() + static_cast<ptrdiff_t>(at), length, value);
        at += length;
      }
      if (!in.ok()) return corrupt("too short");
      return {};
    }
    default: return corrupt("unknown encoding");
  }
}

}  // namespace campanile::codec
