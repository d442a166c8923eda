#include "query/languages/influxql/lexer.h"

namespace campanile::query::influxql {
namespace {

constexpr std::string_view kMicro = "\xc2\xb5";  // µ

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '_'; }

// The bytes of the character that starts at `offset`; a stray byte counts as one character.
size_t character_bytes(std::string_view text, size_t offset) {
  const auto lead = static_cast<uint8_t>(text[offset]);
  const size_t length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  for (size_t i = 1; i < length; ++i) {
    if (offset + i >= text.size() || (static_cast<uint8_t>(text[offset + i]) & 0xc0) != 0x80) return 1;
  }
  return length;
}

}  // namespace

Token Lexer::made(TokenKind kind, size_t begin, std::string text) const {
  return {.kind = kind, .text = std::move(text), .begin = begin, .end = at_, .error_at = begin};
}

char Lexer::peek() {
  if (at_ >= text_.size()) end_seen_ = true;
  return at(at_);
}

Token Lexer::next() {
  const size_t begin = at_;
  const char c = at(begin);
  if (begin >= text_.size()) {
    Token token = made(TokenKind::kEnd, begin);
    token.past_end = end_seen_;
    return token;
  }
  if (is_blank(c)) {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    if (at_ == text_.size()) end_seen_ = true;
    return made(TokenKind::kBlank, begin, std::string(text_.substr(begin, at_ - begin)));
  }
  if (is_letter(c) || c == '_') return bare_word(begin);
  if (is_digit(c) || (c == '.' && is_digit(at(begin + 1)))) return number(begin);
  if (c == '"' || c == '\'') return quoted(begin);
  if (c == '$') {
    ++at_;
    if (at(at_) == '"') {
      Token name = quoted(at_);
      if (name.kind == TokenKind::kIdentifier) return made(TokenKind::kParameter, begin, name.text);
      return name;
    }
    while (is_word(at(at_))) ++at_;
    return made(TokenKind::kParameter, begin, std::string(text_.substr(begin + 1, at_ - begin - 1)));
  }
  if (c == '-' && at(begin + 1) == '-') return comment(begin, "\n");
  if (c == '/' && at(begin + 1) == '*') return comment(begin, "*/");
  return symbol(begin);
}

Token Lexer::comment(size_t begin, std::string_view end) {
  const size_t found = text_.find(end, begin + 2);
  at_ = found == std::string_view::npos ? text_.size() : found + end.size();
  if (found == std::string_view::npos) end_seen_ = true;
  // An open /* is refused; an open -- ends with the text.
  return made(found == std::string_view::npos && end == "*/" ? TokenKind::kIllegal : TokenKind::kComment, begin);
}

Token Lexer::bare_word(size_t begin) {
  while (is_word(at(at_))) ++at_;
  if (at_ == text_.size()) end_seen_ = true;
  const std::string_view word = text_.substr(begin, at_ - begin);
  const TokenKind kind = keyword(word);
  return made(kind, begin, kind == TokenKind::kIdentifier ? std::string(word) : std::string());
}

Token Lexer::quoted(size_t begin) {
  const char quote = text_[begin];
  std::string value;
  at_ = begin + 1;
  while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
    char c = text_[at_++];
    if (c == '\\') {
      const char escaped = at(at_);
      const size_t length = at_ < text_.size() ? character_bytes(text_, at_) : 0;
      at_ += length;
      if (escaped != 'n' && escaped != '\\' && escaped != '"' && escaped != '\'') {
        Token token = made(TokenKind::kBadEscape, begin, "\\" + std::string(text_.substr(at_ - length, length)));
        token.error_at = at_ - length;
        return token;
      }
      c = escaped == 'n' ? '\n' : escaped;
    }
    value += c;
  }
  const bool closed = at(at_) == quote && at_ < text_.size();
  if (closed) {
    ++at_;
  } else if (at_ >= text_.size()) {
    end_seen_ = true;
  }
  Token token = made(!closed ? TokenKind::kBadString : quote == '"' ? TokenKind::kIdentifier : TokenKind::kString, begin, std::move(value));
  if (token.kind != TokenKind::kIdentifier && begin > 0) token.error_at = begin - 1;
  return token;
}

