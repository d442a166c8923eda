#include "query/languages/influxql/lexer.h"

#include <vector>

#include <gtest/gtest.h>

namespace campanile::query::influxql {
namespace {

std::vector<std::pair<TokenKind, std::string>> tokens_of(std::string_view text) {
  Lexer lexer(text);
  std::vector<std::pair<TokenKind, std::string>> found;
  for (Token token = lexer.next(); token.kind != TokenKind::kEnd; token = lexer.next()) {
    if (token.kind != TokenKind::kBlank) found.emplace_back(token.kind, token.text);
  }
  return found;
}

using Tokens = std::vector<std::pair<TokenKind, std::string>>;

TEST(Lexer, KnowsKeywordsInAnyCaseAndNames) {
  EXPECT_EQ(tokens_of("SeLeCt usage _x1 \"select\" true"),
            (Tokens{{TokenKind::kSelect, ""}, {TokenKind::kIdentifier, "usage"}, {TokenKind::kIdentifier, "_x1"}, {TokenKind::kIdentifier, "select"},
                    {TokenKind::kTrue, ""}}));
}

TEST(Lexer, TellsNumbersFromDurations) {
  EXPECT_EQ(tokens_of("1 1.5 .5 1h30m 10µs 1. 3x"),
            (Tokens{{TokenKind::kInteger, "1"}, {TokenKind::kNumber, "1.5"}, {TokenKind::kNumber, ".5"}, {TokenKind::kDurationValue, "1h30m"},
                    {TokenKind::kDurationValue, "10µs"}, {TokenKind::kNumber, "1"}, {TokenKind::kDurationValue, "3x"}}));
}

TEST(Lexer, TakesTheLongestSymbol) {
  EXPECT_EQ(tokens_of("=~ = != !~ <> <= :: :"),
            (Tokens{{TokenKind::kMatches, ""}, {TokenKind::kEqual, ""}, {TokenKind::kNotEqual, ""}, {TokenKind::kNotMatches, ""}, {TokenKind::kNotEqual, ""},
                    {TokenKind::kLessEqual, ""}, {TokenKind::kDoubleColon, ""}, {TokenKind::kColon, ""}}));
}

TEST(Lexer, ResolvesEscapesInQuotes) {
  EXPECT_EQ(tokens_of(R"('a\'b\n\\' "q\"x")"), (Tokens{{TokenKind::kString, "a'b\n\\"}, {TokenKind::kIdentifier, "q\"x"}}));
}

TEST(Lexer, ReportsWhatIsBroken) {
  EXPECT_EQ(tokens_of("'open")[0].first, TokenKind::kBadString);
  EXPECT_EQ(tokens_of("'a\nb'")[0].first, TokenKind::kBadString);
  EXPECT_EQ(tokens_of(R"('\q')")[0], (std::pair(TokenKind::kBadEscape, std::string("\\q"))));
  EXPECT_EQ(tokens_of("/* open")[0].first, TokenKind::kIllegal);
  EXPECT_EQ(tokens_of("#")[0], (std::pair(TokenKind::kIllegal, std::string("#"))));
  EXPECT_EQ(tokens_of("\xff")[0].first, TokenKind::kIllegal);
}

TEST(Lexer, ReadsCommentsToTheirEnd) {
  EXPECT_EQ(tokens_of("a -- b\nc /* d */ e"), (Tokens{{TokenKind::kIdentifier, "a"}, {TokenKind::kComment, ""}, {TokenKind::kIdentifier, "c"},
                                                       {TokenKind::kComment, ""}, {TokenKind::kIdentifier, "e"}}));
}

TEST(Lexer, ReadsARegexOnlyWhenAsked) {
  Lexer lexer(R"(/a\/b\./ x)");
  const Token token = lexer.regex();
  EXPECT_EQ(token.kind, TokenKind::kRegex);
  EXPECT_EQ(token.text, R"(a/b\.)");
  Lexer open("/a\n/");
  EXPECT_EQ(open.regex().kind, TokenKind::kBadRegex);
}

TEST(Lexer, NamesParameters) {
  EXPECT_EQ(tokens_of("$host $\"odd name\" $"),
            (Tokens{{TokenKind::kParameter, "host"}, {TokenKind::kParameter, "odd name"}, {TokenKind::kParameter, ""}}));
}

TEST(Lexer, CountsCharactersNotBytes) {
  Lexer lexer("é\r\nx y");
  Token token = lexer.next();
  token = lexer.next();
  token = lexer.next();
  EXPECT_EQ(token.text, "x");
  EXPECT_EQ(lexer.position(token).line, 2u);
  EXPECT_EQ(lexer.position(token).character, 1u);
}

}  // namespace
}  // namespace campanile::query::influxql
