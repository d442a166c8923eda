#include "api/time_parameter.h"

#include <charconv>

#include "base/clock.h"
#include "base/text.h"
#include "query/languages/influxql/time_text.h"

namespace campanile::api {
namespace {

std::unexpected<Error> not_a_time(std::string_view name, std::string_view text) {
  return fail(ErrorCode::kInvalidArgument, "{} is '{}'; milliseconds since 1970 or a time such as '2026-01-31T12:00:00Z' is wanted", name, excerpt(text));
}

Result<int64_t> from_ms(std::string_view name, int64_t ms) {
  int64_t time_ns = 0;
  if (__builtin_mul_overflow(ms, kNanosPerMilli, &time_ns)) return not_a_time(name, fmt::format("{}", ms));
  return time_ns;
}

}  // namespace

Result<int64_t> parse_when(std::string_view name, std::string_view text) {
  int64_t ms = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error == std::errc() && stop == text.data() + text.size()) return from_ms(name, ms);
  const auto time = query::influxql::parse_time(text, nullptr);
  if (!time) return not_a_time(name, text);
  return *time;
}

Result<int64_t> parse_json_when(std::string_view name, const boost::json::value& value) {
  if (value.is_string()) return parse_when(name, std::string_view(value.get_string()));
  if (value.is_int64()) return from_ms(name, value.get_int64());
  return not_a_time(name, "neither a number nor a text");
}

}  // namespace campanile::api
