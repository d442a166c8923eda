#include "mqtt/topic.h"

#include <algorithm>

namespace campanile::mqtt {

namespace {
constexpr std::string_view kSharePrefix = "$share/";
}

size_t topic_levels(std::string_view text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '/')) + 1; }

bool is_valid_topic(std::string_view topic, size_t levels_max) {
  if (topic.empty()) return false;
  size_t levels = 1;
  for (const char c : topic) {
    if (c == '+' || c == '#') return false;
    levels += c == '/';
  }
  return levels <= levels_max;
}

bool is_valid_filter(std::string_view filter, size_t levels_max) {
  if (filter.empty()) return false;
  size_t count = 0;
  for (TopicLevels levels(filter); levels.next();) {
    if (++count > levels_max) return false;
    const std::string_view level = levels.level();
    if (level.size() == 1) {
      if (level[0] == '#' && !levels.last()) return false;
    } else if (has_wildcard(level)) {
      return false;
    }
  }
  return true;
}

bool has_wildcard(std::string_view filter) { return filter.find_first_of("+#") != std::string_view::npos; }

bool topic_matches(std::string_view filter, std::string_view topic) {
  if (filter.empty() || topic.empty()) return false;
  if (topic[0] == '$' && (filter[0] == '+' || filter[0] == '#')) return false;
  return levels_match(filter, topic);
}

std::string_view take_level(std::string_view& rest, bool& at_end) {
  const size_t slash = rest.find('/');
  const std::string_view level = rest.substr(0, slash);
  at_end = slash == std::string_view::npos;
  rest = at_end ? std::string_view() : rest.substr(slash + 1);
  return level;
}

bool levels_match(std::string_view filter, std::string_view topic) {
  TopicLevels wanted(filter);
  TopicLevels found(topic);
  while (wanted.next()) {
    if (wanted.level() == "#") return true;
    if (!found.next()) return false;
    if (wanted.level() != "+" && wanted.level() != found.level()) return false;
    // "a/#" matches the parent level "a" too [4.7.1.2].
    if (found.last() && !wanted.last()) return wanted.next() && wanted.level() == "#";
  }
  return found.last();
}

bool is_shared(std::string_view text) { return text.starts_with(kSharePrefix); }

std::optional<SharedFilter> parse_shared(std::string_view text) {
  if (!is_shared(text)) return std::nullopt;
  text.remove_prefix(kSharePrefix.size());
  const size_t slash = text.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == text.size()) return std::nullopt;
  const SharedFilter shared{.group = text.substr(0, slash), .filter = text.substr(slash + 1)};
  if (has_wildcard(shared.group)) return std::nullopt;
  return shared;
}

}  // namespace campanile::mqtt
