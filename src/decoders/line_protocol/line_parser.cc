#include "decoders/line_protocol/line_parser.h"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/text.h"
#include "decoders/line_protocol/number.h"

namespace campanile::decoders {
namespace {

// InfluxDB keeps the ends of the range, which is the same below zero, for itself, and names them in its error.
constexpr int64_t kTimeMax = 9223372036854775806;
constexpr long kTimeDigitsMax = 19;
constexpr std::string_view kTimeOutsideRange = "time outside range -9223372036854775806 - 9223372036854775806";
// More tags than that are sorted to find duplicates instead of being compared one with another.
constexpr size_t kPairwiseTagsMax = 16;
constexpr size_t kShownLineBytesMax = 512;

// The first of the stops at or after p. Names are short and of random length, so that a loop over their bytes ends in a mispredicted branch
// each; sixteen bytes at once do not.
template <char... kStops>
const char* find_stop(const char* p, const char* end) {
#if defined(__SSE2__)
  for (; end - p >= 16; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    __m128i stops = _mm_setzero_si128();
    ((stops = _mm_or_si128(stops, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(kStops)))), ...);
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(stops));
    if (mask != 0) return p + std::countr_zero(mask);
  }
#endif
  while (p != end && !((*p == kStops) || ...)) ++p;
  return p;
}

// Where a name may end or needs a closer look.
const char* find_name_stop(const char* p, const char* end) { return find_stop<',', ' ', '=', '\n', '\\'>(p, end); }
// Where measurement and tags end, or need that look.
const char* find_head_stop(const char* p, const char* end) { return find_stop<' ', '\n', '\\'>(p, end); }

// Eight digits at once, by pairs, then fours, then eight (the arithmetic is in D. Lemire, "Quickly parsing eight digits", 2018).
bool are_eight_digits(uint64_t bytes) {
  return ((bytes & 0xf0f0f0f0f0f0f0f0) | (((bytes + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) >> 4)) == 0x3333333333333333;
}
uint64_t eight_digits(uint64_t bytes) {
  bytes = (bytes & 0x0f0f0f0f0f0f0f0f) * 2561 >> 8;
  bytes = (bytes & 0x00ff00ff00ff00ff) * 6553601 >> 16;
  return (bytes & 0x0000ffff0000ffff) * 42949672960001 >> 32;
}

// Reads digits into `value`, which is right for up to nineteen of them, and returns where they end.
const char* read_digits(const char* p, const char* end, uint64_t& value) {
  if constexpr (std::endian::native == std::endian::little) {
    uint64_t bytes = 0;
    while (end - p >= 8 && (std::memcpy(&bytes, p, 8), are_eight_digits(bytes))) {
      value = value * 100'000'000 + eight_digits(bytes);
      p += 8;
    }
  }
  while (p != end && *p >= '0' && *p <= '9') value = value * 10 + static_cast<uint64_t>(*p++ - '0');
  return p;
}

bool is_escapable(char c) { return c == ',' || c == ' ' || c == '='; }

int64_t nanoseconds_of(Precision precision) {
  switch (precision) {
    case Precision::kNanoseconds: return 1;
    case Precision::kMicroseconds: return 1'000;
    case Precision::kMilliseconds: return 1'000'000;
    case Precision::kSeconds: return 1'000'000'000;
    case Precision::kMinutes: return 60'000'000'000;
    case Precision::kHours: return 3'600'000'000'000;
  }
  return 1;
}

uint32_t count_line_feeds(const char* begin, const char* end) { return static_cast<uint32_t>(std::count(begin, end, '\n')); }

}  // namespace

LineParser::LineParser(std::string_view body, const LineOptions& options, LineCursor& cursor, PointBatch& batch, LineErrors& errors)
    : at_(body.data() + cursor.offset),
      end_(body.data() + body.size()),
      body_(body.data()),
      options_(options),
      cursor_(cursor),
      batch_(batch),
      errors_(errors) {}

void LineParser::skip_blanks() {
  while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\0')) ++at_;
}

bool LineParser::is_line_end() const {
  return at_ == end_ || *at_ == '\n' || (*at_ == '\r' && (at_ + 1 == end_ || at_[1] == '\n'));
}

