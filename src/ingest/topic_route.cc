#include "ingest/topic_route.h"

#include <algorithm>

#include "base/text.h"

namespace campanile::ingest {
namespace {

RouteConfig skip(std::string_view pattern) { return {.pattern = std::string(pattern), .skip = true}; }

Result<const decoders::Decoder*> decoder_named(std::string_view name) {
  const auto* const decoder = decoders::find_decoder(name);
  if (decoder != nullptr) return decoder;
  const auto closest = closest_match(name, decoders::decoder_names());
  std::string all;
  for (const std::string_view known : decoders::decoder_names()) all += (all.empty() ? "" : ", ") + std::string(known);
  return fail(ErrorCode::kInvalidArgument, "there is no decoder '{}'{}; there are {}", excerpt(name),
              closest ? fmt::format(", maybe {} was meant", *closest) : "", all);
}

Result<void> check_tags(const RouteConfig& config, const TopicPattern& pattern) {
  auto keys = pattern.names();
  for (const auto& [key, value] : config.tags) {
    if (key.empty() || value.empty()) return fail(ErrorCode::kInvalidArgument, "tag '{}' has an empty {}", key, key.empty() ? "key" : "value");
    if (key == "time") return fail(ErrorCode::kInvalidArgument, "a tag cannot be called time");
    if (key.ends_with('\\') || value.ends_with('\\')) return fail(ErrorCode::kInvalidArgument, "tag {}={} ends in a backslash", key, value);
    if (std::ranges::find(keys, key) != keys.end()) return fail(ErrorCode::kInvalidArgument, "tag {} is given twice", key);
    keys.push_back(key);
  }
  return {};
}

Result<std::unique_ptr<const Route>> compile_route(const RouteConfig& config, const RouteDefaults& defaults) {
  auto route = std::make_unique<Route>(Route{.pattern = TRY(TopicPattern::parse(config.pattern)), .skip = config.skip, .tags = config.tags});
  if (config.skip) return route;
  route->decoder = TRY(decoder_named(config.decoder));
  route->measurement = config.measurement.empty() ? defaults.measurement : config.measurement;
  route->database = config.database.empty() ? defaults.database : config.database;
  route->field = config.field;
  if (route->measurement.empty() || route->measurement.ends_with('\\')) return fail(ErrorCode::kInvalidArgument, "measurement '{}' cannot be", route->measurement);
  if (route->field.empty() || route->field == "time") return fail(ErrorCode::kInvalidArgument, "a field cannot be called '{}'", route->field);
  TRY(check_tags(config, route->pattern));
  return route;
}

}  // namespace

Result<TopicRoutes> TopicRoutes::compile(std::span<const RouteConfig> configs, const RouteDefaults& defaults) {
  TopicRoutes routes;
  for (const RouteConfig& config : configs) {
    auto route = compile_route(config, defaults);
    if (!route) return with_context(route.error(), fmt::format("route {} ({})", routes.routes_.size() + 1, excerpt(config.pattern)));
    routes.routes_.push_back(std::move(*route));
  }
  return routes;
}

RoutedTopic TopicRoutes::find(std::string_view topic) const {
  RoutedTopic routed{.topic = std::make_unique<const std::string>(topic)};
  const std::vector<std::string_view> levels = split_levels(*routed.topic);
  for (const auto& route : routes_) {
    if (!route->pattern.matches(levels, routed.tags)) continue;
    routed.route = route.get();
    for (const auto& [key, value] : route->tags) routed.tags.push_back({key, value});
    std::ranges::sort(routed.tags, {}, &Tag::key);
    break;
  }
  return routed;
}

std::vector<RouteConfig> broker_load_routes() {
  std::vector<RouteConfig> routes;
  for (const std::string kind : {"publish", "bytes"}) {
    for (const std::string direction : {"received", "sent"}) {
      routes.push_back({.pattern = fmt::format("$SYS/broker/load/{}/{}/{{avg}}", kind, direction),
                        .decoder = "value",
                        .measurement = "mqtt",
                        .tags = {{"kind", kind}, {"direction", direction}}});
    }
  }
  return routes;
}

std::vector<RouteConfig> default_routes() {
  std::vector<RouteConfig> routes{
      {.pattern = "influx/#", .decoder = "line_protocol"},
      {.pattern = "csiot/{station}", .decoder = "json", .measurement = "csiot"},
      // What the campus' collector passes over: services, the sandbox, orders, and kinds whose messages are no readings.
      skip("$SYS/#"),
      skip("_*/#"),
      skip("TestTopic*/#"),
      skip("#/*command"),
  };
  for (const std::string_view word : {"camera", "access", "display", "attendance"}) routes.push_back(skip(fmt::format("#/*{}*/#", word)));
  routes.push_back({.pattern = "outside/+/{kind}"});
  routes.push_back({.pattern = "abroad/{location}/{building}/{room}/{kind}"});
  routes.push_back({.pattern = "{building}/{room}/{kind}"});
  return routes;
}

}  // namespace campanile::ingest
