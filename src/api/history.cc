#include "api/history.h"

#include <boost/json/array.hpp>

#include "api/answers.h"
#include "api/window_reduction.h"

namespace campanile::api {
namespace {

constexpr int64_t kDefaultRange_ms = 15 * 60 * 1000;
constexpr int64_t kDefaultPoints = 600;
constexpr int64_t kPointsMax = 10'000;
// What still fits nanoseconds since 1970.
constexpr int64_t kTimeMax_ms = INT64_MAX / kNanosPerMilli;

Result<WindowReduction> reduce(const tsdb::Engine& engine, const SensorDirectory::Source& source, tsdb::TimeRange range, int64_t points) {
  const auto bucket = TRY(engine.bucket(source.database, ""));
  const auto reader = TRY(engine.reader(bucket));
  const auto cursor = TRY(reader->column(source.series, source.field, range, tsdb::Order::kAscending));
  WindowReduction reduction(range, points);
  TRY(reduction.add(*cursor));
  return reduction;
}

}  // namespace

struct HistoryResource::Range {
  tsdb::TimeRange time;
  int64_t points;
};

HistoryResource::HistoryResource(const SensorDirectory& directory, const tsdb::Engine& engine, const Clock& clock, Background background)
    : directory_(directory), engine_(engine), clock_(clock), background_(std::move(background)) {}

void HistoryResource::handle(net::HttpRequest request, net::HttpResponder responder) {
  constexpr std::string_view kPrefix = "/api/v1/sensors/";
  constexpr std::string_view kSuffix = "/history";
  std::string_view rest = std::string_view(request.path).substr(kPrefix.size());
  if (!rest.ends_with(kSuffix)) return responder.respond(error_answer({ErrorCode::kNotFound, "what is there for one sensor is /api/v1/sensors/{id}/history"}));
  const std::string id(rest.substr(0, rest.size() - kSuffix.size()));
  auto source = directory_.source(id);
  if (!source) return responder.respond(error_answer({ErrorCode::kNotFound, fmt::format("there is no sensor {}; /api/v1/sensors lists them", id)}));

  const int64_t now_ms = to_ms(clock_.now_ns());
  const auto to_time_ms = integer_parameter(request, "to_ms", now_ms, -kTimeMax_ms, kTimeMax_ms);
  if (!to_time_ms) return responder.respond(error_answer(to_time_ms.error()));
  const auto from_time_ms = integer_parameter(request, "from_ms", std::max(-kTimeMax_ms, *to_time_ms - kDefaultRange_ms), -kTimeMax_ms, *to_time_ms);
  if (!from_time_ms) return responder.respond(error_answer(from_time_ms.error()));
  const auto points = integer_parameter(request, "points", kDefaultPoints, 1, kPointsMax);
  if (!points) return responder.respond(error_answer(points.error()));

  const Range range{{*from_time_ms * kNanosPerMilli, *to_time_ms * kNanosPerMilli}, *points};
  run_answer(background_, std::move(responder), [this, source = std::move(*source), id, range] { return answer(source, id, range); });
}

net::HttpResponse HistoryResource::answer(const SensorDirectory::Source& source, const std::string& id, const Range& range) const {
  const auto reduction = reduce(engine_, source, range.time, range.points);
  if (!reduction) return error_answer(reduction.error());
  boost::json::array times, mean, min, max, last;
  for (const auto& window : reduction->windows()) {
    times.emplace_back(to_ms(window.start_ns));
    if (source.type == FieldType::kString) {
      last.emplace_back(window.last);
      continue;
    }
    mean.emplace_back(window.sum / static_cast<double>(window.count));
    min.emplace_back(window.min);
    max.emplace_back(window.max);
  }
  boost::json::object body = {{"id", id}, {"window_ms", reduction->window_ns() / kNanosPerMilli}, {"times_ms", std::move(times)}};
  if (source.type == FieldType::kString) {
    body["last"] = std::move(last);
  } else {
    body["mean"] = std::move(mean);
    body["min"] = std::move(min);
    body["max"] = std::move(max);
  }
  return json_answer(200, body);
}

}  // namespace campanile::api
