#include "query/languages/influxql/field_checks.h"

#include <algorithm>

#include "query/languages/influxql/functions.h"

namespace campanile::query::influxql {
namespace {

using Kind = Transform::Kind;

std::unexpected<Error> invalid(std::string_view message) { return fail(ErrorCode::kInvalidArgument, "{}", message); }

// InfluxDB's name of what an argument is.
std::string_view kind_name(const Expr& expr) {
  switch (expr.kind) {
    case Expr::Kind::kReference: return "*influxql.VarRef";
    case Expr::Kind::kCall: return "*influxql.Call";
    case Expr::Kind::kBinary: return "*influxql.BinaryExpr";
    case Expr::Kind::kParen: return "*influxql.ParenExpr";
    case Expr::Kind::kWildcard: return "*influxql.Wildcard";
    case Expr::Kind::kNumber: return "*influxql.NumberLiteral";
    case Expr::Kind::kInteger: return "*influxql.IntegerLiteral";
    case Expr::Kind::kUnsigned: return "*influxql.UnsignedLiteral";
    case Expr::Kind::kString: return "*influxql.StringLiteral";
    case Expr::Kind::kBoolean: return "*influxql.BooleanLiteral";
    case Expr::Kind::kDuration: return "*influxql.DurationLiteral";
    case Expr::Kind::kTime: return "*influxql.TimeLiteral";
    case Expr::Kind::kRegex: return "*influxql.RegexLiteral";
  }
  return "";
}

bool is_wild(const Expr& expr) { return expr.kind == Expr::Kind::kWildcard || expr.kind == Expr::Kind::kRegex; }

bool has_variable(const Expr& expr) {
  if (is_reading_call(expr) || is_wild(expr)) return true;
  if (!expr.is_literal() && expr.children.empty() && expr.kind != Expr::Kind::kCall) return true;
  return std::any_of(expr.children.begin(), expr.children.end(), has_variable);
}

class FieldChecks {
 public:
  FieldChecks(const SelectStatement& statement, const Grouping& grouping) : statement_(statement), grouping_(grouping) {}

  Result<void> check() {
    size_t fields = 0;
    for (const FieldExpr& field : statement_.fields) {
      if (field.expr.is_reference("time")) continue;
      ++fields;
      if (!has_variable(field.expr) && !has_empty_call(field.expr)) return invalid("field must contain at least one variable");
      TRY(check_field(field.expr, true));
    }
    if (fields == 0) return invalid("at least 1 non-time field must be queried");
    return check_together();
  }

 private:
  // Of those the error says what is missing.
  static bool has_empty_call(const Expr& expr) {
    if (expr.kind == Expr::Kind::kCall && math_named(expr.text) && expr.children.size() != arguments_of(*math_named(expr.text))) return true;
    return std::any_of(expr.children.begin(), expr.children.end(), has_empty_call);
  }

  Result<void> check_together() const {
    if (calls_ > 1 && !extremes_.empty()) return fail(ErrorCode::kInvalidArgument, "selector function {}() cannot be combined with other functions", extremes_);
    if (calls_ == 0) {
      if (statement_.fill == FillKind::kNone) return invalid("fill(none) must be used with a function");
      if (statement_.fill == FillKind::kLinear) return invalid("fill(linear) must be used with a function");
      if (grouping_.window) return invalid("GROUP BY requires at least one aggregate function");
    }
    if (has_distinct_ && (calls_ != 1 || has_references_)) return invalid("aggregate function distinct() cannot be combined with other functions or fields");
    if (has_references_ && calls_ > 0) {
      if (!only_selectors_) return invalid("mixing aggregate and non-aggregate queries is not supported");
      if (calls_ > 1) return invalid("mixing multiple selector functions with tags or fields is not supported");
    }
    return {};
  }

