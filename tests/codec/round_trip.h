// Encodes and decodes a column, and decodes damaged copies of it, which must fail or give something but never touch other memory.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/varint.h"

namespace campanile::codec {

// Returns the bytes that the encoding took. `same` compares what came back.
template <typename T, typename Encode, typename Decode>
size_t round_trip(const std::vector<T>& values, Encode encode, Decode decode) {
  std::string bytes;
  encode(std::span<const T>(values), bytes);
  std::vector<T> back(values.size());
  ByteReader in(bytes);
  const auto decoded = decode(in, std::span<T>(back));
  EXPECT_TRUE(decoded) << (decoded ? "" : decoded.error().message);
  EXPECT_TRUE(in.at_end());
  // By bytes, so that -0 and 0 differ and a NaN equals itself.
  EXPECT_TRUE(values.empty() || std::memcmp(back.data(), values.data(), values.size() * sizeof(T)) == 0);

  Random random(bytes.size());
  for (int i = 0; i < 8; ++i) {
    std::string damaged = bytes.substr(0, random.below(bytes.size() + 1));
    if (!damaged.empty()) damaged[random.below(damaged.size())] ^= static_cast<char>(1 << random.below(8));
    ByteReader damaged_in(damaged);
    (void)decode(damaged_in, std::span<T>(back));
  }
  return bytes.size();
}

}  // namespace campanile::codec
