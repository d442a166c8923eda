#include "codec/bit_pack.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/vector_clones.h"

namespace campanile::codec {
namespace {

uint64_t mask_of(unsigned width) { return width == 64 ? ~0ull : (1ull << width) - 1; }

uint64_t load_word(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// Words that hold a group stay below 2^63, for which one multiplication divides exactly (Granlund and Montgomery 1994, section 4).
constexpr uint64_t kGroupEnd = 1ull << 63;
// Wider words would be read in nine bytes.
constexpr unsigned kWordBitsMax = 57;
constexpr unsigned kNarrowBits = 31;
constexpr size_t kWordsAtOnce = 64;  // a multiple of eight: each such portion begins on a whole byte

// Division of words below 2^63 by a constant through its 64-bit reciprocal.
class WideDivider {
 public:
  explicit WideDivider(uint64_t divisor) : shift_(63u + static_cast<unsigned>(std::bit_width(divisor - 1))) {
    const auto power = static_cast<unsigned __int128>(1) << shift_;
    reciprocal_ = static_cast<uint64_t>(power / divisor + 1);
  }
  uint64_t divide(uint64_t word) const { return static_cast<uint64_t>((static_cast<unsigned __int128>(word) * reciprocal_) >> shift_); }

 private:
  unsigned shift_;
  uint64_t reciprocal_;
};

// The same of words below 2^31 through a 32-bit reciprocal: what vector instructions multiply.
class NarrowDivider {
 public:
  explicit NarrowDivider(uint64_t divisor)
      : shift_(kNarrowBits + static_cast<unsigned>(std::bit_width(divisor - 1))), reciprocal_((1ull << shift_) / divisor + 1) {}
  uint64_t divide(uint64_t word) const { return (word & 0xffff'ffff) * (reciprocal_ & 0xffff'ffff) >> shift_; }

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

std::optional<RadixGroup> radix_group(uint64_t radix, unsigned digits) {
  CHECK(radix >= 2 && radix <= kRadixMax);
  if (digits == 0) return std::nullopt;
  uint64_t end = 1;
  for (unsigned digit = 0; digit < digits; ++digit) {
    if (end > kGroupEnd / radix) return std::nullopt;
    end *= radix;
  }
  return RadixGroup{.digits = digits, .bits = static_cast<unsigned>(std::bit_width(end - 1))};
}

RadixGroup full_radix_group(uint64_t radix) {
  RadixGroup best{};
  for (unsigned digits = 1; const auto group = radix_group(radix, digits); ++digits) best = *group;
  return best;
}

RadixGroup dense_radix_group(uint64_t radix) {
  RadixGroup best = radix_group(radix, 1).value();
  for (unsigned digits = 2; const auto group = radix_group(radix, digits); ++digits) {
    if (group->bits > kWordBitsMax) break;
    // A wide word must be denser by a hundredth to be worth its slower division.
    const unsigned handicap = group->bits > kNarrowBits && best.bits <= kNarrowBits ? 1 : 0;
    if (group->bits * best.digits * (100 + handicap) < best.bits * group->digits * 100) best = *group;
  }
  return best;
}

void pack_radix(std::span<const uint64_t> values, uint64_t radix, RadixGroup group, std::string& out) {
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

namespace {

// One digit of each word after another, so that divisions do not wait for one another.
VECTOR_CLONES void split_narrow(std::span<uint64_t, kWordsAtOnce> words, uint64_t radix, unsigned digits, uint64_t* values) {
  const NarrowDivider divider(radix);
  for (unsigned digit = 0; digit < digits; ++digit) {
    for (size_t i = 0; i < kWordsAtOnce; ++i) {
      const uint64_t rest = divider.divide(words[i]);
      values[i * digits + digit] = words[i] - rest * (radix & 0xffff'ffff);
      words[i] = rest;
    }
  }
}

void split_wide(std::span<uint64_t, kWordsAtOnce> words, uint64_t radix, unsigned digits, uint64_t* values) {
  const WideDivider divider(radix);
  for (unsigned digit = 0; digit < digits; ++digit) {
    for (size_t i = 0; i < kWordsAtOnce; ++i) {
      const uint64_t rest = divider.divide(words[i]);
      values[i * digits + digit] = words[i] - rest * radix;
      words[i] = rest;
    }
  }
}

}  // namespace

void unpack_radix(std::string_view bytes, uint64_t radix, RadixGroup group, std::span<uint64_t> values) {
  const size_t words_count = (values.size() + group.digits - 1) / group.digits;
  const bool is_narrow = group.bits <= kNarrowBits;
  // Only corrupt input has bit 63 set; masked, it decodes to something, and the checksum has said so before.
  const uint64_t mask = is_narrow ? (1ull << kNarrowBits) - 1 : kGroupEnd - 1;
  // A few words at a time stay in the first-level cache.
  std::array<uint64_t, kWordsAtOnce> words;
  std::array<uint64_t, kWordsAtOnce * 63> last;
  for (size_t from = 0; from < words_count; from += kWordsAtOnce) {
    const size_t some = std::min(kWordsAtOnce, words_count - from);
    words.fill(0);
    unpack_bits(bytes.substr(from * group.bits / 8), group.bits, std::span(words).first(some));
    for (uint64_t& word : words) word &= mask;
    const size_t begin = from * group.digits;
    const bool is_whole = values.size() - begin >= kWordsAtOnce * group.digits;
    uint64_t* const to = is_whole ? values.data() + begin : last.data();
    if (is_narrow) {
      split_narrow(words, radix, group.digits, to);
    } else {
      split_wide(words, radix, group.digits, to);
    }
    if (!is_whole) std::copy_n(last.begin(), values.size() - begin, values.data() + begin);
  }
}

}  // namespace campanile::codec
