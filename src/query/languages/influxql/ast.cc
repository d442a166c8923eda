#include "query/languages/influxql/ast.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "query/languages/influxql/time_text.h"

namespace campanile::query::influxql {
namespace {

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == quote) out += '\\';
    out += c;
  }
  return out + quote;
}

bool is_plain_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!plain) return false;
  }
  return keyword(name) == TokenKind::kIdentifier;
}

std::string with_cast(std::string text, Cast cast) {
  if (cast == Cast::kNone) return text;
  return fmt::format("{}::{}", text, to_string(cast));
}

}  // namespace

std::string quote_string(std::string_view text) { return quoted(text, '\''); }

std::string quote_name(std::string_view name) { return is_plain_name(name) ? std::string(name) : quoted(name, '"'); }

std::string_view to_string(Cast cast) {
  switch (cast) {
    case Cast::kNone: return "";
    case Cast::kFloat: return "float";
    case Cast::kInteger: return "integer";
    case Cast::kUnsigned: return "unsigned";
    case Cast::kString: return "string";
    case Cast::kBoolean: return "boolean";
    case Cast::kAnyField: return "field";
    case Cast::kTag: return "tag";
  }
  return "";
}

std::string format_duration(int64_t duration_ns) {
  struct Unit {
    int64_t ns;
    std::string_view suffix;
  };
  static constexpr std::array<Unit, 7> kUnits = {{{604'800'000'000'000, "w"}, {86'400'000'000'000, "d"}, {3'600'000'000'000, "h"},
                                                  {60'000'000'000, "m"}, {1'000'000'000, "s"}, {1'000'000, "ms"}, {1'000, "u"}}};
  if (duration_ns == 0) return "0s";
  for (const Unit& unit : kUnits) {
    if (duration_ns % unit.ns == 0) return fmt::format("{}{}", duration_ns / unit.ns, unit.suffix);
  }
  return fmt::format("{}ns", duration_ns);
}

std::string to_string(const Expr& expr) {
  switch (expr.kind) {
    case Expr::Kind::kReference: return with_cast(quote_name(expr.text), expr.cast);
    case Expr::Kind::kCall: {
      std::string arguments;
      for (const Expr& child : expr.children) {
        if (!arguments.empty()) arguments += ", ";
        arguments += to_string(child);
      }
      return fmt::format("{}({})", expr.text, arguments);
    }
    case Expr::Kind::kBinary:
      return fmt::format("{} {} {}", to_string(expr.children[0]), to_string(expr.op), to_string(expr.children[1]));
    case Expr::Kind::kParen: return fmt::format("({})", to_string(expr.children[0]));
    case Expr::Kind::kWildcard: return with_cast("*", expr.cast);
    case Expr::Kind::kNumber: return fmt::format("{:.3f}", expr.number);
    case Expr::Kind::kInteger: return fmt::format("{}", expr.integer);
    case Expr::Kind::kUnsigned: return fmt::format("{}", expr.unsigned_value);
    case Expr::Kind::kString: return quote_string(expr.text);
    case Expr::Kind::kBoolean: return expr.boolean ? "true" : "false";
    case Expr::Kind::kDuration: return format_duration(expr.integer);
    case Expr::Kind::kTime: return quote_string(format_time(expr.integer));
    case Expr::Kind::kRegex: return fmt::format("/{}/", expr.regex->source);
  }
  return {};
}

bool writes(const Statement& statement) {
  struct Visitor {
    bool operator()(const SelectStatement& select) const { return select.target.has_value(); }
    bool operator()(const DeleteStatement&) const { return true; }
    bool operator()(const CreateDatabase&) const { return true; }
    bool operator()(const DropDatabase&) const { return true; }
    bool operator()(const CreateRetentionPolicy&) const { return true; }
    bool operator()(const AlterRetentionPolicy&) const { return true; }
    bool operator()(const DropRetentionPolicy&) const { return true; }
    bool operator()(const DropMeasurement&) const { return true; }
    bool operator()(const CreateContinuousQuery&) const { return true; }
    bool operator()(const DropContinuousQuery&) const { return true; }
    bool operator()(const KillQuery&) const { return true; }
    bool operator()(const Explain&) const { return false; }
    bool operator()(const ShowQueries&) const { return false; }
    bool operator()(const Unsupported& unsupported) const { return unsupported.writes; }
    bool operator()(const ShowClauses&) const { return false; }
    bool operator()(const ShowDatabases&) const { return false; }
    bool operator()(const ShowRetentionPolicies&) const { return false; }
    bool operator()(const ShowDiagnostics&) const { return false; }
    bool operator()(const ShowUsers&) const { return false; }
    bool operator()(const ShowContinuousQueries&) const { return false; }
    bool operator()(const ShowSubscriptions&) const { return false; }
  };
  return std::visit(Visitor(), statement.body);
}

}  // namespace campanile::query::influxql
