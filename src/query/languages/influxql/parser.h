// The parser of InfluxQL 1.8: text to syntax tree.
//
//   Result<Query> query = parse("SELECT mean(usage) FROM cpu WHERE host = $host", {{"host", {TokenKind::kString, "a"}}});
//   if (!query) answer(400, "error parsing query: " + query.error().message);
//
// Pure. Errors: kInvalidArgument in InfluxDB's words: found X, expected Y, Z at line 1, char 10.
// Limits: query_bytes_max of text; expressions nest at most depth_max levels.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "query/languages/influxql/ast.h"

namespace campanile::query::influxql {

inline constexpr size_t kQueryBytesMax = 4 << 20;
inline constexpr uint16_t kDepthMax = 1000;

// What stands for $name. Of kind kParameter it is a value that cannot be bound, and `text` says why.
struct Parameter {
  TokenKind kind = TokenKind::kString;
  std::string text;
};
using Parameters = std::map<std::string, Parameter, std::less<>>;

Result<Query> parse(std::string_view text, const Parameters& parameters = {});
// What may stand behind WHERE, alone.
Result<Expr> parse_condition(std::string_view text);

}  // namespace campanile::query::influxql
