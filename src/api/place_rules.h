// Place rules: how a series' tags say where a sensor is, what it measures and what people call it.
//
//   PlaceRules rules({{.measurement = "data", .place = "{building|=outside}/{room}", .name = "{unitID}/{subID}", .quantity = "{kind}"}});
//   Placement placement = rules.place(series, "value");   // "u4/302", "auto_92f8/24", "temperature"
//
// A template holds {alternatives}: tag keys tried in turn, `field` and `measurement` for those names, and =text as a last resort.
// Path segments that come out empty are left out; a '/' inside a tag value becomes '_'.
// Threads: immutable once made.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/series_key.h"

namespace campanile::api {

struct PlaceRule {
  std::string measurement;  // "*": any. The first rule that fits decides.
  std::string place;
  std::string name;
  std::string quantity;
  std::string unit;
  std::string unit_field;                  // a string column of the same series that tells the unit, such as value_units
  std::vector<std::string> skipped_fields;  // columns that are no sensors themselves
};

struct Placement {
  std::string place;
  std::string name;
  std::string quantity;
  std::string unit;
};

class PlaceRules {
 public:
  // The built-in rules stand behind the given ones.
  explicit PlaceRules(std::vector<PlaceRule> rules);

  // The rule that a measurement follows. Always one: the last built-in rule fits everything.
  const PlaceRule& rule_for(std::string_view measurement) const;
  // Whether the column is a reading of its own.
  static bool is_sensor(const PlaceRule& rule, std::string_view field);
  static Placement place(const PlaceRule& rule, const SeriesName& series, std::string_view field);

 private:
  std::vector<PlaceRule> rules_;
};

// neOCampus rooms, the energy testbed's racks, the course's stations, then a guess by the usual tag keys.
std::vector<PlaceRule> default_place_rules();

// Fills a template in. Public for its tests.
std::string expand_template(std::string_view text, const SeriesName& series, std::string_view field);

}  // namespace campanile::api
