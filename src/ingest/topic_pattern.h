// TopicPattern: which topics a route is for, and what the levels of a topic are called.
//
//   const TopicPattern pattern = TRY(TopicPattern::parse("{building}/{room}/{kind}"));
//   std::vector<Tag> captures;
//   pattern.matches("u4/302/temperature", captures);   // building=u4, room=302, kind=temperature
//
// A level is a word; a word with * in it, which stands for any bytes; + for any one level; {name} for any one level that is not empty,
// which becomes a tag; or # for any number of levels, none too, which may stand anywhere, twice at most. As in MQTT, a pattern that
// begins with a wildcard does not match topics that begin with $ [MQTT-4.7.2-1].
// Threads: immutable once made. Ownership: captures view into the topic and the pattern.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/point_batch.h"

namespace campanile::ingest {

// The levels of a topic or pattern, one at least; they view into it.
std::vector<std::string_view> split_levels(std::string_view topic);

class TopicPattern {
 public:
  // Errors: kInvalidArgument saying which level is wrong and what may stand there.
  static Result<TopicPattern> parse(std::string_view text);

  // Appends the captures where the topic matches; leaves them as they were where it does not.
  bool matches(std::string_view topic, std::vector<Tag>& captures) const { return matches(split_levels(topic), captures); }
  // The same for a topic that is compared with many patterns. REQUIRES: at least one level.
  bool matches(std::span<const std::string_view> topic, std::vector<Tag>& captures) const;

  // The captures' names, in order.
  std::vector<std::string_view> names() const;

 private:
  struct Level {
    enum class Kind { kWord, kGlob, kOne, kCapture, kAnyNumber } kind = Kind::kWord;
    std::string text;  // the word, the glob or the capture's name
  };
  static Result<Level> parse_level(std::string_view text);
  static bool match_level(const Level& wanted, std::string_view level, std::vector<Tag>& captures);
  bool match_levels(std::span<const std::string_view> topic, std::vector<Tag>& captures) const;

  std::vector<Level> levels_;
  bool matches_dollar_ = false;
};

// Whether `glob`, in which * stands for any bytes, describes the text.
bool glob_matches(std::string_view glob, std::string_view text);

}  // namespace campanile::ingest
