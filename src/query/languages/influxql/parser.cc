#include "query/languages/influxql/parser.h"

#include "base/text.h"
#include "query/languages/influxql/parser_state.h"

namespace campanile::query::influxql {
namespace {

std::string joined(std::initializer_list<TokenKind> kinds) {
  std::string out;
  for (const TokenKind kind : kinds) {
    if (!out.empty()) out += ", ";
    out += to_string(kind);
  }
  return out;
}

}  // namespace

Result<Query> parse(std::string_view text, const Parameters& parameters) {
  if (text.size() > kQueryBytesMax) {
    return fail(ErrorCode::kTooLarge, "the query has {} bytes; at most {} are taken", text.size(), kQueryBytesMax);
  }
  return Parser(text, parameters).query();
}

Result<Expr> parse_condition(std::string_view text) {
  if (text.size() > kQueryBytesMax) return fail(ErrorCode::kTooLarge, "the condition has {} bytes; at most {} are taken", text.size(), kQueryBytesMax);
  const Parameters none;
  return Parser(text, none).lone_condition();
}

Result<Expr> Parser::lone_condition() {
  Expr condition = TRY(expr());
  TRY(expect(TokenKind::kEnd));
  return condition;
}

Token Parser::scan() {
  Token token = lexer_.next();
  if (token.kind != TokenKind::kParameter) return token;
  const auto found = parameters_.find(token.text);
  if (found == parameters_.end()) return token;
  token.kind = found->second.kind;
  token.text = found->second.text;
  return token;
}

Token Parser::next() {
  Token token = scan();
  while (token.kind == TokenKind::kBlank || token.kind == TokenKind::kComment) token = scan();
  return token;
}

bool Parser::accept(TokenKind kind) {
  const Token token = next();
  if (token.kind == kind) return true;
  back_to(token);
  return false;
}

Result<void> Parser::expect(TokenKind kind) {
  const Token token = next();
  if (token.kind != kind) return wrong(token, {to_string(kind)});
  return {};
}

void Parser::skip_blank() {
  const Token token = scan();
  if (token.kind != TokenKind::kBlank) back_to(token);
}

std::unexpected<Error> Parser::wrong(const Token& found, const std::string& expected) const {
  const Position at = lexer_.position(found);
  const std::string shown_text = found.kind == TokenKind::kParameter ? "$" + found.text : std::string(shown(found));
  return fail(ErrorCode::kInvalidArgument, "found {}, expected {} at line {}, char {}", excerpt(shown_text, 200), expected, at.line, at.character);
}

std::unexpected<Error> Parser::wrong(const Token& found, std::initializer_list<std::string_view> expected) const {
  std::string list;
  for (const std::string_view each : expected) {
    if (!list.empty()) list += ", ";
    list += each;
  }
  return wrong(found, list);
}

std::unexpected<Error> Parser::error_at(const Token& token, std::string_view message) const {
  const Position at = lexer_.position(token);
  return fail(ErrorCode::kInvalidArgument, "{} at line {}, char {}", message, at.line, at.character);
}

Result<Query> Parser::query() {
  Query query;
  bool separated = true;
  for (;;) {
    const Token token = next();
    if (token.kind == TokenKind::kEnd) return query;
    if (token.kind == TokenKind::kSemicolon) {
      separated = true;
      continue;
    }
    if (!separated) return wrong(token, {";"});
    back_to(token);
    query.statements.push_back(TRY(statement()));
    separated = false;
  }
}

Result<Statement> Parser::statement() {
  const Token first = next();
  back_to(first);
  Statement statement;
  statement.body = TRY(statement_body());
  const Token after = scan();
  back_to(after);
  statement.text = std::string(trim(text_.substr(first.begin, after.begin - first.begin)));
  return statement;
}

Result<TokenKind> Parser::choose(std::initializer_list<TokenKind> choices) {
  const Token token = next();
  for (const TokenKind choice : choices) {
    if (token.kind == choice) return choice;
  }
  return wrong(token, joined(choices));
}

// Passes the rest of a statement whose grammar is not ours.
StatementBody Parser::unsupported(std::string what, bool is_write) {
  for (;;) {
    const Token token = next();
    if (token.kind != TokenKind::kEnd && token.kind != TokenKind::kSemicolon) continue;
    back_to(token);
    return Unsupported{std::move(what), is_write};
  }
}

Result<StatementBody> Parser::statement_body() {
  using enum TokenKind;
  switch (const TokenKind kind = TRY(choose({kSelect, kDelete, kShow, kCreate, kDrop, kExplain, kGrant, kRevoke, kAlter, kSet, kKill}))) {
    case kSelect: return TRY(select());
    case kShow: return show();
    case kCreate: return create();
    case kDrop: return drop();
    case kDelete: return TRY(delete_points());
    case kAlter:
      TRY(choose({kRetention}));
      TRY(choose({kPolicy}));
      return TRY(alter_retention_policy());
    case kExplain: return TRY(explain());
    case kKill:
      TRY(choose({kQuery}));
      return KillQuery{static_cast<uint64_t>(TRY(integer(0, INT64_MAX)))};
    default: return unsupported(std::string(to_string(kind)), true);
  }
}

Result<StatementBody> Parser::show() {
  using enum TokenKind;
  switch (const TokenKind kind = TRY(choose({kContinuous, kDatabases, kDiagnostics, kField, kGrants, kMeasurement, kMeasurements, kQueries, kRetention,
                                             kSeries, kShard, kShards, kStats, kSubscriptions, kTag, kUsers}))) {
    case kContinuous: TRY(choose({kQueries})); return ShowContinuousQueries{};
    case kDatabases: return ShowDatabases{};
    case kDiagnostics: return ShowDiagnostics{TRY(optional_module())};
    case kField:
      if (TRY(choose({kKey, kKeys})) == kKey) return TRY(show_cardinality(ShowCardinality::Of::kFieldKeys));
      return TRY(show_field_keys());
    case kMeasurement: return TRY(show_cardinality(ShowCardinality::Of::kMeasurements));
    case kMeasurements: return TRY(show_measurements());
    case kRetention: {
      TRY(choose({kPolicies}));
      return ShowRetentionPolicies{accept(kOn) ? TRY(identifier()) : std::string()};
    }
    case kSeries:
      if (counts()) return TRY(show_cardinality(ShowCardinality::Of::kSeries));
      return TRY(show_series());
    case kQueries: return ShowQueries{};
    case kSubscriptions: return ShowSubscriptions{};
    case kTag:
      switch (TRY(choose({kKey, kKeys, kValues}))) {
        case kKeys: return TRY(show_tag_keys());
        case kValues:
          if (counts()) return TRY(show_cardinality(ShowCardinality::Of::kTagValues));
          return TRY(show_tag_values());
        default: return TRY(show_cardinality(ShowCardinality::Of::kTagKeys));
      }
    case kUsers: return ShowUsers{};
    default: return unsupported(fmt::format("SHOW {}", to_string(kind)), false);
  }
}

Result<StatementBody> Parser::create() {
  using enum TokenKind;
  switch (const TokenKind kind = TRY(choose({kContinuous, kDatabase, kUser, kRetention, kSubscription}))) {
    case kDatabase: return TRY(create_database());
    case kContinuous: TRY(choose({kQuery})); return TRY(create_continuous_query());
    case kRetention: TRY(choose({kPolicy})); return TRY(create_retention_policy());
    default: return unsupported(fmt::format("CREATE {}", to_string(kind)), true);
  }
}

Result<Explain> Parser::explain() {
  Explain made;
  made.analyze = accept(TokenKind::kAnalyze);
  TRY(choose({TokenKind::kSelect}));
  made.select = TRY(select());
  return made;
}

Result<StatementBody> Parser::drop() {
  using enum TokenKind;
  switch (const TokenKind kind = TRY(choose({kContinuous, kDatabase, kMeasurement, kRetention, kSeries, kShard, kSubscription, kUser}))) {
    case kDatabase: return DropDatabase{TRY(identifier())};
    case kContinuous: TRY(choose({kQuery})); return TRY(drop_continuous_query());
    case kMeasurement: return DropMeasurement{TRY(identifier())};
    case kRetention: TRY(choose({kPolicy})); return TRY(drop_retention_policy());
    case kSeries: return TRY(drop_series());
    default: return unsupported(fmt::format("DROP {}", to_string(kind)), true);
  }
}

}  // namespace campanile::query::influxql
