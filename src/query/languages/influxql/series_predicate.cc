#include "query/languages/influxql/series_predicate.h"

namespace campanile::query::influxql {
namespace {

using Op = Expression::Op;
using tsdb::TagPredicate;

TagPredicate of_children(TagPredicate::Kind kind, TagPredicate left, TagPredicate right) {
  TagPredicate made;
  made.kind = kind;
  made.children.push_back(std::move(left));
  made.children.push_back(std::move(right));
  return made;
}

bool is_text(const Expression& expression) {
  return expression.kind == Expression::Kind::kConstant && expression.constant && expression.constant->type() == FieldType::kString;
}

TagPredicate leaf_predicate(const Expression& filter, const std::vector<Input>& inputs) {
  const Expression* tag = &filter.children[0];
  const Expression* other = &filter.children[1];
  if (!is_tag_input(*tag, inputs)) std::swap(tag, other);
  TagPredicate made;
  if (!is_tag_input(*tag, inputs)) return made;
  const bool by_pattern = other->kind == Expression::Kind::kPattern;
  const bool by_value = is_text(*other) && (filter.op == Op::kEqual || filter.op == Op::kNotEqual);
  if (!by_pattern && !by_value) return made;
  made.key = inputs[tag->input].name;
  if (by_pattern) {
    made.kind = filter.op == Op::kMatches ? TagPredicate::Kind::kMatches : TagPredicate::Kind::kNotMatches;
    made.pattern = other->pattern;
  } else {
    made.kind = filter.op == Op::kEqual ? TagPredicate::Kind::kEqual : TagPredicate::Kind::kNotEqual;
    made.value = other->text;
  }
  return made;
}

}  // namespace

bool is_tag_input(const Expression& expression, const std::vector<Input>& inputs) {
  return expression.kind == Expression::Kind::kInput && inputs[expression.input].kind == Input::Kind::kTag;
}

TagPredicate to_predicate(const Expression& filter, const std::vector<Input>& inputs) {
  if (const auto truth = constant_truth(filter)) {
    TagPredicate made;
    made.kind = *truth ? TagPredicate::Kind::kTrue : TagPredicate::Kind::kFalse;
    return made;
  }
  if (filter.kind != Expression::Kind::kBinary) return {};
  if (filter.op != Op::kAnd && filter.op != Op::kOr) return leaf_predicate(filter, inputs);
  TagPredicate left = to_predicate(filter.children[0], inputs);
  TagPredicate right = to_predicate(filter.children[1], inputs);
  const bool is_and = filter.op == Op::kAnd;
  if (left.kind == TagPredicate::Kind::kTrue) return is_and ? right : left;
  if (right.kind == TagPredicate::Kind::kTrue) return is_and ? left : right;
  return of_children(is_and ? TagPredicate::Kind::kAnd : TagPredicate::Kind::kOr, std::move(left), std::move(right));
}

}  // namespace campanile::query::influxql
