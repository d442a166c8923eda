// Lexer: InfluxQL text to tokens, one at a time from wherever the parser stands.
//
//   Lexer lexer("SELECT usage FROM cpu");
//   Token token = lexer.next();              // SELECT
//   lexer.move_to(token.begin);              // and back
//
// Whether a slash divides or opens a regular expression only the parser knows: it asks for regex() where one may stand.
// Errors are tokens too (kIllegal, kBadString, ...), so that the parser reports them in its own words.
//
// Positions are InfluxDB's, to the character, since people search for the messages: columns count characters; an opening
// quote counts as the character before it in 'strings' and as itself in "identifiers"; and the end of the text counts one
// more where a bare word, a blank or a comment ran up to it.
// Threads: one owner. Limits: none of its own; the parser bounds the text.
#pragma once

#include <string>
#include <string_view>

#include "query/languages/influxql/token.h"

namespace campanile::query::influxql {

struct Position {
  size_t line = 1;
  size_t character = 1;
};

class Lexer {
 public:
  // `text` must outlive the lexer.
  explicit Lexer(std::string_view text) : text_(text) {}

  // The next token, blanks and comments included.
  Token next();
  // REQUIRES: peek() is '/'. A regular expression with "\/" resolved; kBadRegex where it does not end on its line.
  Token regex();
  // The byte that stands next, 0 at the end.
  char peek();
  void move_to(size_t at) { at_ = at; }

  Position position(const Token& token) const;

 private:
  Token made(TokenKind kind, size_t begin, std::string text = {}) const;
  Token bare_word(size_t begin);
  Token quoted(size_t begin);
  Token number(size_t begin);
  Token symbol(size_t begin);
  Token comment(size_t begin, std::string_view end);
  char at(size_t offset) const { return offset < text_.size() ? text_[offset] : '\0'; }

  std::string_view text_;
  size_t at_ = 0;
  bool end_seen_ = false;
};

}  // namespace campanile::query::influxql
