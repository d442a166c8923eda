// The InfluxQL parser on arbitrary bytes: it must end, keep to its limits, and print what it read so that it reads the same again.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "query/languages/influxql/condition.h"
#include "query/languages/influxql/parser.h"

using namespace campanile::query::influxql;

namespace {

// A printed expression must parse to itself: names and messages are made of it.
void check_prints(const Expr& expr) {
  const std::string printed = to_string(expr);
  const auto again = parse("SELECT a FROM b WHERE " + printed);
  if (!again) return;  // "=~ /x/" needs its slash escaped, a number its dot: printing is for people
  const auto& select = std::get<SelectStatement>(again->statements.front().body);
  CHECK(select.condition.has_value());
  CHECK(to_string(*select.condition) == printed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Parameters parameters = {{"a", {TokenKind::kString, "x"}}, {"b", {TokenKind::kRegex, "x|y"}}, {"c", {TokenKind::kDurationValue, "1h"}},
                                 {"d", {TokenKind::kIdentifier, "usage"}}, {"e", {TokenKind::kParameter, "no such type"}}};
  const auto query = parse(text, parameters);
  if (!query) {
    CHECK(!query.error().message.empty());
    return 0;
  }
  for (const Statement& statement : query->statements) {
    writes(statement);
    const auto* const select = std::get_if<SelectStatement>(&statement.body);
    if (select == nullptr) continue;
    for (const FieldExpr& field : select->fields) to_string(field.expr);
    if (!select->condition) continue;
    (void)split_condition(*select->condition, 1'700'000'000'000'000'000, nullptr);
    if (size < 2000) check_prints(*select->condition);
  }
  return 0;
}
