// What parses to what. The words of the errors are in tests/golden/query/influxql/errors_parse.test.

#include "query/languages/influxql/parser.h"

#include <functional>

#include <gtest/gtest.h>

namespace campanile::query::influxql {
namespace {

SelectStatement select(std::string_view text, const Parameters& parameters = {}) {
  const auto query = parse(text, parameters);
  EXPECT_TRUE(query) << text << ": " << (query ? "" : query.error().message);
  if (!query || query->statements.size() != 1) return {};
  return std::get<SelectStatement>(query->statements[0].body);
}

std::string error_of(std::string_view text, const Parameters& parameters = {}) {
  const auto query = parse(text, parameters);
  return query ? "" : query.error().message;
}

TEST(Parser, ReadsEveryClause) {
  const SelectStatement statement = select(
      "SELECT mean(usage) AS m, \"odd name\" INTO a.b.c FROM db.rp.cpu, /x/ WHERE host = 'a' GROUP BY time(1m), host fill(1.5) "
      "ORDER BY time DESC LIMIT 1 OFFSET 2 SLIMIT 3 SOFFSET 4 tz('UTC')");
  ASSERT_EQ(statement.fields.size(), 2u);
  EXPECT_EQ(statement.fields[0].alias, "m");
  EXPECT_EQ(to_string(statement.fields[0].expr), "mean(usage)");
  EXPECT_EQ(to_string(statement.fields[1].expr), "\"odd name\"");
  ASSERT_TRUE(statement.target);
  EXPECT_EQ(statement.target->name, "c");
  ASSERT_EQ(statement.sources.size(), 2u);
  EXPECT_EQ(statement.sources[0].database, "db");
  EXPECT_EQ(statement.sources[0].retention_policy, "rp");
  EXPECT_EQ(statement.sources[0].name, "cpu");
  EXPECT_EQ(statement.sources[1].regex->source, "x");
  EXPECT_EQ(to_string(*statement.condition), "host = 'a'");
  EXPECT_EQ(statement.dimensions.size(), 2u);
  EXPECT_EQ(statement.fill, FillKind::kNumber);
  EXPECT_EQ(statement.fill_number.number, 1.5);
  EXPECT_FALSE(statement.ascending);
  EXPECT_EQ(statement.limit, 1u);
  EXPECT_EQ(statement.offset, 2u);
  EXPECT_EQ(statement.series_limit, 3u);
  EXPECT_EQ(statement.series_offset, 4u);
  EXPECT_EQ(statement.time_zone, "UTC");
}

TEST(Parser, BindsOperatorsByPrecedence) {
  const auto grouped = [](std::string_view text) {
    const SelectStatement statement = select("SELECT f FROM m WHERE " + std::string(text));
    std::function<std::string(const Expr&)> show = [&](const Expr& expr) -> std::string {
      if (expr.kind != Expr::Kind::kBinary) return to_string(expr);
      return "[" + show(expr.children[0]) + " " + std::string(to_string(expr.op)) + " " + show(expr.children[1]) + "]";
    };
    return show(*statement.condition);
  };
  EXPECT_EQ(grouped("a = 1 OR b = 2 AND c = 3"), "[[a = 1] OR [[b = 2] AND [c = 3]]]");
  EXPECT_EQ(grouped("a = 1 AND b = 2 OR c = 3"), "[[[a = 1] AND [b = 2]] OR [c = 3]]");
  EXPECT_EQ(grouped("a + 2 * 3 - b > 1"), "[[[a + [2 * 3]] - b] > 1]");
  EXPECT_EQ(grouped("a - b - c = -1"), "[[[a - b] - c] = -1]");
  EXPECT_EQ(grouped("a =~ /x/ AND b"), "[[a =~ /x/] AND b]");
}

TEST(Parser, TakesSegmentsAndCasts) {
  const SelectStatement statement = select("SELECT a.b::float, *::tag, c::field FROM db..m");
  EXPECT_EQ(statement.fields[0].expr.text, "a.b");
  EXPECT_EQ(statement.fields[0].expr.cast, Cast::kFloat);
  EXPECT_EQ(statement.fields[1].expr.cast, Cast::kTag);
  EXPECT_EQ(statement.fields[2].expr.cast, Cast::kAnyField);
  EXPECT_EQ(statement.sources[0].database, "db");
  EXPECT_EQ(statement.sources[0].retention_policy, "");
}

TEST(Parser, PutsParametersInTheirPlaces) {
  const Parameters parameters = {{"host", {TokenKind::kString, "a'b"}}, {"re", {TokenKind::kRegex, "x|y"}}, {"since", {TokenKind::kDurationValue, "1h"}},
                                 {"field", {TokenKind::kIdentifier, "usage"}}, {"bad", {TokenKind::kParameter, "no such type"}}};
  const SelectStatement statement = select("SELECT $field FROM m WHERE h = $host AND g =~ $re AND time > now() - $since", parameters);
  EXPECT_EQ(statement.fields[0].expr.text, "usage");
  EXPECT_EQ(to_string(*statement.condition), R"(h = 'a\'b' AND g =~ /x|y/ AND time > now() - 1h)");
  EXPECT_EQ(error_of("SELECT f FROM m WHERE h = $none", parameters), "missing parameter: none");
  EXPECT_EQ(error_of("SELECT f FROM m WHERE h = $bad", parameters), "missing parameter: no such type");
}

TEST(Parser, SplitsStatementsAndKeepsTheirText) {
  const auto query = parse(" SHOW DATABASES ;; CREATE DATABASE \"x;y\" ; DROP SERIES FROM a WHERE b = ';' ");
  ASSERT_TRUE(query) << query.error().message;
  ASSERT_EQ(query->statements.size(), 3u);
  EXPECT_EQ(query->statements[0].text, "SHOW DATABASES");
  EXPECT_EQ(std::get<CreateDatabase>(query->statements[1].body).name, "x;y");
  EXPECT_FALSE(writes(query->statements[0]));
  EXPECT_TRUE(writes(query->statements[1]));
  EXPECT_TRUE(writes(query->statements[2]));
}

TEST(Parser, ReadsPoliciesOfNewDatabases) {
  const auto query = parse("CREATE DATABASE d WITH DURATION 2d REPLICATION 1 SHARD DURATION 1h NAME p");
  ASSERT_TRUE(query);
  const auto& create = std::get<CreateDatabase>(query->statements[0].body);
  EXPECT_EQ(create.duration_ns, int64_t{2} * 86'400'000'000'000);
  EXPECT_EQ(create.policy_name, "p");
}

TEST(Parser, RefusesWhatIsTooDeepOrTooLong) {
  const std::string deep = "SELECT f FROM m WHERE " + std::string(300, '(') + "a = 1" + std::string(300, ')');
  EXPECT_NE(error_of(deep).find("nested deeper"), std::string::npos);
  std::string chain = "SELECT f FROM m WHERE a = 1";
  for (int i = 0; i < 2000; ++i) chain += " OR a = 1";
  EXPECT_NE(error_of(chain).find("nested deeper"), std::string::npos);
  EXPECT_NE(error_of(std::string(kQueryBytesMax + 1, ' ')).find("bytes"), std::string::npos);
  std::string calls = "SELECT ";
  for (int i = 0; i < 300; ++i) calls += "f(";
  EXPECT_NE(error_of(calls).find("nested deeper"), std::string::npos);
}

TEST(Parser, ReadsTheSmallestInteger) {
  EXPECT_EQ(select("SELECT f FROM m WHERE a = -9223372036854775808").condition->children[1].integer, INT64_MIN);
  EXPECT_EQ(error_of("SELECT f FROM m WHERE a = -9223372036854775809"), "constant -9223372036854775809 underflows int64");
}

}  // namespace
}  // namespace campanile::query::influxql
