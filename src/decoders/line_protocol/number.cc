#include "decoders/line_protocol/number.h"

#include <charconv>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "base/text.h"

namespace campanile::decoders {
namespace {

// Powers of ten that a double holds exactly. A mantissa below 2^53 divided by one of them is rounded once, so the quotient is the double
// nearest to the decimal (Clinger 1990, "How to Read Floating Point Numbers Accurately").
constexpr double kExactPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr uint64_t kExactMantissaMax = 1ull << 53;
// That many decimal digits always fit 64 bits.
constexpr int kDigitsMax = 19;
// Longer tokens whose exponent is out of range are refused rather than judged.
constexpr size_t kJudgedBytesMax = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

NumberToken failed(std::string error) { return {.error = std::move(error)}; }

template <typename T>
std::string parse_whole(std::string_view digits, std::string_view kind, std::string_view function, T& value) {
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (stop != digits.data() + digits.size() || error == std::errc::invalid_argument) return "invalid number";
  if (error == std::errc()) return {};
  const std::string shown = excerpt(digits, 40);
  return fmt::format("unable to parse {} {}: strconv.{}: parsing \"{}\": value out of range", kind, shown, function, shown);
}

// from_chars says "out of range" for both ends; what is merely too small is zero, as for InfluxDB.
bool is_underflow(std::string_view token) {
  if (token.size() > kJudgedBytesMax) return false;
  const std::string_view digits = token.starts_with('-') ? token.substr(1) : token;
  return token.contains("e-") || token.contains("E-") || (digits.starts_with("0.") || digits.starts_with('.'));
}

NumberToken parse_float(std::string_view token) {
  if (token.find_first_not_of("0123456789.+-eE") != std::string_view::npos) return failed("invalid number");
  double value = 0;
  const auto [stop, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (stop != token.data() + token.size() || error == std::errc::invalid_argument) {
    return failed(token.find_first_of("eE") == std::string_view::npos ? "invalid number" : "invalid float");
  }
  if (error != std::errc()) {
    if (!is_underflow(token)) return failed("invalid float");
    value = token.starts_with('-') ? -0.0 : 0.0;
  }
  return {.value = FieldValue::of_float(value), .end = token.data() + token.size()};
}

NumberToken parse_any(const char* at, const char* end) {
  const char* stop = at;
  while (!is_value_end(stop, end)) ++stop;
  const std::string_view token(at, static_cast<size_t>(stop - at));
  const std::string_view digits = token.substr(0, token.size() - 1);
  if (token.ends_with('i')) {
    int64_t value = 0;
    auto error = parse_whole(digits, "integer", "ParseInt", value);
    return {.value = FieldValue::of_integer(value), .end = stop, .error = std::move(error)};
  }
  if (token.ends_with('u')) {
    uint64_t value = 0;
    auto error = parse_whole(digits, "unsigned", "ParseUint", value);
    return {.value = FieldValue::of_unsigned(value), .end = stop, .error = std::move(error)};
  }
  return parse_float(token);
}

}  // namespace

NumberToken parse_number(const char* const at, const char* const end) {
  const char* p = at;
  const bool is_negative = *p == '-';
  if (is_negative) ++p;
  uint64_t mantissa = 0;
  const char* const digits = p;
  while (p != end && is_digit(*p)) mantissa = mantissa * 10 + static_cast<uint64_t>(*p++ - '0');
  const auto whole_digits = p - digits;
  long fraction_digits = 0;
  if (p != end && *p == '.') {
    const char* const fraction = ++p;
    while (p != end && is_digit(*p)) mantissa = mantissa * 10 + static_cast<uint64_t>(*p++ - '0');
    fraction_digits = p - fraction;
    if (whole_digits + fraction_digits == 0) return parse_any(at, end);
  } else if (p != end && *p == 'i' && is_value_end(p + 1, end) && whole_digits > 0 && whole_digits < kDigitsMax) {
    const auto magnitude = static_cast<int64_t>(mantissa);
    return {.value = FieldValue::of_integer(is_negative ? -magnitude : magnitude), .end = p + 1, .error = {}};
  }
  const auto all_digits = whole_digits + fraction_digits;
  if (all_digits == 0 || all_digits > kDigitsMax || mantissa > kExactMantissaMax || !is_value_end(p, end)) return parse_any(at, end);
  const double magnitude = static_cast<double>(mantissa) / kExactPowers[fraction_digits];
  return {.value = FieldValue::of_float(is_negative ? -magnitude : magnitude), .end = p, .error = {}};
}

}  // namespace campanile::decoders
