// Topic routes: what becomes of a message, by its topic. The first route whose pattern matches decides.
//
//   const TopicRoutes routes = TRY(TopicRoutes::compile(configs, {.database = "campanile", .measurement = "data"}));
//   RoutedTopic routed = routes.find("u4/302/temperature");
//   if (routed.route != nullptr && !routed.route->skip) decode_with(*routed.route->decoder, routed.tags);
//
// docs/guides/topic-routes.md explains them to operators. A topic that no route matches is unrouted: its messages are passed on to
// subscribers and counted, and neither stored nor rejected, since the broker serves other uses too.
// Threads: immutable once compiled. Ownership: a RoutedTopic views into its routes, which must outlive it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "decoders/decoder.h"
#include "ingest/topic_pattern.h"

namespace campanile::ingest {

// A route as an operator writes it.
struct RouteConfig {
  std::string pattern;
  bool skip = false;  // passed on to subscribers, not stored
  std::string decoder = "neocampus";
  std::string measurement;  // empty: the default
  std::string database;     // empty: the default
  std::string field = "value";
  std::vector<std::pair<std::string, std::string>> tags;  // beside those that the pattern's names give
};

struct RouteDefaults {
  std::string database = "campanile";
  std::string measurement = "data";
};

struct Route {
  TopicPattern pattern;
  bool skip = false;
  const decoders::Decoder* decoder = nullptr;
  std::string measurement;
  std::string database;
  std::string field;
  std::vector<std::pair<std::string, std::string>> tags;
};

// A topic, the route it takes, and all tags of its points, sorted by key.
struct RoutedTopic {
  const Route* route = nullptr;  // nullptr: unrouted
  std::unique_ptr<const std::string> topic;
  std::vector<Tag> tags;
};

class TopicRoutes {
 public:
  // Errors: kInvalidArgument naming the route by its place in the list, from 1.
  static Result<TopicRoutes> compile(std::span<const RouteConfig> configs, const RouteDefaults& defaults);

  RoutedTopic find(std::string_view topic) const;
  std::span<const std::unique_ptr<const Route>> routes() const { return routes_; }

 private:
  std::vector<std::unique_ptr<const Route>> routes_;
};

// The topics of neOCampus and of the course, line protocol under influx/, and what of them holds no readings.
std::vector<RouteConfig> default_routes();

// The broker's own load averages of messages and bytes: measurement `mqtt` with the tags kind, direction and avg, as the campus'
// collector stores them.
std::vector<RouteConfig> broker_load_routes();

}  // namespace campanile::ingest