  Result<void> check_field(const Expr& expr, bool allow_wildcard) {
    switch (expr.kind) {
      case Expr::Kind::kReference: has_references_ = true; return {};
      case Expr::Kind::kWildcard:
        has_references_ = true;
        if (!allow_wildcard) return invalid("unable to use wildcard in a binary expression");
        return {};
      case Expr::Kind::kRegex:
        has_references_ = true;
        if (!allow_wildcard) return invalid("unable to use regex in a binary expression");
        return {};
      case Expr::Kind::kCall: return is_math(expr) ? check_math(expr, allow_wildcard) : check_call(expr, allow_wildcard);
      case Expr::Kind::kParen: return check_field(expr.children[0], allow_wildcard);
      case Expr::Kind::kBinary:
        for (const Expr& child : expr.children) {
          if (!child.is_literal() || is_wild(child)) TRY(check_field(child, false));
        }
        return {};
      default: return invalid("field must contain at least one variable");
    }
  }

  Result<void> check_math(const Expr& call, bool allow_wildcard) {
    TRY(check_count(call, arguments_of(*math_named(call.text)), arguments_of(*math_named(call.text))));
    for (const Expr& argument : call.children) {
      if (!argument.is_literal() || is_wild(argument)) TRY(check_field(argument, allow_wildcard));
    }
    return {};
  }

  Result<void> check_call(const Expr& call, bool allow_wildcard) {
    ++calls_;
    if (call.is_call("distinct")) return check_distinct(call, false);
    if (call.is_call("sample")) return check_sample(call, allow_wildcard);
    if (call.is_call("integral")) return check_integral(call, allow_wildcard);
    if (pick_named(call.text)) return check_extremes(call);
    if (const auto transform = transform_named(call.text)) return check_transform(call, *transform, allow_wildcard);
    const auto function = aggregate_named(call.text);
    if (!function) return fail(ErrorCode::kInvalidArgument, "undefined function {}()", call.text);
    const size_t wanted = *function == Function::kPercentile ? 2 : 1;
    TRY(check_count(call, wanted, wanted));
    if (*function == Function::kPercentile) {
      const Expr::Kind kind = call.children[1].kind;
      if (kind != Expr::Kind::kInteger && kind != Expr::Kind::kNumber) return invalid("expected float argument in percentile()");
    }
    if (!is_selector(call)) only_selectors_ = false;
    if (*function == Function::kCount && call.children[0].is_call("distinct")) return check_distinct(call.children[0], true);
    return check_symbol(call, allow_wildcard);
  }

  static Result<void> check_count(const Expr& call, size_t least, size_t most) {
    const size_t got = call.children.size();
    if (got >= least && got <= most) return {};
    if (least == most) return fail(ErrorCode::kInvalidArgument, "invalid number of arguments for {}, expected {}, got {}", call.text, least, got);
    return fail(ErrorCode::kInvalidArgument, "invalid number of arguments for {}, expected at least {} but no more than {}, got {}", call.text, least, most, got);
  }

  Result<void> check_symbol(const Expr& call, bool allow_wildcard) {
    switch (call.children[0].kind) {
      case Expr::Kind::kReference: return {};
      case Expr::Kind::kWildcard:
        if (!allow_wildcard) return fail(ErrorCode::kInvalidArgument, "unsupported expression with wildcard: {}()", call.text);
        only_selectors_ = false;
        return {};
      case Expr::Kind::kRegex:
        if (!allow_wildcard) return fail(ErrorCode::kInvalidArgument, "unsupported expression with regex field: {}()", call.text);
        only_selectors_ = false;
        return {};
      default: return fail(ErrorCode::kInvalidArgument, "expected field argument in {}()", call.text);
    }
  }

  Result<void> check_distinct(const Expr& call, bool nested) {
    if (call.children.empty()) return invalid("distinct function requires at least one argument");
    if (call.children.size() != 1) return invalid("distinct function can only have one argument");
    if (call.children[0].kind != Expr::Kind::kReference) return invalid("expected field argument in distinct()");
    if (!nested) has_distinct_ = true;
    only_selectors_ = false;
    return {};
  }

  Result<void> check_sample(const Expr& call, bool allow_wildcard) {
    TRY(check_count(call, 2, 2));
    const Expr& count = call.children[1];
    if (count.kind != Expr::Kind::kInteger) return invalid("expected integer argument in sample()");
    if (count.integer <= 0) return fail(ErrorCode::kInvalidArgument, "sample window must be greater than 1, got {}", count.integer);
    return check_symbol(call, allow_wildcard);
  }

