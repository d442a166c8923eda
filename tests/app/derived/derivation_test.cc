#include "app/derived/derivation.h"

#include <gtest/gtest.h>

#include "app/config/load.h"
#include "query/languages/influxql/continuous.h"

namespace campanile::app {
namespace {

TEST(Derivation, OfATierHasAStatementForEachLevel) {
  const TierConfig tier{.name = "t", .measurements = {"*"}, .aggregates = {"mean", "first"}, .levels = {{.every_s = 3600, .keep_s = 0}, {.every_s = 60, .keep_s = 90 * 86'400}}};
  const auto all = derivations_of(tier, "campus", "my \"rooms\"", {{"t", FieldType::kFloat}, {"on", FieldType::kBoolean}});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].name, "my \"rooms\"_downsample_1m");
  EXPECT_EQ(all[0].statement,
            R"(CREATE CONTINUOUS QUERY derived ON campus BEGIN SELECT mean(t) AS mean_t, first(t) AS first_t, first("on") AS first_on INTO keep_90d."my \"rooms\"_downsample_1m" FROM "my \"rooms\"" GROUP BY time(1m), * END)");
  EXPECT_EQ(all[1].target_policy, "");
  EXPECT_TRUE(all[1].is_by_series);
  for (const Derivation& each : all) EXPECT_TRUE(query::influxql::parse_continuous(each.statement)) << each.statement;
  EXPECT_NE(all[0].meaning, derivations_of({.name = "t", .measurements = {"*"}}, "campus", "my \"rooms\"", {})[0].meaning);
}

TEST(Derivation, OfATreeSumsEachSensorOnceAndBuildsInOrder) {
  const Config config = parse_config(R"(
trees:
  - name: e
    levels: [{every_s: 30s}, {every_s: 1m}]
    nodes:
      - {id: all, root: true, children: [left, right]}
      - {id: left, children: [x]}
      - {id: right, children: [x]}
      - {id: x, target: "it's"}
    ratios: [{id: r, of: all, to: left}]
)", "test").value();
  const auto all = derivations_of(config.trees[0], "db");
  std::vector<std::string> names;
  for (const Derivation& each : all) names.push_back(each.name);
  EXPECT_EQ(names, (std::vector<std::string>{"cq_all_30s", "cq_left_30s", "cq_right_30s", "cq_x_30s", "cq_r_30s", "cq_all_1m", "cq_left_1m", "cq_right_1m", "cq_x_1m", "cq_r_1m"}));
  EXPECT_EQ(all[0].members, std::vector<std::string>{"it's"});
  EXPECT_EQ(all[5].sources, std::vector<std::string>{"cq_all_30s"});
  EXPECT_EQ(all[9].sources, (std::vector<std::string>{"cq_all_1m", "cq_left_1m"}));
  for (const Derivation& each : all) EXPECT_TRUE(each.ratio || query::influxql::parse_continuous(each.statement)) << each.statement;
}

TEST(Derivation, RefusesWhatMakesNoSense) {
  const auto wrong = [](const std::string& yaml, const std::string& words) {
    const auto config = parse_config(yaml, "test");
    ASSERT_FALSE(config) << yaml;
    EXPECT_NE(config.error().message.find(words), std::string::npos) << config.error().message;
  };
  wrong("tiers: [{name: a, measurements: []}]", "at least one");
  wrong("tiers: [{name: a, measurements: [m], aggregates: [meen]}]", "did you mean mean?");
  wrong("tiers: [{name: a, measurements: [m], levels: [{every_s: 7m}]}]", "of which a day is a multiple");
  wrong("tiers: [{name: a, measurements: [m], levels: [{every_s: 1m}, {every_s: 60}]}]", "1m stands twice");
  wrong("tiers: [{name: a, measurements: [m], levels: [{every_s: 1h, keep_s: 1h}]}]", "two of its windows");
  wrong("tiers: [{name: a, measurements: [m], target: x}]", "{level}");
  wrong("tiers: [{name: a, measurements: [\"m*\"], target: \"x_{level}\"}]", "{measurement}");
  wrong("tiers: [{name: a, measurements: [m], column: \"{aggregate}\"}]", "{field}");
  wrong("tiers: [{name: a, measurements: [m]}, {name: a, measurements: [n]}]", "stands twice");
  wrong("trees: [{name: a, nodes: [{id: x, children: [y]}]}]", "a child 'y', which is not there");
  wrong("trees: [{name: a, nodes: [{id: x, children: [y]}, {id: y, children: [x]}]}]", "its own descendant: x -> y -> x");
  wrong("trees: [{name: a, nodes: [{id: x}]}]", "neither children nor a target");
  wrong("trees: [{name: a, nodes: [{id: x, target: t}], ratios: [{id: r, of: x, to: z}]}]", "there is no node 'z'");
  wrong("trees: [{name: a, nodes: [{id: x, target: t}], ratios: [{id: x, of: x, to: x}]}]", "a node is called so");
}

TEST(Pattern, HoldsAnythingForAStar) {
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("a*c", "abbc"));
  EXPECT_TRUE(matches_pattern("*_b*", "a_b"));
  EXPECT_FALSE(matches_pattern("a*c", "abd"));
  EXPECT_FALSE(matches_pattern("a", "ab"));
  EXPECT_FALSE(matches_pattern("*a*a*a*a*a*a*a*a*b", std::string(5000, 'a'))) << "soon";
}

}  // namespace
}  // namespace campanile::app
