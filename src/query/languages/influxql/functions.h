// The functions of InfluxQL: what each is to the executor. What a call may look like is in field_checks.h.
//
//   if (const auto kind = transform_named(call.text)) stages.push_back(to_transform(call, type, window));
//
// Pure.
#pragma once

#include <optional>
#include <string_view>

#include "query/languages/influxql/ast.h"
#include "query/math_function.h"
#include "query/plan.h"

namespace campanile::query::influxql {

std::optional<Function> aggregate_named(std::string_view name);
std::optional<Transform::Kind> transform_named(std::string_view name);
std::optional<Pick::Kind> pick_named(std::string_view name);
std::optional<MathFunction> math_named(std::string_view name);

inline bool is_math(const Expr& expr) { return expr.kind == Expr::Kind::kCall && math_named(expr.text).has_value(); }
// Whether the executor reads for it: whatever is called except mathematics.
inline bool is_reading_call(const Expr& expr) { return expr.kind == Expr::Kind::kCall && !is_math(expr); }
// Whether such a call is anywhere in it.
bool has_reading_call(const Expr& expr);
// Whether it picks a point, beside which other fields of that point may stand.
bool is_selector(const Expr& call);
// Whether a wildcard in it stands for columns of that type too.
bool takes(std::string_view function, FieldType type);

// The transformation with the call's arguments in it. REQUIRES: the call was checked and is one.
Transform to_transform(const Expr& call, FieldType type, const std::optional<Window>& window);
// Whether it wants one window more than was asked for, to begin with.
bool wants_window_before(Transform::Kind kind);

}  // namespace campanile::query::influxql
