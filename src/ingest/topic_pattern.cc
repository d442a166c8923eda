#include "ingest/topic_pattern.h"

#include <algorithm>

#include "base/text.h"

namespace campanile::ingest {
namespace {

// More than two of them nobody has needed; each may cost one more walk along the levels.
constexpr long kAnyNumberLevelsMax = 2;

bool is_name(std::string_view text) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  return !text.empty() && std::ranges::all_of(text, fits);
}

}  // namespace

std::vector<std::string_view> split_levels(std::string_view topic) {
  std::vector<std::string_view> levels;
  for (;;) {
    const size_t slash = topic.find('/');
    levels.push_back(topic.substr(0, slash));
    if (slash == std::string_view::npos) return levels;
    topic.remove_prefix(slash + 1);
  }
}

bool glob_matches(std::string_view glob, std::string_view text) {
  // The last * seen and what it has taken so far: on a mismatch it takes one byte more. Earlier ones never need to.
  size_t star = std::string_view::npos;
  size_t taken = 0;
  size_t g = 0;
  size_t t = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      taken = t;
    } else if (g < glob.size() && glob[g] == text[t]) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return glob.substr(g).find_first_not_of('*') == std::string_view::npos;
}

Result<TopicPattern::Level> TopicPattern::parse_level(std::string_view text) {
  using enum Level::Kind;
  if (text == "+") return Level{kOne, {}};
  if (text == "#") return Level{kAnyNumber, {}};
  if (text.starts_with('{') && text.ends_with('}')) {
    const std::string_view name = text.substr(1, text.size() - 2);
    if (!is_name(name)) return fail(ErrorCode::kInvalidArgument, "'{}' has no name made of letters, digits, _ and -", excerpt(text));
    if (name == "time") return fail(ErrorCode::kInvalidArgument, "a tag cannot be called time: call '{}' something else", text);
    return Level{kCapture, std::string(name)};
  }
  if (text.find_first_of("{}+#") != std::string_view::npos) {
    return fail(ErrorCode::kInvalidArgument, "level '{}' mixes text with a wildcard: {{name}}, + and # stand alone, * may be part of a word", excerpt(text));
  }
  return Level{text.contains('*') ? kGlob : kWord, std::string(text)};
}

Result<TopicPattern> TopicPattern::parse(std::string_view text) {
  using enum Level::Kind;
  if (text.empty()) return fail(ErrorCode::kInvalidArgument, "a topic pattern is empty; # stands for every topic");
  TopicPattern pattern;
  for (const std::string_view level : split_levels(text)) {
    auto parsed = parse_level(level);
    if (!parsed) return with_context(parsed.error(), fmt::format("topic pattern '{}'", excerpt(text)));
    pattern.levels_.push_back(std::move(*parsed));
  }
  auto names = pattern.names();
  std::ranges::sort(names);
  if (const auto twice = std::ranges::adjacent_find(names); twice != names.end()) {
    return fail(ErrorCode::kInvalidArgument, "topic pattern '{}' names two levels {}", excerpt(text), *twice);
  }
  if (std::ranges::count(pattern.levels_, kAnyNumber, &Level::kind) > kAnyNumberLevelsMax) {
    return fail(ErrorCode::kInvalidArgument, "topic pattern '{}' has more than {} levels that are #", excerpt(text), kAnyNumberLevelsMax);
  }
  const Level& first = pattern.levels_.front();
  pattern.matches_dollar_ = first.text.starts_with('$') && (first.kind == kWord || first.kind == kGlob);
  return pattern;
}

std::vector<std::string_view> TopicPattern::names() const {
  std::vector<std::string_view> names;
  for (const Level& level : levels_) {
    if (level.kind == Level::Kind::kCapture) names.push_back(level.text);
  }
  return names;
}

bool TopicPattern::match_level(const Level& wanted, std::string_view level, std::vector<Tag>& captures) {
  switch (wanted.kind) {
    case Level::Kind::kWord: return level == wanted.text;
    case Level::Kind::kGlob: return glob_matches(wanted.text, level);
    case Level::Kind::kCapture:
      if (level.empty()) return false;
      captures.push_back({wanted.text, level});
      return true;
    case Level::Kind::kOne:
    case Level::Kind::kAnyNumber: break;
  }
  return true;
}

bool TopicPattern::match_levels(std::span<const std::string_view> topic, std::vector<Tag>& captures) const {
  // What stands behind the last # seen, how many levels of the topic lie before that, and the captures by then: on a mismatch # takes one
  // level more. Earlier ones never need to, so that a topic of many levels costs their number and not its square.
  size_t after = levels_.size() + 1;
  size_t taken = 0;
  size_t captured = captures.size();
  for (size_t level = 0, at = 0;;) {
    if (level < levels_.size() && levels_[level].kind == Level::Kind::kAnyNumber) {
      after = ++level;
      taken = at;
      captured = captures.size();
      if (after == levels_.size()) return true;
    } else if (level == levels_.size() && at == topic.size()) {
      return true;
    } else if (level < levels_.size() && at < topic.size() && match_level(levels_[level], topic[at], captures)) {
      ++level;
      ++at;
    } else if (after < levels_.size() && taken < topic.size()) {
      level = after;
      at = ++taken;
      captures.resize(captured);
    } else {
      return false;
    }
  }
}

bool TopicPattern::matches(std::span<const std::string_view> topic, std::vector<Tag>& captures) const {
  if (topic.front().starts_with('$') && !matches_dollar_) return false;
  const size_t before = captures.size();
  if (match_levels(topic, captures)) return true;
  captures.resize(before);
  return false;
}

}  // namespace campanile::ingest
