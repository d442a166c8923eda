#include "codec/floats.h"

#include <algorithm>
#include <vector>

#include "base/vector_clones.h"
#include "codec/compression.h"
#include "codec/decimal.h"
#include "codec/integers.h"

namespace campanile::codec {
namespace {

enum Encoding : uint8_t { kDecimal = 1, kSingle = 2, kPlanes = 3 };

constexpr unsigned kSingleExponentMax = 9;
constexpr size_t kExceptionBits = 80;

std::unexpected<Error> corrupt(std::string_view what) { return fail(ErrorCode::kCorrupt, "float block: {}", what); }

std::optional<int64_t> to_single_decimal(double value, unsigned exponent) {
  const double scaled = value * kPowersOfTen[exponent];
  if (!(std::fabs(scaled) < 0x1p31)) return std::nullopt;
  const auto digits = static_cast<int64_t>(std::nearbyint(scaled));
  const double back = static_cast<float>(from_decimal(digits, exponent));
  if (std::bit_cast<uint64_t>(back) != std::bit_cast<uint64_t>(value)) return std::nullopt;
  return digits;
}

std::optional<int64_t> digits_of(Encoding encoding, double value, unsigned exponent) {
  return encoding == kDecimal ? to_decimal(value, exponent) : to_single_decimal(value, exponent);
}

// The exponent under which a sample of the block is the smallest: each more costs log2(10) bits a value, a value that needs a
// larger one is an exception. None where exceptions would be the rule.
std::optional<unsigned> choose_exponent(Encoding encoding, std::span<const double> values) {
  constexpr size_t kSamples = 32;
  const unsigned last = encoding == kDecimal ? kExponentMax : kSingleExponentMax;
  std::array<size_t, kExponentMax + 2> needed{};  // the last place counts values that no exponent fits
  const size_t samples = std::min(values.size(), kSamples);
  for (size_t i = 0; i < samples; ++i) {
    const double value = values[i * values.size() / samples];
    unsigned exponent = 0;
    while (exponent <= last && !digits_of(encoding, value, exponent)) ++exponent;
    ++needed[exponent > last ? kExponentMax + 1 : exponent];
  }
  std::optional<unsigned> best;
  size_t best_bits = SIZE_MAX;
  size_t fitting = 0;
  for (unsigned exponent = 0; exponent <= last; ++exponent) {
    if (needed[exponent] == 0) continue;
    fitting += needed[exponent];
    const size_t bits = (samples - fitting) * kExceptionBits + samples * exponent * 10 / 3;
    if (bits >= best_bits || (samples - fitting) * 8 > samples) continue;
    best = exponent;
    best_bits = bits;
  }
  return best;
}

// Answers false, with `out` as it was, where too many values are exceptions.
bool append_decimal(Encoding encoding, std::span<const double> values, std::string& out) {
  const auto exponent = choose_exponent(encoding, values);
  if (!exponent) return false;
  std::vector<int64_t> digits(values.size());
  std::string exceptions;
  size_t exceptions_count = 0;
  size_t last_exception = 0;
  int64_t before = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (const auto found = digits_of(encoding, values[i], *exponent)) [[likely]] {
      before = *found;
    } else {
      append_varint(exceptions, i - last_exception);
      append_fixed(exceptions, values[i]);
      last_exception = i;
      if (++exceptions_count * 8 > values.size()) return false;
    }
    digits[i] = before;
  }
  out += static_cast<char>(encoding);
  out += static_cast<char>(*exponent);
  append_varint(out, exceptions_count);
  out += exceptions;
  encode_integers(digits, out);
  return true;
}

void append_planes(std::span<const double> values, std::string& out) {
  const size_t count = values.size();
  std::string planes(count * 8, '\0');
  uint64_t before = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t bits = std::bit_cast<uint64_t>(values[i]);
    const uint64_t changed = bits ^ before;
    before = bits;
    for (size_t plane = 0; plane < 8; ++plane) planes[plane * count + i] = static_cast<char>(changed >> (56 - 8 * plane));
  }
  out += static_cast<char>(kPlanes);
  append_compressed(planes, out);
}

VECTOR_CLONES void to_doubles(std::span<const int64_t> digits, double power, std::span<double> values) {
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(digits[i]) / power;
}

Result<void> decode_decimal(Encoding encoding, ByteReader& in, std::span<double> values) {
  const unsigned exponent = in.byte();
  const uint64_t exceptions = in.varint();
  if (!in.ok() || exponent > kExponentMax || exceptions > values.size()) return corrupt("bad header");
  ByteReader exceptions_in = in;
  for (uint64_t i = 0; i < exceptions; ++i) {
    in.varint();
    in.fixed<double>();
  }
  if (!in.ok()) return corrupt("too short");
  // A scratch block of its own: doubles and integers may not share memory.
  thread_local std::vector<int64_t> digits;
  digits.resize(values.size());
  TRY(decode_integers(in, digits));
  const double power = kPowersOfTen[exponent];
  if (encoding == kDecimal) {
    to_doubles(digits, power, values);
  } else {
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(static_cast<double>(digits[i]) / power);
  }
  size_t position = 0;
  for (uint64_t i = 0; i < exceptions; ++i) {
    const uint64_t distance = exceptions_in.varint();
    if (distance >= values.size() - position) return corrupt("exception outside the block");
    position += distance;
    values[position] = exceptions_in.fixed<double>();
  }
  return {};
}

Result<void> decode_planes(ByteReader& in, std::span<double> values) {
  const size_t count = values.size();
  const std::string planes = TRY(read_compressed(in, count * 8));
  if (planes.size() != count * 8) return corrupt("planes of another length");
  uint64_t bits = 0;
  for (size_t i = 0; i < count; ++i) {
    uint64_t changed = 0;
    for (size_t plane = 0; plane < 8; ++plane) changed = changed << 8 | static_cast<uint8_t>(planes[plane * count + i]);
    bits ^= changed;
    values[i] = std::bit_cast<double>(bits);
  }
  return {};
}

}  // namespace

void encode_floats(std::span<const double> values, std::string& out) {
  const size_t start = out.size();
  if (!append_decimal(kDecimal, values, out) && !append_decimal(kSingle, values, out)) return append_planes(values, out);
  // Decimals with many digits that jump about can be larger than the bytes themselves.
  if (out.size() - start <= values.size() * 5 + 16) return;
  std::string planes;
  append_planes(values, planes);
  if (planes.size() < out.size() - start) out.replace(start, std::string::npos, planes);
}

Result<void> decode_floats(ByteReader& in, std::span<double> values) {
  const uint8_t encoding = in.byte();
  switch (encoding) {
    case kDecimal:
    case kSingle: return decode_decimal(static_cast<Encoding>(encoding), in, values);
    case kPlanes: return decode_planes(in, values);
    default: return corrupt("unknown encoding");
  }
}

}  // namespace campanile::codec