// REQUIRES: at_ is not inside a string.
void LineParser::skip_rest_of_line() {
  if (at_ == end_) return;
  const void* const found = std::memchr(at_, '\n', static_cast<size_t>(end_ - at_));
  at_ = found == nullptr ? end_ : static_cast<const char*>(found) + 1;
  if (found != nullptr) ++cursor_.line;
}

bool LineParser::skip_to_line() {
  for (;;) {
    skip_blanks();
    if (at_ == end_ || (!is_line_end() && *at_ != '#')) break;
    skip_rest_of_line();
  }
  cursor_.offset = static_cast<size_t>(at_ - body_);
  return at_ != end_;
}

void LineParser::parse_line() {
  const char* const begin = at_;
  tags_.clear();
  tags_sorted_ = true;
  is_canonical_ = true;
  is_open_ = false;
  fields_ = 0;
  has_time_field_ = false;
  is_dropped_ = false;
  const uint32_t line = cursor_.line;
  if ((take_known_series() || parse_series()) && parse_fields() && parse_time()) {
    batch_.set_line(line);
    batch_.end_point();
    skip_rest_of_line();
  } else {
    if (is_open_) batch_.abandon_point();
    cursor_.line = line;
    report(begin);
  }
  cursor_.offset = static_cast<size_t>(at_ - body_);
}

bool LineParser::bad(std::string reason) {
  reason_ = std::move(reason);
  return false;
}

LineParser::Name LineParser::scan_name(bool takes_equals) {
  const char* const begin = at_;
  Name name;
  const char* p = begin;
  for (;;) {
    p = find_name_stop(p, end_);
    if (p == end_) break;
    if (*p == '\\') {
      name.has_backslash = true;
      ++p;
      if (p != end_ && is_escapable(*p)) {
        name.has_escaped_equals |= *p == '=';
        ++p;
      }
      continue;
    }
    if (*p != '=' || !takes_equals) break;
    ++p;
  }
  at_ = p;
  name.raw = {begin, static_cast<size_t>(p - begin)};
  return name;
}

std::string_view LineParser::unescape(const Name& name) {
  if (!name.has_backslash) return name.raw;
  std::string out;
  for (size_t i = 0; i < name.raw.size(); ++i) {
    if (name.raw[i] == '\\' && i + 1 < name.raw.size() && is_escapable(name.raw[i + 1])) ++i;
    out += name.raw[i];
  }
  return batch_.copy(out);
}

// A series that is known by these very bytes. Without a backslash the bytes of a canonical key mean to the parser what they mean in the key, and the
// key of a series that exists has its tags in order and each once.
bool LineParser::take_known_series() {
  if (!options_.known || !options_.tags.empty()) return false;
  const char* const stop = find_head_stop(at_, end_);
  if (stop == end_ || *stop != ' ') return false;
  const std::string_view key(at_, static_cast<size_t>(stop - at_));
  const KnownSeries::Found found = options_.known->find(key);
  if (found.handle == nullptr) return false;
  measurement_ = found.measurement;
  batch_.begin_point(measurement_);
  batch_.set_series_key(key);
  batch_.set_series(found.handle);
  is_open_ = true;
  at_ = stop;
  return true;
}

bool LineParser::parse_series() {
  const char* const begin = at_;
  const Name measurement = scan_name(true);
  if (at_ == end_ || *at_ == '\n') return bad("missing fields");
  if (measurement.raw.empty()) return bad("missing measurement");
  // InfluxDB writes an equals sign in a measurement without a backslash.
  is_canonical_ = !measurement.has_escaped_equals;
  measurement_ = unescape(measurement);
  if (*at_ == ',' && !parse_tags()) return false;
  begin_point({begin, static_cast<size_t>(at_ - begin)});
  return true;
}

bool LineParser::parse_tags() {
  do {
    ++at_;  // the comma
    if (!parse_tag()) return false;
  } while (*at_ == ',');
  return tags_sorted_ || refuse_duplicate_tags();
}

