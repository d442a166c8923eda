#include "codec/packed_integers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "codec/bit_pack.h"

namespace campanile::codec {
namespace {

enum Form : uint8_t { kConstant = 0, kAboveMinimum = 1, kAroundCentre = 2, kRadix = 3 };

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

struct Plan {
  Form form = kConstant;
  int64_t base = 0;
  Width width;
  uint64_t radix = 0;
  size_t bytes = 0;
};

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

  // A centre pays where single values lie far below the rest; where the range is narrow anyway it cannot win.
  if (std::bit_width(range) > 4 && values.size() >= 8) {
    std::array<int64_t, 15> sample;
    for (size_t i = 0; i < sample.size(); ++i) sample[i] = values[i * (values.size() - 1) / (sample.size() - 1)];
    std::nth_element(sample.begin(), sample.begin() + 7, sample.end());
    const int64_t centre = sample[7];
    counts.fill(0);
    for (const int64_t value : values) ++counts[static_cast<unsigned>(std::bit_width(around(value, centre)))];
    const Width width = best_width(counts, values.size());
    const size_t bytes = 1 + varint_bytes(zigzag(centre)) + width.bytes;
    if (bytes < plan.bytes) plan = {.form = kAroundCentre, .base = centre, .width = width, .bytes = bytes};
  }
  if (range < kRadixMax) {
    const size_t bytes = base_bytes + varint_bytes(range + 1) + radix_bytes(values.size(), range + 1);
    // Digits cost a multiplication each to read: they must save something to be worth it.
    if (bytes + plan.bytes / 64 < plan.bytes) plan = {.form = kRadix, .base = minimum, .radix = range + 1, .bytes = bytes};
  }
  return plan;
}

void append_with_exceptions(std::span<const uint64_t> residuals, const Width& width, std::string& out) {
  out += static_cast<char>(width.bits);
  append_varint(out, width.exceptions);
  if (width.exceptions > 0) {
    size_t last = 0;
    for (size_t i = 0; i < residuals.size(); ++i) {
      const uint64_t high = residuals[i] >> width.bits;
      if (high == 0) continue;
      append_varint(out, i - last);
      append_varint(out, high);
      last = i;
    }
  }
  pack_bits(residuals, width.bits, out);
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
  if (plan.form == kAroundCentre) {
    for (size_t i = 0; i < values.size(); ++i) residuals[i] = around(values[i], plan.base);
  } else {
    for (size_t i = 0; i < values.size(); ++i) residuals[i] = difference(values[i], plan.base);
  }
  if (plan.form == kRadix) {
    append_varint(out, plan.radix);
    pack_radix(residuals, plan.radix, out);
  } else {
    append_with_exceptions(residuals, plan.width, out);
  }
}

Result<void> decode_packed(ByteReader& in, std::span<int64_t> values) {
  const uint8_t form = in.byte();
  const uint64_t base = static_cast<uint64_t>(in.signed_varint());
  if (!in.ok() || form > kRadix) return corrupt("bad form byte");
  if (form == kConstant) {
    std::fill(values.begin(), values.end(), static_cast<int64_t>(base));
    return {};
  }
  // The signed and the unsigned type of one size may alias, so residuals are unpacked in place.
  const std::span<uint64_t> residuals(reinterpret_cast<uint64_t*>(values.data()), values.size());
  if (form == kRadix) {
    const uint64_t radix = in.varint();
    if (!in.ok() || radix < 2 || radix > kRadixMax) return corrupt("bad radix");
    const std::string_view bytes = in.bytes(radix_bytes(values.size(), radix));
    if (!in.ok()) return corrupt("too short");
    unpack_radix(bytes, radix, residuals);
    for (uint64_t& residual : residuals) residual += base;
    return {};
  }
  const unsigned width = in.byte();
  const uint64_t exceptions = in.varint();
  if (!in.ok() || width > 64 || exceptions > values.size() || (width == 64 && exceptions > 0)) return corrupt("bad width");
  ByteReader exceptions_in = in;
  for (uint64_t i = 0; i < exceptions; ++i) {
    in.varint();
    in.varint();
  }
  const std::string_view bytes = in.bytes(packed_bytes(values.size(), width));
  if (!in.ok()) return corrupt("too short");
  unpack_bits(bytes, width, residuals);
  size_t position = 0;
  for (uint64_t i = 0; i < exceptions; ++i) {
    const uint64_t distance = exceptions_in.varint();
    const uint64_t high = exceptions_in.varint();
    if (distance >= values.size() - position) return corrupt("exception outside the run");
    position += distance;
    residuals[position] |= high << width;
  }
  if (form == kAboveMinimum) {
    for (uint64_t& residual : residuals) residual += base;
  } else {
    for (uint64_t& residual : residuals) residual = base + static_cast<uint64_t>(unzigzag(residual));
  }
  return {};
}

}  // namespace campanile::codec
