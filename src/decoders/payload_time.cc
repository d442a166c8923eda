#include "decoders/payload_time.h"

#include <chrono>
#include <cmath>

#include "base/clock.h"
#include "base/text.h"

namespace campanile::decoders {
namespace {

constexpr int64_t kYear2000Ns = 946'684'800 * kNanosPerSecond;
// Where an int64 of nanoseconds ends, less a day for the zone.
constexpr int kYearMin = 1678;
constexpr int kYearMax = 2261;

PayloadTime when_clock_is_set(int64_t time_ns) { return time_ns < kYear2000Ns ? PayloadTime() : PayloadTime(time_ns); }

int64_t nanoseconds_in_unit(double magnitude) {
  if (magnitude < 1e11) return kNanosPerSecond;
  if (magnitude < 1e14) return kNanosPerMilli;
  if (magnitude < 1e17) return kNanosPerMicro;
  return 1;
}

// Reads ISO 8601 from left to right; a step that does not fit leaves ok false.
class IsoReader {
 public:
  explicit IsoReader(std::string_view text) : text_(text) {}

  bool ok() const { return ok_; }
  bool at_end() const { return text_.empty(); }

  int digits(size_t count, int low, int high) {
    int value = 0;
    if (text_.size() < count) return refuse();
    for (size_t i = 0; i < count; ++i) {
      const char c = text_[i];
      if (c < '0' || c > '9') return refuse();
      value = value * 10 + (c - '0');
    }
    text_.remove_prefix(count);
    return value < low || value > high ? refuse() : value;
  }
  bool accept(char wanted) {
    if (!text_.starts_with(wanted)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) refuse();
  }
  // The digits after the point, as nanoseconds; further ones are cut off.
  int64_t fraction_ns() {
    int64_t value = 0;
    int64_t unit = kNanosPerSecond;
    if (at_end() || text_[0] < '0' || text_[0] > '9') return refuse();
    while (!at_end() && text_[0] >= '0' && text_[0] <= '9') {
      unit /= 10;
      value += (text_[0] - '0') * unit;
      text_.remove_prefix(1);
    }
    return value;
  }

 private:
  int refuse() {
    ok_ = false;
    return 0;
  }
  std::string_view text_;
  bool ok_ = true;
};

int64_t zone_offset_s(IsoReader& in) {
  if (in.at_end() || in.accept('Z') || in.accept('z')) return 0;
  const bool is_west = in.accept('-');
  if (!is_west) in.expect('+');
  int64_t offset_s = in.digits(2, 0, 23) * 3600;
  in.accept(':');
  if (!in.at_end()) offset_s += in.digits(2, 0, 59) * 60;
  return is_west ? -offset_s : offset_s;
}

std::optional<int64_t> parse_iso(std::string_view text) {
  using namespace std::chrono;
  IsoReader in(text);
  const int y = in.digits(4, kYearMin, kYearMax);
  in.expect('-');
  const int m = in.digits(2, 1, 12);
  in.expect('-');
  const int d = in.digits(2, 1, 31);
  const year_month_day date{year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d))};
  if (!in.ok() || !date.ok()) return std::nullopt;
  int64_t seconds_of_day = 0;
  int64_t fraction_ns = 0;
  int64_t offset_s = 0;
  if (!in.at_end()) {
    if (!in.accept('T') && !in.accept('t')) in.expect(' ');
    seconds_of_day = in.digits(2, 0, 23) * 3600;
    in.expect(':');
    seconds_of_day += in.digits(2, 0, 59) * 60;
    if (in.accept(':')) {
      seconds_of_day += in.digits(2, 0, 60);  // 60: a leap second
      if (in.accept('.')) fraction_ns = in.fraction_ns();
    }
    if (!in.at_end()) in.accept(' ');
    offset_s = zone_offset_s(in);
  }
  if (!in.ok() || !in.at_end()) return std::nullopt;
  const int64_t days = sys_days(date).time_since_epoch().count();
  return (days * 86'400 + seconds_of_day - offset_s) * kNanosPerSecond + fraction_ns;
}

}  // namespace

Result<PayloadTime> time_of_integer(int64_t value) {
  if (value < 0) return PayloadTime();
  int64_t time_ns = 0;
  if (__builtin_mul_overflow(value, nanoseconds_in_unit(static_cast<double>(value)), &time_ns)) {
    return fail(ErrorCode::kInvalidArgument, "time {} is beyond the year 2262", value);
  }
  return when_clock_is_set(time_ns);
}

Result<PayloadTime> time_of_number(double value) {
  if (!std::isfinite(value)) return fail(ErrorCode::kInvalidArgument, "time {} is not a moment", value);
  if (value < 0) return PayloadTime();
  const int64_t unit_ns = nanoseconds_in_unit(value);
  const double micros = value * (static_cast<double>(unit_ns) / kNanosPerMicro);
  if (micros >= 9.2e15) return fail(ErrorCode::kInvalidArgument, "time {} is beyond the year 2262", value);
  return when_clock_is_set(std::llround(micros) * kNanosPerMicro);
}

Result<PayloadTime> time_of_text(std::string_view text) {
  const std::string_view trimmed = trim(text);
  if (const auto whole = parse_int64(trimmed)) return time_of_integer(*whole);
  if (const auto number = parse_double(trimmed)) return time_of_number(*number);
  if (const auto moment = parse_iso(trimmed)) return when_clock_is_set(*moment);
  return fail(ErrorCode::kInvalidArgument, "time '{}' is neither seconds since 1970 nor like 2026-11-21T09:00:00Z", excerpt(text));
}

}  // namespace campanile::decoders
