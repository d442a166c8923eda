#include "query/languages/influxql/columns.h"

#include <algorithm>
#include <map>

#include <re2/re2.h>

#include "base/text.h"
#include "query/aggregator.h"
#include "query/languages/influxql/time_text.h"

namespace campanile::query::influxql {
namespace {

struct NamedColumn {
  Expr expr;
  std::string alias;
};

bool matches(const Regex& regex, std::string_view name) {
  return re2::RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), *regex.pattern);
}

Expr reference_to(const std::string& name, Cast cast) {
  Expr made;
  made.text = name;
  made.cast = cast;
  return made;
}

// All fields and tags that a wildcard or a pattern stands for, by name. Tags that the answer is grouped by stay out.
std::vector<Expr> expand_references(const Expr& pattern, const Schema& schema, const Grouping& grouping) {
  std::map<std::pair<std::string, int>, Expr> found;
  const auto wanted = [&](const std::string& name) { return pattern.kind == Expr::Kind::kWildcard || matches(*pattern.regex, name); };
  if (pattern.cast != Cast::kTag) {
    for (const auto& [name, type] : schema.fields()) {
      if (wanted(name)) found[{name, 0}] = reference_to(name, Cast::kAnyField);
    }
  }
  // As InfluxDB has it: grouping by a wildcard or a pattern keeps every tag out.
  const bool with_tags = pattern.cast != Cast::kAnyField && !grouping.all_tags && grouping.patterns.empty();
  if (with_tags) {
    for (const std::string& name : schema.tags()) {
      const bool grouped = std::find(grouping.tags.begin(), grouping.tags.end(), name) != grouping.tags.end();
      if (!grouped && wanted(name)) found[{name, 1}] = reference_to(name, Cast::kTag);
    }
  }
  std::vector<Expr> references;
  for (auto& [key, reference] : found) references.push_back(std::move(reference));
  return references;
}

bool is_wild(const Expr& expr) { return expr.kind == Expr::Kind::kWildcard || expr.kind == Expr::Kind::kRegex; }

// mean_usage for mean(*); of a column in a sum the names of all that is in it.
void append_name(const Expr& expr, std::string& out) {
  if (expr.kind == Expr::Kind::kReference || expr.kind == Expr::Kind::kCall) {
    if (!out.empty()) out += '_';
    out += expr.text;
    return;
  }
  for (const Expr& child : expr.children) append_name(child, out);
}

std::string column_name(const Expr& expr) {
  std::string name;
  append_name(expr, name);
  return name;
}

// Gives each column a name of its own: aliases first, then the made ones, "_1" and so on behind those taken.
std::vector<std::string> unique_names(const std::vector<NamedColumn>& columns, std::string time_name) {
  std::vector<std::string> names{std::move(time_name)};
  std::map<std::string, size_t> taken;
  for (const NamedColumn& column : columns) {
    names.push_back(column.alias);
    if (!column.alias.empty()) taken[column.alias] = 1;
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!columns[i].alias.empty()) continue;
    const std::string base = column_name(columns[i].expr);
    std::string name = base;
    if (const auto found = taken.find(base); found != taken.end()) {
      size_t count = found->second;
      while (taken.contains(fmt::format("{}_{}", base, count))) ++count;
      name = fmt::format("{}_{}", base, count);
      found->second = count + 1;
    }
    ++taken[name];
    names[i + 1] = std::move(name);
  }
  return names;
}

// One column per field that the call can take, named call_field.
void expand_call(const NamedColumn& column, const Schema& schema, const Grouping& grouping, std::vector<NamedColumn>& out) {
  const Function function = *function_named(column.expr.text);
  for (Expr& reference : expand_references(column.expr.children[0], schema, grouping)) {
    const auto type = reference.cast == Cast::kTag ? std::nullopt : schema.field(reference.text);
    if (!type || !accepts(function, *type)) continue;
    NamedColumn made = column;
    const std::string base = column.alias.empty() ? column.expr.text : column.alias;
    made.alias = fmt::format("{}_{}", base, reference.text);
    made.expr.children[0] = std::move(reference);
    out.push_back(std::move(made));
  }
}

struct FieldsSummary {
  size_t calls = 0;
  bool only_selectors = true;
  bool has_distinct = false;
  bool has_references = false;
};

std::unexpected<Error> invalid(std::string_view message) { return fail(ErrorCode::kInvalidArgument, "{}", message); }

// Functions of InfluxQL 1.8 that are yet to come: an error of their own, lest they look misspelt.
constexpr std::string_view kKnownFunctions[] = {
    "abs", "acos", "asin", "atan", "atan2", "bottom", "ceil", "chande_momentum_oscillator", "cos", "cumulative_sum", "derivative", "difference",
    "double_exponential_moving_average", "elapsed", "exp", "exponential_moving_average", "floor", "histogram", "holt_winters",
    "holt_winters_with_fit", "integral", "kaufmans_adaptive_moving_average", "kaufmans_efficiency_ratio", "ln", "log", "log10", "log2",
    "moving_average", "non_negative_derivative", "non_negative_difference", "pow", "relative_strength_index", "round", "sample", "sin", "sqrt",
    "tan", "top", "triple_exponential_derivative", "triple_exponential_moving_average"};

