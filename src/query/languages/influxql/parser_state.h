// Parser: the recursive descent behind parser.h, one method a rule of the grammar. Split over parser.cc (statements),
// parse_expr.cc, parse_select.cc and parse_schema.cc.
// Threads: one owner.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/languages/influxql/lexer.h"
#include "query/languages/influxql/parser.h"

namespace campanile::query::influxql {

class Parser {
 public:
  Parser(std::string_view text, const Parameters& parameters) : text_(text), lexer_(text), parameters_(parameters) {}

  Result<Query> query();
  Result<Expr> lone_condition();

 private:
  // Tokens. next() passes blanks and comments; scan() does not. Either puts a parameter's value in its place.
  Token scan();
  Token next();
  void back_to(const Token& token) { lexer_.move_to(token.begin); }
  bool accept(TokenKind kind);
  Result<void> expect(TokenKind kind);
  void skip_blank();
  std::unexpected<Error> wrong(const Token& found, std::initializer_list<std::string_view> expected) const;
  std::unexpected<Error> wrong(const Token& found, const std::string& expected) const;
  std::unexpected<Error> error_at(const Token& token, std::string_view message) const;

  // parser.cc
  Result<Statement> statement();
  Result<StatementBody> statement_body();
  Result<StatementBody> show();
  Result<StatementBody> create();
  Result<StatementBody> drop();
  Result<Explain> explain();
  Result<CreateContinuousQuery> create_continuous_query();
  Result<DropContinuousQuery> drop_continuous_query();
  StatementBody unsupported(std::string what, bool is_write);
  Result<TokenKind> choose(std::initializer_list<TokenKind> choices);

  // parse_expr.cc
  Result<Expr> expr();
  Result<Expr> unary();
  Result<Expr> signed_unary(const Token& sign);
  Result<Expr> literal(const Token& token);
  Result<Expr> call(std::string_view name);
  Result<Expr> distinct();
  Result<Expr> wildcard();
  Result<Expr> reference();
  Result<std::optional<Expr>> regex();
  Result<Expr> parameter_error(const Token& token) const;
  Result<std::string> identifier();
  Result<std::vector<std::string>> identifiers();
  Result<std::vector<std::string>> segments();
  Result<std::string> string();
  Result<int64_t> integer(int64_t low, int64_t high);
  Result<int64_t> duration();

  // parse_select.cc
  Result<SelectStatement> select();
  Result<FieldExpr> field();
  Result<std::vector<Source>> sources(bool subqueries);
  Result<Source> source(bool subqueries);
  Result<std::optional<Source>> target();
  Result<std::optional<Expr>> condition();
  Result<std::vector<Expr>> dimensions();
  Result<void> fill(SelectStatement& statement);
  // Nothing where there is no such clause.
  Result<std::optional<bool>> order_by_ascending();
  Result<uint64_t> optional_count(TokenKind keyword);
  Result<std::string> time_zone();

  // parse_schema.cc
  Result<void> show_clauses(ShowClauses& clauses, bool has_condition);
  Result<ShowMeasurements> show_measurements();
  Result<ShowTagKeys> show_tag_keys();
  Result<ShowTagValues> show_tag_values();
  Result<ShowFieldKeys> show_field_keys();
  Result<ShowSeries> show_series();
  Result<void> with_key(ShowClauses& clauses);
  Result<DeleteStatement> delete_points();
  Result<DropSeries> drop_series();
  Result<ShowCardinality> show_cardinality(ShowCardinality::Of of);
  // Whether CARDINALITY comes next, by itself or after EXACT.
  bool counts();
  Result<AlterRetentionPolicy> alter_retention_policy();
  Result<DropRetentionPolicy> drop_retention_policy();
  Result<std::string> optional_module();
  Result<CreateDatabase> create_database();
  Result<CreateRetentionPolicy> create_retention_policy();

  std::string_view text_;
  Lexer lexer_;
  const Parameters& parameters_;
  uint16_t depth_ = 0;  // of the rules that call themselves
};

}  // namespace campanile::query::influxql
