#include "query/languages/influxql/json_text.h"

#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace campanile::query::influxql {
namespace {

constexpr size_t kFloatBytesMax = 400;

std::string to_text(double value, std::chars_format format) {
  char buffer[kFloatBytesMax];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value, format);
  CHECK(error == std::errc());
  return {buffer, end};
}

bool is_written_plainly(double value) {
  const double magnitude = std::abs(value);
  return magnitude == 0 || (magnitude >= 1e-6 && magnitude < 1e21);
}

// Without a string of its own, since an answer has hundreds of thousands.
template <typename Number, typename... Format>
void append_number(std::string& out, Number number, Format... format) {
  char buffer[kFloatBytesMax];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number, format...);
  CHECK(error == std::errc());
  out.append(buffer, end);
}

// The bytes of a well-formed UTF-8 sequence at the start of `text`, 0 where there is none.
size_t sequence_bytes(std::string_view text) {
  for (size_t length = 1; length <= 4 && length <= text.size(); ++length) {
    if (is_valid_utf8(text.substr(0, length))) return length;
  }
  return 0;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  size_t plain = 0;
  const auto flush = [&](size_t to) { out.append(text, plain, to - plain); };
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<uint8_t>(text[i]);
    const bool is_plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
    if (is_plain) {
      ++i;
      continue;
    }
    if (c < 0x80) {
      flush(i);
      switch (c) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default: out += fmt::format("\\u{:04x}", c); break;
      }
      plain = ++i;
      continue;
    }
    const size_t length = sequence_bytes(text.substr(i));
    const std::string_view sequence = text.substr(i, length);
    // Go's JSON may stand inside of JavaScript, which ends lines there.
    const bool is_separator = sequence == "\xe2\x80\xa8" || sequence == "\xe2\x80\xa9";
    if (length > 0 && !is_separator) {
      i += length;
      continue;
    }
    flush(i);
    out += length == 0 ? "\\ufffd" : sequence == "\xe2\x80\xa8" ? "\\u2028" : "\\u2029";
    i += length == 0 ? 1 : length;
    plain = i;
  }
  flush(text.size());
  out += '"';
}

}  // namespace

std::string format_float(double value) {
  if (!std::isfinite(value)) return "null";
  if (is_written_plainly(value)) return to_text(value, std::chars_format::fixed);
  std::string text = to_text(value, std::chars_format::scientific);
  // e-07 is written e-7.
  const size_t exponent = text.find("e-0");
  if (exponent != std::string::npos) text.erase(exponent + 2, 1);
  return text;
}

std::string format_float_fixed(double value) { return std::isfinite(value) ? to_text(value, std::chars_format::fixed) : std::string(); }

void JsonText::line() {
  if (!pretty_) return;
  text_ += '\n';
  text_.append(depth_ * 4, ' ');
}

void JsonText::begin_element() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (depth_ == 0) return;
  if (!empty_) text_ += ',';
  empty_ = false;
  line();
}

void JsonText::open(char bracket) {
  begin_element();
  text_ += bracket;
  ++depth_;
  empty_ = true;
}

void JsonText::close(char bracket) {
  --depth_;
  if (!empty_) line();
  text_ += bracket;
  empty_ = false;
}

void JsonText::key(std::string_view name) {
  begin_element();
  append_quoted(text_, name);
  text_ += pretty_ ? ": " : ":";
  after_key_ = true;
}

void JsonText::string(std::string_view text) {
  begin_element();
  append_quoted(text_, text);
}

void JsonText::number(int64_t value) {
  begin_element();
  append_number(text_, value);
}

void JsonText::boolean(bool value) {
  begin_element();
  text_ += value ? "true" : "false";
}

void JsonText::null() {
  begin_element();
  text_ += "null";
}

void JsonText::value(const Value& value) {
  if (!value) return null();
  switch (value->type()) {
    case FieldType::kFloat:
      begin_element();
      if (is_written_plainly(value->as_float())) {
        append_number(text_, value->as_float(), std::chars_format::fixed);
      } else {
        text_ += format_float(value->as_float());
      }
      return;
    case FieldType::kInteger: return number(value->as_integer());
    case FieldType::kUnsigned:
      begin_element();
      append_number(text_, value->as_unsigned());
      return;
    case FieldType::kBoolean: return boolean(value->as_boolean());
    case FieldType::kString: return string(value->as_string());
  }
}

void JsonText::back_to(const Mark& mark) {
  text_.resize(mark.size);
  depth_ = mark.depth;
  empty_ = mark.empty;
  after_key_ = false;
}

std::string JsonText::take() {
  depth_ = 0;
  empty_ = true;
  return std::exchange(text_, std::string());
}

}  // namespace campanile::query::influxql
