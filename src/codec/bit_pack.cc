#include "codec/bit_pack.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "base/check.h"

namespace campanile::codec {
namespace {

uint64_t mask_of(unsigned width) { return width == 64 ? ~0ull : (1ull << width) - 1; }

uint64_t load_word(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// Words that hold a group stay below 2^63, for which one multiplication divides exactly (see Divider).
constexpr uint64_t kGroupEnd = 1ull << 63;

// Division of words below 2^63 by a constant through its 64-bit reciprocal (Granlund and Montgomery 1994, section 4).
class Divider {
 public:
  explicit Divider(uint64_t divisor) : shift_(63u + static_cast<unsigned>(std::bit_width(divisor - 1))) {
    const auto power = static_cast<unsigned __int128>(1) << shift_;
    reciprocal_ = static_cast<uint64_t>(power / divisor + 1);
  }
  uint64_t divide(uint64_t word) const { return static_cast<uint64_t>((static_cast<unsigned __int128>(word) * reciprocal_) >> shift_); }

 private:
  unsigned shift_;
  uint64_t reciprocal_;
};

}  // namespace

void pack_bits(std::span<const uint64_t> values, unsigned width, std::string& out) {
  CHECK(width <= 64);
  const size_t start = out.size();
  const size_t bytes = packed_bytes(values.size(), width);
  out.resize(start + bytes);
  if (bytes == 0) return;
  char* at = out.data() + start;
  char* const end = at + bytes;
  const uint64_t mask = mask_of(width);
  uint64_t word = 0;
  unsigned used = 0;
  for (const uint64_t value : values) {
    const uint64_t bits = value & mask;
    word |= bits << used;
    used += width;
    if (used < 64) continue;
    std::memcpy(at, &word, 8);
    at += 8;
    used -= 64;
    // What did not fit; a shift by the full width would be undefined.
    word = used == 0 ? 0 : bits >> (width - used);
  }
  std::memcpy(at, &word, static_cast<size_t>(end - at));
}

void unpack_bits(std::string_view bytes, unsigned width, std::span<uint64_t> values) {
  CHECK(width <= 64 && bytes.size() >= packed_bytes(values.size(), width));
  if (width == 0) {
    std::fill(values.begin(), values.end(), 0);
    return;
  }
  const uint64_t mask = mask_of(width);
  const char* const data = bytes.data();
  // Values whose eight (above 56 bits: nine) bytes lie inside the input are loaded as they are, the last few from a padded copy.
  const size_t reach = width <= 57 ? 8 : 9;
  size_t direct = 0;
  if (bytes.size() >= reach) direct = std::min(values.size(), (bytes.size() - reach) * 8 / width + 1);
  size_t bit = 0;
  if (width <= 57) {
    for (size_t i = 0; i < direct; ++i, bit += width) values[i] = (load_word(data + bit / 8) >> (bit % 8)) & mask;
  } else {
    for (size_t i = 0; i < direct; ++i, bit += width) {
      const unsigned shift = bit % 8;
      const uint64_t high = shift == 0 ? 0 : static_cast<uint64_t>(static_cast<uint8_t>(data[bit / 8 + 8])) << (64 - shift);
      values[i] = ((load_word(data + bit / 8) >> shift) | high) & mask;
    }
  }
  for (size_t i = direct; i < values.size(); ++i, bit += width) {
    char padded[16] = {};
    const size_t from = bit / 8;
    std::memcpy(padded, data + from, std::min<size_t>(9, bytes.size() - from));
    const unsigned shift = bit % 8;
    const uint64_t high = shift == 0 ? 0 : static_cast<uint64_t>(static_cast<uint8_t>(padded[8])) << (64 - shift);
    values[i] = ((load_word(padded) >> shift) | high) & mask;
  }
}

RadixGroup radix_group(uint64_t radix) {
  CHECK(radix >= 2 && radix <= kRadixMax);
  RadixGroup group{.digits = 0, .bits = 0};
  uint64_t end = 1;
  while (end <= kGroupEnd / radix) {
    end *= radix;
    ++group.digits;
  }
  group.bits = static_cast<unsigned>(std::bit_width(end - 1));
  return group;
}

size_t radix_bytes(size_t count, uint64_t radix) {
  const RadixGroup group = radix_group(radix);
  return packed_bytes((count + group.digits - 1) / group.digits, group.bits);
}

void pack_radix(std::span<const uint64_t> values, uint64_t radix, std::string& out) {
  const RadixGroup group = radix_group(radix);
  std::vector<uint64_t> words((values.size() + group.digits - 1) / group.digits);
  for (size_t i = 0; i < words.size(); ++i) {
    const size_t begin = i * group.digits;
    const size_t end = std::min(values.size(), begin + group.digits);
    uint64_t word = 0;
    for (size_t digit = end; digit > begin; --digit) word = word * radix + values[digit - 1];
    words[i] = word;
  }
  pack_bits(words, group.bits, out);
}

void unpack_radix(std::string_view bytes, uint64_t radix, std::span<uint64_t> values) {
  const RadixGroup group = radix_group(radix);
  const size_t words_count = (values.size() + group.digits - 1) / group.digits;
  const Divider divider(radix);
  // A few words at a time stay in the first-level cache.
  uint64_t words[64];
  size_t value = 0;
  for (size_t from = 0; from < words_count; from += 64) {
    const size_t some = std::min<size_t>(64, words_count - from);
    unpack_bits(bytes.substr(from * group.bits / 8), group.bits, std::span(words, some));
    for (size_t i = 0; i < some; ++i) {
      // Only corrupt input has bit 63 set; masked, it decodes to something, and the checksum has said so before.
      uint64_t word = words[i] & (kGroupEnd - 1);
      const size_t end = std::min(values.size(), value + group.digits);
      for (; value < end; ++value) {
        const uint64_t rest = divider.divide(word);
        values[value] = word - rest * radix;
        word = rest;
      }
    }
  }
}

}  // namespace campanile::codec