Result<void> check_argument(const Expr& call, bool allow_wildcard, FieldsSummary& summary) {
  const Expr& argument = call.children[0];
  switch (argument.kind) {
    case Expr::Kind::kReference: return {};
    case Expr::Kind::kWildcard:
      if (!allow_wildcard) return fail(ErrorCode::kInvalidArgument, "unsupported expression with wildcard: {}()", call.text);
      summary.only_selectors = false;
      return {};
    case Expr::Kind::kRegex:
      if (!allow_wildcard) return fail(ErrorCode::kInvalidArgument, "unsupported expression with regex field: {}()", call.text);
      summary.only_selectors = false;
      return {};
    default: return fail(ErrorCode::kInvalidArgument, "expected field argument in {}()", call.text);
  }
}

Result<void> check_distinct(const Expr& call, bool nested, FieldsSummary& summary) {
  if (call.children.empty()) return invalid("distinct function requires at least one argument");
  if (call.children.size() != 1) return invalid("distinct function can only have one argument");
  if (call.children[0].kind != Expr::Kind::kReference) return invalid("expected field argument in distinct()");
  if (!nested) summary.has_distinct = true;
  summary.only_selectors = false;
  return {};
}

Result<void> check_call(const Expr& call, bool allow_wildcard, FieldsSummary& summary) {
  ++summary.calls;
  if (call.is_call("distinct")) return check_distinct(call, false, summary);
  const auto function = function_named(call.text);
  if (!function) {
    const bool known = std::find(std::begin(kKnownFunctions), std::end(kKnownFunctions), call.text) != std::end(kKnownFunctions);
    if (known) return fail(ErrorCode::kUnsupported, "function {}() is not supported yet", call.text);
    return fail(ErrorCode::kInvalidArgument, "undefined function {}()", call.text);
  }
  const size_t expected = *function == Function::kPercentile ? 2 : 1;
  if (call.children.size() != expected) {
    return fail(ErrorCode::kInvalidArgument, "invalid number of arguments for {}, expected {}, got {}", call.text, expected, call.children.size());
  }
  if (*function == Function::kPercentile) {
    const Expr::Kind kind = call.children[1].kind;
    if (kind != Expr::Kind::kInteger && kind != Expr::Kind::kNumber) return invalid("expected float argument in percentile()");
  }
  if (!is_selector(*function)) summary.only_selectors = false;
  if (*function == Function::kCount && call.children[0].is_call("distinct")) return check_distinct(call.children[0], true, summary);
  return check_argument(call, allow_wildcard, summary);
}

bool has_variable(const Expr& expr) {
  if (!expr.is_literal() && expr.children.empty()) return true;
  if (expr.kind == Expr::Kind::kCall) return true;
  return std::any_of(expr.children.begin(), expr.children.end(), has_variable);
}

Result<void> check_field(const Expr& expr, bool allow_wildcard, FieldsSummary& summary) {
  switch (expr.kind) {
    case Expr::Kind::kReference: summary.has_references = true; return {};
    case Expr::Kind::kWildcard:
      summary.has_references = true;
      if (!allow_wildcard) return invalid("unable to use wildcard in a binary expression");
      return {};
    case Expr::Kind::kRegex:
      summary.has_references = true;
      if (!allow_wildcard) return invalid("unable to use regex in a binary expression");
      return {};
    case Expr::Kind::kCall: return check_call(expr, allow_wildcard, summary);
    case Expr::Kind::kParen: return check_field(expr.children[0], allow_wildcard, summary);
    case Expr::Kind::kBinary:
      for (const Expr& child : expr.children) {
        if (has_variable(child)) TRY(check_field(child, false, summary));
      }
      return {};
    default: return invalid("field must contain at least one variable");
  }
}

Result<int64_t> window_offset(const Expr& argument, int64_t every_ns, int64_t now_ns, const TimeZone* zone) {
  if (argument.kind == Expr::Kind::kDuration) return argument.integer % every_ns;
  if (argument.kind == Expr::Kind::kCall) {
    if (!argument.is_call("now")) return invalid("time dimension offset function must be now()");
    if (!argument.children.empty()) return invalid("time dimension offset now() function requires no arguments");
    return now_ns % every_ns;
  }
  // InfluxDB checks it as a time and then has no use for one.
  if (argument.kind == Expr::Kind::kString && looks_like_time(argument.text)) {
    TRY(parse_time(argument.text, zone));
    return fail(ErrorCode::kInvalidArgument, "invalid time dimension offset: {}", to_string(argument));
  }
  return invalid("time dimension offset must be duration or now()");
}

