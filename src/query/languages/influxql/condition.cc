#include "query/languages/influxql/condition.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "query/convert_number.h"
#include "query/languages/influxql/time_text.h"

namespace campanile::query::influxql {
namespace {

bool is_time(const Expr& expr) { return expr.kind == Expr::Kind::kReference && equals_ignore_case(expr.text, "time"); }

Expr of_kind(Expr::Kind kind, int64_t value) {
  Expr made;
  made.kind = kind;
  made.integer = value;
  return made;
}

// The names that InfluxDB's messages have for what stands beside time.
std::string_view kind_name(const Expr& expr) {
  switch (expr.kind) {
    case Expr::Kind::kString: return "*influxql.StringLiteral";
    case Expr::Kind::kRegex: return "*influxql.RegexLiteral";
    case Expr::Kind::kBoolean: return "*influxql.BooleanLiteral";
    case Expr::Kind::kReference: return "*influxql.VarRef";
    case Expr::Kind::kCall: return "*influxql.Call";
    case Expr::Kind::kBinary: return "*influxql.BinaryExpr";
    case Expr::Kind::kWildcard: return "*influxql.Wildcard";
    default: return "*influxql.Literal";
  }
}

std::unexpected<Error> overflows(const Expr& expr) {
  return fail(ErrorCode::kInvalidArgument, "time {} overflows time literal", to_string(expr));
}

bool is_instant(const Expr& expr) { return expr.kind == Expr::Kind::kTime; }
bool is_duration(const Expr& expr) { return expr.kind == Expr::Kind::kDuration; }
bool is_number(const Expr& expr) { return expr.kind == Expr::Kind::kInteger || expr.kind == Expr::Kind::kNumber; }
double as_double(const Expr& expr) { return expr.kind == Expr::Kind::kNumber ? expr.number : static_cast<double>(expr.integer); }

// Sums and differences of times, durations and whole numbers; products of durations with numbers.
Result<Expr> combine(const Expr& whole, const Expr& left, const Expr& right) {
  if (whole.op == TokenKind::kPlus || whole.op == TokenKind::kMinus) {
    const bool plus = whole.op == TokenKind::kPlus;
    int64_t value = 0;
    const bool overflow = plus ? __builtin_add_overflow(left.integer, right.integer, &value) : __builtin_sub_overflow(left.integer, right.integer, &value);
    const bool both_numbers = left.kind == Expr::Kind::kInteger && right.kind == Expr::Kind::kInteger;
    std::optional<Expr::Kind> kind;
    if (is_instant(left) && is_duration(right)) kind = Expr::Kind::kTime;
    if (plus && is_duration(left) && is_instant(right)) kind = Expr::Kind::kTime;
    if (!plus && is_instant(left) && is_instant(right)) kind = Expr::Kind::kDuration;
    if (is_duration(left) && is_duration(right)) kind = Expr::Kind::kDuration;
    if (both_numbers) kind = Expr::Kind::kInteger;
    if (!kind) return whole;
    if (overflow) return overflows(whole);
    return of_kind(*kind, value);
  }
  const bool scales = (whole.op == TokenKind::kStar || whole.op == TokenKind::kSlash) && is_duration(left) && is_number(right);
  if (!scales) return whole;
  const double scaled = whole.op == TokenKind::kStar ? static_cast<double>(left.integer) * as_double(right)
                        : as_double(right) == 0      ? 0
                                                     : static_cast<double>(left.integer) / as_double(right);
  return of_kind(Expr::Kind::kDuration, convert_number<int64_t>(scaled));
}

Result<int64_t> instant_of(const Expr& expr, int64_t now_ns, const TimeZone* zone) {
  const Expr value = TRY(reduce_time(expr, now_ns, zone));
  int64_t at = 0;
  switch (value.kind) {
    case Expr::Kind::kTime:
    case Expr::Kind::kDuration:
    case Expr::Kind::kInteger: at = value.integer; break;
    case Expr::Kind::kNumber: at = convert_number<int64_t>(value.number); break;
    default: return fail(ErrorCode::kInvalidArgument, "invalid operation: time and {} are not compatible", kind_name(value));
  }
  if (at > kMaxTime) return overflows(value);
  if (at < kMinTime) return fail(ErrorCode::kInvalidArgument, "time {} underflows time literal", to_string(value));
  return at;
}

// "20s < time" said the other way round.
TokenKind reversed(TokenKind op) {
  switch (op) {
    case TokenKind::kLess: return TokenKind::kGreater;
    case TokenKind::kLessEqual: return TokenKind::kGreaterEqual;
    case TokenKind::kGreater: return TokenKind::kLess;
    case TokenKind::kGreaterEqual: return TokenKind::kLessEqual;
    default: return op;
  }
}

Result<Condition> time_condition(TokenKind op, const Expr& beside, int64_t now_ns, const TimeZone* zone) {
  const int64_t at = TRY(instant_of(beside, now_ns, zone));
  Condition made;
  switch (op) {
    case TokenKind::kEqual: made.from_ns = made.to_ns = at; return made;
    case TokenKind::kGreater: made.from_ns = at + 1; return made;
    case TokenKind::kGreaterEqual: made.from_ns = at; return made;
    case TokenKind::kLess: made.to_ns = at - 1; return made;
    case TokenKind::kLessEqual: made.to_ns = at; return made;
    default: return fail(ErrorCode::kInvalidArgument, "invalid time comparison operator: {}", to_string(op));
  }
}

bool names_time(const Condition& condition) { return condition.from_ns || condition.to_ns; }

Result<Condition> both(const Expr& expr, int64_t now_ns, const TimeZone* zone) {
  Condition left = TRY(split_condition(expr.children[0], now_ns, zone));
  Condition right = TRY(split_condition(expr.children[1], now_ns, zone));
  if (expr.op == TokenKind::kOr && (names_time(left) || names_time(right))) {
    return fail(ErrorCode::kUnsupported, "time cannot be part of an OR: {}", to_string(expr));
  }
  Condition made;
  made.from_ns = left.from_ns && right.from_ns ? std::max(*left.from_ns, *right.from_ns) : left.from_ns ? left.from_ns : right.from_ns;
  made.to_ns = left.to_ns && right.to_ns ? std::min(*left.to_ns, *right.to_ns) : left.to_ns ? left.to_ns : right.to_ns;
  if (left.rest && right.rest) {
    made.rest = expr;
    made.rest->children[0] = std::move(*left.rest);
    made.rest->children[1] = std::move(*right.rest);
  } else {
    made.rest = left.rest ? std::move(left.rest) : std::move(right.rest);
  }
  return made;
}

}  // namespace

Result<Expr> reduce_time(const Expr& expr, int64_t now_ns, const TimeZone* zone) {
  switch (expr.kind) {
    case Expr::Kind::kParen: return reduce_time(expr.children[0], now_ns, zone);
    case Expr::Kind::kCall:
      if (expr.is_call("now") && expr.children.empty()) return of_kind(Expr::Kind::kTime, now_ns);
      return expr;
    case Expr::Kind::kString:
      if (looks_like_time(expr.text)) return of_kind(Expr::Kind::kTime, TRY(parse_time(expr.text, zone)));
      return expr;
    case Expr::Kind::kBinary: {
      const Expr left = TRY(reduce_time(expr.children[0], now_ns, zone));
      const Expr right = TRY(reduce_time(expr.children[1], now_ns, zone));
      return combine(expr, left, right);
    }
    default: return expr;
  }
}

Result<Condition> split_condition(const Expr& expr, int64_t now_ns, const TimeZone* zone) {
  switch (expr.kind) {
    case Expr::Kind::kParen: {
      Condition inner = TRY(split_condition(expr.children[0], now_ns, zone));
      if (!inner.rest) return inner;
      Expr wrapped = expr;
      wrapped.children[0] = std::move(*inner.rest);
      inner.rest = std::move(wrapped);
      return inner;
    }
    case Expr::Kind::kBoolean: return Condition{.rest = expr};
    case Expr::Kind::kBinary: break;
    default: return fail(ErrorCode::kInvalidArgument, "invalid condition expression: {}", to_string(expr));
  }
  if (expr.op == TokenKind::kAnd || expr.op == TokenKind::kOr) return both(expr, now_ns, zone);
  if (is_time(expr.children[0])) return time_condition(expr.op, expr.children[1], now_ns, zone);
  if (is_time(expr.children[1])) return time_condition(reversed(expr.op), expr.children[0], now_ns, zone);
  if (expr.op < TokenKind::kEqual) return fail(ErrorCode::kInvalidArgument, "invalid condition expression: {}", to_string(expr));
  return Condition{.rest = expr};
}

}  // namespace campanile::query::influxql
