// Topic names and topic filters [section 4.7]: what is valid, what matches what, and shared subscriptions [section 4.8.2].
//
//   topic_matches("u4/+/temperature", "u4/302/temperature");   // true
//   for (TopicLevels levels("u4/302/co2"); levels.next();) use(levels.level());
//
// Matching is by bytes: no folding, no normalisation. Threads: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace campanile::mqtt {

// Levels = slashes + 1.
size_t topic_levels(std::string_view text);

// A name to publish to: not empty [MQTT-4.7.3-1], no wildcards [MQTT-4.7.1-1 of 3.1.1, 3.3.2-2], at most `levels_max` levels.
// REQUIRES: a valid MQTT string.
bool is_valid_topic(std::string_view topic, size_t levels_max);

// A filter to subscribe to: '#' alone in the last level [MQTT-4.7.1-1], '+' alone in its level [MQTT-4.7.1-2].
// REQUIRES: a valid MQTT string, without the $share prefix.
bool is_valid_filter(std::string_view filter, size_t levels_max);

bool has_wildcard(std::string_view filter);

// Whether a valid filter matches a valid topic. A filter that begins with a wildcard does not match a topic that begins
// with '$' [MQTT-4.7.2-1]; "a/#" matches "a".
bool topic_matches(std::string_view filter, std::string_view topic);

// The same for what follows a common beginning of both, level by level: an empty text is one empty level, '$' means nothing.
bool levels_match(std::string_view filter, std::string_view topic);

// The first level of `rest`, which is shortened by it; `at_end` tells that nothing follows.
std::string_view take_level(std::string_view& rest, bool& at_end);

struct SharedFilter {
  std::string_view group;
  std::string_view filter;
};
// "$share/group/filter" in its parts; nothing where `text` is not a well-formed shared subscription [MQTT-4.8.2-1, 4.8.2-2].
std::optional<SharedFilter> parse_shared(std::string_view text);
bool is_shared(std::string_view text);

// Walks the levels of a topic or filter.
class TopicLevels {
 public:
  explicit TopicLevels(std::string_view text) : rest_(text) {}
  // Onto the next level; false after the last one.
  bool next() {
    if (done_) return false;
    const size_t slash = rest_.find('/');
    level_ = rest_.substr(0, slash);
    done_ = slash == std::string_view::npos;
    if (!done_) rest_.remove_prefix(slash + 1);
    return true;
  }
  std::string_view level() const { return level_; }
  bool last() const { return done_; }

 private:
  std::string_view rest_;
  std::string_view level_;
  bool done_ = false;
};

}  // namespace campanile::mqtt
