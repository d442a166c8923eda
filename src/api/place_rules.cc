#include "api/place_rules.h"

#include <algorithm>

namespace campanile::api {
namespace {

std::string_view resolve(std::string_view alternative, const SeriesName& series, std::string_view field) {
  if (alternative.starts_with('=')) return alternative.substr(1);
  if (alternative == "field") return field;
  if (alternative == "measurement") return series.measurement;
  return series.tag(alternative);
}

// The first of "a|b|=text" that is not empty.
std::string_view first_of(std::string_view alternatives, const SeriesName& series, std::string_view field) {
  while (!alternatives.empty()) {
    const size_t bar = alternatives.find('|');
    const auto value = resolve(alternatives.substr(0, bar), series, field);
    if (!value.empty()) return value;
    alternatives = bar == std::string_view::npos ? std::string_view() : alternatives.substr(bar + 1);
  }
  return {};
}

// Drops what empty segments leave behind: "u4//" becomes "u4".
std::string without_empty_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const auto segment = path.substr(0, slash);
    if (!segment.empty()) {
      if (!out.empty()) out += '/';
      out += segment;
    }
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return out;
}

}  // namespace

std::string expand_template(std::string_view text, const SeriesName& series, std::string_view field) {
  std::string out;
  while (!text.empty()) {
    const size_t open = text.find('{');
    const size_t close = open == std::string_view::npos ? open : text.find('}', open);
    if (close == std::string_view::npos) break;
    out += text.substr(0, open);
    std::string value(first_of(text.substr(open + 1, close - open - 1), series, field));
    std::replace(value.begin(), value.end(), '/', '_');
    out += value;
    text = text.substr(close + 1);
  }
  out += text;
  return without_empty_segments(out);
}

std::vector<PlaceRule> default_place_rules() {
  return {
      {.measurement = "data",
       .place = "{building|=outside}/{room}",
       .name = "{unitID}/{subID}",
       .quantity = "{kind}",
       .unit_field = "value_units",
       .skipped_fields = {"value_units"}},
      {.measurement = "sensors", .place = "testbed/{location}", .name = "{sensor}", .quantity = "{sensor_type}", .unit = "{unit}"},
      {.measurement = "csiot", .place = "csiot/{station}", .name = "{field}", .quantity = "{field}"},
      // The broker's own load: for charts, and no sensor of the campus.
      {.measurement = "mqtt", .skipped_fields = {"value"}},
      {.measurement = "*",
       .place = "{place|building|location|site|host|station}/{room}",
       .name = "{sensor|device|name|host|measurement}/{field}",
       .quantity = "{kind|quantity|sensor_type|field}",
       .unit = "{unit}"},
  };
}

PlaceRules::PlaceRules(std::vector<PlaceRule> rules) : rules_(std::move(rules)) {
  // The built-in rules stand behind those of the configuration, so that a site writes down only what differs.
  for (auto& rule : default_place_rules()) rules_.push_back(std::move(rule));
}

const PlaceRule& PlaceRules::rule_for(std::string_view measurement) const {
  const auto fits = [&](const PlaceRule& rule) { return rule.measurement == "*" || rule.measurement == measurement; };
  return *std::find_if(rules_.begin(), rules_.end(), fits);
}

bool PlaceRules::is_sensor(const PlaceRule& rule, std::string_view field) {
  return std::find(rule.skipped_fields.begin(), rule.skipped_fields.end(), field) == rule.skipped_fields.end();
}

Placement PlaceRules::place(const PlaceRule& rule, const SeriesName& series, std::string_view field) {
  return {.place = expand_template(rule.place, series, field),
          .name = expand_template(rule.name, series, field),
          .quantity = expand_template(rule.quantity, series, field),
          .unit = expand_template(rule.unit, series, field)};
}

}  // namespace campanile::api