Token Lexer::number(size_t begin) {
  const auto digits = [this] {
    while (is_digit(at(at_))) ++at_;
  };
  const auto unit_bytes = [this]() -> size_t {
    if (is_letter(at(at_))) return 1;
    return text_.substr(at_).starts_with(kMicro) ? kMicro.size() : 0;
  };
  digits();
  if (at(at_) == '.') {
    // "1." is the number 1, and the dot is gone.
    const size_t whole = at_++;
    digits();
    const size_t end = at_ == whole + 1 ? whole : at_;
    return made(TokenKind::kNumber, begin, std::string(text_.substr(begin, end - begin)));
  }
  if (unit_bytes() == 0) return made(TokenKind::kInteger, begin, std::string(text_.substr(begin, at_ - begin)));
  while (is_digit(at(at_)) || unit_bytes() != 0) at_ += is_digit(at(at_)) ? 1 : unit_bytes();
  return made(TokenKind::kDurationValue, begin, std::string(text_.substr(begin, at_ - begin)));
}

Token Lexer::symbol(size_t begin) {
  struct Symbol {
    std::string_view text;
    TokenKind kind;
  };
  static constexpr Symbol kLongestFirst[] = {
      {"=~", TokenKind::kMatches},   {"!=", TokenKind::kNotEqual},     {"!~", TokenKind::kNotMatches}, {">=", TokenKind::kGreaterEqual},
      {"<=", TokenKind::kLessEqual}, {"<>", TokenKind::kNotEqual},     {"::", TokenKind::kDoubleColon}, {"=", TokenKind::kEqual},
      {">", TokenKind::kGreater},    {"<", TokenKind::kLess},          {":", TokenKind::kColon},        {"+", TokenKind::kPlus},
      {"-", TokenKind::kMinus},      {"*", TokenKind::kStar},          {"/", TokenKind::kSlash},        {"%", TokenKind::kPercent},
      {"&", TokenKind::kAmpersand},  {"|", TokenKind::kBar},           {"^", TokenKind::kCaret},        {"(", TokenKind::kLeftParen},
      {")", TokenKind::kRightParen}, {",", TokenKind::kComma},         {";", TokenKind::kSemicolon},    {".", TokenKind::kDot},
  };
  for (const Symbol& each : kLongestFirst) {
    if (!text_.substr(begin).starts_with(each.text)) continue;
    at_ = begin + each.text.size();
    return made(each.kind, begin);
  }
  const size_t length = character_bytes(text_, begin);
  at_ = begin + length;
  return made(TokenKind::kIllegal, begin, std::string(text_.substr(begin, length)));
}

Token Lexer::regex() {
  const size_t begin = at_;
  std::string pattern;
  size_t i = begin + 1;
  for (; i < text_.size() && text_[i] != '/' && text_[i] != '\n'; ++i) {
    if (text_[i] == '\\' && at(i + 1) == '/') ++i;
    pattern += text_[i];
  }
  const bool closed = i < text_.size() && text_[i] == '/';
  at_ = closed ? i + 1 : i;
  Token token = closed ? made(TokenKind::kRegex, begin, std::move(pattern)) : made(TokenKind::kBadRegex, begin);
  if (begin > 0) token.error_at = begin - 1;
  return token;
}

Position Lexer::position(const Token& token) const {
  Position position;
  for (size_t i = 0; i < token.error_at && i < text_.size(); i += character_bytes(text_, i)) {
    // "\r\n" and a lone "\r" are line ends as well.
    const bool ends_line = text_[i] == '\n' || (text_[i] == '\r' && at(i + 1) != '\n');
    if (ends_line) {
      ++position.line;
      position.character = 1;
    } else if (text_[i] != '\r') {
      ++position.character;
    }
  }
  if (token.past_end) ++position.character;
  return position;
}

}  // namespace campanile::query::influxql