  Result<void> check_integral(const Expr& call, bool allow_wildcard) {
    TRY(check_count(call, 1, 2));
    if (call.children.size() == 2) {
      if (call.children[1].kind != Expr::Kind::kDuration) return invalid("second argument must be a duration");
      TRY(check_positive(call.children[1]));
    }
    only_selectors_ = false;
    return check_symbol(call, allow_wildcard);
  }

  static Result<void> check_positive(const Expr& duration) {
    if (duration.integer > 0) return {};
    return fail(ErrorCode::kInvalidArgument, "duration argument must be positive, got {}", format_duration(duration.integer));
  }

  // top() and bottom().
  Result<void> check_extremes(const Expr& call) {
    if (!extremes_.empty()) return fail(ErrorCode::kInvalidArgument, "selector function {}() cannot be combined with other functions", extremes_);
    if (call.children.size() < 2) {
      return fail(ErrorCode::kInvalidArgument, "invalid number of arguments for {}, expected at least 2, got {}", call.text, call.children.size());
    }
    const Expr& count = call.children.back();
    if (count.kind != Expr::Kind::kInteger) return fail(ErrorCode::kInvalidArgument, "expected integer as last argument in {}(), found {}", call.text, to_string(count));
    if (count.integer <= 0) return fail(ErrorCode::kInvalidArgument, "limit ({}) in {} function must be at least 1", count.integer, call.text);
    if (statement_.limit > 0 && static_cast<uint64_t>(count.integer) > statement_.limit) {
      return fail(ErrorCode::kInvalidArgument, "limit ({}) in {} function can not be larger than the LIMIT ({}) in the select statement", count.integer, call.text, statement_.limit);
    }
    if (call.children[0].kind != Expr::Kind::kReference) {
      return fail(ErrorCode::kInvalidArgument, "expected first argument to be a field in {}(), found {}", call.text, to_string(call.children[0]));
    }
    for (size_t i = 1; i + 1 < call.children.size(); ++i) {
      if (call.children[i].kind == Expr::Kind::kReference) continue;
      return fail(ErrorCode::kInvalidArgument, "only fields or tags are allowed in {}(), found {}", call.text, to_string(call.children[i]));
    }
    extremes_ = call.text;
    return {};
  }

  Result<void> check_transform(const Expr& call, Kind kind, bool allow_wildcard) {
    switch (kind) {
      case Kind::kDerivative:
      case Kind::kNonNegativeDerivative:
      case Kind::kElapsed:
        TRY(check_count(call, 1, 2));
        TRY(check_unit(call));
        break;
      case Kind::kDifference:
      case Kind::kNonNegativeDifference:
      case Kind::kCumulativeSum: TRY(check_count(call, 1, 1)); break;
      case Kind::kMovingAverage: TRY(check_moving_average(call)); break;
      case Kind::kHoltWinters:
      case Kind::kHoltWintersWithFit: TRY(check_forecast(call)); break;
      case Kind::kKaufmansEfficiencyRatio:
      case Kind::kKaufmansAdaptiveMovingAverage:
        TRY(check_count(call, 2, 3));
        TRY(check_average(call, {}));
        break;
      case Kind::kChandeMomentumOscillator:
        TRY(check_count(call, 2, 4));
        TRY(check_average(call, {"none", "exponential", "simple"}));
        break;
      default:
        TRY(check_count(call, 2, 4));
        TRY(check_average(call, {"exponential", "simple"}));
    }
    only_selectors_ = false;
    return check_nested(call, allow_wildcard);
  }

  // A call in it is over windows, and a field in it is not.
  Result<void> check_nested(const Expr& call, bool allow_wildcard) {
    const Expr& argument = call.children[0];
    if (argument.kind == Expr::Kind::kCall) {
      if (!grouping_.window) return fail(ErrorCode::kInvalidArgument, "{} aggregate requires a GROUP BY interval", call.text);
      if (is_math(argument)) return fail(ErrorCode::kInvalidArgument, "unsupported call: {}", argument.text);
      return check_call(argument, allow_wildcard);
    }
    if (grouping_.window) return fail(ErrorCode::kInvalidArgument, "aggregate function required inside the call to {}", call.text);
    return check_symbol(call, allow_wildcard);
  }