bool LineParser::parse_tag() {
  const Name key = scan_name(false);
  if (at_ == end_ || *at_ != '=') return bad(key.raw.empty() ? "missing tag key" : "missing tag value");
  if (key.raw.empty()) return bad("missing tag key");
  ++at_;
  if (at_ == end_ || *at_ == ',' || *at_ == ' ' || *at_ == '\n') return bad("missing tag value");
  // InfluxDB takes one equals sign at the start of a value as part of it; its canonical form has a backslash there.
  const char* const value_begin = at_;
  if (*at_ == '=') {
    is_canonical_ = false;
    ++at_;
  }
  Name value = scan_name(false);
  value.raw = {value_begin, static_cast<size_t>(at_ - value_begin)};
  if (at_ == end_ || *at_ == '\n') return bad("missing fields");
  if (*at_ == '=') return bad("invalid tag format");
  const Tag tag{unescape(key), unescape(value)};
  if (tag.key == "time") {
    is_dropped_ = true;
    return bad(fmt::format("invalid tag key: input tag \"time\" on measurement \"{}\" is invalid", excerpt(measurement_)));
  }
  if (!tags_.empty() && tags_.back().key >= tag.key) {
    if (tags_.back().key == tag.key) return bad("duplicate tags");
    tags_sorted_ = false;
  }
  tags_.push_back(tag);
  return true;
}

bool LineParser::refuse_duplicate_tags() {
  if (tags_.size() <= kPairwiseTagsMax) {
    for (size_t i = 1; i < tags_.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (tags_[i].key == tags_[j].key) return bad("duplicate tags");
      }
    }
    return true;
  }
  std::ranges::sort(tags_, {}, &Tag::key);
  return std::ranges::adjacent_find(tags_, {}, &Tag::key) == tags_.end() || bad("duplicate tags");
}

void LineParser::begin_point(std::string_view prefix) {
  batch_.begin_point(measurement_);
  is_open_ = true;
  for (const Tag& tag : tags_) batch_.add_tag(tag.key, tag.value);
  if (!options_.tags.empty()) return add_route_tags();
  if (is_canonical_ && tags_sorted_) batch_.set_series_key(prefix);
}

void LineParser::add_route_tags() {
  for (const Tag& tag : options_.tags) {
    if (std::ranges::find(tags_, tag.key, &Tag::key) == tags_.end()) batch_.add_tag(tag.key, tag.value);
  }
}

void LineParser::add_field(std::string_view name, FieldValue value) {
  // InfluxDB drops a field called time where there are others.
  if (name == "time") {
    has_time_field_ = true;
    return;
  }
  batch_.add_field(name, value);
  ++fields_;
}

bool LineParser::parse_fields() {
  skip_blanks();
  if (is_line_end()) return bad("invalid field format");
  for (;;) {
    if (!parse_field()) return false;
    if (at_ == end_ || *at_ != ',') break;
    ++at_;
  }
  if (fields_ > 0) return true;
  is_dropped_ = has_time_field_;
  return bad(fmt::format("invalid field name: input field \"time\" on measurement \"{}\" is invalid", excerpt(measurement_)));
}

bool LineParser::parse_field() {
  const Name name = scan_name(false);
  if (at_ == end_ || *at_ != '=') return bad("invalid field format");
  if (name.raw.empty()) return bad("missing field key");
  ++at_;
  if (is_value_end(at_, end_)) return bad("missing field value");
  return parse_value(unescape(name));
}

bool LineParser::parse_value(std::string_view name) {
  const char first = *at_;
  if (first == '"') return parse_string(name);
  const bool is_number = (first >= '0' && first <= '9') || first == '-' || first == '.' || first == 'n' || first == 'N';
  if (!is_number) return parse_boolean(name);
  NumberToken number = parse_number(at_, end_);
  if (!number.error.empty()) return bad(std::move(number.error));
  at_ = number.end;
  add_field(name, number.value);
  return true;
}

bool LineParser::parse_boolean(std::string_view name) {
  const char* const begin = at_;
  while (!is_value_end(at_, end_)) ++at_;
  const std::string_view token(begin, static_cast<size_t>(at_ - begin));
  const auto is_one_of = [token](std::initializer_list<std::string_view> words) { return std::ranges::find(words, token) != words.end(); };
  const bool is_true = is_one_of({"t", "T", "true", "True", "TRUE"});
  if (!is_true && !is_one_of({"f", "F", "false", "False", "FALSE"})) return bad("invalid boolean");
  add_field(name, FieldValue::of_boolean(is_true));
  return true;
}

