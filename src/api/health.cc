#include "api/health.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <date/date.h>
#include <fmt/ranges.h>

#include "api/answers.h"

namespace campanile::api {
namespace {

net::HttpResponse with_influx_headers(net::HttpResponse answer) {
  answer.headers.emplace_back("X-Influxdb-Version", kInfluxVersion);
  answer.headers.emplace_back("X-Influxdb-Build", "OSS");
  return answer;
}

std::string rfc3339(int64_t time_ns) {
  return date::format("%FT%TZ", date::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(to_ms(time_ns))));
}

}  // namespace

HealthResource::HealthResource(const Clock& clock, const Metrics& metrics, std::string version, Problems problems)
    : metrics_(metrics), version_(std::move(version)), problems_(std::move(problems)), clock_(clock), started_ns_(clock.now_ns()) {}

void HealthResource::ping(net::HttpRequest request, net::HttpResponder responder) const {
  const auto verbose = request.parameter("verbose");
  if (!verbose || *verbose == "false" || *verbose == "0") return responder.respond(with_influx_headers({.status = 204}));
  responder.respond(with_influx_headers(json_answer(200, {{"version", kInfluxVersion}})));
}

void HealthResource::health(net::HttpRequest, net::HttpResponder responder) const {
  boost::json::array checks;
  std::vector<std::string> messages;
  bool takes_writes = true;
  for (const Problem& problem : problems_()) {
    takes_writes &= !problem.stops_writes;
    messages.push_back(problem.message);
    checks.push_back({{"name", problem.name},
                      {"status", "fail"},
                      {"message", problem.message},
                      {"since", rfc3339(problem.since_ns)},
                      {"stops_writes", problem.stops_writes},
                      {"refused", problem.refused},
                      {"remedy", problem.remedy}});
  }
  if (takes_writes) messages.insert(messages.begin(), "ready for queries and writes");
  responder.respond(with_influx_headers(json_answer(takes_writes ? 200 : 503, {{"checks", std::move(checks)},
                                                                               {"message", fmt::format("{}", fmt::join(messages, "; "))},
                                                                               {"name", "influxdb"},
                                                                               {"status", takes_writes ? "pass" : "fail"},
                                                                               {"version", kInfluxVersion},
                                                                               {"campanile", version_}})));
}

void HealthResource::ready(net::HttpRequest, net::HttpResponder responder) const {
  const int64_t up_s = (clock_.now_ns() - started_ns_) / kNanosPerSecond;
  responder.respond(with_influx_headers(
      json_answer(200, {{"status", "ready"}, {"started", rfc3339(started_ns_)}, {"up", fmt::format("{}s", up_s)}})));
}

void HealthResource::metrics(net::HttpRequest, net::HttpResponder responder) const {
  responder.respond({.status = 200,
                     .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}, {"Cache-Control", "no-store"}},
                     .body = metrics_.render()});
}

}  // namespace campanile::api
