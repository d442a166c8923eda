// The syntax tree of InfluxQL, as the parser makes it and the planner reads it.
//
//   Query query = TRY(parse("SELECT mean(usage) FROM cpu WHERE time > now() - 1h GROUP BY host"));
//   for (const Statement& statement : query.statements) ...
//
// Threads: plain values that own everything; regular expressions are shared and immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "query/languages/influxql/token.h"

namespace re2 {
class RE2;
}

namespace campanile::query::influxql {

// What stands behind "::" in a reference.
enum class Cast : uint8_t { kNone, kFloat, kInteger, kUnsigned, kString, kBoolean, kAnyField, kTag };

struct Regex {
  std::string source;
  std::shared_ptr<const re2::RE2> pattern;
};

struct Expr {
  enum class Kind : uint8_t {
    kReference,  // text, cast
    kCall,       // text (lower case), children
    kBinary,     // op, two children
    kParen,      // one child
    kWildcard,   // cast: kNone, kAnyField or kTag
    kNumber, kInteger, kUnsigned, kString, kBoolean, kDuration, kTime, kRegex,
  };
  Kind kind = Kind::kReference;
  Cast cast = Cast::kNone;
  TokenKind op = TokenKind::kIllegal;
  bool boolean = false;
  uint16_t depth = 1;         // of the tree below; the parser bounds it
  double number = 0;
  int64_t integer = 0;        // kInteger; kDuration and kTime in nanoseconds
  uint64_t unsigned_value = 0;
  std::string text;           // kReference, kCall, kString
  std::shared_ptr<const Regex> regex;
  std::vector<Expr> children;

  bool is_literal() const { return kind >= Kind::kNumber; }
  bool is_call(std::string_view name) const { return kind == Kind::kCall && text == name; }
  bool is_reference(std::string_view name) const { return kind == Kind::kReference && text == name; }
};

// InfluxQL text again, for column names and messages: "mean(usage)", "usage::float & 1".
std::string to_string(const Expr& expr);
std::string_view to_string(Cast cast);
// 'text' and "name" with what needs it escaped; names are quoted only where they must be.
std::string quote_string(std::string_view text);
std::string quote_name(std::string_view name);
// "1h", "90m", "1500ms": the largest unit that divides it.
std::string format_duration(int64_t duration_ns);

struct SelectStatement;

struct Source {
  std::string database;
  std::string retention_policy;
  std::string name;                     // empty where `regex` or `subquery` is set
  std::shared_ptr<const Regex> regex;
  std::shared_ptr<const SelectStatement> subquery;
};

struct FieldExpr {
  Expr expr;
  std::string alias;
};

enum class FillKind : uint8_t { kNull, kNone, kPrevious, kLinear, kNumber };

struct SelectStatement {
  std::vector<FieldExpr> fields;
  std::optional<Source> target;  // INTO
  std::vector<Source> sources;
  std::optional<Expr> condition;
  std::vector<Expr> dimensions;
  FillKind fill = FillKind::kNull;
  Expr fill_number;              // kInteger or kNumber, where fill is kNumber
  bool ascending = true;
  bool is_ordered = false;       // by a clause of its own
  uint64_t limit = 0;            // 0: none, here and below
  uint64_t offset = 0;
  uint64_t series_limit = 0;
  uint64_t series_offset = 0;
  std::string time_zone;         // empty: UTC
};

// What SHOW MEASUREMENTS, TAG KEYS, TAG VALUES, FIELD KEYS and SERIES have in common.
struct ShowClauses {
  std::string database;               // ON, empty: that of the request
  std::vector<Source> sources;        // FROM; WITH MEASUREMENT
  TokenKind key_op = TokenKind::kIllegal;  // WITH KEY: kEqual, kNotEqual, kMatches, kNotMatches, kIn
  std::vector<std::string> keys;
  std::shared_ptr<const Regex> key_regex;
  std::optional<Expr> condition;
  uint64_t limit = 0;
  uint64_t offset = 0;
};

struct ShowMeasurements : ShowClauses {};
struct ShowTagKeys : ShowClauses {};
struct ShowTagValues : ShowClauses {};
struct ShowFieldKeys : ShowClauses {};
struct ShowSeries : ShowClauses {};
// SHOW … CARDINALITY: how many of them there are, by measurement where more than a number is asked for.
struct ShowCardinality : ShowClauses {
  enum class Of : uint8_t { kSeries, kMeasurements, kTagKeys, kTagValues, kFieldKeys };
  Of of = Of::kSeries;
  bool exact = false;
};
struct ShowQueries {};
struct ShowDatabases {};
struct ShowRetentionPolicies {
  std::string database;
};
struct ShowDiagnostics {
  std::string module;  // FOR 'module', empty: all
};
struct ShowUsers {};
struct ShowContinuousQueries {};
struct ShowSubscriptions {};
struct CreateDatabase {
  std::string name;
  bool with_policy = false;
  std::optional<int64_t> duration_ns;  // 0: INF
  std::optional<int64_t> replication;
  std::optional<int64_t> shard_duration_ns;
  std::string policy_name;
};
struct DropDatabase {
  std::string name;
};
struct CreateRetentionPolicy {
  std::string name;
  std::string database;
  int64_t duration_ns = 0;
  int64_t replication = 1;
  std::optional<int64_t> shard_duration_ns;
  bool is_default = false;
};
struct DeleteStatement {
  std::vector<Source> sources;  // empty: all measurements
  std::optional<Expr> condition;
};
struct DropSeries : DeleteStatement {};
struct DropMeasurement {
  std::string name;
};
struct DropRetentionPolicy {
  std::string name;
  std::string database;
};
struct AlterRetentionPolicy {
  std::string name;
  std::string database;
  std::optional<int64_t> duration_ns;
  std::optional<int64_t> replication;
  std::optional<int64_t> shard_duration_ns;
  bool is_default = false;
};
struct CreateContinuousQuery {
  std::string name;
  std::string database;
  std::optional<int64_t> every_ns;  // RESAMPLE
  std::optional<int64_t> for_ns;
  SelectStatement select;           // has a target and windows
};
struct DropContinuousQuery {
  std::string name;
  std::string database;
};
struct KillQuery {
  uint64_t id = 0;
};
struct Explain {
  bool analyze = false;
  SelectStatement select;
};
// InfluxQL that this program does not do: running it says so.
struct Unsupported {
  std::string what;
  bool writes = false;
};

using StatementBody =
    std::variant<SelectStatement, ShowMeasurements, ShowTagKeys, ShowTagValues, ShowFieldKeys, ShowSeries, ShowDatabases, ShowRetentionPolicies,
                 ShowDiagnostics, ShowUsers, ShowContinuousQueries, ShowSubscriptions, ShowCardinality, ShowQueries, CreateDatabase, DropDatabase, CreateRetentionPolicy,
                 AlterRetentionPolicy, DropRetentionPolicy, DeleteStatement, DropSeries, DropMeasurement, KillQuery, Explain,
                 CreateContinuousQuery, DropContinuousQuery, Unsupported>;

struct Statement {
  StatementBody body;
  std::string text;  // as it was written, for messages
};

// Whether it changes anything, so that a GET deserves a warning.
bool writes(const Statement& statement);

struct Query {
  std::vector<Statement> statements;
};

}  // namespace campanile::query::influxql