  static Result<void> check_unit(const Expr& call) {
    if (call.children.size() < 2) return {};
    const Expr& unit = call.children[1];
    if (unit.kind != Expr::Kind::kDuration) {
      return fail(ErrorCode::kInvalidArgument, "second argument to {} must be a duration, got {}", call.text, kind_name(unit));
    }
    return check_positive(unit);
  }

  static Result<void> check_moving_average(const Expr& call) {
    TRY(check_count(call, 2, 2));
    const Expr& window = call.children[1];
    if (window.kind != Expr::Kind::kInteger) {
      return fail(ErrorCode::kInvalidArgument, "second argument for {} must be an integer, got {}", call.text, kind_name(window));
    }
    if (window.integer <= 1) return fail(ErrorCode::kInvalidArgument, "{} window must be greater than 1, got {}", call.text, window.integer);
    return {};
  }

  static Result<void> check_average(const Expr& call, std::initializer_list<std::string_view> warmups) {
    const Expr& period = call.children[1];
    if (period.kind != Expr::Kind::kInteger) return fail(ErrorCode::kInvalidArgument, "{} period must be an integer", call.text);
    if (period.integer < 1) return fail(ErrorCode::kInvalidArgument, "{} period must be greater than or equal to 1", call.text);
    // InfluxDB has no limit here.
    constexpr int64_t kMost = 1'000'000'000;
    if (period.integer > kMost) return fail(ErrorCode::kInvalidArgument, "{} period must be at most {}", call.text, kMost);
    if (call.children.size() > 2) {
      const Expr& hold = call.children[2];
      if (hold.kind != Expr::Kind::kInteger) return fail(ErrorCode::kInvalidArgument, "{} hold period must be an integer", call.text);
      if (hold.integer < -1) return fail(ErrorCode::kInvalidArgument, "{} hold period must be greater than or equal to 0", call.text);
    }
    if (call.children.size() > 3) {
      const Expr& warmup = call.children[3];
      if (warmup.kind != Expr::Kind::kString) return fail(ErrorCode::kInvalidArgument, "{} warmup type must be a string", call.text);
      if (std::ranges::find(warmups, warmup.text) == warmups.end()) {
        std::string names;
        for (const std::string_view each : warmups) names += fmt::format("{}'{}'", names.empty() ? "" : " ", each);
        return fail(ErrorCode::kInvalidArgument, "{} warmup type must be one of: {}", call.text, names);
      }
    }
    return {};
  }

  static Result<void> check_forecast(const Expr& call) {
    TRY(check_count(call, 3, 3));
    const Expr& predictions = call.children[1];
    if (predictions.kind != Expr::Kind::kInteger) return fail(ErrorCode::kInvalidArgument, "expected integer argument as second arg in {}", call.text);
    if (predictions.integer <= 0) return fail(ErrorCode::kInvalidArgument, "second arg to {} must be greater than 0, got {}", call.text, predictions.integer);
    const Expr& season = call.children[2];
    if (season.kind != Expr::Kind::kInteger) return fail(ErrorCode::kInvalidArgument, "expected integer argument as third arg in {}", call.text);
    if (season.integer < 0) return fail(ErrorCode::kInvalidArgument, "third arg to {} cannot be negative, got {}", call.text, season.integer);
    // What would be kept and worked out; InfluxDB has no limit here.
    constexpr int64_t kMost = 100'000;
    if (predictions.integer > kMost || season.integer > kMost) return fail(ErrorCode::kInvalidArgument, "{} takes arguments of up to {}", call.text, kMost);
    if (call.children[0].kind != Expr::Kind::kCall) return fail(ErrorCode::kInvalidArgument, "must use aggregate function with {}", call.text);
    return {};
  }

  const SelectStatement& statement_;
  const Grouping& grouping_;
  size_t calls_ = 0;
  bool only_selectors_ = true;
  bool has_distinct_ = false;
  bool has_references_ = false;
  std::string extremes_;  // top or bottom, where one is called
};

}  // namespace

Result<void> check_fields(const SelectStatement& statement, const Grouping& grouping) { return FieldChecks(statement, grouping).check(); }

}  // namespace campanile::query::influxql
