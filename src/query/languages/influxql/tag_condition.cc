#include "query/languages/influxql/tag_condition.h"

#include <utility>

namespace campanile::query::influxql {

using tsdb::TagPredicate;

namespace {

std::unexpected<Error> invalid_comparison() { return fail(ErrorCode::kInvalidArgument, "invalid tag comparison operator"); }

}  // namespace

Result<TagPredicate> tag_predicate(const Expr& expr) {
  TagPredicate made;
  if (expr.kind == Expr::Kind::kParen) return tag_predicate(expr.children[0]);
  if (expr.kind == Expr::Kind::kBoolean) {
    made.kind = expr.boolean ? TagPredicate::Kind::kTrue : TagPredicate::Kind::kFalse;
    return made;
  }
  if (expr.kind != Expr::Kind::kBinary) return invalid_comparison();
  if (expr.op == TokenKind::kAnd || expr.op == TokenKind::kOr) {
    made.kind = expr.op == TokenKind::kAnd ? TagPredicate::Kind::kAnd : TagPredicate::Kind::kOr;
    for (const Expr& child : expr.children) made.children.push_back(TRY(tag_predicate(child)));
    return made;
  }
  const Expr* name = &expr.children[0];
  const Expr* value = &expr.children[1];
  if (name->kind != Expr::Kind::kReference) std::swap(name, value);
  if (name->kind != Expr::Kind::kReference) return invalid_comparison();
  made.key = name->text;
  if (value->kind == Expr::Kind::kString && (expr.op == TokenKind::kEqual || expr.op == TokenKind::kNotEqual)) {
    made.kind = expr.op == TokenKind::kEqual ? TagPredicate::Kind::kEqual : TagPredicate::Kind::kNotEqual;
    made.value = value->text;
    return made;
  }
  if (value->kind != Expr::Kind::kRegex) return invalid_comparison();
  made.kind = expr.op == TokenKind::kMatches ? TagPredicate::Kind::kMatches : TagPredicate::Kind::kNotMatches;
  made.pattern = value->regex->pattern;
  return made;
}

}  // namespace campanile::query::influxql
