#include "codec/packed_integers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>
#include <vector>

#include "base/vector_clones.h"
#include "codec/bit_pack.h"
#include "codec/compression.h"

namespace campanile::codec {
namespace {

enum Form : uint8_t { kConstant = 0, kAboveMinimum = 1, kAroundCentre = 2, kFullRadix = 3, kDenseRadix = 4, kPlanes = 5 };

uint64_t difference(int64_t value, int64_t base) { return static_cast<uint64_t>(value) - static_cast<uint64_t>(base); }
uint64_t around(int64_t value, int64_t base) { return zigzag(static_cast<int64_t>(difference(value, base))); }

// The width that makes packed values and exceptions together the smallest, from how many values need each width.
struct Width {
  unsigned bits = 0;
  size_t exceptions = 0;
  size_t bytes = 0;
};

Width best_width(const std::array<uint32_t, 65>& counts, size_t total) {
  Width best{.bits = 64, .exceptions = 0, .bytes = packed_bytes(total, 64) + 2};
  size_t above = 0;
  size_t exception_bits = 0;
  // From the widest down: at each step the values of width + 1 join the exceptions, each of which spends about ten bits on its
  // position and on rounding, and its high bits.
  for (unsigned bits = 64; bits-- > 0;) {
    exception_bits += above + counts[bits + 1] * 18ull;
    above += counts[bits + 1];
    const size_t bytes = packed_bytes(total, bits) + exception_bits / 8 + 2;
    if (bytes < best.bytes) best = {.bits = bits, .exceptions = above, .bytes = bytes};
  }
  return best;
}

constexpr size_t kPlanesValuesMin = 64;
constexpr unsigned kPlanesMax = 2;
constexpr uint64_t kEvenRangeMax = 16;
constexpr size_t kCompressionMost = 6;
// What a plane costs beside its symbols: sizes, the frame's headers, and its table of codes, which takes about half a byte for each symbol.
constexpr size_t kPlaneBytes = 18;

struct Plan {
  Form form = kConstant;
  int64_t base = 0;
  Width width;
  uint64_t radix = 0;
  size_t bytes = 0;
};

// The bytes of symbols that are so frequent, coded each with the bits that its frequency is worth but at least one, as Zstandard does. Its codes are whole bits, which costs about
// a sixtieth more.
size_t coded_bytes(const std::array<uint32_t, 256>& counts, size_t total) {
  double bits = 0;
  size_t symbols = 0;
  for (const uint32_t count : counts) {
    if (count == 0) continue;
    ++symbols;
    bits += count * std::max(1.0, std::log2(static_cast<double>(total) / count));
  }
  return symbols == 1 ? kPlaneBytes : static_cast<size_t>(bits / 8 * 61 / 60) + symbols / 2 + kPlaneBytes;
}

int64_t centre_of(std::span<const int64_t> values) {
  std::array<int64_t, 15> sample;
  for (size_t i = 0; i < sample.size(); ++i) sample[i] = values[i * (values.size() - 1) / (sample.size() - 1)];
  std::nth_element(sample.begin(), sample.begin() + 7, sample.end());
  return sample[7];
}

std::optional<Plan> plan_planes(std::span<const int64_t> values, int64_t centre, const std::array<uint32_t, 65>& widths) {
  size_t above = 0;
  for (size_t bits = 8 * kPlanesMax + 1; bits < widths.size(); ++bits) above += widths[bits];
  if (above * 64 > values.size()) return std::nullopt;
  size_t above_one = above;
  for (size_t bits = 9; bits <= 8 * kPlanesMax; ++bits) above_one += widths[bits];
  const unsigned planes = above_one * 64 > values.size() ? 2 : 1;
  std::array<std::array<uint32_t, 256>, kPlanesMax> counts{};
  for (const int64_t value : values) {
    const uint64_t residual = around(value, centre);
    ++counts[0][residual & 0xff];
    ++counts[1][residual >> 8 & 0xff];
  }
  Plan plan{.form = kPlanes, .base = centre, .width = {.bits = 8 * planes, .exceptions = planes == 1 ? above_one : above}};
  plan.width.bytes = plan.width.exceptions * 4 + 2;
  for (unsigned plane = 0; plane < planes; ++plane) plan.width.bytes += coded_bytes(counts[plane], values.size());
  plan.bytes = 1 + varint_bytes(zigzag(centre)) + plan.width.bytes;
  return plan;
}

// Few different values fill bytes evenly, in 1, 2 or 4 bits each. The store compresses blocks of many chunks as a whole, once for all who read them; there such bytes
// cost little more than what they tell, and the chunks' headers and keys with them, while denser forms only hide from it what is alike.
std::optional<Plan> plan_even(std::span<const int64_t> values, int64_t minimum, uint64_t range, size_t base_bytes) {
  if (range >= kEvenRangeMax || values.size() < kPlanesValuesMin) return std::nullopt;
  std::array<uint32_t, kEvenRangeMax> counts{};
  for (const int64_t value : values) ++counts[difference(value, minimum)];
  double bits = 0;
  for (const uint32_t count : counts) {
    if (count > 0) bits += count * std::log2(static_cast<double>(values.size()) / count);
  }
  const unsigned width = range < 2 ? 1 : range < 4 ? 2 : 4;
  const size_t coded = std::max(static_cast<size_t>(bits / 8 * 17 / 16), packed_bytes(values.size(), width) / kCompressionMost);
  return Plan{.form = kAboveMinimum, .base = minimum, .width = {.bits = width}, .bytes = base_bytes + 2 + coded};
}

Plan make_plan(std::span<const int64_t> values) {
  Plan plan;
  if (values.empty()) return {.bytes = 2};
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const int64_t minimum = *low;
  plan.base = minimum;
  const uint64_t range = difference(*high, minimum);
  const size_t base_bytes = 1 + varint_bytes(zigzag(minimum));
  if (range == 0) {
    plan.bytes = base_bytes;
    return plan;
  }
  std::array<uint32_t, 65> counts{};
  for (const int64_t value : values) ++counts[static_cast<unsigned>(std::bit_width(difference(value, minimum)))];
  plan.form = kAboveMinimum;
  plan.width = best_width(counts, values.size());
  plan.bytes = base_bytes + plan.width.bytes;
  const auto offer = [&plan](const Plan& other, size_t handicap) {
    if (other.bytes + handicap < plan.bytes) plan = other;
  };
  if (values.size() >= 8) {
    const int64_t centre = centre_of(values);
    counts.fill(0);
    for (const int64_t value : values) ++counts[static_cast<unsigned>(std::bit_width(around(value, centre)))];
    // A centre pays where single values lie far below the rest; where the range is narrow anyway it cannot win.
    if (std::bit_width(range) > 4) {
      const Width width = best_width(counts, values.size());
      offer({.form = kAroundCentre, .base = centre, .width = width, .bytes = 1 + varint_bytes(zigzag(centre)) + width.bytes}, 0);
    }
    if (values.size() >= kPlanesValuesMin) {
      if (const auto planes = plan_planes(values, centre, counts)) offer(*planes, plan.bytes / 64);
    }
  }
  if (range < kRadixMax) {
    const size_t bytes = base_bytes + varint_bytes(range + 1) + 1 + radix_bytes(values.size(), dense_radix_group(range + 1));
    // Digits cost a multiplication each to read: they must save something to be worth it. Planes cost more.
    offer({.form = kDenseRadix, .base = minimum, .radix = range + 1, .bytes = bytes}, plan.form == kPlanes ? 0 : plan.bytes / 64);
  }
  if (const auto even = plan_even(values, minimum, range, base_bytes); even && even->bytes < plan.bytes + plan.bytes / 16) plan = *even;
  return plan;
}

void append_exceptions(std::span<const uint64_t> residuals, const Width& width, std::string& out) {
  std::string exceptions;
  size_t last = 0;
  size_t count = 0;
  for (size_t i = 0; width.bits < 64 && i < residuals.size(); ++i) {
    const uint64_t high = residuals[i] >> width.bits;
    if (high == 0) continue;
    append_varint(exceptions, i - last);
    append_varint(exceptions, high);
    last = i;
    ++count;
  }
  append_varint(out, count);
  out += exceptions;
}

void append_planes(std::span<const uint64_t> residuals, unsigned planes, std::string& out) {
  std::string bytes(residuals.size(), '\0');
  for (unsigned plane = 0; plane < planes; ++plane) {
    for (size_t i = 0; i < residuals.size(); ++i) bytes[i] = static_cast<char>(residuals[i] >> (8 * plane));
    append_compressed_known(bytes, out);
  }
}

std::unexpected<Error> corrupt(std::string_view what) { return fail(ErrorCode::kCorrupt, "packed integers: {}", what); }

}  // namespace

size_t estimate_packed_bytes(std::span<const int64_t> values) { return make_plan(values).bytes; }

void encode_packed(std::span<const int64_t> values, std::string& out) {
  const Plan plan = make_plan(values);
  out += static_cast<char>(plan.form);
  append_signed(out, plan.base);
  if (plan.form == kConstant) return;
  std::vector<uint64_t> residuals(values.size());
  if (plan.form == kAroundCentre || plan.form == kPlanes) {
    for (size_t i = 0; i < values.size(); ++i) residuals[i] = around(values[i], plan.base);
  } else {
    for (size_t i = 0; i < values.size(); ++i) residuals[i] = difference(values[i], plan.base);
  }
  if (plan.form == kDenseRadix) {
    const RadixGroup group = dense_radix_group(plan.radix);
    append_varint(out, plan.radix);
    out += static_cast<char>(group.digits);
    return pack_radix(residuals, plan.radix, group, out);
  }
  out += static_cast<char>(plan.form == kPlanes ? plan.width.bits / 8 : plan.width.bits);
  append_exceptions(residuals, plan.width, out);
  if (plan.form == kPlanes) {
    append_planes(residuals, plan.width.bits / 8, out);
  } else {
    pack_bits(residuals, plan.width.bits, out);
  }
}

namespace {

VECTOR_CLONES void add_around(uint64_t base, std::span<uint64_t> residuals) {
  for (uint64_t& residual : residuals) residual = static_cast<uint64_t>(unzigzag(residual)) + base;
}

VECTOR_CLONES void add_base(uint64_t base, std::span<uint64_t> residuals) {
  for (uint64_t& residual : residuals) residual += base;
}

Result<void> decode_radix(Form form, ByteReader& in, std::span<uint64_t> residuals) {
  const uint64_t radix = in.varint();
  if (!in.ok() || radix < 2 || radix > kRadixMax) return corrupt("bad radix");
  const auto group = form == kFullRadix ? full_radix_group(radix) : radix_group(radix, in.byte());
  if (!group) return corrupt("too many digits in a word");
  const std::string_view bytes = in.bytes(radix_bytes(residuals.size(), *group));
  if (!in.ok()) return corrupt("too short");
  unpack_radix(bytes, radix, *group, residuals);
  return {};
}

Result<void> decode_planes(unsigned planes, ByteReader& in, std::span<uint64_t> residuals) {
  thread_local std::string bytes;
  bytes.resize(residuals.size());
  for (unsigned plane = 0; plane < planes; ++plane) {
    TRY(read_compressed_known(in, bytes));
    if (plane == 0) {
      for (size_t i = 0; i < residuals.size(); ++i) residuals[i] = static_cast<uint8_t>(bytes[i]);
    } else {
      for (size_t i = 0; i < residuals.size(); ++i) residuals[i] |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * plane);
    }
  }
  return {};
}

Result<void> decode_with_exceptions(Form form, ByteReader& in, std::span<uint64_t> residuals) {
  const unsigned unit = in.byte();
  const uint64_t exceptions = in.varint();
  if (form == kPlanes && (unit == 0 || unit > kPlanesMax)) return corrupt("bad number of planes");
  const unsigned width = form == kPlanes ? 8 * unit : unit;
  if (!in.ok() || width > 64 || exceptions > residuals.size() || (width == 64 && exceptions > 0)) return corrupt("bad width");
  ByteReader exceptions_in = in;
  for (uint64_t i = 0; i < exceptions; ++i) {
    in.varint();
    in.varint();
  }
  if (form == kPlanes) {
    TRY(decode_planes(unit, in, residuals));
  } else {
    const std::string_view bytes = in.bytes(packed_bytes(residuals.size(), width));
    if (!in.ok()) return corrupt("too short");
    unpack_bits(bytes, width, residuals);
  }
  size_t position = 0;
  for (uint64_t i = 0; i < exceptions; ++i) {
    const uint64_t distance = exceptions_in.varint();
    if (distance >= residuals.size() - position) return corrupt("exception outside the block");
    position += distance;
    residuals[position] |= exceptions_in.varint() << width;
  }
  return {};
}

}  // namespace

Result<void> decode_packed(ByteReader& in, std::span<int64_t> values) {
  const uint8_t form = in.byte();
  const uint64_t base = static_cast<uint64_t>(in.signed_varint());
  if (!in.ok() || form > kPlanes) return corrupt("bad form byte");
  if (form == kConstant) {
    std::fill(values.begin(), values.end(), static_cast<int64_t>(base));
    return {};
  }
  // The signed and the unsigned type of one size may alias, so residuals are unpacked in place.
  const std::span<uint64_t> residuals(reinterpret_cast<uint64_t*>(values.data()), values.size());
  if (form == kFullRadix || form == kDenseRadix) {
    TRY(decode_radix(static_cast<Form>(form), in, residuals));
  } else {
    TRY(decode_with_exceptions(static_cast<Form>(form), in, residuals));
  }
  const bool is_around = form == kAroundCentre || form == kPlanes;
  is_around ? add_around(base, residuals) : add_base(base, residuals);
  return {};
}

}  // namespace campanile::codec
