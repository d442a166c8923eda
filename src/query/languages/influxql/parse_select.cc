#include "base/text.h"
#include "query/languages/influxql/parser_state.h"

namespace campanile::query::influxql {
namespace {

// The first operator in a field that only a condition may have.
std::optional<TokenKind> condition_operator(const Expr& expr) {
  if (expr.kind == Expr::Kind::kBinary) {
    const bool compares = expr.op == TokenKind::kAnd || expr.op == TokenKind::kOr || expr.op >= TokenKind::kEqual;
    if (compares) return expr.op;
  }
  for (const Expr& child : expr.children) {
    if (const auto found = condition_operator(child)) return found;
  }
  return std::nullopt;
}

}  // namespace

Result<SelectStatement> Parser::select() {
  SelectStatement statement;
  do {
    statement.fields.push_back(TRY(field()));
  } while (accept(TokenKind::kComma));
  statement.target = TRY(target());
  TRY(expect(TokenKind::kFrom));
  statement.sources = TRY(sources(true));
  statement.condition = TRY(condition());
  statement.dimensions = TRY(dimensions());
  TRY(fill(statement));
  const std::optional<bool> order = TRY(order_by_ascending());
  statement.is_ordered = order.has_value();
  statement.ascending = order.value_or(true);
  statement.limit = TRY(optional_count(TokenKind::kLimit));
  statement.offset = TRY(optional_count(TokenKind::kOffset));
  statement.series_limit = TRY(optional_count(TokenKind::kSlimit));
  statement.series_offset = TRY(optional_count(TokenKind::kSoffset));
  statement.time_zone = TRY(time_zone());
  return statement;
}

Result<FieldExpr> Parser::field() {
  FieldExpr made;
  if (std::optional<Expr> pattern = TRY(regex())) {
    made.expr = std::move(*pattern);
  } else {
    const Token first = next();
    back_to(first);
    made.expr = TRY(expr());
    if (const auto op = condition_operator(made.expr)) {
      const Position at = lexer_.position(first);
      return fail(ErrorCode::kInvalidArgument, "invalid operator {} in SELECT clause at line {}, char {}; operator is intended for WHERE clause",
                  to_string(*op), at.line, at.character);
    }
  }
  if (accept(TokenKind::kAs)) made.alias = TRY(identifier());
  return made;
}

// INTO db.rp.measurement, or :MEASUREMENT for the source's own name.
Result<std::optional<Source>> Parser::target() {
  if (!accept(TokenKind::kInto)) return std::nullopt;
  std::vector<std::string> names = TRY(segments());
  if (names.size() < 3 && lexer_.peek() == ':') {
    TRY(expect(TokenKind::kColon));
    TRY(expect(TokenKind::kMeasurement));
    names.emplace_back();
  }
  Source made;
  made.name = std::move(names.back());
  if (names.size() >= 2) made.retention_policy = std::move(names[names.size() - 2]);
  if (names.size() == 3) made.database = std::move(names[0]);
  return made;
}

Result<std::vector<Source>> Parser::sources(bool subqueries) {
  std::vector<Source> made;
  do {
    made.push_back(TRY(source(subqueries)));
  } while (accept(TokenKind::kComma));
  return made;
}

Result<Source> Parser::source(bool subqueries) {
  Source made;
  if (std::optional<Expr> pattern = TRY(regex())) {
    made.regex = pattern->regex;
    return made;
  }
  const Token open = next();
  if (subqueries && open.kind == TokenKind::kLeftParen) {
    if (depth_ > 20) return error_at(open, "subqueries are nested too deeply");
    TRY(expect(TokenKind::kSelect));
    ++depth_;
    Result<SelectStatement> inner = select();
    --depth_;
    if (!inner) return propagate(std::move(inner).error());
    TRY(expect(TokenKind::kRightParen));
    made.subquery = std::make_shared<const SelectStatement>(std::move(*inner));
    return made;
  }
  back_to(open);
  std::vector<std::string> names = TRY(segments());
  // A dot may lead to a pattern: db.rp./cpu.*/
  if (names.size() < 3 && lexer_.peek() == '/') {
    if (std::optional<Expr> pattern = TRY(regex())) {
      made.regex = pattern->regex;
      made.retention_policy = std::move(names.back());
      if (names.size() == 2) made.database = std::move(names[0]);
      return made;
    }
  }
  made.name = std::move(names.back());
  if (names.size() >= 2) made.retention_policy = std::move(names[names.size() - 2]);
  if (names.size() == 3) made.database = std::move(names[0]);
  return made;
}

Result<std::optional<Expr>> Parser::condition() {
  if (!accept(TokenKind::kWhere)) return std::nullopt;
  return TRY(expr());
}

Result<std::vector<Expr>> Parser::dimensions() {
  std::vector<Expr> made;
  if (!accept(TokenKind::kGroup)) return made;
  TRY(expect(TokenKind::kBy));
  do {
    std::optional<Expr> pattern = TRY(regex());
    made.push_back(pattern ? std::move(*pattern) : TRY(expr()));
  } while (accept(TokenKind::kComma));
  return made;
}

Result<void> Parser::fill(SelectStatement& statement) {
  const Token token = next();
  back_to(token);
  if (token.kind != TokenKind::kIdentifier || !equals_ignore_case(token.text, "fill")) return {};
  const Expr made = TRY(expr());
  if (made.kind != Expr::Kind::kCall) return fail(ErrorCode::kInvalidArgument, "fill must be a function call");
  if (made.children.size() != 1) return fail(ErrorCode::kInvalidArgument, "fill requires an argument, e.g.: 0, null, none, previous, linear");
  const Expr& argument = made.children[0];
  if (argument.is_reference("null")) {
    statement.fill = FillKind::kNull;
  } else if (argument.is_reference("none")) {
    statement.fill = FillKind::kNone;
  } else if (argument.is_reference("previous")) {
    statement.fill = FillKind::kPrevious;
  } else if (argument.is_reference("linear")) {
    statement.fill = FillKind::kLinear;
  } else if (argument.kind == Expr::Kind::kInteger || argument.kind == Expr::Kind::kNumber) {
    statement.fill = FillKind::kNumber;
    statement.fill_number = argument;
  } else {
    return fail(ErrorCode::kInvalidArgument, "expected number argument in fill()");
  }
  return {};
}

Result<std::optional<bool>> Parser::order_by_ascending() {
  if (!accept(TokenKind::kOrder)) return std::nullopt;
  TRY(expect(TokenKind::kBy));
  const auto only_time = [] { return fail(ErrorCode::kInvalidArgument, "only ORDER BY time supported at this time"); };
  const Token token = next();
  bool ascending = true;
  if (token.kind == TokenKind::kAsc || token.kind == TokenKind::kDesc) {
    ascending = token.kind == TokenKind::kAsc;
  } else if (token.kind == TokenKind::kIdentifier) {
    if (token.text != "time") return only_time();
    ascending = !accept(TokenKind::kDesc);
    if (ascending) accept(TokenKind::kAsc);
  } else {
    return wrong(token, {"identifier", "ASC", "DESC"});
  }
  if (accept(TokenKind::kComma)) {
    TRY(identifier());
    return only_time();
  }
  return ascending;
}

Result<uint64_t> Parser::optional_count(TokenKind keyword) {
  if (!accept(keyword)) return 0;
  const Token token = next();
  if (token.kind != TokenKind::kInteger) return wrong(token, {"integer"});
  const Result<uint64_t> value = parse_uint64(token.text);
  if (!value || *value > INT64_MAX) return error_at(token, "unable to parse integer");
  return *value;
}

Result<std::string> Parser::time_zone() {
  const Token token = next();
  back_to(token);
  if (token.kind != TokenKind::kIdentifier || !equals_ignore_case(token.text, "tz")) return std::string();
  const Expr made = TRY(expr());
  if (made.kind != Expr::Kind::kCall) return fail(ErrorCode::kInvalidArgument, "tz must be a function call");
  if (made.children.size() != 1) return fail(ErrorCode::kInvalidArgument, "tz requires exactly one argument");
  if (made.children[0].kind != Expr::Kind::kString) return fail(ErrorCode::kInvalidArgument, "expected string argument in tz()");
  return made.children[0].text;
}

}  // namespace campanile::query::influxql
