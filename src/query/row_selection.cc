#include "query/row_selection.h"

#include <algorithm>

namespace campanile::query {
namespace {

using Op = Expression::Op;

template <typename T, typename C, typename Compare>
void compare_all(std::span<const T> data, C constant, std::vector<uint8_t>& mask, const Compare& compare) {
  for (size_t i = 0; i < data.size(); ++i) mask[i] = compare(static_cast<C>(data[i]), constant) ? 1 : 0;
}

template <typename T, typename C>
void compare_column(Op op, std::span<const T> data, C constant, std::vector<uint8_t>& mask) {
  switch (op) {
    case Op::kEqual: compare_all(data, constant, mask, std::equal_to<C>()); break;
    case Op::kNotEqual: compare_all(data, constant, mask, std::not_equal_to<C>()); break;
    case Op::kLess: compare_all(data, constant, mask, std::less<C>()); break;
    case Op::kLessEqual: compare_all(data, constant, mask, std::less_equal<C>()); break;
    case Op::kGreater: compare_all(data, constant, mask, std::greater<C>()); break;
    case Op::kGreaterEqual: compare_all(data, constant, mask, std::greater_equal<C>()); break;
    default: break;
  }
}

// False, with nothing done, where the condition is not a column of numbers against a number.
bool compare_numbers(const Expression& filter, const Batch& batch, std::vector<uint8_t>& mask) {
  const Expression& left = filter.children[0];
  const Expression& right = filter.children[1];
  if (left.kind != Expression::Kind::kInput || right.kind != Expression::Kind::kConstant || !right.constant) return false;
  const FieldValue constant = *right.constant;
  const BatchColumn& column = batch.columns[left.input];
  if (column.absent || !constant.is_numeric()) return false;
  if (column.values.type == FieldType::kFloat) {
    compare_column(filter.op, column.values.floats, constant.as_number(), mask);
  } else if (column.values.type == FieldType::kInteger && constant.type() == FieldType::kInteger) {
    compare_column(filter.op, column.values.integers, constant.as_integer(), mask);
  } else if (column.values.type == FieldType::kInteger && constant.type() == FieldType::kFloat) {
    compare_column(filter.op, column.values.integers, constant.as_float(), mask);
  } else {
    return false;
  }
  if (!column.present.empty()) std::transform(mask.begin(), mask.end(), column.present.begin(), mask.begin(), std::bit_and<uint8_t>());
  return true;
}

void select_row_by_row(const Expression& filter, const Batch& batch, std::vector<uint8_t>& mask) {
  std::vector<Value> inputs(batch.columns.size());
  for (size_t row = 0; row < batch.size(); ++row) {
    for (size_t i = 0; i < inputs.size(); ++i) inputs[i] = batch.columns[i].at(row);
    const Value value = evaluate(filter, inputs);
    mask[row] = value && value->type() == FieldType::kBoolean && value->as_boolean() ? 1 : 0;
  }
}

}  // namespace

void select_rows(const Expression& filter, const Batch& batch, std::vector<uint8_t>& mask) {
  mask.assign(batch.size(), 0);
  if (const auto truth = constant_truth(filter)) {
    std::fill(mask.begin(), mask.end(), *truth ? 1 : 0);
    return;
  }
  if (filter.kind == Expression::Kind::kBinary && (filter.op == Op::kAnd || filter.op == Op::kOr)) {
    std::vector<uint8_t> other;
    select_rows(filter.children[0], batch, mask);
    select_rows(filter.children[1], batch, other);
    for (size_t i = 0; i < mask.size(); ++i) mask[i] = filter.op == Op::kAnd ? mask[i] & other[i] : mask[i] | other[i];
    return;
  }
  if (filter.kind == Expression::Kind::kBinary && is_comparison(filter.op) && compare_numbers(filter, batch, mask)) return;
  select_row_by_row(filter, batch, mask);
}

}  // namespace campanile::query
