#include <algorithm>
#include <limits>

#include <re2/re2.h>

#include "base/text.h"
#include "query/languages/influxql/parser_state.h"
#include "query/languages/influxql/time_text.h"

namespace campanile::query::influxql {
namespace {

constexpr uint16_t kRecursionMax = 200;

int precedence(TokenKind op) {
  switch (op) {
    case TokenKind::kOr: return 1;
    case TokenKind::kAnd: return 2;
    case TokenKind::kPlus:
    case TokenKind::kMinus:
    case TokenKind::kBar:
    case TokenKind::kCaret: return 4;
    case TokenKind::kStar:
    case TokenKind::kSlash:
    case TokenKind::kPercent:
    case TokenKind::kAmpersand: return 5;
    default: return 3;
  }
}

Expr of_integer(int64_t value) {
  Expr made;
  made.kind = Expr::Kind::kInteger;
  made.integer = value;
  return made;
}

Expr binary(TokenKind op, Expr left, Expr right) {
  Expr made;
  made.kind = Expr::Kind::kBinary;
  made.op = op;
  made.depth = static_cast<uint16_t>(std::max(left.depth, right.depth) + 1);
  made.children.reserve(2);
  made.children.push_back(std::move(left));
  made.children.push_back(std::move(right));
  return made;
}

// Puts "op right" where it binds in the tree: below every node on the right edge that binds less.
void insert(Expr& node, TokenKind op, Expr right) {
  if (node.kind != Expr::Kind::kBinary || precedence(node.op) >= precedence(op)) {
    node = binary(op, std::move(node), std::move(right));
    return;
  }
  insert(node.children[1], op, std::move(right));
  node.depth = std::max<uint16_t>(node.depth, static_cast<uint16_t>(node.children[1].depth + 1));
}

// Go's names for what RE2 says otherwise.
std::string regex_error(const re2::RE2& pattern) {
  std::string_view reason;
  switch (pattern.error_code()) {
    case re2::RE2::ErrorMissingParen: reason = "missing closing )"; break;
    case re2::RE2::ErrorUnexpectedParen: reason = "unexpected )"; break;
    case re2::RE2::ErrorMissingBracket: reason = "missing closing ]"; break;
    case re2::RE2::ErrorRepeatArgument: reason = "missing argument to repetition operator"; break;
    case re2::RE2::ErrorRepeatSize: reason = "invalid repeat count"; break;
    case re2::RE2::ErrorRepeatOp: reason = "invalid nested repetition operator"; break;
    case re2::RE2::ErrorBadEscape: reason = "invalid escape sequence"; break;
    case re2::RE2::ErrorBadCharClass: reason = "invalid character class"; break;
    case re2::RE2::ErrorBadCharRange: reason = "invalid character class range"; break;
    case re2::RE2::ErrorTrailingBackslash: reason = "trailing backslash at end of expression"; break;
    case re2::RE2::ErrorBadUTF8: reason = "invalid UTF-8"; break;
    default: reason = pattern.error(); break;
  }
  return fmt::format("error parsing regexp: {}: `{}`", reason, pattern.error_arg());
}

Result<Cast> cast_of(std::string_view name) {
  const std::string lower = to_lower(name);
  for (const Cast each : {Cast::kFloat, Cast::kInteger, Cast::kUnsigned, Cast::kString, Cast::kBoolean}) {
    if (lower == to_string(each)) return each;
  }
  return fail(ErrorCode::kInvalidArgument, "no such type");
}

}  // namespace

Result<Expr> Parser::expr() {
  Expr root = TRY(unary());
  for (;;) {
    const Token op = next();
    // IN is an operator to InfluxDB's tokens but never to its expressions' end, where it refuses it.
    if (!is_operator(op.kind)) {
      back_to(op);
      return root;
    }
    if (op.kind == TokenKind::kMatches || op.kind == TokenKind::kNotMatches) {
      std::optional<Expr> pattern = TRY(regex());
      if (!pattern) return wrong(next(), {"regex"});
      insert(root, op.kind, std::move(*pattern));
    } else if (op.kind == TokenKind::kIn) {
      back_to(op);
      return wrong(op, {";"});
    } else {
      insert(root, op.kind, TRY(unary()));
    }
    if (root.depth > kDepthMax) return error_at(op, fmt::format("the expression is nested deeper than {} levels", kDepthMax));
  }
}

Result<Expr> Parser::unary() {
  struct Depth {
    explicit Depth(uint16_t& value) : value_(++value) {}
    ~Depth() { --value_; }
    uint16_t& value_;
  } depth(depth_);
  const Token token = next();
  if (depth_ > kRecursionMax) return error_at(token, fmt::format("the expression is nested deeper than {} levels", kRecursionMax));
  switch (token.kind) {
    case TokenKind::kLeftParen: {
      Expr made;
      made.kind = Expr::Kind::kParen;
      made.children.push_back(TRY(expr()));
      made.depth = static_cast<uint16_t>(made.children[0].depth + 1);
      TRY(expect(TokenKind::kRightParen));
      return made;
    }
    case TokenKind::kIdentifier: {
      const Token after = scan();
      if (after.kind == TokenKind::kLeftParen) return call(token.text);
      back_to(token);
      return reference();
    }
    case TokenKind::kDistinct: return distinct();
    case TokenKind::kStar: return wildcard();
    case TokenKind::kPlus:
    case TokenKind::kMinus: return signed_unary(token);
    default: return literal(token);
  }
}

Result<Expr> Parser::literal(const Token& token) {
  Expr made;
  switch (token.kind) {
    case TokenKind::kString:
      made.kind = Expr::Kind::kString;
      made.text = token.text;
      return made;
    case TokenKind::kNumber: {
      const Result<double> value = parse_double(token.text);
      if (!value) return error_at(token, "unable to parse number");
      made.kind = Expr::Kind::kNumber;
      made.number = *value;
      return made;
    }
    case TokenKind::kInteger: {
      if (const Result<int64_t> value = parse_int64(token.text)) return of_integer(*value);
      const Result<uint64_t> value = parse_uint64(token.text);
      if (!value) return error_at(token, "unable to parse integer");
      made.kind = Expr::Kind::kUnsigned;
      made.unsigned_value = *value;
      return made;
    }
    case TokenKind::kTrue:
    case TokenKind::kFalse:
      made.kind = Expr::Kind::kBoolean;
      made.boolean = token.kind == TokenKind::kTrue;
      return made;
    case TokenKind::kDurationValue:
      made.kind = Expr::Kind::kDuration;
      made.integer = TRY(parse_duration(token.text));
      return made;
    case TokenKind::kParameter: return parameter_error(token);
    default: return wrong(token, {"identifier", "string", "number", "bool"});
  }
}

Result<Expr> Parser::parameter_error(const Token& token) const {
  if (token.text.empty()) return fail(ErrorCode::kInvalidArgument, "empty bound parameter");
  return fail(ErrorCode::kInvalidArgument, "missing parameter: {}", excerpt(token.text, 200));
}

Result<Expr> Parser::signed_unary(const Token& sign) {
  const Token token = next();
  back_to(token);
  switch (token.kind) {
    case TokenKind::kNumber:
    case TokenKind::kInteger:
    case TokenKind::kDurationValue:
    case TokenKind::kLeftParen:
    case TokenKind::kIdentifier: break;
    default: return wrong(token, {"identifier", "number", "duration", "("});
  }
  const bool negative = sign.kind == TokenKind::kMinus;
  Expr value = TRY(unary());
  switch (value.kind) {
    case Expr::Kind::kNumber: value.number = negative ? -value.number : value.number; return value;
    case Expr::Kind::kInteger:
    case Expr::Kind::kDuration: value.integer = negative ? -value.integer : value.integer; return value;
    case Expr::Kind::kUnsigned:
      if (!negative) return value;
      if (value.unsigned_value == uint64_t{1} << 63) return of_integer(std::numeric_limits<int64_t>::min());
      return fail(ErrorCode::kInvalidArgument, "constant -{} underflows int64", value.unsigned_value);
    default: return binary(TokenKind::kStar, of_integer(negative ? -1 : 1), std::move(value));
  }
}

Result<Expr> Parser::call(std::string_view name) {
  Expr made;
  made.kind = Expr::Kind::kCall;
  made.text = to_lower(name);
  for (bool first = true;; first = false) {
    if (std::optional<Expr> pattern = TRY(regex())) {
      made.children.push_back(std::move(*pattern));
    } else {
      const Token token = scan();
      if (first && token.kind == TokenKind::kRightParen) return made;
      back_to(token);
      made.children.push_back(TRY(expr()));
    }
    made.depth = std::max<uint16_t>(made.depth, static_cast<uint16_t>(made.children.back().depth + 1));
    if (!accept(TokenKind::kComma)) break;
  }
  skip_blank();
  const Token token = scan();
  if (token.kind != TokenKind::kRightParen) return wrong(token, {")"});
  return made;
}

// DISTINCT is a keyword that may stand before a name as well as be called.
Result<Expr> Parser::distinct() {
  const Token after = scan();
  if (after.kind == TokenKind::kLeftParen) return call("distinct");
  if (after.kind != TokenKind::kBlank) return wrong(after, {"(", "identifier"});
  const Token name = next();
  if (name.kind != TokenKind::kIdentifier) return wrong(name, {"identifier"});
  Expr made;
  made.kind = Expr::Kind::kCall;
  made.text = "distinct";
  made.depth = 2;
  made.children.emplace_back();
  made.children[0].text = name.text;
  return made;
}

Result<Expr> Parser::wildcard() {
  Expr made;
  made.kind = Expr::Kind::kWildcard;
  Token token = scan();
  if (token.kind != TokenKind::kDoubleColon) {
    back_to(token);
    return made;
  }
  token = scan();
  if (token.kind != TokenKind::kField && token.kind != TokenKind::kTag) return wrong(token, {"field", "tag"});
  made.cast = token.kind == TokenKind::kField ? Cast::kAnyField : Cast::kTag;
  return made;
}

Result<Expr> Parser::reference() {
  Expr made;
  made.kind = Expr::Kind::kReference;
  for (const std::string& segment : TRY(segments())) {
    if (!made.text.empty()) made.text += '.';
    made.text += segment;
  }
  Token token = scan();
  if (token.kind != TokenKind::kDoubleColon) {
    back_to(token);
    return made;
  }
  token = scan();
  if (token.kind == TokenKind::kField) {
    made.cast = Cast::kAnyField;
  } else if (token.kind == TokenKind::kTag) {
    made.cast = Cast::kTag;
  } else {
    if (token.kind != TokenKind::kIdentifier) return wrong(token, {"float", "integer", "string", "boolean", "field", "tag"});
    const Result<Cast> cast = cast_of(token.text);
    if (!cast) return wrong(token, {"float", "integer", "unsigned", "string", "boolean", "field", "tag"});
    made.cast = *cast;
  }
  return made;
}

// A regular expression where the next character, or the value of the next parameter, says so.
Result<std::optional<Expr>> Parser::regex() {
  skip_blank();
  const char c = lexer_.peek();
  Token token;
  if (c == '/') {
    token = lexer_.regex();
    if (token.kind == TokenKind::kBadRegex) return error_at(token, "bad regex: ");
  } else if (c == '$') {
    token = scan();
    if (token.kind != TokenKind::kRegex) {
      back_to(token);
      return std::nullopt;
    }
  } else {
    return std::nullopt;
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto made = std::make_shared<Regex>();
  made->source = token.text;
  auto pattern = std::make_shared<re2::RE2>(token.text, options);
  if (!pattern->ok()) return error_at(token, regex_error(*pattern));
  made->pattern = std::move(pattern);
  Expr expression;
  expression.kind = Expr::Kind::kRegex;
  expression.regex = std::move(made);
  return expression;
}

Result<std::string> Parser::identifier() {
  const Token token = next();
  if (token.kind != TokenKind::kIdentifier) return wrong(token, {"identifier"});
  return token.text;
}

Result<std::vector<std::string>> Parser::identifiers() {
  std::vector<std::string> names;
  do {
    names.push_back(TRY(identifier()));
  } while (accept(TokenKind::kComma));
  return names;
}

// a, a.b, a.b.c or a..c; a dot before a regular expression or a colon ends them.
Result<std::vector<std::string>> Parser::segments() {
  std::vector<std::string> names{TRY(identifier())};
  for (;;) {
    const Token dot = scan();
    if (dot.kind != TokenKind::kDot) {
      back_to(dot);
      break;
    }
    const char c = lexer_.peek();
    if (c == '/' || c == ':') break;
    names.push_back(c == '.' ? std::string() : TRY(identifier()));
  }
  if (names.size() <= 3) return names;
  std::string shown_names;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) shown_names += '.';
    shown_names += i + 1 < names.size() ? fmt::format("\"{}\"", names[i]) : quote_name(names[i]);
  }
  return fail(ErrorCode::kInvalidArgument, "too many segments in {} at line 1, char 1", excerpt(shown_names, 400));
}

Result<std::string> Parser::string() {
  const Token token = next();
  if (token.kind != TokenKind::kString) return wrong(token, {"string"});
  return token.text;
}

Result<int64_t> Parser::integer(int64_t low, int64_t high) {
  const Token token = next();
  if (token.kind != TokenKind::kInteger) return wrong(token, {"integer"});
  const Result<int64_t> value = parse_int64(token.text);
  if (!value) return error_at(token, "unable to parse integer");
  if (*value < low || *value > high) return error_at(token, fmt::format("invalid value {}: must be {} <= n <= {}", *value, low, high));
  return *value;
}

// INF is 0.
Result<int64_t> Parser::duration() {
  const Token token = next();
  if (token.kind == TokenKind::kInf) return 0;
  if (token.kind != TokenKind::kDurationValue) return wrong(token, {"duration"});
  const Result<int64_t> value = parse_duration(token.text);
  if (!value) return error_at(token, value.error().message);
  return *value;
}

}  // namespace campanile::query::influxql
