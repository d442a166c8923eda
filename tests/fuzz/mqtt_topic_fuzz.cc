// A filter and a topic, separated by a newline: the rules of topic.h must agree with each other.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "mqtt/topic.h"

using namespace campanile::mqtt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t newline = input.find('\n');
  const std::string_view filter = input.substr(0, newline);
  const std::string_view topic = newline == std::string_view::npos ? filter : input.substr(newline + 1);
  if (const auto shared = parse_shared(filter)) {
    CHECK(!shared->group.empty() && !shared->filter.empty() && is_shared(filter));
    CHECK(std::string("$share/").append(shared->group).append("/").append(shared->filter) == filter);
  }
  const bool valid_topic = is_valid_topic(topic, 64);
  CHECK(!valid_topic || (is_valid_filter(topic, 64) && topic_matches(topic, topic) && !has_wildcard(topic)));
  if (valid_topic && topic[0] != '$') CHECK(topic_matches("#", topic));
  if (valid_topic && is_valid_filter(filter, 64)) {
    const bool matches = topic_matches(filter, topic);
    // A filter without wildcards matches itself alone; a topic one level deeper is matched by "/#" behind what matches.
    if (!has_wildcard(filter)) CHECK(matches == (filter == topic));
    if (matches && !filter.ends_with('#')) CHECK(topic_matches(std::string(filter) + "/#", std::string(topic) + "/x"));
  }
  return 0;
}
