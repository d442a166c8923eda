#include "app/client/message_format.h"

#include <algorithm>
#include <ctime>
#include <optional>

#include <boost/json.hpp>

#include "base/clock.h"
#include "mqtt/properties.h"

namespace campanile::app::client {
namespace {

using mqtt::PropertyId;

constexpr std::string_view kMessageLetters = "%ACDEFIJjlmPpqRrStUXx";
constexpr std::string_view kEscapeLetters = "\\0aenrtv";

// "%-010.3t": what stands between the % and the letter.
struct Field {
  bool left = false;
  bool zeros = false;
  size_t width = 0;
  std::optional<size_t> precision;
  char letter = 0;
};

// Reads a field after its %; `at` is left behind the letter.
Result<Field> parse_field(std::string_view format, size_t& at) {
  Field field;
  const auto digits = [&] {
    size_t value = 0;
    for (; at < format.size() && format[at] >= '0' && format[at] <= '9'; ++at) value = std::min<size_t>(value * 10 + static_cast<size_t>(format[at] - '0'), 10'000);
    return value;
  };
  for (; at < format.size() && (format[at] == '-' || format[at] == '0'); ++at) (format[at] == '-' ? field.left : field.zeros) = true;
  field.width = digits();
  if (at < format.size() && format[at] == '.') {
    ++at;
    field.precision = digits();
  }
  if (at >= format.size()) return fail(ErrorCode::kInvalidArgument, "Incomplete format specifier.");
  field.letter = format[at++];
  if (kMessageLetters.find(field.letter) == std::string_view::npos) {
    return fail(ErrorCode::kInvalidArgument, "Invalid format specifier '{}'.", field.letter);
  }
  return field;
}

std::string padded(std::string text, const Field& field, bool is_number) {
  if (text.size() >= field.width) return text;
  const size_t missing = field.width - text.size();
  if (field.left) return text + std::string(missing, ' ');
  return std::string(missing, field.zeros && is_number ? '0' : ' ') + text;
}

std::string cut(std::string_view text, const Field& field) {
  return std::string(field.precision ? text.substr(0, *field.precision) : text);
}

std::string hex(std::string_view bytes, bool upper) {
  std::string out;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned>(static_cast<unsigned char>(byte));
    out += upper ? fmt::format("{:02X}", value) : fmt::format("{:02x}", value);
  }
  return out;
}

std::string local_time(const char* format, int64_t time_ns) {
  const std::time_t seconds = time_ns / kNanosPerSecond;
  std::tm local{};
  if (!::localtime_r(&seconds, &local)) return {};
  char text[128];
  return std::string(text, std::strftime(text, sizeof text, format, &local));
}

int64_t nanoseconds_of(int64_t time_ns) { return time_ns % kNanosPerSecond; }

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

// Valid JSON without the blanks between its tokens; numbers keep their digits.
Result<std::string> minified(std::string_view text, std::string_view topic) {
  boost::system::error_code error;
  boost::json::stream_parser parser;
  parser.write(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  if (error) return fail(ErrorCode::kInvalidArgument, "Message payload is not valid JSON on topic {}.", topic);
  std::string out;
  bool in_text = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!in_text && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) continue;
    out += c;
    if (c == '"') in_text = !in_text;
    if (in_text && c == '\\' && i + 1 < text.size()) out += text[++i];
  }
  return out;
}

mqtt::Properties properties_of(const FormattedMessage& message) {
  return mqtt::decode_properties(message.properties, mqtt::PropertyOwner::kPublish).value_or(mqtt::Properties{});
}

std::string user_properties(const FormattedMessage& message) {
  std::string out;
  mqtt::each_user_property(message.properties, [&](std::string_view name, std::string_view value) {
    if (!out.empty()) out += ' ';
    out += fmt::format("{}:{}", name, value);
  });
  return out;
}

std::string json_properties(const FormattedMessage& message) {
  const mqtt::Properties found = properties_of(message);
  std::vector<std::string> parts;
  const auto text = [&](PropertyId id, std::string_view name, std::string_view value) {
    if (found.has(id)) parts.push_back(fmt::format("\"{}\":{}", name, json_text(value)));
  };
  const auto number = [&](PropertyId id, std::string_view name, uint32_t value) {
    if (found.has(id)) parts.push_back(fmt::format("\"{}\":{}", name, value));
  };
  text(PropertyId::kContentType, "content-type", found.content_type);
  std::string user;
  mqtt::each_user_property(message.properties, [&](std::string_view name, std::string_view value) {
    user += fmt::format("{}{}:{}", user.empty() ? "" : ",", json_text(name), json_text(value));
  });
  if (!user.empty()) parts.push_back(fmt::format("\"user-properties\":{{{}}}", user));
  text(PropertyId::kResponseTopic, "response-topic", found.response_topic);
  text(PropertyId::kCorrelationData, "correlation-data", found.correlation_data);
  number(PropertyId::kPayloadFormatIndicator, "payload-format-indicator", found.payload_format);
  number(PropertyId::kMessageExpiryInterval, "message-expiry-interval", found.message_expiry_s);
  number(PropertyId::kTopicAlias, "topic-alias", found.topic_alias);
  number(PropertyId::kSubscriptionIdentifier, "subscription-identifier", found.subscription_identifier);
  return parts.empty() ? "" : fmt::format("\"properties\":{{{}}},", fmt::join(parts, ","));
}

Result<std::string> as_json(const FormattedMessage& message, int64_t time_ns, bool payload_is_json) {
  std::string payload = "null";
  if (!message.payload.empty()) payload = payload_is_json ? TRY(minified(message.payload, message.topic)) : json_text(message.payload);
  const std::string time = fmt::format("{}.{:06}Z{}", local_time("%Y-%m-%dT%H:%M:%S", time_ns), nanoseconds_of(time_ns) / 1000, local_time("%z", time_ns));
  const std::string mid = message.qos > 0 ? fmt::format("\"mid\":{},", message.packet_id) : "";
  return fmt::format(R"({{"tst":"{}","topic":{},"qos":{},"retain":{},"payloadlen":{},{}{}"payload":{}}})", time, json_text(message.topic),
                     message.qos, message.retain ? 1 : 0, message.payload.size(), mid, json_properties(message), payload);
}

// A property that is a text or a number; nothing where the message has none.
std::string property(const Field& field, const FormattedMessage& message) {
  const mqtt::Properties found = properties_of(message);
  const auto number = [&](PropertyId id, uint32_t value) {
    return found.has(id) ? padded(fmt::format("{}", value), field, true) : padded("", field, false);
  };
  switch (field.letter) {
    case 'A': return number(PropertyId::kTopicAlias, found.topic_alias);
    case 'E': return number(PropertyId::kMessageExpiryInterval, found.message_expiry_s);
    case 'F': return number(PropertyId::kPayloadFormatIndicator, found.payload_format);
    case 'S': return number(PropertyId::kSubscriptionIdentifier, found.subscription_identifier);
    case 'C': return padded(cut(found.content_type, field), field, false);
    case 'R': return padded(cut(found.response_topic, field), field, false);
    default: return std::string(found.correlation_data);
  }
}

Result<std::string> message_field(const Field& field, const FormattedMessage& message, int64_t time_ns) {
  switch (field.letter) {
    case '%': return "%";
    case 't': return padded(cut(message.topic, field), field, false);
    case 'p': return padded(std::string(message.payload), field, false);
    case 'x': return padded(hex(message.payload, false), field, true);
    case 'X': return padded(hex(message.payload, true), field, true);
    case 'l': return padded(fmt::format("{}", message.payload.size()), field, true);
    case 'm': return padded(fmt::format("{}", message.packet_id), field, true);
    case 'q': return fmt::format("{}", message.qos);
    case 'r': return std::string(message.retain ? "1" : "0");
    case 'I': return padded(local_time("%FT%T%z", time_ns), field, false);
    case 'U': return fmt::format("{}.{:09}", time_ns / kNanosPerSecond, nanoseconds_of(time_ns));
    case 'P': return user_properties(message);
    case 'j': return as_json(message, time_ns, false);
    case 'J': return as_json(message, time_ns, true);
    default: return property(field, message);
  }
}

std::string clock_field(char letter, int64_t time_ns) {
  if (letter == '@') return "@";
  if (letter == 'N') return fmt::format("{:09}", nanoseconds_of(time_ns));
  const char format[] = {'%', letter, '\0'};
  return local_time(format, time_ns);
}

char escaped(char letter) {
  constexpr char kCharacters[] = {'\\', '\0', '\a', '\033', '\n', '\r', '\t', '\v'};
  return kCharacters[kEscapeLetters.find(letter)];
}

// Walks the format; each kind of part goes to one of the three.
template <typename Text, typename Message, typename Clock>
Result<void> walk(std::string_view format, Text on_text, Message on_message, Clock on_clock) {
  for (size_t at = 0; at < format.size();) {
    const char c = format[at++];
    if (c == '%') {
      TRY(on_message(TRY(parse_field(format, at))));
    } else if (c == '@') {
      if (at >= format.size()) return fail(ErrorCode::kInvalidArgument, "Incomplete format specifier.");
      on_clock(format[at++]);
    } else if (c == '\\') {
      if (at >= format.size()) return fail(ErrorCode::kInvalidArgument, "Incomplete escape specifier.");
      if (kEscapeLetters.find(format[at]) == std::string_view::npos) {
        return fail(ErrorCode::kInvalidArgument, "Invalid escape specifier '{}'.", format[at]);
      }
      on_text(escaped(format[at++]));
    } else {
      on_text(c);
    }
  }
  return {};
}

}  // namespace

Result<void> check_format(std::string_view format) {
  return walk(format, [](char) {}, [](const Field&) -> Result<void> { return {}; }, [](char) {});
}

Result<std::string> format_message(std::string_view format, const FormattedMessage& message, int64_t time_ns) {
  std::string out;
  const auto add_message = [&](const Field& field) -> Result<void> {
    out += TRY(message_field(field, message, time_ns));
    return {};
  };
  TRY(walk(format, [&](char c) { out += c; }, add_message, [&](char letter) { out += clock_field(letter, time_ns); }));
  return out;
}

}  // namespace campanile::app::client
