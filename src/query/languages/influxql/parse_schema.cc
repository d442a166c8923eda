#include <algorithm>
#include <climits>

#include "query/languages/influxql/columns.h"
#include "query/languages/influxql/parser_state.h"

namespace campanile::query::influxql {

// WHERE, ORDER BY, LIMIT and OFFSET, which end every SHOW of the schema. SHOW sorts by name whatever ORDER BY time says.
Result<void> Parser::show_clauses(ShowClauses& clauses, bool has_condition) {
  if (has_condition) clauses.condition = TRY(condition());
  TRY(order_by_ascending());
  clauses.limit = TRY(optional_count(TokenKind::kLimit));
  clauses.offset = TRY(optional_count(TokenKind::kOffset));
  return {};
}

Result<ShowMeasurements> Parser::show_measurements() {
  ShowMeasurements made;
  if (accept(TokenKind::kOn)) made.database = TRY(identifier());
  if (accept(TokenKind::kWith)) {
    TRY(expect(TokenKind::kMeasurement));
    const Token op = next();
    if (op.kind != TokenKind::kEqual && op.kind != TokenKind::kMatches) return wrong(op, {"=", "=~"});
    made.sources.push_back(TRY(source(false)));
  }
  TRY(show_clauses(made, true));
  return made;
}

Result<ShowTagKeys> Parser::show_tag_keys() {
  ShowTagKeys made;
  if (accept(TokenKind::kOn)) made.database = TRY(identifier());
  if (accept(TokenKind::kFrom)) made.sources = TRY(sources(false));
  TRY(show_clauses(made, true));
  // InfluxDB reads these and does nothing with them.
  TRY(optional_count(TokenKind::kSlimit));
  TRY(optional_count(TokenKind::kSoffset));
  return made;
}

Result<ShowTagValues> Parser::show_tag_values() {
  ShowTagValues made;
  if (accept(TokenKind::kOn)) made.database = TRY(identifier());
  if (accept(TokenKind::kFrom)) made.sources = TRY(sources(false));
  TRY(with_key(made));
  TRY(show_clauses(made, true));
  return made;
}

Result<void> Parser::with_key(ShowClauses& clauses) {
  TRY(expect(TokenKind::kWith));
  TRY(expect(TokenKind::kKey));
  const Token op = next();
  clauses.key_op = op.kind;
  switch (op.kind) {
    case TokenKind::kIn:
      TRY(expect(TokenKind::kLeftParen));
      clauses.keys = TRY(identifiers());
      TRY(expect(TokenKind::kRightParen));
      return {};
    case TokenKind::kEqual:
    case TokenKind::kNotEqual: clauses.keys.push_back(TRY(identifier())); return {};
    case TokenKind::kMatches:
    case TokenKind::kNotMatches: {
      const std::optional<Expr> pattern = TRY(regex());
      if (!pattern) return wrong(next(), {"regex"});
      clauses.key_regex = pattern->regex;
      return {};
    }
    default: return wrong(op, {"IN", "=", "=~"});
  }
}

Result<ShowFieldKeys> Parser::show_field_keys() {
  ShowFieldKeys made;
  if (accept(TokenKind::kOn)) made.database = TRY(identifier());
  if (accept(TokenKind::kFrom)) made.sources = TRY(sources(false));
  TRY(show_clauses(made, false));
  return made;
}

Result<ShowSeries> Parser::show_series() {
  ShowSeries made;
  if (accept(TokenKind::kOn)) made.database = TRY(identifier());
  if (accept(TokenKind::kFrom)) made.sources = TRY(sources(false));
  TRY(show_clauses(made, true));
  return made;
}

Result<DeleteStatement> Parser::delete_points() {
  DeleteStatement made;
  const Token first = next();
  back_to(first);
  if (first.kind != TokenKind::kFrom && first.kind != TokenKind::kWhere) return wrong(first, {"FROM", "WHERE"});
  if (accept(TokenKind::kFrom)) {
    made.sources = TRY(sources(false));
    for (const Source& source : made.sources) {
      // InfluxDB points at the beginning of the query, whichever statement it is.
      if (!source.retention_policy.empty()) return error_at(Token(), "retention policy not supported");
      if (!source.database.empty()) return error_at(Token(), "database not supported");
    }
  }
  made.condition = TRY(condition());
  return made;
}

Result<DropSeries> Parser::drop_series() { return DropSeries{TRY(delete_points())}; }

bool Parser::counts() {
  const Token token = next();
  back_to(token);
  return token.kind == TokenKind::kExact || token.kind == TokenKind::kCardinality;
}

Result<ShowCardinality> Parser::show_cardinality(ShowCardinality::Of of) {
  ShowCardinality made;
  made.of = of;
  made.exact = TRY(choose({TokenKind::kExact, TokenKind::kCardinality})) == TokenKind::kExact;
  if (made.exact) TRY(choose({TokenKind::kCardinality}));
  if (accept(TokenKind::kOn)) made.database = TRY(identifier());
  if (accept(TokenKind::kFrom)) made.sources = TRY(sources(false));
  if (of == ShowCardinality::Of::kTagValues) TRY(with_key(made));
  made.condition = TRY(condition());
  // As InfluxDB, which reads these and counts by measurement whatever they say.
  TRY(dimensions());
  made.limit = TRY(optional_count(TokenKind::kLimit));
  made.offset = TRY(optional_count(TokenKind::kOffset));
  return made;
}

Result<CreateContinuousQuery> Parser::create_continuous_query() {
  CreateContinuousQuery made;
  made.name = TRY(identifier());
  TRY(expect(TokenKind::kOn));
  made.database = TRY(identifier());
  if (accept(TokenKind::kResample)) {
    if (accept(TokenKind::kEvery)) made.every_ns = TRY(duration());
    if (accept(TokenKind::kFor)) made.for_ns = TRY(duration());
    if (!made.every_ns && !made.for_ns) return wrong(next(), {"EVERY", "FOR"});
  }
  TRY(expect(TokenKind::kBegin));
  TRY(expect(TokenKind::kSelect));
  made.select = TRY(select());
  // InfluxDB's words; where they point differs, since it reads the target before the rest.
  const Token after = next();
  if (!made.select.target) return wrong(after, {"INTO"});
  const Result<Grouping> grouping = read_dimensions(made.select, 0, nullptr);
  if (!grouping) return propagate(Error(grouping.error()));
  if (!grouping->window) return wrong(after, "GROUP BY time(...)");
  if (after.kind != TokenKind::kEnding) return wrong(after, {"END"});
  const int64_t least_ns = std::max(grouping->window->every_ns, made.every_ns.value_or(0));
  if (made.for_ns && *made.for_ns < least_ns) {
    return fail(ErrorCode::kInvalidArgument, "FOR duration must be >= GROUP BY time duration: must be a minimum of {}, got {}", format_duration(least_ns),
                format_duration(*made.for_ns));
  }
  if (made.every_ns && *made.every_ns <= 0) return error_at(Token(), "EVERY wants a duration above 0");
  return made;
}

Result<DropContinuousQuery> Parser::drop_continuous_query() {
  DropContinuousQuery made;
  made.name = TRY(identifier());
  TRY(expect(TokenKind::kOn));
  made.database = TRY(identifier());
  return made;
}

Result<DropRetentionPolicy> Parser::drop_retention_policy() {
  DropRetentionPolicy made;
  made.name = TRY(identifier());
  TRY(expect(TokenKind::kOn));
  made.database = TRY(identifier());
  return made;
}

// Its options come in any order, each once.
Result<AlterRetentionPolicy> Parser::alter_retention_policy() {
  AlterRetentionPolicy made;
  made.name = TRY(identifier());
  TRY(expect(TokenKind::kOn));
  made.database = TRY(identifier());
  const auto once = [&](const Token& token, bool is_new) -> Result<void> {
    if (is_new) return {};
    return error_at(token, fmt::format("found duplicate {} option", token.kind == TokenKind::kShard ? "SHARD DURATION" : to_string(token.kind)));
  };
  for (bool is_first = true;; is_first = false) {
    const Token token = next();
    switch (token.kind) {
      case TokenKind::kDuration:
        TRY(once(token, !made.duration_ns));
        made.duration_ns = TRY(duration());
        break;
      case TokenKind::kReplication:
        TRY(once(token, !made.replication));
        made.replication = TRY(integer(1, INT_MAX));
        break;
      case TokenKind::kShard:
        TRY(expect(TokenKind::kDuration));
        TRY(once(token, !made.shard_duration_ns));
        made.shard_duration_ns = TRY(duration());
        break;
      case TokenKind::kDefault:
        TRY(once(token, !made.is_default));
        made.is_default = true;
        break;
      default:
        if (is_first) return wrong(token, {"DURATION", "REPLICATION", "SHARD", "DEFAULT"});
        back_to(token);
        return made;
    }
  }
}

Result<std::string> Parser::optional_module() {
  if (!accept(TokenKind::kFor)) return std::string();
  return string();
}

Result<CreateDatabase> Parser::create_database() {
  CreateDatabase made;
  made.name = TRY(identifier());
  if (!accept(TokenKind::kWith)) return made;
  const Token first = next();
  back_to(first);
  switch (first.kind) {
    case TokenKind::kDuration:
    case TokenKind::kReplication:
    case TokenKind::kShard:
    case TokenKind::kName: break;
    default: return wrong(first, {"DURATION", "NAME", "REPLICATION", "SHARD"});
  }
  made.with_policy = true;
  if (accept(TokenKind::kDuration)) made.duration_ns = TRY(duration());
  if (accept(TokenKind::kReplication)) made.replication = TRY(integer(1, INT_MAX));
  if (accept(TokenKind::kShard)) {
    TRY(expect(TokenKind::kDuration));
    made.shard_duration_ns = TRY(duration());
  }
  if (accept(TokenKind::kName)) made.policy_name = TRY(identifier());
  return made;
}

Result<CreateRetentionPolicy> Parser::create_retention_policy() {
  CreateRetentionPolicy made;
  made.name = TRY(identifier());
  TRY(expect(TokenKind::kOn));
  made.database = TRY(identifier());
  TRY(expect(TokenKind::kDuration));
  made.duration_ns = TRY(duration());
  TRY(expect(TokenKind::kReplication));
  made.replication = TRY(integer(1, INT_MAX));
  if (accept(TokenKind::kShard)) {
    TRY(expect(TokenKind::kDuration));
    const Token token = next();
    back_to(token);
    if (token.kind == TokenKind::kInf) return error_at(token, "invalid duration INF for shard duration");
    made.shard_duration_ns = TRY(duration());
  }
  made.is_default = accept(TokenKind::kDefault);
  return made;
}

}  // namespace campanile::query::influxql
