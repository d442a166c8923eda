#include "app/query/answer.h"

#include <gtest/gtest.h>

#include "app/query/chart.h"
#include "app/query/table.h"

namespace campanile::app {
namespace {

constexpr std::string_view kBody = R"({"results":[{"statement_id":0,"series":[{"name":"cpu","tags":{"room":"302","host":"a"},"columns":["time","mean","state"],
  "values":[["2026-01-01T00:00:00Z",1.5,"ok"],["2026-01-01T00:01:00Z",null,"a\nb"],["2026-01-01T00:02:00Z",21,null]]}]}]})";

TEST(Answer, IsCellsWithTheirNumbers) {
  const auto series = parse_query_answer(kBody).value();
  ASSERT_EQ(series.size(), 1u);
  EXPECT_EQ(series[0].title(), "cpu host=a room=302");
  ASSERT_EQ(series[0].rows.size(), 3u);
  EXPECT_EQ(series[0].rows[0][1].text, "1.5");
  EXPECT_EQ(series[0].rows[0][1].number, 1.5);
  EXPECT_EQ(series[0].rows[1][1].text, "");
  EXPECT_FALSE(series[0].rows[0][2].number);
}

TEST(Answer, TellsErrorsInTheServersWords) {
  EXPECT_EQ(parse_query_answer(R"({"error":"error parsing query"})").error().message, "error parsing query");
  EXPECT_EQ(parse_query_answer(R"({"results":[{"statement_id":0},{"statement_id":1,"error":"database not found: x"}]})").error().message, "database not found: x");
  EXPECT_EQ(parse_query_answer("<html>").error().code, ErrorCode::kIoError);
  EXPECT_TRUE(parse_query_answer(R"({"results":[{"statement_id":0}]})").value().empty());
}

TEST(Answer, OfAnyShapeIsNoReasonToFall) {
  for (const char* body : {R"({"results":7})", R"({"results":[7,{"series":[1,{"columns":[1,{}],"values":[1,[1,2,3],[[]]]}]}]})", R"({"results":[{"series":[{}]}]})"}) {
    const auto series = parse_query_answer(body);
    ASSERT_TRUE(series) << body;
    for (const AnsweredSeries& each : *series) {
      draw_table(each);
      draw_chart(each, 40, 4);
      draw_sparklines(each, 40);
    }
  }
}

TEST(Table, PutsNumbersToTheRightAndTextsToTheLeft) {
  EXPECT_EQ(draw_table(parse_query_answer(kBody).value()[0]),
            "cpu host=a room=302\n"
            "time                  mean  state\n"
            "────────────────────  ────  ─────\n"
            "2026-01-01T00:00:00Z   1.5  ok\n"
            "2026-01-01T00:01:00Z        a b\n"
            "2026-01-01T00:02:00Z    21  \n");
}

AnsweredSeries numbers(std::initializer_list<std::optional<double>> values) {
  AnsweredSeries series{.name = "m", .columns = {"time", "x"}};
  int64_t time = 0;
  for (const auto& value : values) series.rows.push_back({{std::to_string(time++), std::nullopt}, {value ? "n" : "", value}});
  return series;
}

TEST(Chart, SparklinesGoFromTheLeastToTheGreatest) {
  EXPECT_EQ(draw_sparklines(numbers({0, 1, 2, 3, std::nullopt, 7}), 80), "m x ▁▂▃▄ █  0 to 7, last 7\n");
  EXPECT_EQ(draw_sparklines(numbers({5, 5}), 80), "m x ▅▅  5 to 5, last 5\n");
}

TEST(Chart, MoreRowsThanPlacesAreMeans) {
  AnsweredSeries series = numbers({});
  for (int i = 0; i < 1000; ++i) series.rows.push_back({{"t", std::nullopt}, {"n", i < 500 ? 0.0 : 8.0}});
  EXPECT_EQ(draw_sparklines(series, 47), "m x ▁▁▁▁▁█████  0 to 8, last 8\n");
}

TEST(Chart, JoinsWhatLiesBesideOneAnother) {
  EXPECT_EQ(draw_chart(numbers({0, 10}), 14, 2),
            "m x\n"
            "10 │     ⣀⡠⠔⠒⠉\n"
            " 0 │⣀⠤⠔⠊⠉     \n"
            "   └──────────\n"
            "    0        1\n");
}

TEST(Chart, OfHugeNumbersStaysInItsFrame) {
  draw_chart(numbers({-1.7e308, 1.7e308, 0}), 60, 5);
  EXPECT_EQ(draw_chart(numbers({}), 60, 5), "");
}

}  // namespace
}  // namespace campanile::app
