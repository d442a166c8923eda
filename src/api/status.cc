#include "api/status.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "api/answers.h"
#include "base/process_memory.h"

namespace campanile::api {

StatusResource::StatusResource(StatusSources sources, const Clock& clock, std::string version)
    : sources_(std::move(sources)), clock_(clock), version_(std::move(version)), started_ns_(clock.steady_ns()) {}

void StatusResource::handle(net::HttpRequest, net::HttpResponder responder) const {
  responder.respond({.status = 200, .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, .body = json() + "\n"});
}

std::string StatusResource::json() const {
  const ingest::IngestStatus ingest = sources_.ingest.status();
  const tsdb::EngineStatus engine = sources_.engine.status();
  const journal::JournalStatus journal = sources_.journal.status();
  const auto clients = sources_.clients();
  boost::json::array problems;
  for (const Problem& problem : sources_.problems()) {
    problems.push_back({{"name", problem.name},
                        {"message", problem.message},
                        {"since_ms", to_ms(problem.since_ns)},
                        {"stops_writes", problem.stops_writes},
                        {"refused", problem.refused},
                        {"remedy", problem.remedy}});
  }
  boost::json::array listeners;
  for (const auto& listener : sources_.listeners()) {
    listeners.push_back({{"name", listener.name},
                         {"protocol", listener.protocol},
                         {"address", listener.address},
                         {"mount", listener.mount},
                         {"connections", listener.connections}});
  }
  boost::json::array databases;
  for (const auto& database : sources_.databases()) databases.push_back({{"name", database.name}, {"sync_every_ms", database.sync_every_ms}});
  boost::json::array unrouted_topics;
  for (const std::string& topic : ingest.unrouted_topics) unrouted_topics.emplace_back(topic);

  const boost::json::value body = {
      {"type", "status"},
      {"version", version_},
      {"time_ms", to_ms(clock_.now_ns())},
      {"uptime_s", (clock_.steady_ns() - started_ns_) / kNanosPerSecond},
      {"state", problems.empty() ? "ok" : "degraded"},
      {"problems", problems},
      {"rates",
       {{"messages_per_s", ingest.messages_per_s},
        {"points_per_s", ingest.points_per_s},
        {"bytes_per_s", ingest.bytes_per_s},
        {"rejected_per_s", ingest.rejected_per_s}}},
      {"totals",
       {{"messages", ingest.messages},
        {"points", ingest.points},
        {"rejected", sources_.rejected.counts().total},
        {"ignored", ingest.ignored},
        {"skipped", ingest.skipped},
        {"unrouted", ingest.unrouted}}},
      {"unrouted_topics", unrouted_topics},
      {"listeners", listeners},
      {"databases", databases},
      {"clients", clients.connected},
      {"subscriptions", clients.subscriptions},
      {"series", engine.series},
      {"head_points", engine.head_points},
      {"memory_bytes", resident_bytes()},
      {"disk_bytes", sources_.store.disk_bytes() + journal.kept_bytes}};
  return boost::json::serialize(body);
}

}  // namespace campanile::api
