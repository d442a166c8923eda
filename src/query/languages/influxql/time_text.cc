#include "query/languages/influxql/time_text.h"

#include <chrono>

#include "base/clock.h"

namespace campanile::query::influxql {
namespace {

constexpr int64_t kMinute = 60 * kNanosPerSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

std::unexpected<Error> invalid_duration() { return fail(ErrorCode::kInvalidArgument, "invalid duration"); }
std::unexpected<Error> invalid_time() { return fail(ErrorCode::kInvalidArgument, "invalid timestamp string"); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct Unit {
  std::string_view text;
  int64_t ns;
};
// Longer ones before those they begin with.
constexpr Unit kUnits[] = {{"ns", 1}, {"ms", kNanosPerMilli}, {"u", kNanosPerMicro}, {"\xc2\xb5", kNanosPerMicro}, {"m", kMinute},
                           {"s", kNanosPerSecond}, {"h", kHour}, {"d", kDay}, {"w", 7 * kDay}};

// Reads fixed pieces of a time from left to right; once something does not fit, all that follows fails.
class Pieces {
 public:
  explicit Pieces(std::string_view text) : text_(text) {}

  int64_t number(size_t digits_min, size_t digits_max) {
    int64_t value = 0;
    size_t count = 0;
    while (count < digits_max && !text_.empty() && is_digit(text_[0])) {
      value = value * 10 + (text_[0] - '0');
      text_.remove_prefix(1);
      ++count;
    }
    if (count < digits_min) good_ = false;
    return value;
  }
  bool take(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  void require(char c) {
    if (!take(c)) good_ = false;
  }
  // Digits after a point, as nanoseconds; finer ones are cut.
  int64_t fraction() {
    int64_t ns = 0;
    int64_t scale = kNanosPerSecond / 10;
    if (text_.empty() || !is_digit(text_[0])) good_ = false;
    for (; !text_.empty() && is_digit(text_[0]); text_.remove_prefix(1), scale /= 10) ns += (text_[0] - '0') * scale;
    return ns;
  }
  bool at_end() const { return text_.empty(); }
  bool good() const { return good_; }

 private:
  std::string_view text_;
  bool good_ = true;
};

std::string format_parts(int64_t local_ns, std::string_view zone) {
  using namespace std::chrono;
  int64_t ns = local_ns % kNanosPerSecond;
  if (ns < 0) ns += kNanosPerSecond;
  // In whole seconds, since the calendar's first days would overflow in nanoseconds.
  const sys_seconds at{seconds(local_ns / kNanosPerSecond - (local_ns % kNanosPerSecond < 0 ? 1 : 0))};
  const sys_days day = floor<days>(at);
  const year_month_day date{day};
  const auto second_of_day = (at - day).count();
  std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                static_cast<unsigned>(date.day()), second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
  if (ns != 0) {
    std::string decimals = fmt::format(".{:09}", ns);
    decimals.erase(decimals.find_last_not_of('0') + 1);
    out += decimals;
  }
  out += zone;
  return out;
}

}  // namespace

Result<int64_t> parse_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.size() < 2) return invalid_duration();
  int64_t total = 0;
  while (!text.empty()) {
    int64_t count = 0;
    size_t digits = 0;
    for (; digits < text.size() && is_digit(text[digits]); ++digits) {
      if (__builtin_mul_overflow(count, 10, &count) || __builtin_add_overflow(count, text[digits] - '0', &count)) return invalid_duration();
    }
    if (digits == 0) return invalid_duration();
    const std::string_view rest = text.substr(digits);
    const Unit* unit = nullptr;
    for (const Unit& each : kUnits) {
      if (unit == nullptr && rest.starts_with(each.text)) unit = &each;
    }
    if (unit == nullptr) return invalid_duration();
    int64_t part = 0;
    if (__builtin_mul_overflow(count, unit->ns, &part) || __builtin_add_overflow(total, part, &total)) {
      return fail(ErrorCode::kInvalidArgument, "overflowed duration {}{}: choose a smaller duration or INF", count, unit->text);
    }
    text = rest.substr(unit->text.size());
  }
  return negative ? -total : total;
}

bool looks_like_time(std::string_view text) {
  if (text.size() < 10) return false;
  for (size_t i = 0; i < 10; ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? text[i] != '-' : !is_digit(text[i])) return false;
  }
  return true;
}

Result<int64_t> parse_time(std::string_view text, const TimeZone* zone) {
  Pieces pieces(text);
  const int64_t year = pieces.number(4, 4);
  pieces.require('-');
  const int64_t month = pieces.number(2, 2);
  pieces.require('-');
  const int64_t day = pieces.number(2, 2);
  int64_t hour = 0, minute = 0, second = 0, fraction = 0;
  bool has_offset = false;
  int64_t offset = 0;
  if (pieces.good() && !pieces.at_end()) {
    has_offset = pieces.take('T');
    if (!has_offset) pieces.require(' ');
    hour = pieces.number(1, 2);
    pieces.require(':');
    minute = pieces.number(2, 2);
    pieces.require(':');
    second = pieces.number(2, 2);
    if (pieces.take('.')) fraction = pieces.fraction();
    if (has_offset && !pieces.take('Z')) {
      const bool west = pieces.take('-');
      if (!west) pieces.require('+');
      const int64_t offset_hours = pieces.number(2, 2);
      pieces.require(':');
      const int64_t offset_minutes = pieces.number(2, 2);
      if (offset_hours > 24 || offset_minutes > 60) return invalid_time();
      offset = (west ? -1 : 1) * (offset_hours * kHour + offset_minutes * kMinute);
    }
  }
  if (!pieces.good() || !pieces.at_end()) return invalid_time();
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(static_cast<int>(year)), std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return invalid_time();
  const auto days = static_cast<__int128>(sys_days(date).time_since_epoch().count());
  const __int128 local = days * kDay + hour * kHour + minute * kMinute + second * kNanosPerSecond + fraction;
  const __int128 utc = local - offset;
  if (utc < kMinTime || utc > kMaxTime) {
    return fail(ErrorCode::kInvalidArgument, "time outside range {} - {}", kMinTime, kMaxTime);
  }
  if (has_offset || zone == nullptr) return static_cast<int64_t>(utc);
  return zone->to_utc(static_cast<int64_t>(utc));
}

std::string format_time(int64_t time_ns) { return format_parts(time_ns, "Z"); }

std::string format_time(int64_t time_ns, const TimeZone& zone) {
  const int64_t offset_ns = zone.offset_ns(time_ns);
  int64_t local_ns = 0;
  if (offset_ns == 0 || __builtin_add_overflow(time_ns, offset_ns, &local_ns)) return format_time(time_ns);
  const int64_t minutes = (offset_ns < 0 ? -offset_ns : offset_ns) / kMinute;
  return format_parts(local_ns, fmt::format("{}{:02}:{:02}", offset_ns < 0 ? '-' : '+', minutes / 60, minutes % 60));
}

}  // namespace campanile::query::influxql