Result<void> read_time_dimension(const Expr& call, Grouping& grouping, int64_t now_ns, std::shared_ptr<const TimeZone> zone) {
  if (!call.is_call("time")) return invalid("only time() calls allowed in dimensions");
  if (call.children.empty() || call.children.size() > 2) return invalid("time dimension expected 1 or 2 arguments");
  if (call.children[0].kind != Expr::Kind::kDuration) return invalid("time dimension must have duration argument");
  if (grouping.window) return invalid("multiple time dimensions not allowed");
  const int64_t every_ns = call.children[0].integer;
  // InfluxDB reads an interval of nothing as none.
  if (every_ns <= 0) return {};
  const int64_t offset_ns = call.children.size() == 2 ? TRY(window_offset(call.children[1], every_ns, now_ns, zone.get())) : 0;
  grouping.window = Window{every_ns, offset_ns, std::move(zone)};
  return {};
}

}  // namespace

std::optional<Function> function_named(std::string_view name) {
  static constexpr std::pair<std::string_view, Function> kFunctions[] = {
      {"count", Function::kCount},   {"sum", Function::kSum},       {"mean", Function::kMean},     {"min", Function::kMin},
      {"max", Function::kMax},       {"first", Function::kFirst},   {"last", Function::kLast},     {"spread", Function::kSpread},
      {"stddev", Function::kStddev}, {"median", Function::kMedian}, {"mode", Function::kMode},     {"percentile", Function::kPercentile},
      {"distinct", Function::kDistinct}};
  for (const auto& [each, function] : kFunctions) {
    if (each == name) return function;
  }
  return std::nullopt;
}

Result<Grouping> read_dimensions(const SelectStatement& statement, int64_t now_ns, std::shared_ptr<const TimeZone> zone) {
  Grouping grouping;
  for (const Expr& dimension : statement.dimensions) {
    switch (dimension.kind) {
      case Expr::Kind::kReference:
        if (equals_ignore_case(dimension.text, "time")) return invalid("time() is a function and expects at least one argument");
        grouping.tags.push_back(dimension.text);
        break;
      case Expr::Kind::kCall: TRY(read_time_dimension(dimension, grouping, now_ns, zone)); break;
      case Expr::Kind::kWildcard: grouping.all_tags = true; break;
      case Expr::Kind::kRegex: grouping.patterns.push_back(dimension.regex); break;
      default: return invalid("only time and tag dimensions allowed");
    }
  }
  return grouping;
}

Result<void> check_fields(const SelectStatement& statement, const Grouping& grouping) {
  FieldsSummary summary;
  size_t fields = 0;
  for (const FieldExpr& field : statement.fields) {
    if (field.expr.is_reference("time")) continue;
    ++fields;
    if (!has_variable(field.expr) && !is_wild(field.expr)) return invalid("field must contain at least one variable");
    TRY(check_field(field.expr, true, summary));
  }
  if (fields == 0) return invalid("at least 1 non-time field must be queried");
  if (summary.calls == 0) {
    if (statement.fill == FillKind::kNone) return invalid("fill(none) must be used with a function");
    if (statement.fill == FillKind::kLinear) return invalid("fill(linear) must be used with a function");
    if (grouping.window) return invalid("GROUP BY requires at least one aggregate function");
  }
  if (summary.has_distinct && (summary.calls != 1 || summary.has_references)) {
    return invalid("aggregate function distinct() cannot be combined with other functions or fields");
  }
  if (summary.has_references && summary.calls > 0) {
    if (!summary.only_selectors) return invalid("mixing aggregate and non-aggregate queries is not supported");
    if (summary.calls > 1) return invalid("mixing multiple selector functions with tags or fields is not supported");
  }
  return {};
}

Columns expand_columns(const SelectStatement& statement, const Schema& schema, const Grouping& grouping) {
  std::string time_name = "time";
  std::vector<NamedColumn> columns;
  for (const FieldExpr& field : statement.fields) {
    if (field.expr.is_reference("time")) {
      if (!field.alias.empty()) time_name = field.alias;
      continue;
    }
    if (is_wild(field.expr)) {
      for (Expr& reference : expand_references(field.expr, schema, grouping)) columns.push_back({std::move(reference), {}});
    } else if (field.expr.kind == Expr::Kind::kCall && is_wild(field.expr.children[0])) {
      expand_call({field.expr, field.alias}, schema, grouping, columns);
    } else {
      columns.push_back({field.expr, field.alias});
    }
  }
  Columns made;
  made.names = unique_names(columns, std::move(time_name));
  for (NamedColumn& column : columns) made.exprs.push_back(std::move(column.expr));
  return made;
}

}  // namespace campanile::query::influxql