bool LineParser::parse_string(std::string_view name) {
  const char* const begin = ++at_;
  bool has_escapes = false;
  const char* p = begin;
  while (p != end_ && *p != '"') {
    if (*p == '\\' && p + 1 != end_) {
      has_escapes = true;
      ++p;
    }
    if (*p == '\n') ++cursor_.line;
    ++p;
  }
  if (p == end_) return bad("unbalanced quotes");
  at_ = p + 1;
  if (!is_value_end(at_, end_)) return bad("invalid field format");
  add_field(name, FieldValue::of_string(has_escapes ? unescape_string(begin, p) : std::string_view(begin, static_cast<size_t>(p - begin))));
  return true;
}

// Only quotes and backslashes are escaped in strings; \n is a backslash and an n.
std::string_view LineParser::unescape_string(const char* begin, const char* end) {
  std::string out;
  for (const char* p = begin; p != end; ++p) {
    if (*p == '\\' && p + 1 != end && (p[1] == '"' || p[1] == '\\')) ++p;
    out += *p;
  }
  return batch_.copy(out);
}

bool LineParser::parse_time() {
  skip_blanks();
  if (is_line_end()) return true;
  const char* const begin = at_;
  const bool is_negative = *at_ == '-';
  if (is_negative) ++at_;
  const char* const digits = at_;
  uint64_t magnitude = 0;
  at_ = read_digits(at_, end_, magnitude);
  const auto count = at_ - digits;
  const std::string_view token(begin, static_cast<size_t>(at_ - begin));
  if (token.empty() || !is_value_end(at_, end_) || (at_ != end_ && *at_ == ',')) return bad("bad timestamp");
  if (count == 0) return bad(fmt::format("strconv.ParseInt: parsing \"{}\": invalid syntax", token));
  if (count > kTimeDigitsMax) return bad(fmt::format("strconv.ParseInt: parsing \"{}\": value out of range", excerpt(token, 40)));
  // Nineteen digits fit 64 bits without a sign; what does not fit with one is outside the range anyway.
  int64_t time_ns = 0;
  const bool overflows = magnitude > static_cast<uint64_t>(kTimeMax) ||
                         __builtin_mul_overflow(static_cast<int64_t>(magnitude), nanoseconds_of(options_.precision), &time_ns);
  if (overflows || time_ns > kTimeMax) return bad(std::string(kTimeOutsideRange));
  skip_blanks();
  if (!is_line_end()) return bad("point is invalid");
  batch_.set_time(is_negative ? -time_ns : time_ns);
  return true;
}

const char* LineParser::find_line_end(const char* begin) const {
  bool in_fields = false;
  for (const char* p = begin; p != end_; ++p) {
    if (*p == '\n') return p;
    in_fields |= *p == ' ' && p[-1] != '\\';  // a line does not begin with a blank, so there is a byte before
    const bool opens_string = in_fields && *p == '"' && p[-1] == '=' && p[-2] != '\\';
    if (!opens_string) continue;
    for (++p; p != end_ && *p != '"'; ++p) {
      if (*p == '\\' && p + 1 != end_) ++p;
    }
    if (p == end_) return end_;
  }
  return end_;
}

void LineParser::report(const char* line_begin) {
  const char* const line_end = find_line_end(line_begin);
  ++errors_.total;
  if (is_dropped_) ++errors_.dropped;
  if (errors_.first.size() < LineErrors::kErrorsKeptMax) {
    const std::string_view text(line_begin, static_cast<size_t>(line_end - line_begin));
    errors_.first.push_back({.line = cursor_.line,
                             .message = is_dropped_ ? reason_ : fmt::format("unable to parse '{}': {}", excerpt(text, kShownLineBytesMax), reason_)});
  }
  cursor_.line += count_line_feeds(line_begin, line_end);
  at_ = line_end;
  skip_rest_of_line();
}

}  // namespace campanile::decoders
