// Token: one lexical unit of InfluxQL, with where it stood in the query.
//
//   Token token = lexer.next();
//   if (token.kind == TokenKind::kSelect) ...
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace campanile::query::influxql {

enum class TokenKind : uint8_t {
  kIllegal, kEnd, kBlank, kComment,
  // Literals: `text` holds their value.
  kIdentifier, kParameter, kNumber, kInteger, kDurationValue, kString, kBadString, kBadEscape, kTrue, kFalse, kRegex, kBadRegex,
  // Operators, kPlus first and kGreaterEqual last.
  kPlus, kMinus, kStar, kSlash, kPercent, kAmpersand, kBar, kCaret, kAnd, kOr, kIn,
  kEqual, kNotEqual, kMatches, kNotMatches, kLess, kLessEqual, kGreater, kGreaterEqual,
  kLeftParen, kRightParen, kComma, kColon, kDoubleColon, kSemicolon, kDot,
  // Keywords, kAll first and kWrite last.
  kAll, kAlter, kAnalyze, kAny, kAs, kAsc, kBegin, kBy, kCardinality, kCreate, kContinuous, kDatabase, kDatabases, kDefault,
  kDelete, kDesc, kDestinations, kDiagnostics, kDistinct, kDrop, kDuration, kEnding, kEvery, kExact, kExplain, kField, kFor,
  kFrom, kGrant, kGrants, kGroup, kGroups, kInf, kInsert, kInto, kKey, kKeys, kKill, kLimit, kMeasurement, kMeasurements,
  kName, kOffset, kOn, kOrder, kPassword, kPolicy, kPolicies, kPrivileges, kQueries, kQuery, kRead, kReplication, kResample,
  kRetention, kRevoke, kSelect, kSeries, kSet, kShow, kShard, kShards, kSlimit, kSoffset, kStats, kSubscription,
  kSubscriptions, kTag, kTo, kUser, kUsers, kValues, kWhere, kWith, kWrite,
};

// As error messages write it: "SELECT", "=~", "EOF". Empty for kinds that only their text can show.
std::string_view to_string(TokenKind kind);

// The keyword that `word` spells in any case, or kIdentifier.
TokenKind keyword(std::string_view word);

constexpr bool is_operator(TokenKind kind) { return kind >= TokenKind::kPlus && kind <= TokenKind::kGreaterEqual; }

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  size_t begin = 0;       // bytes of the query
  size_t end = 0;
  size_t error_at = 0;    // where messages point, in bytes: `begin`, but for the two traps that lexer.h describes
  bool past_end = false;  // messages count one more character, see lexer.h
};

// What a message shows of the token.
std::string_view shown(const Token& token);

}  // namespace campanile::query::influxql
