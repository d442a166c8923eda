#include "query/languages/influxql/columns.h"

#include <algorithm>
#include <map>

#include <re2/re2.h>

#include "base/text.h"
#include "query/languages/influxql/functions.h"
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

// The innermost of calls that are each the other's first argument.
Expr& innermost(Expr& call) {
  Expr* inner = &call;
  while (!inner->children.empty() && inner->children[0].kind == Expr::Kind::kCall) inner = &inner->children[0];
  return *inner;
}

bool is_wild_call(const Expr& expr) {
  if (expr.kind != Expr::Kind::kCall || expr.children.empty()) return false;
  return is_wild(expr.children[0]) || is_wild_call(expr.children[0]);
}

// One column per field that the call can take, named call_field.
void expand_call(const NamedColumn& column, const Schema& schema, const Grouping& grouping, std::vector<NamedColumn>& out) {
  NamedColumn made = column;
  Expr& call = innermost(made.expr);
  const Expr pattern = call.children[0];
  for (Expr& reference : expand_references(pattern, schema, grouping)) {
    const auto type = reference.cast == Cast::kTag ? std::nullopt : schema.field(reference.text);
    if (!type || !takes(call.text, *type)) continue;
    made.alias = fmt::format("{}_{}", column.alias.empty() ? column.expr.text : column.alias, reference.text);
    call.children[0] = std::move(reference);
    out.push_back(made);
  }
}

// Behind top(field, tag, n) stands the tag. Points that are written keep their tags anyway.
void add_tags_of_extremes(const Expr& call, std::vector<NamedColumn>& out) {
  const auto pick = call.kind == Expr::Kind::kCall ? pick_named(call.text) : std::nullopt;
  if (!pick || *pick == Pick::Kind::kSample) return;
  for (size_t i = 1; i + 1 < call.children.size(); ++i) out.push_back({call.children[i], {}});
}

std::unexpected<Error> invalid(std::string_view message) { return fail(ErrorCode::kInvalidArgument, "{}", message); }

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
    } else if (is_wild_call(field.expr)) {
      expand_call({field.expr, field.alias}, schema, grouping, columns);
    } else {
      columns.push_back({field.expr, field.alias});
      if (!statement.target) add_tags_of_extremes(field.expr, columns);
    }
  }
  Columns made;
  made.names = unique_names(columns, std::move(time_name));
  for (NamedColumn& column : columns) made.exprs.push_back(std::move(column.expr));
  return made;
}

}  // namespace campanile::query::influxql
