#include "api/place_rules.h"

#include <gtest/gtest.h>

namespace campanile::api {
namespace {

Placement placed(const SeriesName& series, std::string_view field, std::vector<PlaceRule> rules = {}) {
  const PlaceRules all(std::move(rules));
  return PlaceRules::place(all.rule_for(series.measurement), series, field);
}

TEST(PlaceRules, ACampusRoom) {
  const auto placement = placed({"data", {{"building", "u4"}, {"kind", "temperature"}, {"room", "302"}, {"subID", "24"}, {"unitID", "auto_92f8"}}}, "value");
  EXPECT_EQ(placement.place, "u4/302");
  EXPECT_EQ(placement.name, "auto_92f8/24");
  EXPECT_EQ(placement.quantity, "temperature");
}

TEST(PlaceRules, WhatIsOutsideHasNoRoom) {
  EXPECT_EQ(placed({"data", {{"kind", "rain"}, {"location", "ut3"}}}, "value").place, "outside");
}

TEST(PlaceRules, TheTestbedAndTheCourse) {
  const SeriesName outlet{"sensors", {{"location", "ecotype-1"}, {"sensor", "ecotype-1_pdu-Z1.50"}, {"sensor_type", "wattmeter"}, {"unit", "W"}}};
  EXPECT_EQ(placed(outlet, "value").place, "testbed/ecotype-1");
  EXPECT_EQ(placed(outlet, "value").unit, "W");
  EXPECT_EQ(placed({"csiot", {{"station", "7"}}}, "oxygen").quantity, "oxygen");
  EXPECT_EQ(placed({"csiot", {{"station", "7"}}}, "oxygen").place, "csiot/7");
}

TEST(PlaceRules, RulesOfTheSiteComeFirst) {
  const auto placement = placed({"data", {{"building", "u4"}}}, "value", {{.measurement = "data", .place = "campus/{building}", .name = "{field}"}});
  EXPECT_EQ(placement.place, "campus/u4");
  EXPECT_EQ(placement.name, "value");
}

TEST(ExpandTemplate, DropsEmptySegmentsAndKeepsTagsInOneSegment) {
  EXPECT_EQ(expand_template("{a}/{none}/{b}", {"m", {{"a", "x/y"}, {"b", "z"}}}, "f"), "x_y/z");
  EXPECT_EQ(expand_template("{none|=other}", {"m", {}}, "f"), "other");
  EXPECT_EQ(expand_template("{unclosed", {"m", {}}, "f"), "{unclosed");
}

TEST(PlaceRules, SkippedFieldsAreNoSensors) {
  const PlaceRules rules({});
  EXPECT_FALSE(PlaceRules::is_sensor(rules.rule_for("data"), "value_units"));
  EXPECT_TRUE(PlaceRules::is_sensor(rules.rule_for("data"), "value"));
}

}  // namespace
}  // namespace campanile::api
