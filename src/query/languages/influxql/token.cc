#include "query/languages/influxql/token.h"

#include <absl/container/flat_hash_map.h>

#include "base/text.h"

namespace campanile::query::influxql {
namespace {

struct Spelling {
  TokenKind kind;
  std::string_view text;
};

constexpr Spelling kSymbols[] = {
    {TokenKind::kIllegal, "ILLEGAL"},    {TokenKind::kEnd, "EOF"},          {TokenKind::kBlank, "WS"},
    {TokenKind::kIdentifier, "IDENT"},   {TokenKind::kNumber, "NUMBER"},    {TokenKind::kDurationValue, "DURATIONVAL"},
    {TokenKind::kString, "STRING"},      {TokenKind::kBadString, "BADSTRING"}, {TokenKind::kBadEscape, "BADESCAPE"},
    {TokenKind::kRegex, "REGEX"},        {TokenKind::kPlus, "+"},           {TokenKind::kMinus, "-"},
    {TokenKind::kStar, "*"},             {TokenKind::kSlash, "/"},          {TokenKind::kPercent, "%"},
    {TokenKind::kAmpersand, "&"},        {TokenKind::kBar, "|"},            {TokenKind::kCaret, "^"},
    {TokenKind::kEqual, "="},            {TokenKind::kNotEqual, "!="},      {TokenKind::kMatches, "=~"},
    {TokenKind::kNotMatches, "!~"},      {TokenKind::kLess, "<"},           {TokenKind::kLessEqual, "<="},
    {TokenKind::kGreater, ">"},          {TokenKind::kGreaterEqual, ">="},  {TokenKind::kLeftParen, "("},
    {TokenKind::kRightParen, ")"},       {TokenKind::kComma, ","},          {TokenKind::kColon, ":"},
    {TokenKind::kDoubleColon, "::"},     {TokenKind::kSemicolon, ";"},      {TokenKind::kDot, "."},
};

constexpr Spelling kWords[] = {
    {TokenKind::kTrue, "TRUE"}, {TokenKind::kFalse, "FALSE"}, {TokenKind::kAnd, "AND"}, {TokenKind::kOr, "OR"}, {TokenKind::kIn, "IN"},
    {TokenKind::kAll, "ALL"}, {TokenKind::kAlter, "ALTER"}, {TokenKind::kAnalyze, "ANALYZE"}, {TokenKind::kAny, "ANY"},
    {TokenKind::kAs, "AS"}, {TokenKind::kAsc, "ASC"}, {TokenKind::kBegin, "BEGIN"}, {TokenKind::kBy, "BY"},
    {TokenKind::kCardinality, "CARDINALITY"}, {TokenKind::kCreate, "CREATE"}, {TokenKind::kContinuous, "CONTINUOUS"},
    {TokenKind::kDatabase, "DATABASE"}, {TokenKind::kDatabases, "DATABASES"}, {TokenKind::kDefault, "DEFAULT"},
    {TokenKind::kDelete, "DELETE"}, {TokenKind::kDesc, "DESC"}, {TokenKind::kDestinations, "DESTINATIONS"},
    {TokenKind::kDiagnostics, "DIAGNOSTICS"}, {TokenKind::kDistinct, "DISTINCT"}, {TokenKind::kDrop, "DROP"},
    {TokenKind::kDuration, "DURATION"}, {TokenKind::kEnding, "END"}, {TokenKind::kEvery, "EVERY"}, {TokenKind::kExact, "EXACT"},
    {TokenKind::kExplain, "EXPLAIN"}, {TokenKind::kField, "FIELD"}, {TokenKind::kFor, "FOR"}, {TokenKind::kFrom, "FROM"},
    {TokenKind::kGrant, "GRANT"}, {TokenKind::kGrants, "GRANTS"}, {TokenKind::kGroup, "GROUP"}, {TokenKind::kGroups, "GROUPS"},
    {TokenKind::kInf, "INF"}, {TokenKind::kInsert, "INSERT"}, {TokenKind::kInto, "INTO"}, {TokenKind::kKey, "KEY"},
    {TokenKind::kKeys, "KEYS"}, {TokenKind::kKill, "KILL"}, {TokenKind::kLimit, "LIMIT"},
    {TokenKind::kMeasurement, "MEASUREMENT"}, {TokenKind::kMeasurements, "MEASUREMENTS"}, {TokenKind::kName, "NAME"},
    {TokenKind::kOffset, "OFFSET"}, {TokenKind::kOn, "ON"}, {TokenKind::kOrder, "ORDER"}, {TokenKind::kPassword, "PASSWORD"},
    {TokenKind::kPolicy, "POLICY"}, {TokenKind::kPolicies, "POLICIES"}, {TokenKind::kPrivileges, "PRIVILEGES"},
    {TokenKind::kQueries, "QUERIES"}, {TokenKind::kQuery, "QUERY"}, {TokenKind::kRead, "READ"},
    {TokenKind::kReplication, "REPLICATION"}, {TokenKind::kResample, "RESAMPLE"}, {TokenKind::kRetention, "RETENTION"},
    {TokenKind::kRevoke, "REVOKE"}, {TokenKind::kSelect, "SELECT"}, {TokenKind::kSeries, "SERIES"}, {TokenKind::kSet, "SET"},
    {TokenKind::kShow, "SHOW"}, {TokenKind::kShard, "SHARD"}, {TokenKind::kShards, "SHARDS"}, {TokenKind::kSlimit, "SLIMIT"},
    {TokenKind::kSoffset, "SOFFSET"}, {TokenKind::kStats, "STATS"}, {TokenKind::kSubscription, "SUBSCRIPTION"},
    {TokenKind::kSubscriptions, "SUBSCRIPTIONS"}, {TokenKind::kTag, "TAG"}, {TokenKind::kTo, "TO"}, {TokenKind::kUser, "USER"},
    {TokenKind::kUsers, "USERS"}, {TokenKind::kValues, "VALUES"}, {TokenKind::kWhere, "WHERE"}, {TokenKind::kWith, "WITH"},
    {TokenKind::kWrite, "WRITE"},
};

}  // namespace

std::string_view to_string(TokenKind kind) {
  static const auto* const spellings = [] {
    auto* const made = new absl::flat_hash_map<TokenKind, std::string_view>();
    for (const Spelling& each : kSymbols) made->emplace(each.kind, each.text);
    for (const Spelling& each : kWords) made->emplace(each.kind, each.text);
    return made;
  }();
  const auto found = spellings->find(kind);
  return found == spellings->end() ? std::string_view() : found->second;
}

TokenKind keyword(std::string_view word) {
  static const auto* const words = [] {
    auto* const made = new absl::flat_hash_map<std::string, TokenKind>();
    for (const Spelling& each : kWords) made->emplace(to_lower(each.text), each.kind);
    return made;
  }();
  const auto found = words->find(to_lower(word));
  return found == words->end() ? TokenKind::kIdentifier : found->second;
}

std::string_view shown(const Token& token) { return token.text.empty() ? to_string(token.kind) : std::string_view(token.text); }

}  // namespace campanile::query::influxql
