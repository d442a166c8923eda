#include "api/audit.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "api/answers.h"
#include "api/time_parameter.h"
#include "base/text.h"
#include "query/languages/influxql/time_text.h"

namespace campanile::api {
namespace {

constexpr int64_t kDefaultLimit = 100;
constexpr int64_t kLimitMax = 1'000;
constexpr int64_t kLinesMax = 100'000'000;

boost::json::value end_of_range(int64_t time_ns, int64_t none) {
  return time_ns == none ? boost::json::value(nullptr) : boost::json::value(query::influxql::format_time(time_ns));
}

boost::json::object entry_json(const audit::AuditEntry& entry) {
  return {{"id", entry.id},
          {"time_ms", to_ms(entry.time_ns)},
          {"state", audit::to_string(entry.state)},
          {"ended_ms", entry.state == audit::State::kBegun ? boost::json::value(nullptr) : boost::json::value(to_ms(entry.ended_ns))},
          {"kind", entry.kind},
          {"who", entry.who},
          {"what", entry.what},
          {"why", entry.why},
          {"database", entry.database},
          {"start", end_of_range(entry.from_ns, INT64_MIN)},
          {"end", end_of_range(entry.to_ns, INT64_MAX)},
          {"series", entry.series},
          {"values", entry.values},
          {"note", entry.note}};
}

Result<audit::AuditFilter> parse_filter(const net::HttpRequest& request, bool as_lines) {
  audit::AuditFilter filter;
  filter.limit = static_cast<size_t>(TRY(integer_parameter(request, "limit", as_lines ? kLinesMax : kDefaultLimit, 1, as_lines ? kLinesMax : kLimitMax)));
  filter.before = static_cast<uint64_t>(TRY(integer_parameter(request, "before", 0, 0, INT64_MAX)));
  filter.kind = request.parameter("kind").value_or("");
  if (const auto since = request.parameter("since"); since && !since->empty()) filter.since_ns = TRY(parse_when("parameter since", *since));
  return filter;
}

}  // namespace

AuditResource::AuditResource(const audit::AuditLog& log, Background background) : log_(log), background_(std::move(background)) {}

void AuditResource::handle(net::HttpRequest request, net::HttpResponder responder) {
  const std::string_view format = request.parameter("format").value_or("json");
  if (format != "json" && format != "jsonl") {
    return responder.respond(error_answer({ErrorCode::kInvalidArgument, fmt::format("parameter format is '{}'; json or jsonl is wanted", excerpt(format))}));
  }
  const bool as_lines = format == "jsonl";
  const auto filter = parse_filter(request, as_lines);
  if (!filter) return responder.respond(error_answer(filter.error()));
  if (!as_lines) return run_answer(background_, std::move(responder), [this, filter = *filter] { return answer(filter); });
  run_later(background_, std::move(responder), [this, filter = *filter](const SharedResponder& later) { send_lines(filter, *later); });
}

net::HttpResponse AuditResource::answer(const audit::AuditFilter& filter) const {
  const auto found = log_.list(filter);
  if (!found) return error_answer(found.error());
  boost::json::array entries;
  for (const audit::AuditEntry& entry : *found) entries.push_back(entry_json(entry));
  const auto counts = log_.counts();
  return json_answer(200, boost::json::object{{"kept", counts.kept}, {"dropped", counts.dropped}, {"entries", std::move(entries)}});
}

// Page by page, so that neither the whole log nor its lines are ever in memory.
void AuditResource::send_lines(audit::AuditFilter filter, net::HttpResponder& responder) const {
  size_t left = filter.limit;
  bool begun = false;
  while (left > 0) {
    filter.limit = std::min<size_t>(left, kLimitMax);
    const auto page = log_.list(filter);
    // With the answer begun the connection is cut instead, so that nobody takes a part for the whole.
    if (!page && !begun) return responder.respond(error_answer(page.error()));
    if (!page) return;
    if (!begun) responder.begin(200, {{"Content-Type", "application/x-ndjson"}});
    begun = true;
    std::string lines;
    for (const audit::AuditEntry& entry : *page) lines += boost::json::serialize(entry_json(entry)) + "\n";
    if (!lines.empty() && !responder.write(std::move(lines))) return;
    if (page->size() < filter.limit) break;
    left -= page->size();
    filter.before = page->back().id;
    if (filter.before == 1) break;
  }
  responder.finish();
}

}  // namespace campanile::api
