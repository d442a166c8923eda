#include "codec/decimal.h"

namespace campanile::codec {
namespace {

constexpr uint8_t kRaw = 0xff;

}  // namespace

void append_compact_double(std::string& out, double value) {
  const auto exponent = smallest_exponent(value);
  const auto digits = exponent ? to_decimal(value, *exponent) : std::nullopt;
  if (digits && varint_bytes(zigzag(*digits)) < sizeof(double)) {
    out += static_cast<char>(*exponent);
    append_signed(out, *digits);
  } else {
    out += static_cast<char>(kRaw);
    append_fixed(out, value);
  }
}

double read_compact_double(ByteReader& in) {
  const uint8_t exponent = in.byte();
  if (exponent <= kExponentMax) return from_decimal(in.signed_varint(), exponent);
  if (exponent == kRaw) return in.fixed<double>();
  in.bytes(SIZE_MAX);  // no such form: puts the reader into its failed state
  return 0;
}

}  // namespace campanile::codec
